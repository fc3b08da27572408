//! A process that is killed in the middle of a migration leaves the table as it was, or as it is
//! to be.
//!
//! The process is this test program again, started with the name of the test and a variable that
//! tells it which folder to work in.

use std::{
    env,
    io::{BufRead as _, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::Instant,
};

use storehouse::{Store, Table, Tabular};
use storehouse_conformance::native::block_on;

use super::sqlite;

const FOLDER: &str = "STOREHOUSE_MIGRATION_CRASH_FOLDER";
const ROWS: i64 = 40_000;
const KILLS: u32 = 12;
/// What the process says before it changes anything.
const BEGUN: &str = "the migration begins";

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "measurements", index(label))]
struct Old {
    #[table(key, auto)]
    id: i64,
    label: String,
    value: i64,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "readings", rename_from = "measurements", index(name))]
struct New {
    #[table(key, auto)]
    id: i64,
    #[table(rename_from = "label")]
    name: Option<String>,
    value: String,
}

async fn fill(store: &Store) -> Tabular<Old> {
    let table = store.tabular::<Old>().await.unwrap();
    table.setup_database().await.unwrap();
    let row = |value: i64| OldInsert { label: format!("label {}", value % 100), value };
    table.put_bulk((0..ROWS).map(row)).await.unwrap();
    table
}

/// Whether the migration was done. Whichever it is, every row is there.
async fn is_migrated(store: &Store) -> bool {
    if store.migration().table::<New>().verify().await.is_ok() {
        let table = store.tabular::<New>().await.unwrap();
        assert_eq!(table.size().await.unwrap(), ROWS as u64);
        let last = table.get(&ROWS).await.unwrap().unwrap();
        assert_eq!(last.value, (ROWS - 1).to_string());
        return true;
    }
    store.migration().table::<Old>().verify().await.unwrap();
    let table = store.tabular::<Old>().await.unwrap();
    assert_eq!(table.size().await.unwrap(), ROWS as u64);
    assert_eq!(table.get(&ROWS).await.unwrap().unwrap().value, ROWS - 1);
    false
}

#[allow(clippy::print_stdout, reason = "it is how the process speaks to the one that waits")]
/// Says when it begins, so that it can be killed in the middle.
async fn migrate(folder: &Path) {
    let store = sqlite(folder).await;
    let plan = store.migration().table::<New>().plan().await.unwrap();
    println!("{BEGUN}");
    plan.apply().await.unwrap();
}

/// Starts a process that migrates, and waits until it begins. It writes on to its output, which
/// has to stay open.
fn start(folder: &Path) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["crash::leaves_the_old_table_or_the_new_one", "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let begun = output.by_ref().map_while(Result::ok).any(|line| line.contains(BEGUN));
    assert!(begun, "the process ended before it began");
    (child, output)
}

#[test]
fn leaves_the_old_table_or_the_new_one() {
    if let Some(folder) = env::var_os(FOLDER) {
        return block_on(migrate(Path::new(&folder)));
    }
    let (mut old, mut new) = (0, 0);
    let mut whole = None;
    for kill in 0..=KILLS {
        let folder = tempfile::tempdir().unwrap();
        block_on(async { drop(fill(&sqlite(folder.path()).await).await) });
        let (mut child, _output) = start(folder.path());
        let begun = Instant::now();
        match whole {
            // The first tells how long it takes.
            None => {
                assert!(child.wait().unwrap().success());
                whole = Some(begun.elapsed());
            }
            // The others are killed later and later.
            Some(whole) => {
                thread::sleep(whole * (kill - 1) / KILLS);
                child.kill().unwrap();
                child.wait().unwrap();
            }
        }
        block_on(async {
            let store = sqlite(folder.path()).await;
            if is_migrated(&store).await {
                new += 1;
            } else {
                old += 1;
                // What was killed can be done again.
                migrate(folder.path()).await;
                assert!(is_migrated(&store).await);
            }
        });
    }
    eprintln!("{old} were killed before the commit, {new} came to it, in {whole:?}");
    assert!(old > 0 && new > 0, "{old} old, {new} new");
}
