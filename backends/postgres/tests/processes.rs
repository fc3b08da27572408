//! Several processes on one database: set up at once, and killed in the middle of writes.
//!
//! The other processes are this test program again, started with the name of one test and a
//! variable in the environment that tells it which database to work on.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::HashMap,
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
};

use storehouse::{Result, Table};
use storehouse_test_postgres::Database;
use support::*;

const DATABASE: &str = "STOREHOUSE_PROCESSES_DATABASE";
const RUN: &str = "STOREHOUSE_PROCESSES_RUN";
/// What a child writes before the number of each row that was acknowledged to it.
const ACKNOWLEDGED: &str = "acknowledged ";
const KILLS: i64 = 20;
const AT_ONCE: i64 = 16;

#[derive(Table, Clone, Debug, PartialEq)]
#[table(schema = "shop", name = "products", index(name, price), unique(name))]
struct Product {
    #[table(key, auto)]
    id: i64,
    name: String,
    price: f64,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Written {
    #[table(key)]
    run: i64,
    #[table(key)]
    number: i64,
    text: String,
}

/// A process that is ended with its owner.
struct Process(Child);

impl Process {
    fn start(test: &str, database: &Database, run: i64) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(DATABASE, database.url())
            .env(RUN, run.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn output(&mut self) -> BufReader<ChildStdout> {
        BufReader::new(self.0.stdout.take().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What this process was started for, if it was by a test of this file.
fn errand() -> Option<(String, i64)> {
    Some((env::var(DATABASE).ok()?, env::var(RUN).ok()?.parse().unwrap()))
}

async fn set_up(url: &str, process: i64) -> Result<()> {
    let opened = Opened::open(url, |options| options).await?;
    let products = opened.store.tabular::<Product>().await?;
    products.setup_database().await?;
    // Again, and others at the same time.
    let (items, entries) =
        (opened.store.tabular::<Item>().await?, opened.store.tabular::<Entry>().await?);
    let (one, two, three) = futures::future::join3(
        items.setup_database(),
        entries.setup_database(),
        products.setup_database(),
    )
    .await;
    one.and(two).and(three)?;
    products.put(ProductInsert { name: format!("product {process}"), price: 1.0 }).await?;
    items.put(item(process)).await?;
    Ok(())
}

/// Started by the next test it is one of many processes; by itself it is the only one.
#[tokio::test]
async fn a_process_sets_up() {
    if let Some((url, process)) = errand() {
        set_up(&url, process).await.unwrap();
    } else {
        let database = Database::create().await;
        set_up(database.url(), 0).await.unwrap();
    }
}

#[tokio::test]
async fn many_processes_set_up_at_once() {
    let database = Database::create().await;
    let processes: Vec<_> =
        (0..AT_ONCE).map(|run| Process::start("a_process_sets_up", &database, run)).collect();
    let ends = processes.into_iter().map(|mut process| {
        // What it says is read beside waiting, so that it never waits for a full pipe.
        tokio::task::spawn_blocking(move || {
            let (mut output, mut errors) = (process.output(), process.0.stderr.take().unwrap());
            let errors = thread::spawn(move || std::io::read_to_string(&mut errors).unwrap());
            let output = std::io::read_to_string(&mut output).unwrap();
            (process.0.wait().unwrap(), output, errors.join().unwrap())
        })
    });
    for end in ends.collect::<Vec<_>>() {
        let (status, output, errors) = in_time(end).await.unwrap();
        assert!(status.success(), "{output}\n{errors}");
    }
    let opened = Opened::open(database.url(), |options| options).await.unwrap();
    let products = opened.table::<Product>().await;
    assert_eq!(products.size().await.unwrap(), AT_ONCE.unsigned_abs());
    assert_eq!(opened.table::<Item>().await.size().await.unwrap(), AT_ONCE.unsigned_abs());
}

fn text(run: i64, number: i64) -> String {
    format!("{run}-{number} ").repeat(20)
}

/// Writes rows, many at once, and says of each when it is done.
async fn write(url: &str, run: i64, numbers: impl Iterator<Item = i64>) -> Result<()> {
    let opened = Opened::open(url, |options| options).await?;
    let written = opened.store.tabular::<Written>().await?;
    written.setup_database().await?;
    let numbers: Vec<i64> = numbers.collect();
    for numbers in numbers.chunks(32) {
        let puts = numbers.iter().map(async |&number| {
            written.put(Written { run, number, text: text(run, number) }).await?;
            let mut output = std::io::stdout().lock();
            // The parent may have gone; this process then ends with it.
            let _ = writeln!(output, "{ACKNOWLEDGED}{number}").and_then(|()| output.flush());
            Ok(())
        });
        futures::future::try_join_all(puts).await?;
    }
    Ok(())
}

/// Started by the next test it writes until it is killed; by itself it writes a few rows.
#[tokio::test]
async fn a_process_writes() {
    if let Some((url, run)) = errand() {
        write(&url, run, 0..1_000_000).await.unwrap();
    } else {
        let database = Database::create().await;
        write(database.url(), 0, 0..100).await.unwrap();
        let opened = Opened::open(database.url(), |options| options).await.unwrap();
        assert_eq!(opened.table::<Written>().await.size().await.unwrap(), 100);
    }
}

#[tokio::test]
async fn what_a_killed_process_was_told_is_there() {
    let database = Database::create().await;
    let opened = Opened::open(database.url(), |options| options).await.unwrap();
    let table = opened.table::<Written>().await;
    let mut rng = fastrand::Rng::with_seed(3);
    let mut acknowledged = 0;
    for run in 0..KILLS {
        let mut process = Process::start("a_process_writes", &database, run);
        let mut output = process.output();
        // Some are killed on their way up.
        let wanted = rng.usize(..200);
        let told = tokio::task::spawn_blocking(move || {
            let mut told = Vec::new();
            let mut line = String::new();
            let mut is_killed = false;
            loop {
                if told.len() >= wanted && !is_killed {
                    process.0.kill().unwrap();
                    is_killed = true;
                }
                line.clear();
                // A line that the kill cut off has no end, and was not said.
                let read = output.read_line(&mut line).unwrap();
                if read == 0 || !line.ends_with('\n') {
                    process.0.wait().unwrap();
                    return told;
                }
                if let Some((_, number)) = line.trim_end().split_once(ACKNOWLEDGED) {
                    told.push(number.parse::<i64>().unwrap());
                }
            }
        });
        let told = in_time(told).await.unwrap();
        acknowledged += told.len();
        let stored = table.query(Written::RUN.eq(run)).await.unwrap();
        let stored: HashMap<i64, String> =
            stored.into_iter().map(|written| (written.number, written.text)).collect();
        for number in told {
            assert_eq!(stored.get(&number), Some(&text(run, number)), "run {run}");
        }
        // What was not acknowledged is whole, or not there.
        for (number, stored) in stored {
            assert_eq!(stored, text(run, number));
        }
    }
    assert!(acknowledged > 500, "only {acknowledged} rows were acknowledged");
}
