//! The log of changes, when several processes write, when they are killed, and when somebody edits
//! the files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use storehouse::{
    Change, ChangeCursor, ChangeKind, ChangeRetention, Changes, Error, kv::Kv, prelude::*,
};
use storehouse_filesystem::{FolderBackend, FolderOptions, Noticing};

use super::{
    acknowledge, acknowledgements, backend,
    child::{PATIENCE, Process, errand, noticing},
};

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "tallies", changes)]
struct Tally {
    #[table(key)]
    name: String,
    count: i64,
}

fn tally(name: &str, count: i64) -> Tally {
    Tally { name: name.into(), count }
}

async fn open(folder: &Path, noticing: Noticing) -> (Tabular<Tally>, Kv<String, i64>) {
    let store = Store::from_backend(Arc::new(backend(folder, noticing)));
    let tallies = store.tabular::<Tally>().await.unwrap();
    tallies.setup_database().await.unwrap();
    let counts = store.kv_logged("counts").await.unwrap();
    counts.setup_database().await.unwrap();
    (tallies, counts)
}

async fn next(changes: &mut Changes<Tally>) -> Change<Tally> {
    let next = tokio::time::timeout(PATIENCE, changes.try_next()).await;
    next.expect("a change comes").unwrap().expect("the changes go on")
}

/// Plays changes back, and holds them to be whole: each row is changed from what it was.
#[derive(Default)]
struct Replay {
    rows: BTreeMap<String, i64>,
    cursor: Option<ChangeCursor>,
    changes: usize,
}

impl Replay {
    fn add(&mut self, change: Change<Tally>) {
        let key = change.key.unwrap();
        let before = self.rows.get(&key).copied();
        assert_eq!(before, change.old.map(|old| old.count), "{:?} of {key}", change.kind);
        match change.new {
            Some(new) => self.rows.insert(key, new.count),
            None => self.rows.remove(&key),
        };
        self.cursor = Some(change.cursor);
        self.changes += 1;
    }

    async fn is_that_of(&self, tallies: &Tabular<Tally>) {
        let rows = tallies.get_all().await.unwrap().into_iter();
        let rows: BTreeMap<_, _> = rows.map(|row| (row.name, row.count)).collect();
        assert_eq!(self.rows, rows);
    }
}

const TIMES: i64 = 40;

/// Counts up what is shared, and writes bulks of its own.
async fn count(folder: &Path, noticing: Noticing, author: i64, times: i64) {
    let (tallies, counts) = open(folder, noticing).await;
    tallies.insert_if_absent(tally("all", 0)).await.unwrap();
    for time in 1..=times {
        tallies.update("all", TallyPatch { count: increment(1) }).await.unwrap();
        let own = (0..3).map(|place| tally(&format!("{author}-{place}"), time));
        tallies.put_bulk(own).await.unwrap();
        if time % 4 == 0 {
            tallies.delete(format!("{author}-0").as_str()).await.unwrap();
        }
        counts.increment("all", 1).await.unwrap();
    }
}

/// Started by the next tests it is one of several processes; by itself it is the only one.
#[tokio::test]
async fn a_process_counts() {
    if let Some((folder, author)) = errand() {
        count(Path::new(&folder), noticing(), author, TIMES).await;
    } else {
        let folder = tempfile::tempdir().unwrap();
        count(folder.path(), Noticing::Auto, 0, 2).await;
    }
}

async fn processes_log_one_order(how: &str, noticing: Noticing) {
    let folder = tempfile::tempdir().unwrap();
    let (tallies, counts) = open(folder.path(), noticing).await;
    let mut changes = tallies.changes(Since::Now).await.unwrap();
    let mut counted = counts.changes(Since::Now).await.unwrap();
    let start = |author| Process::start("changes::a_process_counts", folder.path(), author, how);
    let mut processes: Vec<Process> = (1..=2).map(start).collect();
    count(folder.path(), noticing, 0, TIMES).await;
    let mut replay = Replay::default();
    while replay.rows.get("all") != Some(&(3 * TIMES)) {
        replay.add(next(&mut changes).await);
    }
    for process in &mut processes {
        process.succeed();
    }
    // What comes last need not be the last of `all`.
    tallies.put(tally("end", 1)).await.unwrap();
    while !replay.rows.contains_key("end") {
        replay.add(next(&mut changes).await);
    }
    replay.is_that_of(&tallies).await;
    // Each write of each process came once: inserts, counting up, bulks, deletes, the end.
    let times = usize::try_from(TIMES).unwrap();
    assert_eq!(replay.changes, 1 + 3 * (times + 3 * times + times / 4) + 1);
    for count in 1..=3 * TIMES {
        let change = tokio::time::timeout(PATIENCE, counted.try_next()).await;
        let change = change.expect("a change comes").unwrap().unwrap();
        assert_eq!((change.old.unwrap_or(0), change.new), (count - 1, Some(count)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_log_one_order_by_inotify() {
    processes_log_one_order("auto", Noticing::Auto).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_log_one_order_by_looking() {
    processes_log_one_order("scan", Noticing::Scan).await;
}

/// Started by the next test it writes until it is killed; by itself it writes a little.
#[tokio::test]
async fn a_process_writes_what_is_logged() {
    let Some((folder, run)) = errand() else {
        let folder = tempfile::tempdir().unwrap();
        return count(folder.path(), Noticing::Auto, 7, 2).await;
    };
    for round in 0.. {
        count(Path::new(&folder), Noticing::Auto, run, 1).await;
        acknowledge(round);
    }
}

#[tokio::test]
async fn a_killed_process_leaves_a_log_that_fits_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = fastrand::Rng::with_seed(11);
    let (tallies, _) = open(folder.path(), Noticing::Auto).await;
    let cursor = tallies.changes(Since::Now).await.unwrap().cursor().clone();
    let mut replay = Replay { cursor: Some(cursor), ..Replay::default() };
    for run in 0..20 {
        let test = "changes::a_process_writes_what_is_logged";
        let mut process = Process::start(test, folder.path(), run, "auto");
        let receiver = acknowledgements(process.output.take().unwrap(), run);
        receiver.recv_timeout(PATIENCE).unwrap();
        thread::sleep(Duration::from_micros(rng.u64(..40_000)));
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        // Another process than before, as it were: nothing is known but the cursor.
        let (tallies, _) = open(folder.path(), Noticing::Auto).await;
        let end = format!("end of {run}");
        tallies.put(tally(&end, run)).await.unwrap();
        let mut changes =
            tallies.changes(Since::After(replay.cursor.clone().unwrap())).await.unwrap();
        while !replay.rows.contains_key(&end) {
            replay.add(next(&mut changes).await);
        }
        replay.is_that_of(&tallies).await;
    }
    assert!(replay.changes > 100, "only {} changes: nothing was in progress", replay.changes);
}

struct Edited {
    folder: tempfile::TempDir,
    tallies: Tabular<Tally>,
}

impl Edited {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("tallies").join(format!("{name}.json"))
    }

    fn write(&self, name: &str, count: i64) {
        let text = format!("{{\"name\": \"{name}\", \"count\": {count}}}\n");
        fs::write(self.file(name), text).unwrap();
    }
}

/// What somebody changes past Storehouse is told to all who follow, once.
async fn edits_are_told(noticing: Noticing) {
    let folder = tempfile::tempdir().unwrap();
    let (tallies, _) = open(folder.path(), noticing).await;
    let (others, _) = open(folder.path(), noticing).await;
    let edited = Edited { folder, tallies };
    let mut changes = [
        edited.tallies.changes(Since::Now).await.unwrap(),
        others.changes(Since::Now).await.unwrap(),
    ];
    let mut told = async |expected: (ChangeKind, Option<i64>, Option<i64>)| {
        for changes in &mut changes {
            let Change { kind, old, new, .. } = next(changes).await;
            let count = |row: Option<Tally>| row.map(|row| row.count);
            assert_eq!((kind, count(old), count(new)), expected);
        }
    };
    edited.write("a", 1);
    told((ChangeKind::Insert, None, Some(1))).await;
    edited.write("a", 20);
    told((ChangeKind::Update, Some(1), Some(20))).await;
    // Torn for a moment, as editors do, and written through Storehouse beside it.
    fs::write(edited.file("a"), "{\"name\": \"a\", \"cou").unwrap();
    others.put(tally("b", 1)).await.unwrap();
    told((ChangeKind::Insert, None, Some(1))).await;
    edited.write("a", 300);
    told((ChangeKind::Update, Some(20), Some(300))).await;
    // Past Storehouse and then through it, before anybody has looked.
    edited.write("a", 4000);
    edited.tallies.update("a", TallyPatch { count: increment(1) }).await.unwrap();
    told((ChangeKind::Update, Some(300), Some(4000))).await;
    told((ChangeKind::Update, Some(4000), Some(4001))).await;
    fs::remove_file(edited.file("a")).unwrap();
    told((ChangeKind::Delete, Some(4001), None)).await;
    others.delete("b").await.unwrap();
    told((ChangeKind::Delete, Some(1), None)).await;
}

#[tokio::test]
async fn edits_are_told_by_inotify() {
    edits_are_told(Noticing::Auto).await;
}

#[tokio::test]
async fn edits_are_told_by_looking() {
    edits_are_told(Noticing::Scan).await;
}

#[tokio::test]
async fn old_changes_go_and_who_needs_them_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let retention = ChangeRetention { age: Duration::from_millis(1), changes: 10 };
    let options = FolderOptions::new(folder.path()).change_retention(retention);
    let store = Store::from_backend(Arc::new(FolderBackend::open_with(options).unwrap()));
    let tallies = store.tabular::<Tally>().await.unwrap();
    tallies.setup_database().await.unwrap();
    let early = tallies.changes(Since::Now).await.unwrap().cursor().clone();
    for count in 0..30 {
        tallies.put(tally("a", count)).await.unwrap();
    }
    // Pruning is tried every 100 milliseconds at most.
    tokio::time::sleep(Duration::from_millis(150)).await;
    tallies.put(tally("a", 30)).await.unwrap();
    let log = folder.path().join("tallies/.storehouse/changes");
    let files = fs::read_dir(&log).unwrap().count();
    assert!(
        files <= 2,
        "{files} files are left: the newest, and the one that says which log it is"
    );
    let lagged = tallies.changes(Since::After(early)).await.unwrap_err();
    let Error::Lagged { oldest, .. } = lagged else { panic!("{lagged}") };
    let mut changes = tallies.changes(Since::After(*oldest)).await.unwrap();
    assert_eq!(next(&mut changes).await.new, Some(tally("a", 30)));
    tallies.put(tally("a", 31)).await.unwrap();
    assert_eq!(next(&mut changes).await.old, Some(tally("a", 30)));
}

/// Who opened a log when it was empty goes on where others have come to, though the beginning is gone.
#[tokio::test]
async fn a_log_that_others_have_pruned_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    // It is looked at every 250 milliseconds what may go.
    let retention = ChangeRetention { age: Duration::from_secs(4), changes: 5 };
    let tallies = async || {
        let options = FolderOptions::new(folder.path()).change_retention(retention);
        let store = Store::from_backend(Arc::new(FolderBackend::open_with(options).unwrap()));
        let tallies = store.tabular::<Tally>().await.unwrap();
        tallies.setup_database().await.unwrap();
        tallies
    };
    let (idle, busy) = (tallies().await, tallies().await);
    for count in 0..20 {
        busy.put(tally(&count.to_string(), count)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    busy.put(tally("20", 20)).await.unwrap();
    let first = folder.path().join("tallies/.storehouse/changes/00000000000000000001.json");
    assert!(!first.exists());
    let mut changes = busy.changes(Since::Now).await.unwrap();
    idle.put(tally("idle", 1)).await.unwrap();
    busy.put(tally("busy", 1)).await.unwrap();
    assert_eq!(next(&mut changes).await.key.as_deref(), Some("idle"));
    assert_eq!(next(&mut changes).await.key.as_deref(), Some("busy"));
}
