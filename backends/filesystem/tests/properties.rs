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

/// What is in the files of a folder, damaged or made up.
fn file(rng: &mut Rng) -> Vec<u8> {
    const TEXTS: [&str; 8] = [
        r#"{"id": 2, "text": "a"}"#,
        r#"{"files": [{"place": "3.json", "from": "1-1"}, {"place": "../../x.json"}]}"#,
        r#"{"files": [{"place": ".storehouse/ids.json", "from": "1-1"}, {"place": "2.json"}]}"#,
        r#"{"greatest": 9223372036854775807}"#,
        r#"{"log": "00000000-0000-0000-0000-000000000001"}"#,
        r#"{"at": 1, "changes": [{"new": {"id": 1, "text": null}}, {"old": {"id": 2}}]}"#,
        r#"{"at": 1, "changes": [{"new": {"key": "a", "value": 1, "revision": 0}}]}"#,
        r#"{"key": "a", "value": 9223372036854775807, "expires_at": "2000-01-01T00:00:00Z"}"#,
    ];
    let mut text = TEXTS[rng.usize(..TEXTS.len())].as_bytes().to_vec();
    for _ in 0..rng.usize(..4) {
        let at = rng.usize(..=text.len());
        match rng.u8(..4) {
            0 => text.truncate(at),
            1 => text.extend_from_within(at..),
            2 => {
                let byte = rng.choice(b"{}[],:\"0-\\./\xff\0".iter()).copied();
                text.insert(at, byte.unwrap_or(b' '));
            }
            _ if at < text.len() => drop(text.remove(at)),
            _ => {}
        }
    }
    text.insert(0, rng.u8(..));
    text
}

fn holds(property: fn(&[u8]), seed: u64) {
    holds_for(property, seed, TIMES, input);
}

fn holds_for(property: fn(&[u8]), seed: u64, times: usize, input: fn(&mut Rng) -> Vec<u8>) {
    let mut rng = Rng::with_seed(seed);
    property(&[]);
    for _ in 0..times {
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

#[test]
fn folders_hold() {
    // A folder each, which takes a thousand times as long.
    holds_for(properties::folder, 4, 400, file);
}
