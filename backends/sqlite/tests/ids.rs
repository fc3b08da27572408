//! Generated ids: never twice, never one that is there, never one that does not fit.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use storehouse_runtime::{
    ColumnType, EncodedRow, Error, FilterTree, TableDef, TabularStorage as _, Value, WriteMode,
};
use storehouse_sqlite::{SqliteBackend, SqliteOptions, SqliteTabularStorage};

/// `names(id auto, name)` with an id of that type.
fn names(id: ColumnType) -> TableDef {
    let columns = vec![column("id", id), column("name", ColumnType::Text)];
    TableDef { auto: Some(0), ..table("names", columns) }
}

/// The same with a key of two columns, (tenant, id).
fn tenants(id: ColumnType) -> TableDef {
    let columns = vec![column("tenant", ColumnType::Text), column("id", id)];
    TableDef { auto: Some(1), key: vec![0, 1].into(), ..table("tenants", columns) }
}

/// A row whose id is left out where it is `None`, in either table.
fn row(storage: &SqliteTabularStorage, id: Option<i64>) -> EncodedRow {
    let mut values = vec![text("x"); 2];
    values[storage.definition().auto.unwrap()] = id.map_or(Value::Null, Value::Int);
    EncodedRow(values)
}

async fn write(
    storage: &SqliteTabularStorage,
    ids: &[Option<i64>],
    mode: WriteMode,
) -> Result<Vec<i64>, Error> {
    let rows = ids.iter().map(|id| row(storage, *id)).collect();
    let stored = storage.write(rows, mode).await?;
    Ok(stored.into_iter().flatten().map(|row| id_of(storage, &row)).collect())
}

fn id_of(storage: &SqliteTabularStorage, row: &EncodedRow) -> i64 {
    let Value::Int(id) = row.0[storage.definition().auto.unwrap()] else { panic!("{row:?}") };
    id
}

async fn ids(storage: &SqliteTabularStorage) -> Vec<i64> {
    everything(storage).await.unwrap().iter().map(|row| id_of(storage, row)).collect()
}

async fn storages(id: ColumnType) -> [SqliteTabularStorage; 2] {
    let backend = in_memory().await;
    [storage(&backend, names(id)).await, storage(&backend, tenants(id)).await]
}

#[tokio::test]
async fn ids_go_on_above_everything_that_was_ever_there() {
    for storage in storages(ColumnType::I64).await {
        let put = async |ids: &[Option<i64>]| write(&storage, ids, WriteMode::Put).await.unwrap();
        assert_eq!(put(&[None]).await, [1]);
        assert_eq!(put(&[Some(100)]).await, [100]);
        assert_eq!(put(&[None]).await, [101]);
        assert_eq!(put(&[Some(-5)]).await, [-5]);
        assert_eq!(put(&[None]).await, [102]);

        for row in everything(&storage).await.unwrap().iter().skip(1) {
            let key = storage.definition().key.iter().map(|&column| row.0[column].clone());
            assert!(storage.delete(key.collect(), FilterTree::all()).await.unwrap());
        }
        assert_eq!(put(&[None]).await, [103]);
        storage.delete_all().await.unwrap();
        assert_eq!(put(&[None, None]).await, [104, 105]);
        storage.delete_all().await.unwrap();
        assert_eq!(put(&[None]).await, [106]);
        // Given, deleted again, and yet never generated.
        assert_eq!(put(&[Some(200)]).await, [200]);
        storage.delete_all().await.unwrap();
        assert_eq!(put(&[None]).await, [201]);
    }
}

#[tokio::test]
async fn given_ids_in_a_bulk_are_stepped_over() {
    for storage in storages(ColumnType::I64).await {
        let given = [None, Some(7), None, Some(3), None];
        let stored = write(&storage, &given, WriteMode::Put).await.unwrap();
        assert_eq!(stored, [8, 7, 9, 3, 10]);
        assert_eq!(ids(&storage).await, [3, 7, 8, 9, 10]);
        assert_eq!(write(&storage, &[None; 2], WriteMode::Insert).await.unwrap(), [11, 12]);
        let given = [Some(7), None, Some(11)];
        assert_eq!(write(&storage, &given, WriteMode::InsertIfAbsent).await.unwrap(), [13]);
        let many = [None; 150];
        let stored = write(&storage, &many, WriteMode::Insert).await.unwrap();
        assert_eq!(stored, (14..164).collect::<Vec<_>>());
        assert_eq!(write(&storage, &[None], WriteMode::Put).await.unwrap(), [164]);
    }
}

#[tokio::test]
async fn only_negative_ids() {
    for storage in storages(ColumnType::I64).await {
        write(&storage, &[Some(-9), Some(-2)], WriteMode::Put).await.unwrap();
        assert_eq!(write(&storage, &[None, Some(-1)], WriteMode::Put).await.unwrap(), [1, -1]);
        assert_eq!(write(&storage, &[None], WriteMode::Put).await.unwrap(), [2]);
    }
}

#[tokio::test]
async fn a_type_that_is_full() {
    for (id, greatest) in [
        (ColumnType::U8, 255),
        (ColumnType::I16, 32_767),
        (ColumnType::U32, 4_294_967_295),
        (ColumnType::I64, i64::MAX),
    ] {
        for storage in storages(id).await {
            write(&storage, &[Some(greatest - 2)], WriteMode::Put).await.unwrap();
            let error = write(&storage, &[None; 3], WriteMode::Put).await.unwrap_err();
            assert!(matches!(error, Error::Validation { .. }), "{error}");
            assert!(error.to_string().contains("has used up its ids"), "{error}");
            assert_eq!(ids(&storage).await, [greatest - 2], "nothing was written");
            let last = write(&storage, &[None; 2], WriteMode::Put).await.unwrap();
            assert_eq!(last, [greatest - 1, greatest]);
            for mode in [WriteMode::Put, WriteMode::Insert, WriteMode::InsertIfAbsent] {
                let error = write(&storage, &[None], mode).await.unwrap_err();
                assert!(matches!(error, Error::Validation { .. }), "{error}");
            }
            assert_eq!(ids(&storage).await, [greatest - 2, greatest - 1, greatest]);
            // Ids that the caller gives still work.
            assert_eq!(write(&storage, &[Some(5)], WriteMode::Put).await.unwrap(), [5]);
        }
    }
}

#[tokio::test]
async fn ids_go_on_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = 0;
    for _ in 0..3 {
        let options = SqliteOptions::new(folder.path().join("ids.db"));
        let backend = SqliteBackend::open(options).await.unwrap();
        for definition in [names(ColumnType::I64), tenants(ColumnType::I64)] {
            let storage = storage(&backend, definition).await;
            let stored = write(&storage, &[None], WriteMode::Put).await.unwrap();
            assert_eq!(stored, [expected + 1]);
            let stored = write(&storage, &[None; 2], WriteMode::Put).await.unwrap();
            assert_eq!(stored, [expected + 2, expected + 3]);
            storage.delete_all().await.unwrap();
        }
        expected += 3;
    }
}

#[tokio::test]
async fn rows_that_another_program_wrote_are_stepped_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ids.db");
    let backend = SqliteBackend::open(SqliteOptions::new(&path)).await.unwrap();
    let names = storage(&backend, names(ColumnType::I64)).await;
    let tenants = storage(&backend, tenants(ColumnType::I64)).await;
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("INSERT INTO names VALUES (50, 'y'); INSERT INTO tenants VALUES ('y', 60)")
        .unwrap();
    assert_eq!(write(&names, &[None], WriteMode::Put).await.unwrap(), [51]);
    assert_eq!(write(&tenants, &[None], WriteMode::Put).await.unwrap(), [61]);
    assert_eq!(write(&names, &[None, Some(70)], WriteMode::Put).await.unwrap(), [71, 70]);
    assert_eq!(write(&tenants, &[None, Some(70)], WriteMode::Put).await.unwrap(), [71, 70]);
}

#[tokio::test]
async fn an_id_in_a_table_of_another_schema_is_its_own() {
    let backend = in_memory().await;
    let first = storage(&backend, tenants(ColumnType::I64)).await;
    let mut definition = tenants(ColumnType::I64);
    definition.schema = Some("other".into());
    let second = storage(&backend, definition).await;
    assert_eq!(write(&first, &[Some(9)], WriteMode::Put).await.unwrap(), [9]);
    assert_eq!(write(&second, &[None], WriteMode::Put).await.unwrap(), [1]);
}
