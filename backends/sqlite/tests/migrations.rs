//! Migrations of tables that somebody worked on by hand: what is theirs stays, or they are told.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::*;
use rusqlite::Connection;
use storehouse_runtime::{ColumnType, Error, MigrationStepKind, Plan, Store, TableDef};
use storehouse_sqlite::SqliteBackend;

/// A file on which this SQL was run, and a connection to look at it.
async fn opened(sql: &str) -> (tempfile::TempDir, Store, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("by_hand.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(sql).unwrap();
    let backend = SqliteBackend::open(storehouse_sqlite::SqliteOptions::new(path)).await.unwrap();
    (folder, Store::from_backend(Arc::new(backend)), connection)
}

async fn plan(store: &Store, definition: &TableDef) -> Plan {
    store.migration().definition(&Arc::new(definition.clone())).plan().await.unwrap()
}

async fn migrate(store: &Store, definition: &TableDef) {
    let plan = plan(store, definition).await;
    plan.apply().await.unwrap_or_else(|error| panic!("{error}\n{plan:#}"));
    store.migration().definition(&Arc::new(definition.clone())).verify().await.unwrap();
}

fn count(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// `items(id i64 key, name text)`, where the name was a number and called `label`.
fn items() -> TableDef {
    let mut name = column("name", ColumnType::Text);
    name.rename_from = vec!["label".into()].into();
    table("items", vec![column("id", ColumnType::I64), name])
}

const ITEMS: &str =
    "CREATE TABLE items (id INTEGER NOT NULL PRIMARY KEY, label INTEGER NOT NULL) STRICT;
    INSERT INTO items VALUES (1, 10), (2, 20);";

#[tokio::test]
async fn what_belongs_to_a_table_stays_when_it_is_written_anew() {
    let sql = format!(
        "{ITEMS}
         CREATE TABLE log (what TEXT);
         CREATE TABLE parts (item INTEGER REFERENCES items (id) ON DELETE CASCADE);
         INSERT INTO parts VALUES (1), (2), (2);
         CREATE INDEX by_label ON items (label) WHERE label > 5;
         CREATE VIEW labels AS SELECT label AS shown FROM items;
         CREATE TRIGGER noted AFTER INSERT ON items BEGIN
             INSERT INTO log VALUES (NEW.label);
         END;
         CREATE TRIGGER parted AFTER INSERT ON parts BEGIN
             INSERT INTO log SELECT label FROM items WHERE id = NEW.item;
         END;"
    );
    let (_folder, store, connection) = opened(&sql).await;
    let planned = plan(&store, &items()).await;
    assert!(
        planned.steps().iter().any(|step| step.kind == MigrationStepKind::Rebuild),
        "{planned}"
    );
    assert!(!planned.is_destructive(), "{planned}");
    assert!(planned.sql().starts_with("-- no-transaction\n"), "{}", planned.sql());
    migrate(&store, &items()).await;
    assert_eq!(count(&connection, "SELECT count(*) FROM parts"), 3);
    assert_eq!(count(&connection, "SELECT count(*) FROM labels WHERE typeof(shown) = 'text'"), 2);
    assert_eq!(count(&connection, "SELECT count(*) FROM log"), 0);
    connection
        .execute_batch("INSERT INTO items VALUES (3, '30'); INSERT INTO parts VALUES (3)")
        .unwrap();
    assert_eq!(count(&connection, "SELECT count(*) FROM log WHERE what = '30'"), 2);
    let indexes = "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = 'by_label'";
    assert_eq!(count(&connection, indexes), 1);
    connection.execute_batch("PRAGMA foreign_keys = ON; DELETE FROM items WHERE id = 2").unwrap();
    assert_eq!(count(&connection, "SELECT count(*) FROM parts"), 2);
}

#[tokio::test]
async fn what_would_break_is_said_before() {
    for (by_hand, expected) in [
        ("CREATE VIEW extras AS SELECT extra FROM items;", "error in view extras"),
        (
            "CREATE TABLE log (what TEXT);
             CREATE TRIGGER noted AFTER INSERT ON items BEGIN
                 INSERT INTO log VALUES (NEW.extra);
             END;",
            "error in trigger noted",
        ),
    ] {
        let sql = format!("{ITEMS} ALTER TABLE items ADD COLUMN extra TEXT; {by_hand}");
        let (_folder, store, connection) = opened(&sql).await;
        let plan = plan(&store, &items()).await.allow_destructive();
        let error = plan.apply().await.unwrap_err();
        assert!(matches!(error, Error::Schema { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(count(&connection, "SELECT sum(label) FROM items"), 30);
    }
}

#[tokio::test]
async fn what_the_definition_cannot_say_is_lost_only_when_allowed() {
    for (sql, expected) in [
        (
            "CREATE TABLE items (id INTEGER NOT NULL PRIMARY KEY, label INTEGER NOT NULL \
             CHECK (label > 0)) STRICT",
            "a CHECK constraint",
        ),
        (
            "CREATE TABLE others (id INTEGER PRIMARY KEY);
             CREATE TABLE items (id INTEGER NOT NULL PRIMARY KEY REFERENCES others, \
             label INTEGER NOT NULL) STRICT",
            "a foreign key",
        ),
        (
            "CREATE TABLE items (id INTEGER NOT NULL PRIMARY KEY, label INTEGER NOT NULL UNIQUE) \
             STRICT",
            "it keeps values unique",
        ),
    ] {
        let (_folder, store, _connection) = opened(sql).await;
        let planned = plan(&store, &items()).await;
        let error = planned.apply().await.unwrap_err();
        assert!(matches!(error, Error::Validation { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        planned.allow_destructive().apply().await.unwrap();
        migrate(&store, &items()).await;
    }
}

#[tokio::test]
async fn an_index_by_hand_over_a_dropped_column_is_named() {
    let sql = format!(
        "{ITEMS} ALTER TABLE items ADD COLUMN extra TEXT; CREATE INDEX by_extra ON items (extra)"
    );
    let (_folder, store, connection) = opened(&sql).await;
    let planned = plan(&store, &items()).await;
    let error = planned.apply().await.unwrap_err().to_string();
    assert!(error.contains("`by_extra`") && error.contains("`extra`"), "{error}");
    planned.allow_destructive().apply().await.unwrap();
    migrate(&store, &items()).await;
    assert_eq!(count(&connection, "SELECT count(*) FROM items"), 2);
}

#[tokio::test]
async fn values_that_do_not_belong_into_their_column_are_counted() {
    let sql = "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);
        INSERT INTO items VALUES (1, 'a'), (2, X'00');";
    let (_folder, store, connection) = opened(sql).await;
    let error = plan(&store, &items()).await.apply().await.unwrap_err().to_string();
    assert!(error.contains("1 values of column `name` are of another type"), "{error}");
    connection.execute_batch("UPDATE items SET name = 'b' WHERE id = 2").unwrap();
    migrate(&store, &items()).await;
    let strict = "SELECT strict FROM pragma_table_list('items')";
    assert_eq!(count(&connection, strict), 1);
}

#[tokio::test]
async fn a_process_that_writes_is_waited_for() {
    let (_folder, store, connection) = opened(ITEMS).await;
    let planned = plan(&store, &items()).await;
    connection.execute_batch("BEGIN IMMEDIATE; INSERT INTO items VALUES (3, 30)").unwrap();
    let (done, ()) = tokio::join!(planned.apply(), async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        connection.execute_batch("COMMIT").unwrap();
    });
    done.unwrap();
    assert_eq!(count(&connection, "SELECT count(*) FROM items WHERE name = '30'"), 1);
}
