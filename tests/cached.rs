//! The example of the cached store does what it says.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/cached.rs"]
#[allow(dead_code, reason = "the example's own `main` is not called")]
mod example;

#[tokio::test]
async fn all_but_the_first_reads_and_that_after_the_write_come_from_memory() {
    let statistics = example::shop("sqlite::memory:").await.unwrap();
    assert_eq!((statistics.hits, statistics.misses), (5, 4));
}
