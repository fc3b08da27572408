//! The watching example, in two processes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/watch.rs"]
#[allow(dead_code, reason = "the example's own `main` is not called")]
mod example;

use std::{
    env,
    process::{Command, Stdio},
};

const URL: &str = "STOREHOUSE_WATCH_URL";

/// Started by the tests below it writes; by itself it does nothing.
#[tokio::test]
async fn another_process_writes() {
    if let Ok(url) = env::var(URL) {
        example::write(&url).await.unwrap();
    }
}

/// Follows until so many lines are printed, while another process writes so many times.
async fn watched(url: &str, writes: usize, lines: usize) -> Vec<String> {
    let mut out = Vec::new();
    let watched = example::watch(url, &mut out, lines);
    let written = async {
        for _ in 0..writes {
            let mut other = Command::new(env::current_exe().unwrap());
            other.args(["another_process_writes", "--exact"]).env(URL, url).stdout(Stdio::null());
            let status = tokio::task::spawn_blocking(move || other.status()).await.unwrap();
            assert!(status.unwrap().success());
        }
    };
    let (watched, ()) = tokio::join!(watched, written);
    watched.unwrap();
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

async fn check(url: &str) {
    let story = [
        "new: hammer for 9.5",
        "new: saw for 20",
        "saw was 20 and is 18.5",
        "gone: hammer, which was 9.5",
    ];
    let again = ["new: hammer for 9.5", "saw was 18.5 and is 20", story[2], story[3]];
    assert_eq!(watched(url, 0, 1).await, ["that is all so far"]);
    // What was written is printed once, whichever of several watchers, one after another, is there.
    assert_eq!(watched(url, 1, 3).await, story[..3]);
    assert_eq!(watched(url, 1, 5).await, [&story[3..], &again].concat());
    assert_eq!(watched(url, 1, 4).await, again);
}

#[tokio::test]
async fn on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    check(&format!("sqlite:{}", folder.path().join("watch.db").display())).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn on_postgres() {
    check(storehouse_test_postgres::Database::create().await.url()).await;
}
