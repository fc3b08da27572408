//! Several processes in one folder: writing and reading at once, and killed in the middle of writes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod changes;
mod child;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::ChildStdout,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use futures::future::join_all;
use storehouse::{Environment, kv::Kv, prelude::*};
use storehouse_filesystem::{FolderBackend, FolderOptions, Noticing};

use self::child::{PATIENCE, Process, errand, noticing};

/// What a child writes before the number of each batch that was acknowledged to it.
const ACKNOWLEDGED: &str = "acknowledged ";
const KILLS: i64 = 60;

/// A row of a batch.
#[derive(Table, Clone, Debug, PartialEq)]
struct Item {
    #[table(key)]
    run: i64,
    #[table(key)]
    batch: i64,
    #[table(key)]
    place: i64,
    text: String,
}

/// Written over and over, as a whole, so that each bulk replaces and deletes files too.
#[derive(Table, Clone, Debug, PartialEq)]
struct Slot {
    #[table(key)]
    number: i64,
    generation: i64,
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

/// How many rows a batch has: one, or a bulk.
fn rows_of(batch: i64) -> usize {
    [1, 7, 60][usize::try_from(batch % 3).unwrap()]
}

const SLOTS: i64 = 8;

fn backend(folder: &Path, noticing: Noticing) -> FolderBackend {
    FolderBackend::open_with(FolderOptions::new(folder).noticing(noticing)).unwrap()
}

struct Tables {
    items: Tabular<Item>,
    slots: Tabular<Slot>,
    files: Kv<String, Vec<u8>>,
    settings: Kv<String, i64>,
}

impl Tables {
    async fn open(folder: &Path) -> storehouse::Result<Self> {
        let backend = backend(folder, Noticing::Auto);
        let files = Kv::from_storage(Arc::new(backend.raw_kv("files")?), Environment::default())?;
        let store = Store::from_backend(Arc::new(backend));
        let (items, slots) = (store.tabular().await?, store.tabular().await?);
        let settings = store.kv("kept").await?;
        let tables = Self { items, slots, files, settings };
        tables.items.setup_database().await?;
        tables.slots.setup_database().await?;
        tables.files.setup_database().await?;
        tables.settings.setup_database().await?;
        Ok(tables)
    }

    async fn write(&self, run: i64, batch: i64) -> storehouse::Result<()> {
        let rows = (0..).take(rows_of(batch));
        let rows = rows.map(|place| Item { run, batch, place, text: "text ".repeat(50) });
        self.items.put_bulk(rows).await?;
        let generation = run * 1_000_000 + batch;
        self.slots.put_bulk((0..SLOTS).map(|number| Slot { number, generation })).await?;
        let text = generation.to_string().into_bytes();
        let names = ["a.txt", "b/c.txt", "d/e/f.txt"];
        self.files.put_bulk(names.map(|name| (name, text.clone()))).await?;
        self.settings.put_bulk((0..5).map(|key| (key.to_string(), generation))).await
    }

    /// Holds the tables to what was acknowledged: that is there, and no batch is half there.
    async fn check(&self, acknowledged: &[(i64, i64)]) -> storehouse::Result<usize> {
        let mut found: BTreeMap<(i64, i64), usize> = BTreeMap::new();
        for item in self.items.get_all().await? {
            *found.entry((item.run, item.batch)).or_default() += 1;
        }
        for batch in acknowledged {
            assert!(found.contains_key(batch), "batch {batch:?} was acknowledged and is gone");
        }
        for (&(run, batch), &rows) in &found {
            assert_eq!(rows, rows_of(batch), "of batch {batch} of run {run} a part is there");
        }
        let generations: Vec<i64> =
            self.slots.get_all().await?.into_iter().map(|slot| slot.generation).collect();
        assert!(generations.windows(2).all(|pair| pair[0] == pair[1]), "{generations:?}");
        let files: Vec<_> = self.files.get_all().await?.into_iter().map(|(_, text)| text).collect();
        assert!(
            files.len() % 3 == 0 && files.windows(2).all(|pair| pair[0] == pair[1]),
            "{files:?}"
        );
        let kept: Vec<_> =
            self.settings.get_all().await?.into_iter().map(|(_, kept)| kept).collect();
        assert!(kept.len() % 5 == 0 && kept.windows(2).all(|pair| pair[0] == pair[1]), "{kept:?}");
        Ok(found.len())
    }
}

fn acknowledge(batch: i64) {
    let mut output = std::io::stdout().lock();
    // The parent may have gone; this process then ends with it.
    let _ = writeln!(output, "{ACKNOWLEDGED}{batch}").and_then(|()| output.flush());
}

/// Writes batches, some at once, and says of each when it is done.
async fn write_batches(tables: &Tables, run: i64, rounds: impl Iterator<Item = i64>) {
    const AT_ONCE: i64 = 3;
    for round in rounds {
        let batches = (round * AT_ONCE)..((round + 1) * AT_ONCE);
        let writes = batches.map(async |batch| {
            tables.write(run, batch).await.unwrap();
            acknowledge(batch);
        });
        join_all(writes).await;
    }
}

/// Started by the next test it writes until it is killed; by itself it writes a few batches.
#[tokio::test]
async fn what_is_acknowledged_is_there() {
    if let Some((folder, run)) = errand() {
        let tables = Tables::open(Path::new(&folder)).await.unwrap();
        write_batches(&tables, run, 0..).await;
    } else {
        let folder = tempfile::tempdir().unwrap();
        let tables = Tables::open(folder.path()).await.unwrap();
        write_batches(&tables, 0, 0..4).await;
        let acknowledged: Vec<(i64, i64)> = (0..12).map(|batch| (0, batch)).collect();
        assert_eq!(tables.check(&acknowledged).await.unwrap(), 12);
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

#[tokio::test]
async fn a_killed_process_leaves_whole_batches_and_all_that_were_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = fastrand::Rng::with_seed(7);
    let mut acknowledged = Vec::new();
    let (mut batches, mut journals) = (0, 0);
    for run in 0..KILLS {
        let test = "what_is_acknowledged_is_there";
        let mut process = Process::start(test, folder.path(), run, "auto");
        let receiver = acknowledgements(process.output.take().unwrap(), run);
        // Every fifth is killed on its way up, while it sets up the tables.
        if run % 5 > 0 {
            acknowledged.push(receiver.recv_timeout(PATIENCE).unwrap());
        }
        thread::sleep(Duration::from_micros(rng.u64(..60_000)));
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        acknowledged.extend(receiver.iter());
        for table in ["item", "slot", "files", "kept"] {
            let journal = folder.path().join(table).join(".storehouse/journal.json");
            journals += usize::from(journal.exists());
        }
        let tables = Tables::open(folder.path()).await.unwrap();
        batches = tables.check(&acknowledged).await.unwrap();
        // It can still be written to, by this process and by the next.
        tables.write(-1, run).await.unwrap();
        acknowledged.push((-1, run));
        for table in ["item", "slot", "files", "kept"] {
            let own = folder.path().join(table).join(".storehouse");
            assert!(!own.join("journal.json").exists());
            let left = fs::read_dir(own.join("temporary")).unwrap().count();
            assert_eq!(left, 0, "what was not finished is removed from {table}");
        }
    }
    let said = acknowledged.len();
    eprintln!("{KILLS} kills; {said} batches acknowledged, {batches} found, {journals} finished");
    assert!(said > 100, "only {said} batches were acknowledged: nothing was in progress");
    assert!(journals > 0, "no kill hit a bulk on its way into place");
}

/// Writes rows with generated keys, counts them up, and looks at both.
async fn share(folder: &Path, noticing: Noticing, author: i64, times: i64) {
    let store = Store::from_backend(Arc::new(backend(folder, noticing)));
    let shared = store.tabular::<Shared>().await.unwrap();
    let counters = store.tabular::<Counter>().await.unwrap();
    let swapped = store.kv::<String, Vec<i64>>("swapped").await.unwrap();
    shared.setup_database().await.unwrap();
    counters.setup_database().await.unwrap();
    swapped.setup_database().await.unwrap();
    counters.insert_if_absent(Counter { name: "rows".into(), value: 0 }).await.unwrap();
    for time in 0..times {
        let name = format!("{author}-{time}");
        let saved = shared.insert(SharedInsert { author: name.clone() }).await.unwrap();
        assert_eq!(shared.get(&saved.id).await.unwrap(), Some(saved));
        let bulk = (0..5).map(|place| SharedInsert { author: format!("{name}-{place}") });
        assert_eq!(shared.put_bulk(bulk).await.unwrap().len(), 5);
        let one = CounterPatch { value: increment(1) };
        counters.update("rows", one).await.unwrap();
        loop {
            let seen = swapped.get("all").await.unwrap();
            let mut more = seen.clone().unwrap_or_default();
            more.push(author);
            if swapped.compare_and_swap("all", seen.as_ref(), Some(more)).await.unwrap() {
                break;
            }
        }
        // A bulk of another process is seen whole or not at all.
        let size = shared.count(Shared::AUTHOR.like("%-%-%")).await.unwrap();
        assert_eq!(size % 5, 0);
        let own = shared.count(Shared::AUTHOR.starts_with(format!("{author}-"))).await.unwrap();
        assert_eq!(own, 6 * (time.unsigned_abs() + 1));
    }
}

const TIMES: i64 = 25;

/// Started by the next tests it is one of several processes; by itself it is the only one.
#[tokio::test]
async fn a_process_shares_a_folder() {
    if let Some((folder, author)) = errand() {
        share(Path::new(&folder), noticing(), author, TIMES).await;
    } else {
        let folder = tempfile::tempdir().unwrap();
        share(folder.path(), Noticing::Auto, 0, 3).await;
    }
}

async fn processes_share_a_folder(how: &str, noticing: Noticing) {
    let folder = tempfile::tempdir().unwrap();
    // They all set up the new folder at once, this process too.
    let start = |author| Process::start("a_process_shares_a_folder", folder.path(), author, how);
    let mut processes: Vec<Process> = (1..=2).map(start).collect();
    share(folder.path(), noticing, 0, TIMES).await;
    for process in &mut processes {
        process.succeed();
    }
    let store = Store::from_backend(Arc::new(backend(folder.path(), Noticing::Auto)));
    let counters = store.tabular::<Counter>().await.unwrap();
    assert_eq!(counters.get("rows").await.unwrap().unwrap().value, 3 * TIMES);
    // Keys are unique by being keys; none was lost by one being given twice.
    let shared = store.tabular::<Shared>().await.unwrap();
    assert_eq!(shared.size().await.unwrap(), 3 * 6 * TIMES.unsigned_abs());
    let swapped = store.kv::<String, Vec<i64>>("swapped").await.unwrap();
    assert_eq!(
        swapped.get("all").await.unwrap().unwrap().len(),
        3 * usize::try_from(TIMES).unwrap()
    );
}

#[tokio::test]
async fn processes_share_a_folder_by_inotify() {
    processes_share_a_folder("auto", Noticing::Auto).await;
}

#[tokio::test]
async fn processes_share_a_folder_by_looking() {
    processes_share_a_folder("scan", Noticing::Scan).await;
}
