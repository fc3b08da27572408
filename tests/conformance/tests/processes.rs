//! Several processes on one SQLite file: writing and reading at once, and killed in the middle of
//! writes.
//!
//! The other processes are this test program again, started with the name of one test and a
//! variable in the environment that tells it which file to work on.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use futures::future::join_all;
use rusqlite::Connection;
use storehouse::{Error, Result, Store, Table, Tabular};
use storehouse_conformance::native::block_on;

const FILE: &str = "STOREHOUSE_PROCESSES_FILE";
const RUN: &str = "STOREHOUSE_PROCESSES_RUN";
/// What a child writes before the number of each batch that was acknowledged to it.
const ACKNOWLEDGED: &str = "acknowledged ";
const KILLS: i64 = 60;
const PATIENCE: Duration = Duration::from_mins(2);

/// A row of a batch.
#[derive(Table, Clone, Debug, PartialEq)]
struct Entry {
    #[table(key)]
    run: i64,
    #[table(key)]
    batch: i64,
    #[table(key)]
    place: i64,
    #[table(index)]
    text: String,
}

/// Written together with the rows of a batch that is a transaction.
#[derive(Table, Clone, Debug, PartialEq)]
struct Ledger {
    #[table(key)]
    run: i64,
    #[table(key)]
    batch: i64,
}

/// A row with a generated key.
#[derive(Table, Clone, Debug, PartialEq)]
struct Shared {
    #[table(key, auto)]
    id: i64,
    #[table(unique)]
    author: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Counter {
    #[table(key)]
    name: String,
    value: i64,
}

/// How many rows a batch has: one, a bulk of 20, or a transaction of 10.
fn rows_of(batch: i64) -> usize {
    [1, 20, 10][usize::try_from(batch % 3).unwrap()]
}

fn is_transaction(batch: i64) -> bool {
    batch % 3 == 2
}

struct Tables {
    store: Store,
    entries: Tabular<Entry>,
    ledger: Tabular<Ledger>,
}

impl Tables {
    async fn open(file: &Path) -> Result<Self> {
        let store = storehouse::open(&format!("sqlite://{}", file.display())).await?;
        let entries = store.tabular::<Entry>().await?;
        let ledger = store.tabular::<Ledger>().await?;
        entries.setup_database().await?;
        ledger.setup_database().await?;
        Ok(Self { store, entries, ledger })
    }

    async fn write(&self, run: i64, batch: i64) -> Result<()> {
        let rows = (0..).take(rows_of(batch));
        let rows = rows.map(|place| Entry { run, batch, place, text: "text ".repeat(50) });
        if is_transaction(batch) {
            self.store
                .transaction(async |tx| {
                    let entries = self.entries.in_tx(tx);
                    for row in rows {
                        entries.put(row).await?;
                    }
                    self.ledger.in_tx(tx).put(Ledger { run, batch }).await
                })
                .await?;
        } else {
            self.entries.put_bulk(rows).await?;
        }
        Ok(())
    }

    /// Holds the tables to what was acknowledged: that is there, and no batch is half there.
    async fn check(&self, acknowledged: &[(i64, i64)]) -> Result<usize> {
        let mut found: BTreeMap<(i64, i64), usize> = BTreeMap::new();
        for entry in self.entries.get_all().await? {
            *found.entry((entry.run, entry.batch)).or_default() += 1;
        }
        for batch in acknowledged {
            assert!(found.contains_key(batch), "batch {batch:?} was acknowledged and is gone");
        }
        for (&(run, batch), &rows) in &found {
            assert_eq!(rows, rows_of(batch), "of batch {batch} of run {run} a part is there");
            let in_ledger = self.ledger.get(&LedgerKey { run, batch }).await?.is_some();
            assert_eq!(in_ledger, is_transaction(batch), "batch {batch} of run {run}");
        }
        let transactions = found.keys().filter(|(_, batch)| is_transaction(*batch)).count();
        assert_eq!(self.ledger.size().await?, transactions as u64);
        Ok(found.len())
    }
}

/// A process that is ended with its owner, and what it says.
struct Process {
    child: Child,
    output: Option<BufReader<ChildStdout>>,
}

impl Process {
    fn start(test: &str, file: &Path, run: i64) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(FILE, file)
            .env(RUN, run.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().map(BufReader::new);
        Self { child, output }
    }

    /// Waits for its end, and fails when it does not succeed in time.
    fn succeed(&mut self) {
        let begun = Instant::now();
        // Read to the end beside waiting, so that it never waits for a full pipe.
        let mut output = self.output.take().unwrap();
        let reader = thread::spawn(move || std::io::read_to_string(&mut output).unwrap());
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "the process does not end");
            thread::sleep(Duration::from_millis(5));
        };
        assert!(status.success(), "{}", reader.join().unwrap());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What this process was started for, if it was by a test of this file.
fn errand() -> Option<(String, i64)> {
    Some((env::var(FILE).ok()?, env::var(RUN).ok()?.parse().unwrap()))
}

fn acknowledge(batch: i64) {
    let mut output = std::io::stdout().lock();
    // The parent may have gone; this process then ends with it.
    let _ = writeln!(output, "{ACKNOWLEDGED}{batch}").and_then(|()| output.flush());
}

/// Writes batches, some at once so that they share a commit, and says of each when it is done.
async fn write_batches(tables: &Tables, run: i64, rounds: impl Iterator<Item = i64>) -> Result<()> {
    const AT_ONCE: i64 = 6;
    for round in rounds {
        let batches = (round * AT_ONCE)..((round + 1) * AT_ONCE);
        let writes = batches.map(async |batch| {
            tables.write(run, batch).await?;
            acknowledge(batch);
            Ok::<_, Error>(())
        });
        join_all(writes).await.into_iter().collect::<Result<()>>()?;
    }
    Ok(())
}

/// Started by the next test it writes until it is killed; by itself it writes a few batches.
#[test]
fn what_is_acknowledged_is_there() {
    if let Some((file, run)) = errand() {
        block_on(async {
            let tables = Tables::open(Path::new(&file)).await?;
            write_batches(&tables, run, 0..).await
        })
        .unwrap();
    } else {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("alone.db");
        block_on(async {
            let tables = Tables::open(&file).await?;
            write_batches(&tables, 0, 0..4).await?;
            let acknowledged: Vec<(i64, i64)> = (0..24).map(|batch| (0, batch)).collect();
            assert_eq!(tables.check(&acknowledged).await?, 24);
            Ok::<_, Error>(())
        })
        .unwrap();
    }
}

/// Reads a process's output in a thread, and ends when the process has.
fn acknowledgements(mut process: BufReader<ChildStdout>, run: i64) -> mpsc::Receiver<(i64, i64)> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        // A line that the kill cut off has no end, and was not said.
        while process.read_line(&mut line).is_ok_and(|length| length > 0) && line.ends_with('\n') {
            if let Some((_, batch)) = line.trim_end().split_once(ACKNOWLEDGED) {
                let _ = sender.send((run, batch.parse().unwrap()));
            }
            line.clear();
        }
    });
    receiver
}

#[test]
fn a_killed_process_leaves_whole_batches_and_all_that_were_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("killed.db");
    let mut rng = fastrand::Rng::with_seed(7);
    let mut acknowledged = Vec::new();
    let mut batches = 0;
    for run in 0..KILLS {
        let mut process = Process::start("what_is_acknowledged_is_there", &file, run);
        let receiver = acknowledgements(process.output.take().unwrap(), run);
        // Every fifth is killed on its way up, while it opens the file and sets up the tables.
        if run % 5 > 0 {
            acknowledged.push(receiver.recv_timeout(PATIENCE).unwrap());
        }
        thread::sleep(Duration::from_micros(rng.u64(..30_000)));
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        acknowledged.extend(receiver.iter());
        batches = block_on(async {
            let tables = Tables::open(&file).await?;
            let found = tables.check(&acknowledged).await?;
            // It can still be written to, by this process and by the next.
            tables.write(-1, run).await?;
            Ok::<_, Error>(found)
        })
        .unwrap();
        acknowledged.push((-1, run));
        let connection = Connection::open(&file).unwrap();
        let verdict: String =
            connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok", "after kill {run}");
    }
    let said = acknowledged.len();
    eprintln!("{KILLS} kills; {said} batches acknowledged, {batches} found");
    assert!(said > 150, "only {said} batches were acknowledged: nothing was in progress");
}

async fn retry<R>(mut operation: impl AsyncFnMut() -> Result<R>) -> Result<R> {
    loop {
        match operation().await {
            Err(error) if error.is_retryable() => {}
            result => return result,
        }
    }
}

/// Writes rows with generated keys, counts them up in a transaction, and looks at both.
async fn share(file: &Path, author: i64, times: i64) -> Result<()> {
    let store = storehouse::open(&format!("sqlite://{}", file.display())).await?;
    let shared = store.tabular::<Shared>().await?;
    let counters = store.tabular::<Counter>().await?;
    retry(async || shared.setup_database().await).await?;
    retry(async || counters.setup_database().await).await?;
    for time in 0..times {
        let name = format!("{author}-{time}");
        let saved =
            retry(async || shared.insert(SharedInsert { author: name.clone() }).await).await?;
        assert_eq!(shared.get(&saved.id).await?, Some(saved));
        let bulk = (0..5).map(|place| SharedInsert { author: format!("{name}-{place}") });
        assert_eq!(shared.put_bulk(bulk).await?.len(), 5);
        retry(async || {
            store
                .transaction(async |tx| {
                    let counters = counters.in_tx(tx);
                    let value = counters.get("rows").await?.map_or(0, |counter| counter.value);
                    counters.put(Counter { name: "rows".into(), value: value + 1 }).await
                })
                .await
        })
        .await?;
        // A bulk of another process is seen whole or not at all.
        let size = shared.count(Shared::AUTHOR.like("%-%-%")).await?;
        assert_eq!(size % 5, 0);
        let own = shared.count(Shared::AUTHOR.starts_with(format!("{author}-"))).await?;
        assert_eq!(own, 6 * (time.unsigned_abs() + 1));
    }
    Ok(())
}

const TIMES: i64 = 40;

/// Started by the next test it is one of several processes; by itself it is the only one.
#[test]
fn a_process_shares_a_file() {
    if let Some((file, author)) = errand() {
        block_on(share(Path::new(&file), author, TIMES)).unwrap();
    } else {
        let folder = tempfile::tempdir().unwrap();
        block_on(share(&folder.path().join("alone.db"), 0, 3)).unwrap();
    }
}

#[test]
fn processes_write_and_read_one_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shared.db");
    // They all set up the new file at once, this process too.
    let mut processes: Vec<Process> =
        (1..=2).map(|author| Process::start("a_process_shares_a_file", &file, author)).collect();
    block_on(share(&file, 0, TIMES)).unwrap();
    for process in &mut processes {
        process.succeed();
    }
    block_on(async {
        let store = storehouse::open(&format!("sqlite://{}", file.display())).await?;
        let counters = store.tabular::<Counter>().await?;
        let counter = counters.get("rows").await?.unwrap();
        assert_eq!(counter.value, 3 * TIMES);
        let shared = store.tabular::<Shared>().await?;
        // Keys are unique by being keys; none was lost by one being given twice.
        assert_eq!(shared.size().await?, 3 * 6 * TIMES.unsigned_abs());
        Ok::<_, Error>(())
    })
    .unwrap();
}
