//! Queries answer as the same filters and orderings do in memory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use storehouse_runtime::{
    ColumnType, Comparison, Direction, EncodedRow, FilterTree, OrderTerm, Selection, TableDef,
    TabularStorage as _, Value, WriteMode, compare_rows,
};
use storehouse_sqlite::{SqliteBackend, SqliteOptions, SqliteTabularStorage};

const TEXTS: [&str; 12] =
    ["", "a", "A", "ab", "b%", "*", "a[b", "a?b", "é", "é\u{10ffff}", "\u{10ffff}", "\u{d7ff}x"];

/// `things(id i64 key, text text null, number f64 null, whole i64)`.
fn things() -> TableDef {
    let columns = vec![
        column("id", ColumnType::I64),
        nullable("text", ColumnType::Text),
        nullable("number", ColumnType::F64),
        column("whole", ColumnType::I64),
    ];
    TableDef {
        indexes: vec![index("things_text", &[1], false), index("things_number", &[2, 3], false)]
            .into(),
        ..table("things", columns)
    }
}

/// Rows in which every column but the key repeats, and NULL is among the values.
fn rows() -> Vec<EncodedRow> {
    (0..60_i32)
        .map(|id| {
            let place = usize::try_from(id).unwrap();
            EncodedRow(vec![
                Value::Int(id.into()),
                if id % 5 == 0 { Value::Null } else { text(TEXTS[place % TEXTS.len()]) },
                if id % 7 == 0 { Value::Null } else { Value::Float(f64::from(id % 4) - 1.5) },
                Value::Int((id % 3).into()),
            ])
        })
        .collect()
}

async fn full_storage() -> SqliteTabularStorage {
    let storage = storage(&in_memory().await, things()).await;
    storage.write(rows(), WriteMode::Insert).await.unwrap();
    storage
}

fn order(terms: &[(usize, Direction)]) -> Vec<OrderTerm> {
    terms.iter().map(|&(column, direction)| OrderTerm { column, direction }).collect()
}

const UP: Direction = Direction::Ascending;
const DOWN: Direction = Direction::Descending;

fn sorted(order: &[OrderTerm]) -> Vec<EncodedRow> {
    let mut rows = rows();
    rows.sort_by(|left, right| compare_rows(order, &left.0, &right.0));
    rows
}

fn every_ordering() -> Vec<Vec<OrderTerm>> {
    let mut orderings = Vec::new();
    for id in [UP, DOWN] {
        orderings.push(order(&[(0, id)]));
        for first in [UP, DOWN] {
            for column in [1, 2, 3] {
                orderings.push(order(&[(column, first), (0, id)]));
                for second in [UP, DOWN] {
                    for other in [1, 2, 3] {
                        if other != column {
                            orderings.push(order(&[(column, first), (other, second), (0, id)]));
                        }
                    }
                }
            }
        }
    }
    orderings
}

#[tokio::test]
async fn every_page_of_every_ordering() {
    let storage = full_storage().await;
    let orderings = every_ordering();
    assert_eq!(orderings.len(), 62);
    for order in orderings {
        let expected = sorted(&order);
        let plain = Selection {
            filter: FilterTree::all(),
            order: order.clone(),
            after: None,
            limit: None,
            offset: 0,
            lock: None,
            columns: None,
        };
        assert_eq!(select(&storage, plain.clone()).await.unwrap(), expected, "{order:?}");
        for (position, row) in expected.iter().enumerate() {
            let after = order.iter().map(|term| row.0[term.column].clone()).collect();
            let page = Selection { after: Some(after), limit: Some(3), ..plain.clone() };
            let rest: Vec<_> = expected.iter().skip(position + 1).take(3).cloned().collect();
            assert_eq!(select(&storage, page).await.unwrap(), rest, "{order:?} after {position}");
        }
    }
}

#[tokio::test]
async fn limits_and_offsets() {
    let storage = full_storage().await;
    let order = order(&[(0, DOWN)]);
    let expected = sorted(&order);
    for (limit, offset) in
        [(Some(0), 0), (Some(5), 0), (Some(5), 58), (None, 57), (Some(1), 99), (Some(u64::MAX), 3)]
    {
        let filter = FilterTree::all();
        let selection = Selection {
            filter,
            order: order.clone(),
            after: None,
            limit,
            offset,
            lock: None,
            columns: None,
        };
        let take = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap());
        let skip = usize::try_from(offset).unwrap();
        let part: Vec<_> = expected.iter().skip(skip).take(take).cloned().collect();
        assert_eq!(select(&storage, selection).await.unwrap(), part, "{limit:?} {offset}");
    }
}

fn leaves() -> Vec<FilterTree> {
    let mut leaves = Vec::new();
    for comparison in [
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ] {
        leaves.push(FilterTree::Compare { column: 2, comparison, value: Value::Float(-0.5) });
        leaves.push(FilterTree::Compare { column: 1, comparison, value: text("a") });
    }
    for part in
        TEXTS.into_iter().chain(["a%", "%b", "_", "__", r"b\%", "%[%", "a_b", "é%", "nothing"])
    {
        leaves.push(FilterTree::Like { column: 1, pattern: part.into() });
        leaves.push(FilterTree::StartsWith { column: 1, prefix: part.into() });
        leaves.push(FilterTree::Contains { column: 1, part: part.into() });
    }
    leaves.push(FilterTree::InList { column: 1, values: vec![text("a"), text("é"), text("z")] });
    leaves.push(FilterTree::InList { column: 3, values: vec![Value::Int(2)] });
    leaves.push(FilterTree::IsNull { column: 1 });
    leaves.push(FilterTree::IsNull { column: 2 });
    leaves
}

async fn check(storage: &SqliteTabularStorage, filter: FilterTree) {
    let expected: Vec<_> = rows().into_iter().filter(|row| filter.matches(&row.0)).collect();
    assert_eq!(storage.count(filter.clone()).await.unwrap(), expected.len() as u64, "{filter:?}");
    let order = order(&[(0, UP)]);
    let selection = Selection {
        filter: filter.clone(),
        order,
        after: None,
        limit: None,
        offset: 0,
        lock: None,
        columns: None,
    };
    assert_eq!(select(storage, selection).await.unwrap(), expected, "{filter:?}");
}

#[tokio::test]
async fn every_filter_and_its_opposite() {
    let storage = full_storage().await;
    let leaves = leaves();
    for leaf in &leaves {
        check(&storage, leaf.clone()).await;
        check(&storage, leaf.clone().negate()).await;
    }
    for (one, other) in leaves.iter().zip(leaves.iter().rev()) {
        check(&storage, one.clone().and(other.clone())).await;
        check(&storage, one.clone().or(other.clone())).await;
        check(&storage, one.clone().and(other.clone()).negate()).await;
        check(&storage, one.clone().or(other.clone()).negate().or(leaves[3].clone())).await;
    }
    check(&storage, FilterTree::all().negate()).await;
    check(&storage, FilterTree::all()).await;
}

#[tokio::test]
async fn thousands_of_conditions() {
    let storage = full_storage().await;
    let one = |value: i64| FilterTree::Compare {
        column: 3,
        comparison: Comparison::Equal,
        value: Value::Int(value),
    };
    check(&storage, FilterTree::Or((0..10_000).map(|value| one(value + 1)).collect())).await;
    check(&storage, FilterTree::And(vec![one(1); 10_000])).await;
    let list = (0..100_000).map(Value::Int).collect();
    check(&storage, FilterTree::InList { column: 3, values: list }).await;
}

#[tokio::test]
async fn a_plan_is_shown_as_sqlite_would_run_it() {
    let storage = full_storage().await;
    let selection = Selection {
        filter: FilterTree::InList { column: 1, values: vec![text("a")] },
        order: order(&[(3, UP), (0, UP)]),
        after: None,
        limit: Some(1),
        offset: 0,
        lock: None,
        columns: None,
    };
    let plan = storage.explain(selection.clone()).await.unwrap();
    assert!(plan.contains("SEARCH things USING INDEX things_text (text=?)"), "{plan}");
    assert!(plan.contains("\n  SCAN rarray"), "{plan}");
    assert!(plan.contains("\nUSE TEMP B-TREE FOR ORDER BY"), "{plan}");
    let statement = storage.to_sql(&selection).unwrap();
    assert_eq!(
        statement.sql,
        r#"SELECT "id", "text", "number", "whole" FROM "things" WHERE "text" IN (?) ORDER BY "whole" ASC, "id" ASC LIMIT ?"#
    );
}

#[tokio::test]
async fn pages_enter_the_index_where_they_begin() {
    let storage = full_storage().await;
    for (order, after, expected) in [
        (
            order(&[(3, DOWN), (0, DOWN)]),
            vec![Value::Int(1), Value::Int(1)],
            // No index begins with this column, but the condition is one range all the same.
            "SCAN things",
        ),
        (
            order(&[(2, UP), (3, UP), (0, UP)]),
            vec![Value::Float(0.5), Value::Int(1), Value::Int(1)],
            "SEARCH things USING INDEX things_number (number>?)",
        ),
        (
            order(&[(0, DOWN)]),
            vec![Value::Int(1)],
            "SEARCH things USING INTEGER PRIMARY KEY (rowid<?)",
        ),
    ] {
        let filter = FilterTree::all();
        let selection = Selection {
            filter,
            order,
            after: Some(after),
            limit: Some(3),
            offset: 0,
            lock: None,
            columns: None,
        };
        let plan = storage.explain(selection).await.unwrap();
        assert!(plan.contains(expected), "{plan}");
    }
}

/// A receiver that wants no more than one row.
#[tokio::test]
async fn a_receiver_can_stop() {
    use std::{any::Any, ops::ControlFlow};

    use storehouse_runtime::{ColumnSource, DecodeError, RowReceiver};

    struct First(usize);
    impl RowReceiver for First {
        fn receive(
            &mut self,
            position: usize,
            _source: &mut dyn ColumnSource,
        ) -> Result<ControlFlow<()>, DecodeError> {
            assert_eq!(position, self.0);
            self.0 += 1;
            Ok(ControlFlow::Break(()))
        }

        fn into_any(self: Box<Self>) -> Box<dyn Any> {
            self
        }
    }
    let storage = full_storage().await;
    let count = |sink: Box<dyn RowReceiver>| sink.into_any().downcast::<First>().unwrap().0;
    let selection = Selection {
        filter: FilterTree::all(),
        order: order(&[(0, UP)]),
        after: None,
        limit: None,
        offset: 0,
        lock: None,
        columns: None,
    };
    let sink = storage.select(selection, Box::new(First(0))).await.unwrap();
    assert_eq!(count(sink), 1);
    let keys = (1..9).map(key).collect();
    let sink = storage.get_many(keys, Box::new(First(0))).await.unwrap();
    assert_eq!(count(sink), 1);
}

/// A long read looks from time to time whether its caller still waits.
#[tokio::test]
async fn a_read_that_nobody_waits_for_stops() {
    use std::{
        any::Any,
        ops::ControlFlow,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use storehouse_runtime::{ColumnSource, DecodeError, RowReceiver};

    struct Slow(Arc<AtomicUsize>);
    impl RowReceiver for Slow {
        fn receive(
            &mut self,
            _position: usize,
            _source: &mut dyn ColumnSource,
        ) -> Result<ControlFlow<()>, DecodeError> {
            if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
                std::thread::sleep(Duration::from_millis(100));
            }
            Ok(ControlFlow::Continue(()))
        }

        fn into_any(self: Box<Self>) -> Box<dyn Any> {
            self
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(folder.path().join("long.db")).readers(1);
    let backend = SqliteBackend::open(options).await.unwrap();
    let storage = storage(&backend, table("long", vec![column("id", ColumnType::I64)])).await;
    let rows = (0..5_000).map(|id| EncodedRow(vec![Value::Int(id)])).collect();
    storage.write(rows, WriteMode::Insert).await.unwrap();
    let selection = Selection {
        filter: FilterTree::all(),
        order: order(&[(0, UP)]),
        after: None,
        limit: None,
        offset: 0,
        lock: None,
        columns: None,
    };
    // One that is not known to be long begins on this thread, where it could not be given up.
    for (is_dropped, expected) in [(false, 5_000), (true, 1_024)] {
        let received = Arc::new(AtomicUsize::new(0));
        let read = storage.select(selection.clone(), Box::new(Slow(Arc::clone(&received))));
        if is_dropped {
            let _ = tokio::time::timeout(Duration::from_millis(30), read).await;
        } else {
            read.await.unwrap();
        }
        // The one reader comes to this when it is done with the other.
        assert_eq!(storage.count(FilterTree::all()).await.unwrap(), 5_000);
        assert_eq!(received.load(Ordering::Relaxed), expected);
    }
}
