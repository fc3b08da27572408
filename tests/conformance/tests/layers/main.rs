//! Layers: a store with any of them, and with any stack of them, behaves as one without.
//!
//! Each layer by itself over memory, and stacks that are drawn at random over every backend.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "a test may panic, and so may what helps it")]

mod cached;
mod encrypted;
mod forwarding;
mod guards;
mod stacks;
mod telemetry;

use std::time::Duration;

use futures::{StreamExt as _, stream};
use storehouse_conformance::{Behaviour, Verdict, behaviours, native::block_on};
use storehouse_runtime::{
    Store,
    layers::{Cached, Chaos, ConcurrencyLimit, Log, Retry, Telemetry, Timeout},
};

/// So many behaviours are checked at once, since some of them only wait. They share a thread, so each
/// waits for the others: more of them would come too late on a machine that does much else.
const AT_ONCE: usize = 6;

/// Holds what `open` opens to each behaviour that `concerns` it.
#[allow(clippy::needless_pass_by_value, reason = "it is a closure, written where it is given")]
fn hold(open: impl AsyncFn(&str) -> Store, concerns: impl Fn(&Behaviour) -> bool) {
    let verdicts: Vec<_> = block_on(
        stream::iter(behaviours().iter().filter(|behaviour| concerns(behaviour)))
            .map(|behaviour| {
                let open = &open;
                async move { (behaviour.full_name(), behaviour.check(open).await) }
            })
            .buffer_unordered(AT_ONCE)
            .collect(),
    );
    let failed: Vec<_> =
        (verdicts.iter()).filter(|(_, verdict)| matches!(verdict, Verdict::Failed(_))).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let passed = verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Passed).count();
    assert!(passed > 10, "only {passed} behaviours applied");
    eprintln!("{passed} behaviours");
}

fn hold_in_memory(wrap: impl Fn(Store) -> Store) {
    hold(async |_: &str| wrap(memory().await), |_| true);
}

/// What waits for somebody who does not end takes minutes for those who try again what is busy.
const WAIT_IN_VAIN: [&str; 2] =
    ["sharing::tells_a_writer_that_it_waited_too_long", "transactions::let_nobody_wait_for_ever"];

fn ends_soon(behaviour: &Behaviour) -> bool {
    !WAIT_IN_VAIN.contains(&&*behaviour.full_name())
}

async fn memory() -> Store {
    storehouse::open("memory:").await.expect("memory is always there")
}

/// Faults that can be retried: those of single operations.
fn faults() -> Chaos {
    Chaos::new(fastrand::u64(..)).failures(0.2).outside_transactions()
}

fn persistent_retry() -> Retry {
    Retry::new().attempts(40).first_wait(Duration::from_micros(10))
}

#[test]
fn timeout() {
    hold_in_memory(|store| store.layer(Timeout::new(Duration::from_mins(1))));
}

#[test]
fn retry() {
    hold_in_memory(|store| store.layer(Retry::new()));
}

#[test]
fn retry_around_faults() {
    let open = async |_: &str| memory().await.layer(faults()).layer(persistent_retry());
    hold(open, ends_soon);
}

#[test]
fn concurrency_limit() {
    hold_in_memory(|store| store.layer(ConcurrencyLimit::new(1)));
}

#[test]
fn log() {
    hold_in_memory(|store| store.layer(Log::new()));
}

#[test]
fn delays() {
    let delays = || Chaos::new(fastrand::u64(..)).delays(0.3, Duration::from_micros(300));
    hold_in_memory(|store| store.layer(delays()));
}

#[test]
fn spans_that_nobody_listens_to() {
    hold_in_memory(|store| store.layer(Telemetry::new()));
}

#[test]
fn cache() {
    hold_in_memory(|store| store.layer(Cached::new()));
    hold_in_memory(|store| store.layer(Cached::new().capacity(2)));
}
