//! SQL of the program's own, where SQLite has a way of its own: readers and the writer.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use storehouse::{Change, ChangeKind, Changes, prelude::*};
use storehouse_runtime::{Error, Store};
use storehouse_sqlite::{SqliteBackend, SqliteOptions};

async fn on_file(folder: &tempfile::TempDir) -> Store {
    let options = SqliteOptions::new(folder.path().join("raw.db"));
    Store::from_backend(Arc::new(SqliteBackend::open(options).await.unwrap()))
}

async fn in_memory() -> Store {
    let backend = SqliteBackend::open(SqliteOptions::in_memory()).await.unwrap();
    Store::from_backend(Arc::new(backend))
}

#[tokio::test]
async fn what_writes_goes_to_the_writer_and_what_reads_need_not_wait_for_it() {
    let folder = tempfile::tempdir().unwrap();
    for store in [on_file(&folder).await, in_memory().await] {
        let create = "CREATE TABLE t (x INTEGER PRIMARY KEY, y TEXT)";
        assert_eq!(store.raw_sql(create).execute().await.unwrap(), 0);
        // A query that writes, on a connection that would refuse it.
        let added = store.raw_sql("INSERT INTO t (y) VALUES (?), (?1) RETURNING x, y").bind("a");
        let added = added.fetch::<(i64, String)>().await.unwrap();
        assert_eq!(added, [(1, "a".into()), (2, "a".into())]);
    }
    let store = on_file(&folder).await;
    let tx = store.begin().await.unwrap();
    store.raw_sql("DELETE FROM t").in_tx(&tx).execute().await.unwrap();
    let beside = store.raw_sql("SELECT count(*) FROM t").first::<(i64,)>().await.unwrap();
    let inside = store.raw_sql("SELECT count(*) FROM t").in_tx(&tx).first::<(i64,)>().await;
    assert_eq!((beside, inside.unwrap()), (Some((2,)), Some((0,))));
    tx.rollback().await.unwrap();
}

/// The rows of a write that cannot be read leave nothing behind.
#[tokio::test]
async fn a_write_whose_rows_cannot_be_read_is_undone() {
    let store = in_memory().await;
    store.raw_sql("CREATE TABLE t (x INTEGER)").execute().await.unwrap();
    let written = store.raw_sql("INSERT INTO t VALUES (1) RETURNING x").fetch::<(String,)>().await;
    assert!(matches!(written, Err(Error::Decode { .. })), "{written:?}");
    let rows = store.raw_sql("SELECT count(*) FROM t").first::<(i64,)>().await.unwrap();
    assert_eq!(rows, Some((0,)));
}

#[tokio::test]
async fn statements_come_one_at_a_time_and_with_their_values() {
    let store = in_memory().await;
    store.raw_sql("CREATE TABLE t (x INTEGER);").execute().await.unwrap();
    for (sql, says) in [
        ("INSERT INTO t VALUES (1); DELETE FROM t", "more than one statement"),
        ("INSERT INTO t VALUES (?)", "1 placeholders, and 0 values"),
        ("ATTACH 'other.db' AS other", "a store of its own"),
    ] {
        let refused = store.raw_sql(sql).execute().await.unwrap_err();
        assert!(matches!(refused, Error::Validation { .. }), "{refused}");
        assert!(refused.to_string().contains(says), "{refused}");
    }
    let text = store.raw_sql("SELECT 'a;b', ';' -- one; statement\n ;").first::<(String, String)>();
    assert_eq!(text.await.unwrap(), Some(("a;b".into(), ";".into())));
    assert_eq!(store.raw_sql("VACUUM").execute().await.unwrap(), 0);
}

/// A row with its own log.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "numbers", changes)]
struct Number {
    #[table(key)]
    id: i64,
    name: String,
}

async fn next(changes: &mut Changes<Number>) -> Change<Number> {
    let change = tokio::time::timeout(Duration::from_mins(1), changes.try_next()).await;
    change.expect("a change comes").unwrap().unwrap()
}

#[tokio::test]
async fn a_key_that_changes_under_another_name_is_told() {
    let store = in_memory().await;
    let numbers = store.tabular::<Number>().await.unwrap();
    numbers.setup_database().await.unwrap();
    numbers.put(Number { id: 1, name: "a".into() }).await.unwrap();
    let mut changes = numbers.changes(Since::Now).await.unwrap();
    // An integer key has these names too.
    let statements = [
        "UPDATE numbers SET rowid = 2",
        "UPDATE numbers SET _rowid_ = 3",
        "UPDATE numbers SET oid = 4",
        "UPDATE numbers SET RowID = 5",
    ];
    for (id, sql) in (2..).zip(statements) {
        store.raw_sql(sql).execute().await.unwrap();
        for (kind, key) in [(ChangeKind::Delete, id - 1), (ChangeKind::Insert, id)] {
            let change = next(&mut changes).await;
            assert_eq!((change.kind, change.key), (kind, Some(key)), "{sql}");
        }
    }
    let upsert = "INSERT INTO numbers VALUES (5, 'b') ON CONFLICT (id) DO UPDATE SET id = 7";
    store.raw_sql(upsert).execute().await.unwrap();
    for kind in [ChangeKind::Delete, ChangeKind::Insert] {
        assert_eq!(next(&mut changes).await.kind, kind);
    }
}
