//! The model held to itself: that it tries everything, and that it finds what is wrong.

mod faulty;

use std::sync::Arc;

use storehouse_runtime::{DynBackend, memory::InMemoryBackend};

use super::{Options, check};
use crate::native::block_on;

async fn memory(_database: &str) -> Arc<dyn DynBackend> {
    Arc::new(InMemoryBackend::new())
}

/// A test that never gets to a conflict, or asks only empty tables, would find nothing.
#[test]
fn everything_is_tried_often_enough() {
    let options = Options { operations: 10_000, ..Options::default() };
    let tally = block_on(check(memory, options)).unwrap();
    for (operation, outcome, at_least) in [
        ("set up", "something", 30),
        ("get", "something", 200),
        ("get", "nothing", 50),
        ("get many", "something", 100),
        ("select", "something", 400),
        ("select", "nothing", 200),
        ("count", "something", 100),
        ("put", "something", 700),
        ("put", "Conflict", 60),
        ("insert", "something", 200),
        ("insert", "Conflict", 50),
        ("insert if absent", "something", 200),
        ("insert if absent", "nothing", 100),
        ("update", "something", 150),
        ("update", "Conflict", 10),
        ("update where", "something", 40),
        ("update where", "Conflict", 5),
        ("upsert", "something", 200),
        ("upsert", "Conflict", 10),
        ("delete", "something", 100),
        ("delete search", "something", 20),
        ("delete all", "something", 15),
        ("begin", "something", 100),
        ("commit", "something", 50),
        ("roll back", "something", 20),
        ("drop transaction", "something", 20),
        ("savepoint", "something", 50),
        ("release savepoint", "something", 5),
        ("roll back savepoint", "something", 20),
        ("aggregate", "something", 150),
        ("aggregate", "nothing", 10),
        ("aggregate", "Validation", 1),
        ("select", "Schema", 20),
        ("put", "Schema", 20),
    ] {
        let count = tally.count(operation, outcome);
        assert!(count >= at_least, "{operation}: {outcome} came up {count} times\n{tally}");
    }
}

#[test]
fn every_fault_is_found_and_told_in_few_words() {
    for fault in faulty::FAULTS {
        let open = async |_: &str| faulty::backend(fault);
        let found = block_on(check(open, Options::default()));
        let found = found.err().unwrap_or_else(|| panic!("{fault:?} was not found"));
        assert!(found.story.len() <= 8, "{fault:?} takes a long story: {found}");
    }
}

#[test]
fn a_seed_leads_to_the_same_operations() {
    let options = |seed| Options { operations: 400, seed, ..Options::default() };
    let tally = |seed| block_on(check(memory, options(seed))).unwrap();
    assert_eq!(tally(7), tally(7));
    assert_ne!(tally(7), tally(8));
}
