//! A query runs where it is asked as long as it is short, and goes on in a thread from then on.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::{
    any::Any,
    future::{Future as _, poll_fn},
    ops::{ControlFlow, Range},
    path::PathBuf,
    sync::{Arc, mpsc},
    task::Poll,
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use common::*;
use storehouse_runtime::{
    ColumnSource, ColumnType, Comparison, DecodeError, Direction, EncodedRow, FilterTree,
    OrderTerm, RowReceiver, RowSink, Selection, TabularStorage as _, Value, WriteMode,
};
use storehouse_sqlite::{SqliteBackend, SqliteOptions, SqliteTabularStorage};

/// More rows than a short query gives, and not so many that a page of them would not fit in memory.
const MANY: i64 = 5_000;

/// `numbers(id i64 key, number i64 indexed)`, in a file, and that file.
async fn numbers(
    ids: Range<i64>,
    readers: usize,
) -> (tempfile::TempDir, PathBuf, SqliteTabularStorage) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.db");
    let backend = SqliteBackend::open(SqliteOptions::new(&path).readers(readers)).await.unwrap();
    let mut definition =
        table("numbers", vec![column("id", ColumnType::I64), column("number", ColumnType::I64)]);
    definition.indexes = vec![index("numbers_number", &[1], false)].into();
    let storage = storage(&backend, definition).await;
    storage.write(rows(ids), WriteMode::Insert).await.unwrap();
    (folder, path, storage)
}

fn rows(ids: Range<i64>) -> Vec<EncodedRow> {
    ids.map(|id| EncodedRow(vec![Value::Int(id), Value::Int(id)])).collect()
}

/// The rows whose number is at least that, by their numbers.
fn from_number(number: i64) -> Selection {
    let comparison = Comparison::GreaterOrEqual;
    let ascending = |column| OrderTerm { column, direction: Direction::Ascending };
    Selection {
        filter: FilterTree::Compare { column: 1, comparison, value: Value::Int(number) },
        order: vec![ascending(1), ascending(0)],
        after: None,
        limit: None,
        offset: 0,
        lock: None,
        columns: None,
    }
}

/// Notes each row's position and first column, and on which thread it came.
#[derive(Default)]
struct Notes {
    rows: Vec<(usize, i64, ThreadId)>,
    last_row: Option<Instant>,
    /// Is done when the first row is there.
    at_first: Option<Box<dyn FnOnce() + Send>>,
}

impl Notes {
    fn take(sink: RowSink) -> Vec<(usize, i64, ThreadId)> {
        sink.into_any().downcast::<Self>().unwrap().rows
    }
}

impl RowReceiver for Notes {
    fn receive(
        &mut self,
        position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        self.rows.push((position, source.read_int(0)?, thread::current().id()));
        self.last_row = Some(Instant::now());
        if let Some(work) = self.at_first.take() {
            work();
        }
        Ok(ControlFlow::Continue(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// The first columns, and how many rows came on this thread before those that came on another.
fn here_and_there(rows: &[(usize, i64, ThreadId)]) -> (Vec<i64>, usize) {
    let here = rows.iter().take_while(|row| row.2 == thread::current().id()).count();
    assert!(rows[here..].iter().all(|row| row.2 != thread::current().id()));
    assert!(rows.iter().enumerate().all(|(place, row)| row.0 == place));
    (rows.iter().map(|row| row.1).collect(), here)
}

async fn ask(storage: &SqliteTabularStorage, number: i64) -> (Vec<i64>, usize) {
    let sink = storage.select(from_number(number), Box::<Notes>::default()).await.unwrap();
    here_and_there(&Notes::take(sink))
}

/// Asks until all of the answer comes on this thread: a short query goes on in another where it has
/// to wait for a processor.
async fn ask_here(storage: &SqliteTabularStorage, number: i64) -> Vec<i64> {
    let started = Instant::now();
    loop {
        let (ids, here) = ask(storage, number).await;
        if here == ids.len() {
            return ids;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{here} of {} came here", ids.len());
    }
}

#[tokio::test]
async fn a_short_query_runs_where_it_is_asked() {
    let (_folder, _path, storage) = numbers(0..MANY, 1).await;
    let last: Vec<i64> = (MANY - 100..MANY).collect();
    assert_eq!(ask_here(&storage, MANY - 100).await, last);
    assert!(ask_here(&storage, MANY).await.is_empty());
    let few = from_number(MANY - 7).filter;
    assert_eq!(storage.count(few.clone()).await.unwrap(), 7);
    assert_eq!(storage.count(FilterTree::all()).await.unwrap(), MANY.unsigned_abs());
    let started = Instant::now();
    loop {
        let sink = storage.aggregate(counting(few.clone()), Box::<Notes>::default()).await.unwrap();
        let (counts, here) = here_and_there(&Notes::take(sink));
        assert_eq!(counts, [7]);
        if here == 1 {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "it never came here");
    }
    // SQLite could not be stopped while it counts all rows, and binds a long list at once.
    let many = (MANY - 7..MANY + 2_000).map(Value::Int).collect();
    let listed = FilterTree::InList { column: 1, values: many };
    let sink = storage.aggregate(counting(listed), Box::<Notes>::default()).await.unwrap();
    assert_eq!(here_and_there(&Notes::take(sink)), (vec![7], 0));
    let sink =
        storage.aggregate(counting(FilterTree::all()), Box::<Notes>::default()).await.unwrap();
    assert_eq!(here_and_there(&Notes::take(sink)), (vec![MANY], 0));
}

#[tokio::test]
async fn a_long_query_goes_on_in_a_thread_and_sees_what_it_saw() {
    let (_folder, path, storage) = numbers(0..MANY, 1).await;
    let other = rusqlite::Connection::open(path).unwrap();
    let change = move || {
        other.execute("DELETE FROM numbers WHERE id % 2 = 0", []).unwrap();
        other.execute("UPDATE numbers SET number = -number WHERE id > 3000", []).unwrap();
    };
    let notes = Notes { at_first: Some(Box::new(change)), ..Notes::default() };
    let sink = storage.select(from_number(0), Box::new(notes)).await.unwrap();
    let (ids, here) = here_and_there(&Notes::take(sink));
    assert!(ids.into_iter().eq(0..MANY), "rows changed on the way");
    assert!((1..2_000).contains(&here), "{here} rows came on the caller's thread");

    // It is known to be long now, and sees what was changed meanwhile.
    let left: Vec<i64> = (0..3_001).filter(|id| id % 2 == 1).collect();
    assert_eq!(ask(&storage, 0).await, (left.clone(), 0));

    // Until it was short.
    assert_eq!(ask(&storage, 2_900).await.1, 0);
    assert_eq!(ask_here(&storage, 2_900).await.len(), 50);

    // Long again, without a row before it goes to the thread.
    let none =
        FilterTree::Compare { column: 0, comparison: Comparison::Less, value: Value::Int(-1) };
    let mut selection = from_number(0);
    selection.filter = selection.filter.and(none.clone().negate()).and(none);
    assert!(select(&storage, selection).await.unwrap().is_empty());
    assert_eq!(ask(&storage, 0).await.0, left);
}

#[tokio::test]
async fn a_schema_that_was_changed_is_read_once() {
    let (_folder, path, storage) = numbers(0..10, 1).await;
    assert_eq!(ask_here(&storage, 5).await, [5, 6, 7, 8, 9]);
    let tables = (0..1_000).fold(String::new(), |sql, number| {
        sql + &format!("CREATE TABLE other_{number} (column_{number} INTEGER);")
    });
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch(&format!("BEGIN; {tables} COMMIT")).unwrap();
    assert_eq!(ask_here(&storage, 5).await, [5, 6, 7, 8, 9]);
}

/// Keeps the one thread busy until it is let go.
async fn keep_busy(storage: &Arc<SqliteTabularStorage>) -> mpsc::Sender<()> {
    let (report, is_busy) = mpsc::channel();
    let (let_go, wait) = mpsc::channel();
    let work = move || {
        report.send(()).unwrap();
        wait.recv().unwrap();
    };
    let notes = Notes { at_first: Some(Box::new(work)), ..Notes::default() };
    let reader = Arc::clone(storage);
    tokio::spawn(
        async move { reader.aggregate(counting(FilterTree::all()), Box::new(notes)).await },
    );
    while is_busy.try_recv().is_err() {
        tokio::task::yield_now().await;
    }
    let_go
}

#[tokio::test]
async fn a_query_that_began_goes_on_before_others_begin() {
    let (_folder, _path, storage) = numbers(0..MANY, 1).await;
    let storage = Arc::new(storage);
    let let_go = keep_busy(&storage).await;
    let notes = Box::<Notes>::default;
    let mut counted = Box::pin(storage.aggregate(counting(FilterTree::all()), notes()));
    let mut begun = Box::pin(storage.select(from_number(0), notes()));
    let both_wait = poll_fn(|context| {
        let waits = counted.as_mut().poll(context).is_pending();
        Poll::Ready(waits && begun.as_mut().poll(context).is_pending())
    });
    assert!(both_wait.await);
    let_go.send(()).unwrap();
    let last_row = |sink: RowSink| sink.into_any().downcast::<Notes>().unwrap().last_row;
    let (counted, begun) = (counted.await.unwrap(), begun.await.unwrap());
    assert!(last_row(begun) < last_row(counted));
}

#[tokio::test]
async fn a_query_that_is_given_up_leaves_its_connection_behind() {
    let (_folder, _path, storage) = numbers(0..MANY, 1).await;
    let storage = Arc::new(storage);
    for _ in 0..3 {
        let let_go = keep_busy(&storage).await;
        // It begins here, and waits for the thread.
        let mut query = Box::pin(storage.select(from_number(0), Box::<Notes>::default()));
        let progress = poll_fn(|context| Poll::Ready(query.as_mut().poll(context))).await;
        assert!(progress.is_pending());
        drop(query);
        let_go.send(()).unwrap();

        // Without a connection it would not begin here.
        assert_eq!(ask_here(&storage, MANY - 1).await, [MANY - 1]);
        put(&storage, rows(MANY..MANY + 1).remove(0)).await.unwrap();
        assert!(get(&storage, key(MANY)).await.unwrap().is_some(), "an old state is read");
        assert!(storage.delete(key(MANY), FilterTree::all()).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_long_queries_at_once() {
    let (_folder, _path, storage) = numbers(0..MANY, 4).await;
    let storage = Arc::new(storage);
    // The texts differ, so that none knows from another that it is long. The second time all know.
    for _ in 0..2 {
        let tasks: Vec<_> = (0..40)
            .map(|number| {
                let storage = Arc::clone(&storage);
                tokio::spawn(async move {
                    let mut selection = from_number(number);
                    for _ in 0..number {
                        let has_id = FilterTree::IsNull { column: 0 }.negate();
                        selection.filter = selection.filter.and(has_id);
                    }
                    let found = select(&storage, selection).await.unwrap();
                    assert!(found == rows(number..MANY), "from {number}");
                    let one = get(&storage, key(number)).await.unwrap();
                    assert_eq!(one.as_slice(), rows(number..number + 1));
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_panic_in_a_short_query_leaves_no_transaction_behind() {
    let (_folder, _path, storage) = numbers(0..10, 1).await;
    let storage = Arc::new(storage);
    let reader = Arc::clone(&storage);
    let task =
        tokio::spawn(
            async move { reader.select(from_number(0), Box::new(Panics)).await.map(drop) },
        );
    assert!(task.await.unwrap_err().is_panic());
    put(&storage, rows(10..11).remove(0)).await.unwrap();
    assert!(get(&storage, key(10)).await.unwrap().is_some(), "an old state is read");
    assert_eq!(ask_here(&storage, 0).await, (0..11).collect::<Vec<_>>());
}
