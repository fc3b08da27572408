//! `setup_database`: creates what is missing, and says what differs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::*;
use rusqlite::Connection;
use storehouse_runtime::{ColumnType, Error, TableDef, TabularStorage as _};
use storehouse_sqlite::{SqliteBackend, SqliteTabularStorage};

/// Sets up a table in a database where this SQL was run.
async fn set_up(sql: &str, definition: TableDef) -> Result<SqliteTabularStorage, Error> {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(sql).unwrap();
    let backend = SqliteBackend::from_connection(connection).unwrap();
    let storage = SqliteTabularStorage::new(&backend, &Arc::new(definition));
    storage.setup_database().await?;
    Ok(storage)
}

/// What is said to differ, one by one.
async fn differences(sql: &str, definition: TableDef) -> Vec<String> {
    let error = set_up(sql, definition).await.unwrap_err();
    let Error::Schema { message, .. } = error else { panic!("{error}") };
    let (_, rest) = message.split_once(" differs from its definition: ").expect(&message);
    let (list, advice) = rest.split_once(". ").unwrap();
    assert!(advice.contains("migrate the table"), "{advice}");
    list.split("; ").map(str::to_owned).collect()
}

const PRODUCTS: &str = "CREATE TABLE products (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, sku TEXT NOT NULL, price ANY NOT NULL, note TEXT
) STRICT;";

#[tokio::test]
async fn it_can_be_called_again_and_again() {
    let backend = in_memory().await;
    let mut compound =
        table("lines", vec![column("a", ColumnType::Text), column("b", ColumnType::I32)]);
    compound.key = vec![0, 1].into();
    compound.auto = Some(1);
    let mut bytes =
        table("bytes", vec![column("k", ColumnType::Bytes), nullable("v", ColumnType::Json)]);
    bytes.schema = Some("shop".into());
    for definition in [products(), compound, bytes] {
        for _ in 0..3 {
            storage(&backend, definition.clone()).await;
        }
    }
}

#[tokio::test]
async fn the_same_table_made_elsewhere_will_do() {
    set_up(PRODUCTS, products()).await.unwrap();
    set_up(
        "CREATE TABLE products (note CLOB, price DOUBLE PRECISION NOT NULL, sku VARCHAR(20) NOT NULL,
             id INTEGER PRIMARY KEY AUTOINCREMENT);
         CREATE UNIQUE INDEX codes ON products (sku);
         CREATE INDEX notes ON products (note) WHERE note IS NOT NULL;
         CREATE INDEX upper_notes ON products (upper(note))",
        products(),
    )
    .await
    .unwrap();
    let names = table("names", vec![column("name", ColumnType::Text)]);
    set_up("CREATE TABLE names (name TEXT PRIMARY KEY) WITHOUT ROWID", names.clone())
        .await
        .unwrap();
    set_up("CREATE TABLE names (name TEXT NOT NULL PRIMARY KEY)", names.clone()).await.unwrap();
    set_up("CREATE TABLE names (name TEXT NOT NULL, PRIMARY KEY (name)) STRICT", names)
        .await
        .unwrap();
}

#[tokio::test]
async fn missing_indexes_are_created() {
    let storage = set_up(PRODUCTS, products()).await.unwrap();
    put(&storage, product(0, "A", 1.0)).await.unwrap();
    let error = put(&storage, product(0, "A", 1.0)).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error}");
}

#[tokio::test]
async fn every_difference_is_listed() {
    let found = differences(
        "CREATE TABLE products (
             id INTEGER PRIMARY KEY, sku TEXT COLLATE NOCASE, price TEXT NOT NULL,
             note TEXT NOT NULL, extra TEXT
         ) STRICT",
        products(),
    )
    .await;
    let expected = [
        "column `id` is not AUTOINCREMENT",
        "column `sku` compares text as `NOCASE`, not by bytes",
        "column `sku` can be NULL",
        "column `price` has the type `TEXT`, not `ANY`",
        "column `note` cannot be NULL",
        "column `extra` is not in the definition",
    ];
    assert_eq!(found, expected);

    let missing = "CREATE TABLE products (id INTEGER PRIMARY KEY AUTOINCREMENT, sku TEXT NOT NULL)";
    assert_eq!(
        differences(missing, products()).await,
        ["column `price` (ANY) is missing", "column `note` (TEXT) is missing"]
    );
}

#[tokio::test]
async fn keys_differ() {
    let lines = || {
        let columns = vec![column("a", ColumnType::Text), column("b", ColumnType::I64)];
        TableDef { key: vec![1, 0].into(), ..table("lines", columns) }
    };
    let rest = "(a TEXT NOT NULL, b INTEGER NOT NULL";
    for (key, found) in [
        (", PRIMARY KEY (a, b)", "the key is (a, b), not (b, a)"),
        (", PRIMARY KEY (b)", "the key is (b), not (b, a)"),
        ("", "the key is (), not (b, a)"),
    ] {
        let sql = format!("CREATE TABLE lines {rest}{key}) STRICT");
        assert_eq!(differences(&sql, lines()).await, [found]);
    }
    let sql = format!("CREATE TABLE lines {rest}, PRIMARY KEY (b, a)) STRICT");
    set_up(&sql, lines()).await.unwrap();
    // NULL in a key, which SQLite allows where it is not told otherwise.
    let sql = "CREATE TABLE lines (a TEXT, b INTEGER NOT NULL, PRIMARY KEY (b, a))";
    assert_eq!(differences(sql, lines()).await, ["column `a` can be NULL"]);
    set_up(&format!("{sql} WITHOUT ROWID"), lines()).await.unwrap();
    // Only alone is an integer the number of its row, which is never NULL.
    let sql = "CREATE TABLE lines (a TEXT NOT NULL, b INTEGER, PRIMARY KEY (b, a))";
    assert_eq!(differences(sql, lines()).await, ["column `b` can be NULL"]);
    let columns = vec![column("id", ColumnType::I64), nullable("n", ColumnType::I64)];
    let sql = "CREATE TABLE numbers (id INTEGER PRIMARY KEY, n INTEGER)";
    set_up(sql, table("numbers", columns)).await.unwrap();

    let mut auto = products();
    auto.auto = None;
    assert_eq!(differences(PRODUCTS, auto).await, ["column `id` is AUTOINCREMENT"]);
}

#[tokio::test]
async fn indexes_differ() {
    for (sql, expected) in [
        ("CREATE INDEX products_sku ON products (sku)", vec!["index `products_sku` is not unique"]),
        (
            "CREATE UNIQUE INDEX products_price ON products (price)",
            vec!["index `products_price` is unique"],
        ),
        (
            "CREATE INDEX products_price ON products (price, id)",
            vec!["index `products_price` is not over (price)"],
        ),
        (
            "CREATE INDEX products_price ON products (abs(price))",
            vec!["index `products_price` is not over (price)"],
        ),
        (
            "CREATE INDEX products_price ON products (price) WHERE price > 1",
            vec!["index `products_price` leaves rows out"],
        ),
        (
            "CREATE UNIQUE INDEX b ON products (note); CREATE UNIQUE INDEX a ON products (price)",
            vec![
                "unique index `a` is not in the definition",
                "unique index `b` is not in the definition",
            ],
        ),
    ] {
        assert_eq!(differences(&format!("{PRODUCTS}{sql}"), products()).await, expected);
    }
    let mut in_schema = products();
    in_schema.schema = Some("shop".into());
    let sql = PRODUCTS.replace("products", "\"shop.products\"");
    let sql = format!("{sql}CREATE INDEX \"shop.products_sku\" ON \"shop.products\" (sku)");
    assert_eq!(differences(&sql, in_schema).await, ["index `shop.products_sku` is not unique"]);
}

#[tokio::test]
async fn a_difference_changes_nothing() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(&PRODUCTS.replace("note TEXT", "note BLOB")).unwrap();
    let backend = SqliteBackend::from_connection(connection).unwrap();
    let storage = SqliteTabularStorage::new(&backend, &Arc::new(products()));
    for _ in 0..2 {
        assert!(matches!(storage.setup_database().await, Err(Error::Schema { .. })));
    }
    // Not even the index was made, so this is no conflict.
    for id in 1..=2 {
        put(&storage, product(id, "A", 1.0)).await.unwrap();
    }
}

#[tokio::test]
async fn rows_that_are_not_unique_are_named() {
    let sql = format!("{PRODUCTS}INSERT INTO products VALUES (1, 'A', 1, NULL), (2, 'A', 1, NULL)");
    let error = set_up(&sql, products()).await.unwrap_err();
    assert!(matches!(error, Error::Schema { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("index `products_sku` cannot be made unique"), "{message}");
    assert!(message.contains("products.sku"), "{message}");
}

#[tokio::test]
async fn an_index_of_another_table_is_in_the_way() {
    let sql = "CREATE TABLE other (x); CREATE INDEX products_sku ON other (x)";
    let error = set_up(sql, products()).await.unwrap_err();
    assert!(matches!(error, Error::Schema { .. }), "{error}");
    assert!(error.to_string().contains("another table has one of that name"), "{error}");
}

/// SQLite would answer with the text `sku`, as if every row had it.
#[tokio::test]
async fn a_column_that_is_not_there_is_not_taken_for_text() {
    let connection = Connection::open_in_memory().unwrap();
    let sql = "CREATE TABLE products (id INTEGER PRIMARY KEY, price REAL, note TEXT);
               INSERT INTO products VALUES (1, 1, NULL)";
    connection.execute_batch(sql).unwrap();
    let backend = SqliteBackend::from_connection(connection).unwrap();
    let storage = SqliteTabularStorage::new(&backend, &Arc::new(products()));
    for error in [
        get(&storage, key(1)).await.unwrap_err(),
        everything(&storage).await.unwrap_err(),
        put(&storage, product(1, "A", 1.0)).await.unwrap_err(),
        storage.setup_database().await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Schema { .. }), "{error}");
        assert!(error.to_string().contains("sku"), "{error}");
    }
}
