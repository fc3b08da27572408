//! The properties of the fuzz targets, on random input that is often nearly right.

#[path = "../../../fuzz/src/lib.rs"]
mod properties;

use fastrand::Rng;

const TIMES: usize = 5_000;

/// Bytes that mean something to one of the decoders, now and then among others.
fn input(rng: &mut Rng) -> Vec<u8> {
    let mut input = Vec::new();
    for _ in 0..rng.usize(..16) {
        match rng.u8(..8) {
            // What a value in a cursor begins with, and what it may go on with.
            0..=2 => {
                input.push(rng.u8(..12));
                let width = *rng.choice(&[0, 1, 4, 8, 16]).unwrap_or(&0);
                input.extend((0..width).map(|_| if rng.bool() { 0 } else { rng.u8(..) }));
            }
            // A length, and that many bytes or others.
            3 => {
                let length = rng.usize(..9);
                input.extend([4, 0, 0, 0, 0, 0, 0, 0]);
                input.push(u8::try_from(length).unwrap_or_default());
                input.extend((0..length).map(|_| rng.alphanumeric() as u8));
            }
            4 => input.extend(b"+%~,./\\ .bin%2f"[rng.usize(..8)..].iter().copied()),
            5 => input.extend(rng.char(..).to_string().bytes()),
            6 => input.extend((0..rng.usize(..300)).map(|_| rng.lowercase() as u8)),
            _ => input.extend((0..rng.usize(..40)).map(|_| rng.u8(..))),
        }
    }
    // The head of a cursor of a change.
    if rng.u8(..4) == 0 {
        let kind = [b'c', b't', b's', b'x'][rng.usize(..4)];
        let head = [1, kind].into_iter().chain((0..32).map(|_| rng.u8(..)));
        input = head.chain(input).collect();
    }
    input
}

fn holds(property: fn(&[u8]), seed: u64) {
    let mut rng = Rng::with_seed(seed);
    property(&[]);
    for _ in 0..TIMES {
        let input = input(&mut rng);
        let held = std::panic::catch_unwind(|| property(&input));
        assert!(held.is_ok(), "it fails for {input:?}");
    }
}

#[test]
fn names_hold() {
    holds(properties::names, 1);
}

#[test]
fn cursors_of_changes_hold() {
    holds(properties::change_cursor, 2);
}

#[test]
fn cursors_of_pages_hold() {
    holds(properties::page_cursor, 3);
}
