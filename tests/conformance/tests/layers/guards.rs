//! What layers do when something goes wrong.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use storehouse::{Transaction, kv::Kv, prelude::*};
use storehouse_runtime::{
    Error, MaybeSend, Result,
    layers::{
        Call, CallKind, Chaos, ConcurrencyLimit, Intercept, Log, ReadOnly, Retry, Timeout, Work,
    },
};
use tracing::instrument::WithSubscriber as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::memory;

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "items")]
struct Item {
    #[table(key, auto)]
    id: i64,
    value: i64,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "others")]
struct Other {
    #[table(key)]
    id: i64,
}

/// Counts what comes to it, and how much of it at once.
#[derive(Clone, Default)]
struct Watch(Arc<Watched>);

#[derive(Default)]
struct Watched {
    calls: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Intercept for Watch {
    async fn around<'a, R: MaybeSend + 'a>(
        &'a self,
        _call: Call<'a>,
        mut work: impl Work<'a, R> + 'a,
    ) -> Result<R> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        let now = self.0.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.most.fetch_max(now, Ordering::Relaxed);
        tokio::task::yield_now().await;
        let result = work.start().await;
        self.0.now.fetch_sub(1, Ordering::Relaxed);
        result
    }
}

async fn numbers() -> Kv<String, i64> {
    let numbers = memory().await.kv("numbers").await.unwrap();
    numbers.setup_database().await.unwrap();
    numbers
}

fn soon() -> Retry {
    Retry::new().attempts(5).first_wait(Duration::from_micros(10))
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_twice() {
    let numbers = numbers().await;
    let watch = Watch::default();
    let cut_off = numbers.layer(watch.clone()).layer(Chaos::new(1).lost_answers(1.0)).layer(soon());
    cut_off.increment("a", 1).await.unwrap_err();
    assert_eq!(numbers.get("a").await.unwrap(), Some(1), "once, and not five times");
    assert_eq!(watch.0.calls.load(Ordering::Relaxed), 1);
    // A put does the same again.
    cut_off.put("b", 2).await.unwrap_err();
    assert_eq!(watch.0.calls.load(Ordering::Relaxed), 1 + 5);

    let items = memory().await.tabular::<Item>().await.unwrap();
    items.setup_database().await.unwrap();
    let cut_off = items.layer(Chaos::new(1).lost_answers(1.0)).layer(soon());
    cut_off.put(ItemInsert { value: 1 }).await.unwrap_err();
    assert_eq!(items.size().await.unwrap(), 1, "each put would have made another row");
    cut_off.put(Item { id: 7, value: 1 }).await.unwrap_err();
    assert_eq!(items.size().await.unwrap(), 2);
}

#[tokio::test]
async fn what_was_not_done_is_done_at_last() {
    let numbers = numbers().await;
    let layered = numbers.layer(Chaos::new(11).failures(0.5)).layer(soon().attempts(60));
    for _ in 0..50 {
        layered.increment("a", 1).await.unwrap();
    }
    assert_eq!(numbers.get("a").await.unwrap(), Some(50));
    let hopeless = numbers.layer(Chaos::new(1).failures(1.0)).layer(soon());
    assert!(matches!(hopeless.get("a").await, Err(Error::Busy { .. })));
}

#[tokio::test]
async fn nothing_is_tried_again_inside_a_transaction() {
    let store = memory().await;
    let numbers = store.kv::<String, i64>("numbers").await.unwrap();
    numbers.setup_database().await.unwrap();
    let watch = Watch::default();
    let layered = numbers.layer(Chaos::new(1).failures(1.0)).layer(watch.clone()).layer(soon());
    let work = async |tx: &Transaction| layered.in_tx(tx).put("a", 1).await;
    assert!(matches!(store.transaction(work).await, Err(Error::Busy { .. })));
    assert_eq!(watch.0.calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_time_out_says_whether_to_try_again() {
    let numbers = numbers().await;
    let slow = numbers.layer(Chaos::new(1).delays(1.0, Duration::from_mins(9)));
    let slow = slow.layer(Timeout::new(Duration::from_millis(1)));
    let error = slow.get("a").await.unwrap_err();
    assert!(error.is_retryable());
    let expected = "it took longer than 1ms and was given up; try again, or allow it more time \
                    (in `get`, table `numbers`, memory backend)";
    assert_eq!(error.to_string(), expected);
    let error = slow.increment("a", 1).await.unwrap_err();
    assert!(!error.is_retryable());
    assert!(error.to_string().contains("may have been done or not"), "{error}");
}

#[tokio::test]
async fn only_so_many_run_at_once() {
    let numbers = numbers().await;
    let watch = Watch::default();
    let limited = numbers.layer(watch.clone()).layer(ConcurrencyLimit::new(3));
    for result in join_all((0..40).map(|number| limited.put(number.to_string(), number))).await {
        result.unwrap();
    }
    assert_eq!(watch.0.most.load(Ordering::Relaxed), 3);
    assert_eq!(watch.0.calls.load(Ordering::Relaxed), 40);
}

/// The permit is held by who waits for the transaction.
#[tokio::test]
async fn a_transaction_does_not_wait_for_who_waits_for_it() {
    let store = memory().await.layer(ConcurrencyLimit::new(1));
    let numbers = store.kv::<String, i64>("numbers").await.unwrap();
    numbers.setup_database().await.unwrap();
    let tx = store.begin().await.unwrap();
    let outside = numbers.put("outside", 1);
    let inside = async {
        tokio::task::yield_now().await;
        numbers.in_tx(&tx).put("inside", 2).await.unwrap();
        tx.commit().await.unwrap();
    };
    let (outside, ()) = futures::join!(outside, inside);
    outside.unwrap();
    assert_eq!(numbers.size().await.unwrap(), 2);
}

#[tokio::test]
async fn the_same_seed_is_the_same_fate() {
    let numbers = numbers().await;
    let fates = async |seed| {
        let chaotic = numbers.layer(Chaos::new(seed).failures(0.5));
        let mut fates = Vec::new();
        for _ in 0..64 {
            fates.push(chaotic.get("a").await.is_ok());
        }
        fates
    };
    assert_eq!(fates(7).await, fates(7).await);
    assert_ne!(fates(7).await, fates(8).await);
}

#[tokio::test]
async fn read_only_guards_the_store_too() {
    let store = storehouse::open("sqlite::memory:").await.unwrap();
    let items = store.tabular::<Item>().await.unwrap();
    items.setup_database().await.unwrap();
    items.put(ItemInsert { value: 1 }).await.unwrap();

    let guarded = store.layer(ReadOnly);
    let items = guarded.tabular::<Item>().await.unwrap();
    assert_eq!(items.query(Item::VALUE.eq(1)).await.unwrap().len(), 1);
    let refused = |error: Error| {
        let text = error.to_string();
        assert!(text.contains("(read-only)") && text.contains("`ReadOnly`"), "{text}");
    };
    refused(items.put(ItemInsert { value: 2 }).await.unwrap_err());
    refused(items.setup_database().await.unwrap_err());
    let work = async |tx: &Transaction| items.in_tx(tx).delete_all().await;
    refused(guarded.transaction(work).await.unwrap_err());
    assert!(guarded.raw_sql("DELETE FROM items").execute().await.is_err());
    // To compare is to read, to change is not.
    guarded.migration().table::<Item>().verify().await.unwrap();
    let other = guarded.migration().table::<Other>().plan().await.unwrap();
    refused(other.apply().await.unwrap_err());
    assert_eq!(items.size().await.unwrap(), 1);
}

/// The operations that a layer around a store sees.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<Vec<Seen>>>);

/// What was done, of which kind that is, and whether in a transaction.
type Seen = (&'static str, CallKind, bool);

impl Intercept for Names {
    async fn around<'a, R: MaybeSend + 'a>(
        &'a self,
        call: Call<'a>,
        mut work: impl Work<'a, R> + 'a,
    ) -> Result<R> {
        self.0.lock().unwrap().push((call.operation, call.kind, call.in_transaction));
        work.start().await
    }
}

#[tokio::test]
async fn a_layer_of_a_store_sees_everything() {
    let names = Names::default();
    let store = storehouse::open("sqlite::memory:").await.unwrap().layer(names.clone());
    let items = store.tabular::<Item>().await.unwrap();
    store.setup_database::<(Item,)>().await.unwrap();
    let work = async |tx: &Transaction| {
        items.in_tx(tx).insert(ItemInsert { value: 1 }).await?;
        store.raw_sql("SELECT 1").in_tx(tx).execute().await?;
        tx.savepoint(async |part: &Transaction| items.in_tx(part).get(&1).await).await
    };
    store.transaction(work).await.unwrap();
    store.raw_sql("SELECT 1").execute().await.unwrap();
    let expected = [
        ("setup_database", CallKind::SetUp, false),
        ("begin", CallKind::Transaction, false),
        ("insert", CallKind::Write, true),
        ("execute", CallKind::Sql, true),
        ("savepoint", CallKind::Transaction, true),
        ("get", CallKind::Read, true),
        ("release_savepoint", CallKind::Transaction, true),
        ("commit", CallKind::Transaction, true),
        ("execute", CallKind::Sql, false),
    ];
    assert_eq!(*names.0.lock().unwrap(), expected);
}

/// Collects what is written down, as text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_fails_and_what_is_slow_is_written_down() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::registry().with(
        tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone()),
    );
    let numbers = numbers().await;
    let work = async {
        let slow = Chaos::new(1).delays(1.0, Duration::from_millis(40));
        let logged = numbers.layer(slow).layer(Log::new().slow(Duration::from_nanos(1)));
        logged.put("secret", 1).await.unwrap();
        let logged = numbers.layer(Chaos::new(1).failures(1.0)).layer(Log::new());
        logged.get("secret").await.unwrap_err();
    };
    work.with_subscriber(Arc::new(subscriber)).await;
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let has =
        |words: &[&str]| text.lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(has(&["WARN storehouse::log", "slow", "operation=\"put\"", "rows=1"]), "{text}");
    assert!(has(&["WARN storehouse::log", "failed", "operation=\"get\"", "Chaos"]), "{text}");
    assert!(!text.contains("secret"), "{text}");
}
