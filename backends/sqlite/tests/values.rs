//! Every value comes back as it went in, and the operations do what they say.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::*;
use storehouse_runtime::{
    Assignment, ColumnType, Comparison, EncodedKey, EncodedRow, Error, FilterTree, Metric,
    TabularStorage as _, Value, VectorElement, VectorType, WriteMode,
};
use storehouse_sqlite::{SqliteBackend, SqliteOptions, SqliteTabularStorage};
use uuid::Uuid;

/// One column of every type, each of which can be NULL.
fn every_type() -> Vec<(ColumnType, Vec<Value>)> {
    let vector = VectorType { dimension: 2, metric: Metric::Cosine, element: VectorElement::F32 };
    vec![
        (ColumnType::Bool, vec![Value::Bool(true), Value::Bool(false)]),
        (ColumnType::I64, [i64::MIN, -1, 0, i64::MAX].map(Value::Int).to_vec()),
        (ColumnType::U8, [0, 255].map(Value::Int).to_vec()),
        (
            ColumnType::F64,
            [
                0.0,
                -0.0,
                1.0,
                -1e300,
                f64::MIN_POSITIVE,
                5e-324,
                -5e-324,
                f64::INFINITY,
                f64::NEG_INFINITY,
                9_007_199_254_740_993.0,
                f64::MAX,
            ]
            .map(Value::Float)
            .to_vec(),
        ),
        (
            ColumnType::F32,
            [-0.0, f64::from(f32::MIN_POSITIVE), f64::from(0.1_f32)].map(Value::Float).to_vec(),
        ),
        (ColumnType::Text, ["", "é'\"\u{10ffff}", "a\u{feff}b"].map(text).to_vec()),
        (ColumnType::Bytes, [vec![], vec![0, 255, 0]].map(Value::Bytes).to_vec()),
        (ColumnType::Uuid, [Uuid::nil(), Uuid::max()].map(Value::Uuid).to_vec()),
        (ColumnType::DateTime, [i64::MIN, -1, i64::MAX].map(Value::DateTime).to_vec()),
        (ColumnType::LocalDateTime, vec![Value::DateTime(0)]),
        (ColumnType::Date, [i32::MIN, i32::MAX].map(Value::Date).to_vec()),
        (ColumnType::Time, [0, 86_399_999_999].map(Value::Time).to_vec()),
        (
            ColumnType::Json,
            vec![
                Value::Json(serde_json::json!(null)),
                Value::Json(serde_json::json!({"a": [1, -0.0, 1e300, u64::MAX, "é", {}, []]})),
            ],
        ),
        (
            ColumnType::TextList,
            vec![Value::TextList(vec![]), Value::TextList(vec!["é\"".into(), String::new()])],
        ),
        (
            ColumnType::FloatList,
            vec![
                Value::FloatList(vec![]),
                Value::FloatList(vec![-0.0, f32::MIN_POSITIVE / 2.0, f32::INFINITY]),
            ],
        ),
        (ColumnType::Vector(vector), vec![Value::FloatList(vec![1.5, -2.5])]),
        (
            ColumnType::Vector(VectorType { element: VectorElement::F16, ..vector }),
            vec![Value::F16List(vec![0x3C00, 0x8000])],
        ),
        (
            ColumnType::Vector(VectorType { element: VectorElement::I8, ..vector }),
            vec![Value::I8List(vec![i8::MIN, i8::MAX])],
        ),
        (ColumnType::F16List, [vec![], vec![0x7C00, 1]].map(Value::F16List).to_vec()),
        (ColumnType::I8List, [vec![], vec![0, -1]].map(Value::I8List).to_vec()),
        (
            ColumnType::Decimal,
            ["0", "-0.01", "79228162514264337593543950335"]
                .map(|number| Value::Decimal(number.parse().unwrap()))
                .to_vec(),
        ),
    ]
}

/// As text, in which -0.0 and 0.0 differ.
fn exactly(values: &[Value]) -> String {
    format!("{values:?}")
}

#[tokio::test]
async fn values_come_back_to_the_bit() {
    let backend = in_memory().await;
    let types = every_type();
    let names = [
        "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12", "c13",
        "c14", "c15", "c16", "c17", "c18", "c19", "c20",
    ];
    assert_eq!(names.len(), types.len());
    let mut columns = vec![column("id", ColumnType::I64)];
    columns.extend(
        types.iter().zip(names).map(|((column_type, _), name)| nullable(name, *column_type)),
    );
    let storage = storage(&backend, table("everything", columns)).await;

    let most = types.iter().map(|(_, values)| values.len()).max().unwrap();
    let mut rows =
        vec![EncodedRow([vec![Value::Int(-1)], vec![Value::Null; types.len()]].concat())];
    for number in 0..most {
        let mut row = vec![Value::Int(i64::try_from(number).unwrap())];
        row.extend(types.iter().map(|(_, values)| values[number % values.len()].clone()));
        rows.push(EncodedRow(row));
    }
    for row in &rows {
        let stored = put(&storage, row.clone()).await.unwrap();
        assert_eq!(exactly(&stored.0), exactly(&row.0));
    }
    for (read, written) in everything(&storage).await.unwrap().iter().zip(&rows) {
        assert_eq!(exactly(&read.0), exactly(&written.0));
    }
    // What an update returns was read back.
    for row in &rows {
        let id = EncodedKey::single(row.0[0].clone());
        let assignments = vec![Assignment::set(1, row.0[1].clone())];
        let stored = storage.update(id, FilterTree::all(), assignments).await.unwrap().unwrap();
        assert_eq!(exactly(&stored.0), exactly(&row.0));
    }
    // In a list, a value has the same form as in its column.
    for (position, (column_type, values)) in types.iter().enumerate() {
        if !column_type.is_ordered() {
            continue;
        }
        let filter = FilterTree::InList { column: position + 1, values: values.clone() };
        assert_eq!(storage.count(filter).await.unwrap(), most as u64, "{column_type:?}");
        for value in values {
            let filter = FilterTree::Compare {
                column: position + 1,
                comparison: Comparison::Equal,
                value: value.clone(),
            };
            assert!(storage.count(filter).await.unwrap() > 0, "{value:?}");
        }
    }
}

#[tokio::test]
async fn the_three_ways_to_write() {
    let backend = in_memory().await;
    let storage = storage(&backend, products()).await;
    let write = async |row: EncodedRow, mode| storage.write(vec![row], mode).await;

    let first = put(&storage, product(0, "A", 1.0)).await.unwrap();
    assert_eq!(first, product(1, "A", 1.0));
    assert_eq!(put(&storage, product(1, "A", 2.0)).await.unwrap(), product(1, "A", 2.0));
    assert_eq!(get(&storage, key(1)).await.unwrap(), Some(product(1, "A", 2.0)));

    for mode in [WriteMode::Put, WriteMode::Insert] {
        let error = write(product(2, "A", 1.0), mode).await.unwrap_err();
        let Error::Conflict { columns, .. } = &error else { panic!("{error}") };
        assert_eq!(columns, &["sku"]);
    }
    let error = write(product(1, "B", 1.0), WriteMode::Insert).await.unwrap_err();
    let Error::Conflict { columns, .. } = &error else { panic!("{error}") };
    assert_eq!(columns, &["id"]);
    for row in [product(1, "B", 1.0), product(2, "A", 1.0), product(0, "A", 1.0)] {
        assert_eq!(write(row, WriteMode::InsertIfAbsent).await.unwrap(), [None]);
    }
    assert_eq!(everything(&storage).await.unwrap(), [product(1, "A", 2.0)]);
    for row in [product(5, "E", 1.0), product(0, "F", 1.0)] {
        let stored = write(row, WriteMode::InsertIfAbsent).await.unwrap();
        let [Some(stored)] = stored.as_slice() else { panic!("{stored:?}") };
        let key = EncodedKey::single(stored.0[0].clone());
        assert!(storage.delete(key, FilterTree::all()).await.unwrap());
    }

    let rows = vec![product(0, "B", 1.0), product(0, "A", 1.0), product(0, "C", 1.0)];
    let stored = storage.write(rows, WriteMode::InsertIfAbsent).await.unwrap();
    let [Some(b), None, Some(c)] = stored.as_slice() else { panic!("{stored:?}") };
    assert_eq!(everything(&storage).await.unwrap()[1..], [b.clone(), c.clone()]);
}

#[tokio::test]
async fn a_key_without_content_can_be_put_twice() {
    let backend = in_memory().await;
    let storage = storage(&backend, table("names", vec![column("name", ColumnType::Text)])).await;
    let row = EncodedRow(vec![text("a")]);
    for _ in 0..2 {
        assert_eq!(put(&storage, row.clone()).await.unwrap(), row);
        let many = vec![row.clone(); 9];
        let stored = storage.write(many.clone(), WriteMode::Put).await.unwrap();
        assert_eq!(stored, many.into_iter().map(Some).collect::<Vec<_>>());
    }
    assert_eq!(everything(&storage).await.unwrap(), [row]);
}

#[tokio::test]
async fn bulk_writes_of_every_size() {
    let backend = in_memory().await;
    let storage = storage(&backend, products()).await;
    for size in [2, 7, 8, 9, 63, 64, 65, 72, 200] {
        for mode in [WriteMode::Put, WriteMode::Insert] {
            storage.delete_all().await.unwrap();
            let rows: Vec<_> = (1..=size).map(|id| product(id, &format!("{id}"), 0.5)).collect();
            let stored = storage.write(rows.clone(), mode).await.unwrap();
            assert_eq!(stored, rows.iter().cloned().map(Some).collect::<Vec<_>>());
            assert_eq!(everything(&storage).await.unwrap(), rows);
            // All or nothing: the last of these is taken.
            let mut more: Vec<_> =
                (1..=size).map(|id| product(1_000 + id, &format!("m{id}"), 0.5)).collect();
            more.push(product(5_000, "1", 0.5));
            let error = storage.write(more, mode).await.unwrap_err();
            assert!(matches!(error, Error::Conflict { .. }), "{error}");
            assert_eq!(everything(&storage).await.unwrap(), rows);
        }
    }
}

#[tokio::test]
async fn of_two_rows_with_one_key_the_last_wins() {
    let backend = in_memory().await;
    let storage = storage(&backend, products()).await;
    let rows: Vec<_> = (0..100).map(|price| product(7, "A", f64::from(price))).collect();
    storage.write(rows, WriteMode::Put).await.unwrap();
    assert_eq!(everything(&storage).await.unwrap(), [product(7, "A", 99.0)]);
}

#[tokio::test]
async fn tables_wider_than_a_block() {
    // 64 rows of 700 columns would be more parameters than a statement can have.
    let backend = in_memory().await;
    let columns = (0..700)
        .map(|number| {
            let name: &'static str = Box::leak(format!("c{number}").into_boxed_str());
            column(name, ColumnType::I64)
        })
        .collect();
    let storage = storage(&backend, table("wide", columns)).await;
    let rows: Vec<_> = (0..100).map(|id| EncodedRow(vec![Value::Int(id); 700])).collect();
    storage.write(rows.clone(), WriteMode::Put).await.unwrap();
    assert_eq!(everything(&storage).await.unwrap(), rows);
}

#[tokio::test]
async fn updates_and_deletions() {
    let backend = in_memory().await;
    let storage = storage(&backend, products()).await;
    storage
        .write((1..=9).map(|id| product(id, &format!("{id}"), 1.0)).collect(), WriteMode::Put)
        .await
        .unwrap();
    let set = |column, value| vec![Assignment::set(column, value)];

    let updated =
        storage.update(key(3), FilterTree::all(), set(2, Value::Float(9.0))).await.unwrap();
    assert_eq!(updated, Some(product(3, "3", 9.0)));
    assert_eq!(
        storage.update(key(33), FilterTree::all(), set(2, Value::Float(9.0))).await.unwrap(),
        None
    );
    let error = storage.update(key(3), FilterTree::all(), set(1, text("4"))).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }));
    assert_eq!(get(&storage, key(3)).await.unwrap(), Some(product(3, "3", 9.0)));

    assert!(storage.delete(key(3), FilterTree::all()).await.unwrap());
    assert!(!storage.delete(key(3), FilterTree::all()).await.unwrap());
    let cheap =
        FilterTree::InList { column: 0, values: vec![Value::Int(1), Value::Int(3), Value::Int(5)] };
    assert_eq!(storage.count(cheap.clone()).await.unwrap(), 2);
    assert_eq!(storage.delete_search(cheap.clone()).await.unwrap(), 2);
    assert_eq!(storage.delete_search(cheap).await.unwrap(), 0);
    assert_eq!(storage.count(FilterTree::all()).await.unwrap(), 6);
    storage.delete_all().await.unwrap();
    assert_eq!(storage.count(FilterTree::all()).await.unwrap(), 0);
}

#[tokio::test]
async fn keys_of_several_columns_in_another_order() {
    let backend = in_memory().await;
    let mut definition = table(
        "lines",
        vec![
            column("line", ColumnType::I64),
            column("text", ColumnType::Text),
            column("file", ColumnType::Uuid),
        ],
    );
    definition.key = vec![2, 0].into();
    let storage = storage(&backend, definition).await;
    let row = |line, content: &str| {
        EncodedRow(vec![Value::Int(line), text(content), Value::Uuid(Uuid::max())])
    };
    let key = |line| EncodedKey::from(vec![Value::Uuid(Uuid::max()), Value::Int(line)]);
    storage.write(vec![row(2, "b"), row(1, "a")], WriteMode::Put).await.unwrap();
    assert_eq!(get(&storage, key(2)).await.unwrap(), Some(row(2, "b")));
    let change = vec![Assignment::set(1, text("c"))];
    assert_eq!(storage.update(key(1), FilterTree::all(), change).await.unwrap(), Some(row(1, "c")));
    assert_eq!(everything(&storage).await.unwrap(), [row(1, "c"), row(2, "b")]);
    assert!(storage.delete(key(1), FilterTree::all()).await.unwrap());

    let error = storage.write(vec![row(2, "d")], WriteMode::Insert).await.unwrap_err();
    let Error::Conflict { columns, .. } = error else { panic!("{error}") };
    assert_eq!(columns, ["file", "line"]);
}

#[tokio::test]
async fn many_keys_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(folder.path().join("keys.db")).readers(1);
    for backend in [in_memory().await, SqliteBackend::open(options).await.unwrap()] {
        let storage = storage(&backend, products()).await;
        // Again after a change, which a read that was left open would not see.
        for price in [1.0, 2.0] {
            let rows = (1..=9).map(|id| product(id, &format!("{id}"), price)).collect();
            storage.write(rows, WriteMode::Put).await.unwrap();
            for keys in [vec![5, 50, 2], vec![9, 8, 70, 6, 5, 9, 1]] {
                let sink = Rows::sink(storage.definition());
                let wanted = keys.iter().copied().map(key).collect();
                let sink = storage.get_many(wanted, sink).await.unwrap();
                let expected: Vec<_> = (keys.iter().enumerate())
                    .filter(|(_, id)| **id < 10)
                    .map(|(position, id)| (position, product(*id, &format!("{id}"), price)))
                    .collect();
                assert_eq!(Rows::take(sink), expected);
            }
        }
    }
}

#[tokio::test]
async fn a_table_in_a_schema() {
    let backend = in_memory().await;
    let plain = storage(&backend, products()).await;
    let mut definition = products();
    definition.schema = Some("shop".into());
    let in_schema = storage(&backend, definition).await;
    put(&in_schema, product(1, "A", 1.0)).await.unwrap();
    assert_eq!(everything(&plain).await.unwrap(), []);
    let error = put(&in_schema, product(2, "A", 1.0)).await.unwrap_err();
    let Error::Conflict { columns, .. } = error else { panic!("{error}") };
    assert_eq!(columns, ["sku"]);
    in_schema.setup_database().await.unwrap();
}

#[tokio::test]
async fn without_set_up_the_error_says_what_to_do() {
    let backend = in_memory().await;
    let storage = SqliteTabularStorage::new(&backend, &Arc::new(products()));
    for error in [
        get(&storage, key(1)).await.unwrap_err(),
        put(&storage, product(0, "A", 1.0)).await.unwrap_err(),
        everything(&storage).await.unwrap_err(),
        storage.count(FilterTree::all()).await.unwrap_err(),
        storage.delete_all().await.unwrap_err(),
        storage.write(vec![product(0, "A", 1.0); 2], WriteMode::Put).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Schema { .. }), "{error:?}");
        assert!(
            error.to_string().contains("table `products` does not exist; call `setup_database()`")
        );
    }
}

#[tokio::test]
async fn what_is_not_of_the_type_is_an_error_that_names_the_column() {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, flag INTEGER NOT NULL, number FLOAT NOT NULL);
             INSERT INTO t VALUES (1, 7, 1), (2, 1, 'x'), (3, 1, 5)",
        )
        .unwrap();
    let backend = SqliteBackend::from_connection(connection).unwrap();
    let columns = vec![
        column("id", ColumnType::I64),
        column("flag", ColumnType::Bool),
        column("number", ColumnType::F64),
    ];
    let storage = SqliteTabularStorage::new(&backend, &Arc::new(table("t", columns)));
    for (id, name) in [(1, "flag"), (2, "number")] {
        let error = get(&storage, key(id)).await.unwrap_err();
        let Error::Decode { column, .. } = &error else { panic!("{error}") };
        assert_eq!(column, name);
    }
    // An update whose row cannot be read back is undone.
    let change = vec![Assignment::set(2, Value::Float(2.0))];
    storage.update(key(1), FilterTree::all(), change).await.unwrap_err();
    let filter =
        FilterTree::Compare { column: 2, comparison: Comparison::Equal, value: Value::Float(2.0) };
    assert_eq!(storage.count(filter).await.unwrap(), 0);
    let row = get(&storage, key(3)).await.unwrap().unwrap();
    assert_eq!(row.0, [Value::Int(3), Value::Bool(true), Value::Float(5.0)]);
}
