//! Key-value stores: what is put comes back, expires, is swapped, counted and computed once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _, future::join_all};
use serde::{Deserialize, Serialize};
use storehouse::{
    TableNewtype,
    kv::{Kv, KvEvent, KvEventKind, KvKey, KvValue},
};
use storehouse_runtime::{Error, Result, Store};
use uuid::Uuid;

use crate::{
    behaviour::Outcome,
    expect::{fails, is_refused},
};

async fn kv<K: KvKey, V: KvValue>(store: &Store, name: &str) -> Result<Kv<K, V>> {
    let kv = store.kv(name).await?;
    kv.setup_database().await?;
    Ok(kv)
}

async fn wait(milliseconds: u64) {
    futures_timer::Delay::new(Duration::from_millis(milliseconds)).await;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Setting {
    on: bool,
    level: Option<f64>,
    names: Vec<String>,
    count: u64,
}

fn setting(count: u64) -> Setting {
    Setting { on: true, level: Some(0.1), names: vec!["a".into(), "ü".into()], count }
}

#[derive(TableNewtype, Clone, Debug, PartialEq)]
struct UserId(i64);

pub(crate) async fn put_and_get(store: &Store) -> Outcome {
    let settings = kv::<String, Setting>(store, "settings").await?;
    assert_eq!(settings.get("a").await?, None);
    settings.put("a", setting(u64::MAX)).await?;
    settings.put("b", setting(2)).await?;
    settings.put("a", setting(3)).await?;
    assert_eq!(settings.get("a").await?, Some(setting(3)));
    assert_eq!(settings.get(&"b".to_owned()).await?, Some(setting(2)));
    let many = settings.get_many(["b", "missing", "a", "b"]).await?;
    assert_eq!(many, [Some(setting(2)), None, Some(setting(3)), Some(setting(2))]);
    assert_eq!(settings.get_many::<str>([]).await?, []);
    assert_eq!(settings.size().await?, 2);
    // Another handle of that name is the same store, and another name another.
    assert_eq!(kv::<String, Setting>(store, "settings").await?.size().await?, 2);
    assert_eq!(kv::<String, Setting>(store, "others").await?.size().await?, 0);
    Ok(())
}

/// Every type of value, to the bit, and JSON by its value.
pub(crate) async fn values_come_back(store: &Store) -> Outcome {
    async fn comes_back<V: KvValue + Clone + PartialEq + std::fmt::Debug>(
        store: &Store,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Outcome {
        let kv = kv::<i64, V>(store, name).await?;
        let values: Vec<V> = values.into_iter().collect();
        kv.put_bulk((0_i64..).zip(values.iter().cloned())).await?;
        for (key, value) in (0_i64..).zip(&values) {
            assert_eq!(kv.get(&key).await?.as_ref(), Some(value), "{name}");
        }
        let all: Vec<V> = kv.get_all().await?.into_iter().map(|(_, value)| value).collect();
        assert_eq!(all, values, "{name}");
        Ok(())
    }
    comes_back(store, "bytes", [vec![], vec![0_u8, 255, 0], vec![7; 100_000]]).await?;
    comes_back(store, "texts", ["", "a", "{\"a\": 1}", " two ", "ünï\u{1F600}"].map(str::to_owned))
        .await?;
    comes_back(store, "integers", [i64::MIN, -1, 0, i64::MAX]).await?;
    comes_back(store, "small_integers", [0_u8, 255]).await?;
    comes_back(store, "floats", [0.1, -0.0, f64::MAX, f64::INFINITY]).await?;
    comes_back(store, "truths", [true, false]).await?;
    comes_back(store, "ids", [Uuid::nil(), Uuid::max()]).await?;
    let moment = DateTime::<Utc>::from_timestamp_micros(1_700_000_000_123_456).unwrap_or_default();
    comes_back(store, "moments", [moment]).await?;
    comes_back(store, "options", [None, Some("some".to_owned())]).await?;
    comes_back(store, "large_integers", [0_u64, u64::MAX]).await?;
    comes_back(store, "lists", [vec![], vec![1_u16, 2]]).await?;
    comes_back(store, "documents", [serde_json::json!({"a": [1, 2.5, null], "b": "x"})]).await?;
    comes_back(store, "structs", [setting(1), setting(u64::MAX)]).await?;
    Ok(())
}

pub(crate) async fn keys_of_every_type(store: &Store) -> Outcome {
    let by_id = kv::<UserId, i32>(store, "by_id").await?;
    by_id.put(UserId(-7), 1).await?;
    by_id.put(UserId(7), 2).await?;
    assert_eq!(by_id.get(&UserId(-7)).await?, Some(1));
    assert_eq!(by_id.get_all().await?, [(UserId(-7), 1), (UserId(7), 2)]);
    let by_uuid = kv::<Uuid, String>(store, "by_uuid").await?;
    by_uuid.put(Uuid::max(), "last".into()).await?;
    assert_eq!(by_uuid.get(&Uuid::max()).await?.as_deref(), Some("last"));
    let by_bytes = kv::<Vec<u8>, i64>(store, "by_bytes").await?;
    by_bytes.put(vec![0_u8, 1], 5).await?;
    assert_eq!(by_bytes.get(&[0_u8, 1][..]).await?, Some(5));
    let by_text = kv::<String, i64>(store, "by_text").await?;
    let strange = ["", " ", "..", "a/b", "a\\b", "A", "a", "ü", "u\u{308}", "%", "CON", "'\"`;--"];
    by_text.put_bulk(strange.into_iter().zip(0..)).await?;
    for (key, value) in strange.into_iter().zip(0..) {
        assert_eq!(by_text.get(key).await?, Some(value), "{key:?}");
    }
    let long = "long".repeat(300);
    by_text.put(long.clone(), -1).await?;
    assert_eq!(by_text.get(&long).await?, Some(-1));
    Ok(())
}

pub(crate) async fn what_no_store_can_hold_is_refused(store: &Store) -> Outcome {
    let texts = kv::<String, String>(store, "texts").await?;
    is_refused("NUL", texts.put("a\0", String::new()).await);
    is_refused("NUL", texts.put("a", "\0".to_owned()).await);
    is_refused("NUL", texts.get("\0").await);
    let floats = kv::<String, f64>(store, "floats").await?;
    is_refused("NaN", floats.put("a", f64::NAN).await);
    is_refused("of nothing", floats.put_with_time_to_live("a", 1.0, Duration::ZERO).await);
    is_refused("9999", floats.put_with_time_to_live("a", 1.0, Duration::MAX).await);
    assert_eq!((texts.size().await?, floats.size().await?), (0, 0));
    fails("Validation", store.kv::<String, i64>("no name").await);
    // One store has one type of values.
    let other = store.kv::<String, i64>("texts").await;
    let found = match other {
        Ok(other) => other.setup_database().await,
        Err(error) => Err(error),
    };
    fails("Schema", found);
    Ok(())
}

pub(crate) async fn bulks_are_all_or_none(store: &Store) -> Outcome {
    let texts = kv::<String, String>(store, "texts").await?;
    texts.put("a", "old".into()).await?;
    let bulk = [("a", "new"), ("b", "bad\0"), ("c", "new")];
    is_refused("NUL", texts.put_bulk(bulk.map(|(key, value)| (key, value.to_owned()))).await);
    assert_eq!(texts.get_all().await?, [("a".to_owned(), "old".to_owned())]);
    texts.put_bulk([("a", "1".to_owned()), ("b", "2".into()), ("a", "3".into())]).await?;
    let all = texts.get_all().await?;
    assert_eq!(all, [("a".to_owned(), "3".to_owned()), ("b".to_owned(), "2".to_owned())]);
    Ok(())
}

pub(crate) async fn delete_one_and_all(store: &Store) -> Outcome {
    let numbers = kv::<i64, i64>(store, "numbers").await?;
    numbers.put_bulk((0..10_i64).map(|number| (number, number))).await?;
    assert!(numbers.delete(&3).await?);
    assert!(!numbers.delete(&3).await?);
    assert_eq!(numbers.get(&3).await?, None);
    assert_eq!(numbers.size().await?, 9);
    numbers.delete_all().await?;
    assert_eq!((numbers.size().await?, numbers.get_all().await?), (0, vec![]));
    numbers.delete_all().await?;
    numbers.put(1, 1).await?;
    assert_eq!(numbers.size().await?, 1);
    Ok(())
}

pub(crate) async fn entries_come_in_the_order_of_their_keys(store: &Store) -> Outcome {
    let numbers = kv::<i64, i64>(store, "numbers").await?;
    numbers.put_bulk((-300..600_i64).rev().map(|number| (number, -number))).await?;
    let entries: Vec<_> = numbers.entries().try_collect().await?;
    assert_eq!(entries.len(), 900);
    assert!(entries.iter().zip(-300..).all(|(entry, key)| entry.key == key));
    assert!(entries.iter().all(|entry| entry.value == -entry.key && entry.expires_at.is_none()));

    // What is written while the stream goes on comes once, or not at all.
    let mut stream = numbers.entries();
    let mut keys = Vec::new();
    while let Some(entry) = stream.next().await {
        let key = entry?.key;
        if key == 0 {
            numbers.delete(&-300).await?;
            numbers.put(599, 0).await?;
            numbers.put(600, 0).await?;
        }
        keys.push(key);
    }
    assert!(keys.is_sorted() && keys.windows(2).all(|pair| pair[0] < pair[1]));
    assert!((-300..600).all(|key| keys.contains(&key)));
    Ok(())
}

pub(crate) async fn scan_by_a_prefix(store: &Store) -> Outcome {
    let texts = kv::<String, i64>(store, "texts").await?;
    let keys = ["user/", "user/1", "user/10", "user/%", "user0", "User/1", "ü", "üa", ""];
    texts.put_bulk(keys.into_iter().zip(0..)).await?;
    let found = async |prefix: &str| -> Result<Vec<String>> {
        texts.scan(prefix).map_ok(|entry| entry.key).try_collect().await
    };
    assert_eq!(found("user/").await?, ["user/", "user/%", "user/1", "user/10"]);
    assert_eq!(found("user/1").await?, ["user/1", "user/10"]);
    assert_eq!(found("ü").await?, ["ü", "üa"]);
    assert_eq!(found("nobody").await?, Vec::<String>::new());
    assert_eq!(found("").await?.len(), keys.len());
    is_refused("NUL", found("\0").await);
    Ok(())
}

pub(crate) async fn what_has_expired_is_not_there(store: &Store) -> Outcome {
    let texts = kv::<String, String>(store, "sessions").await?;
    let brief = Duration::from_millis(1);
    for key in ["a", "b", "c", "d"] {
        texts.put_with_time_to_live(key, "brief".into(), brief).await?;
    }
    let long = Duration::from_hours(1);
    texts.put_with_time_to_live("e", "long".into(), long).await?;
    texts.put("f", "stays".into()).await?;
    wait(30).await;
    assert_eq!(texts.get("a").await?, None);
    assert_eq!(
        texts.get_many(["a", "e", "f"]).await?,
        [None, Some("long".into()), Some("stays".into())]
    );
    assert_eq!(texts.size().await?, 2);
    assert_eq!(texts.get_all().await?.len(), 2);
    let entries: Vec<_> = texts.entries().try_collect().await?;
    assert_eq!(entries.iter().map(|entry| &*entry.key).collect::<Vec<_>>(), ["e", "f"]);
    let left = entries[0].expires_at.map(|at| at - Utc::now()).unwrap_or_default();
    assert!(left.num_minutes() >= 58, "{left}");
    assert_eq!(entries[1].expires_at, None);
    assert_eq!(texts.scan("a").try_collect::<Vec<_>>().await?, []);
    // It does not stand in anybody's way.
    assert!(!texts.delete("a").await?);
    assert!(!texts.expire("a", None).await?);
    assert!(!texts.compare_and_swap("a", Some(&"brief".into()), Some("x".into())).await?);
    assert!(texts.compare_and_swap("a", None, Some("new".into())).await?);
    assert_eq!(texts.get("a").await?.as_deref(), Some("new"));
    let computed = texts.get_or_insert_with("b", async || Ok("computed".into())).await?;
    assert_eq!(computed, "computed");
    assert_eq!(texts.purge_expired().await?, 2);
    assert_eq!(texts.purge_expired().await?, 0);
    assert_eq!(texts.size().await?, 4);
    Ok(())
}

pub(crate) async fn times_to_live_change(store: &Store) -> Outcome {
    let texts = kv::<String, i64>(store, "sessions").await?;
    // Long enough for a machine that does much else.
    texts.put_with_time_to_live("a", 1, Duration::from_secs(1)).await?;
    texts.put_with_time_to_live("b", 1, Duration::from_secs(1)).await?;
    texts.put("c", 1).await?;
    // It stays, and so does one that is put again.
    assert!(texts.expire("a", None).await?);
    texts.put("b", 2).await?;
    assert!(texts.expire("c", Some(Duration::from_millis(1))).await?);
    assert!(!texts.expire("d", None).await?);
    wait(1_100).await;
    assert_eq!(texts.get_many(["a", "b", "c"]).await?, [Some(1), Some(2), None]);
    // A counter that has expired begins anew, and stays.
    assert_eq!(texts.increment("c", 5).await?, 5);
    assert_eq!(texts.get("c").await?, Some(5));
    Ok(())
}

pub(crate) async fn compare_and_swap(store: &Store) -> Outcome {
    let settings = kv::<String, Setting>(store, "settings").await?;
    let (one, two) = (setting(1), setting(2));
    assert!(settings.compare_and_swap("a", None, None).await?);
    assert!(!settings.compare_and_swap("a", Some(&one), Some(two.clone())).await?);
    assert!(!settings.compare_and_swap("a", Some(&one), None).await?);
    assert!(settings.compare_and_swap("a", None, Some(one.clone())).await?);
    assert!(!settings.compare_and_swap("a", None, Some(two.clone())).await?);
    assert!(!settings.compare_and_swap("a", None, None).await?);
    assert!(settings.compare_and_swap("a", Some(&one), Some(two.clone())).await?);
    assert_eq!(settings.get("a").await?, Some(two.clone()));
    assert!(settings.compare_and_swap("a", Some(&two), None).await?);
    assert_eq!(settings.size().await?, 0);

    // Numbers in JSON are the same however a database writes them.
    let documents = kv::<i64, serde_json::Value>(store, "documents").await?;
    let document = serde_json::json!({"b": [1.0, 1e3], "a": 5});
    documents.put(1, document.clone()).await?;
    assert!(documents.compare_and_swap(1, Some(&document), Some(1.into())).await?);
    Ok(())
}

/// Of many who swap at once exactly one does.
pub(crate) async fn swaps_at_once_do_not_lose_each_other(store: &Store) -> Outcome {
    let numbers = kv::<String, Vec<i64>>(store, "numbers").await?;
    let add = async |number: i64| -> Result<()> {
        loop {
            let seen = numbers.get("all").await?;
            let mut more = seen.clone().unwrap_or_default();
            more.push(number);
            if numbers.compare_and_swap("all", seen.as_ref(), Some(more)).await? {
                return Ok(());
            }
        }
    };
    for added in join_all((0..12).map(add)).await {
        added?;
    }
    let mut all = numbers.get("all").await?.unwrap_or_default();
    all.sort_unstable();
    assert_eq!(all, (0..12).collect::<Vec<_>>());
    Ok(())
}

pub(crate) async fn increments_all_count(store: &Store) -> Outcome {
    let counters = kv::<String, i64>(store, "counters").await?;
    assert_eq!(counters.increment("a", 5).await?, 5);
    assert_eq!(counters.increment("a", -7).await?, -2);
    assert_eq!(counters.get("a").await?, Some(-2));
    let sums = join_all((0..40).map(|_| counters.increment("b", 1))).await;
    let mut sums = sums.into_iter().collect::<Result<Vec<_>>>()?;
    sums.sort_unstable();
    assert_eq!(sums, (1..=40).collect::<Vec<_>>());
    counters.put("c", i64::MAX).await?;
    fails("Validation", counters.increment("c", 1).await);
    assert_eq!(counters.get("c").await?, Some(i64::MAX));
    let small = kv::<String, u8>(store, "small").await?;
    fails("Validation", small.increment("a", -1).await);
    fails("Validation", small.increment("a", 256).await);
    assert_eq!(small.get("a").await?, None);
    assert_eq!(small.increment("a", 255).await?, 255);
    fails("Validation", small.increment("a", 1).await);
    assert_eq!(small.get("a").await?, Some(255));
    Ok(())
}

pub(crate) async fn a_value_is_computed_once(store: &Store) -> Outcome {
    let numbers = kv::<i64, i64>(store, "numbers").await?;
    let computed = Arc::new(AtomicUsize::new(0));
    let ask = async |clone: Kv<i64, i64>| {
        let compute = async || {
            computed.fetch_add(1, Ordering::SeqCst);
            wait(20).await;
            Ok(49)
        };
        clone.get_or_insert_with(7, compute).await
    };
    for value in join_all((0..30).map(|_| ask(numbers.clone()))).await {
        assert_eq!(value?, 49);
    }
    assert_eq!(computed.load(Ordering::SeqCst), 1);
    assert_eq!(numbers.get(&7).await?, Some(49));

    // An error is the caller's own, and nothing is stored.
    let failing = async || Err(Error::validation("no such number"));
    is_refused("no such number", numbers.get_or_insert_with(8, failing).await);
    assert_eq!(numbers.get(&8).await?, None);
    assert_eq!(numbers.get_or_insert_with(8, async || Ok(64)).await?, 64);
    // Two handles of their own, as two processes have: the first that is stored is that of both.
    let other = store.kv::<i64, i64>("numbers").await?;
    let late = async || {
        other.put(9, 1).await?;
        Ok(2)
    };
    assert_eq!(numbers.get_or_insert_with(9, late).await?, 1);
    Ok(())
}

pub(crate) async fn events_tell_what_was_done(store: &Store) -> Outcome {
    let texts = kv::<String, String>(store, "texts").await?;
    let mut events = texts.events().stream();
    let put = texts.events().wait_on(KvEventKind::Put);
    texts.put("a", "1".into()).await?;
    texts.get("a").await?;
    texts.get("b").await?;
    assert!(!texts.delete("b").await?);
    assert!(texts.delete("a").await?);
    texts.get_all().await?;
    texts.delete_all().await?;
    let (a, b) = (|| "a".to_owned(), || "b".to_owned());
    let one = || "1".to_owned();
    assert_eq!(put.await?, KvEvent::Put { key: a(), value: one() });
    for expected in [
        KvEvent::Put { key: a(), value: one() },
        KvEvent::Get { key: a(), value: Some(one()) },
        KvEvent::Get { key: b(), value: None },
        KvEvent::Delete { key: a() },
        KvEvent::GetAll { entries: 0 },
        KvEvent::DeleteAll,
    ] {
        assert_eq!(events.next().await, Some(expected));
    }
    texts.destroy();
    fails("Closed", texts.get("a").await);
    Ok(())
}

pub(crate) async fn a_panicking_listener_harms_nobody(store: &Store) -> Outcome {
    // In a browser a panic ends the program.
    if cfg!(target_family = "wasm") {
        return Ok(());
    }
    let texts = kv::<String, String>(store, "texts").await?;
    let panicking = texts.events().on(KvEventKind::Put, |_| panic!("on purpose"));
    texts.put("a", "2".into()).await?;
    assert_eq!(texts.get("a").await?.as_deref(), Some("2"));
    drop(panicking);
    Ok(())
}

pub(crate) async fn join_transactions(store: &Store) -> Outcome {
    let texts = kv::<String, i64>(store, "texts").await?;
    texts.put("a", 1).await?;
    let mut events = texts.events().stream();
    let undone = store
        .transaction(async |tx| {
            let texts = texts.in_tx(tx);
            texts.put("a", 2).await?;
            texts.increment("a", 5).await?;
            assert_eq!(texts.get("a").await?, Some(7));
            Err::<(), _>(Error::validation("on purpose"))
        })
        .await;
    is_refused("on purpose", undone);
    assert_eq!(texts.get("a").await?, Some(1));
    store
        .transaction(async |tx| {
            texts.in_tx(tx).put("b", 3).await?;
            texts.in_tx(tx).delete("a").await.map(drop)
        })
        .await?;
    assert_eq!(texts.get_all().await?, [("b".to_owned(), 3)]);
    let told: Vec<_> = events.by_ref().take(3).collect().await;
    let get = KvEvent::Get { key: "a".to_owned(), value: Some(1) };
    let put = KvEvent::Put { key: "b".to_owned(), value: 3 };
    assert_eq!(told, [get, put, KvEvent::Delete { key: "a".to_owned() }]);
    Ok(())
}

/// What a transaction did is there for it, in its place among the rest, and for nobody else.
pub(crate) async fn are_seen_in_a_transaction_as_it_left_them(store: &Store) -> Outcome {
    let texts = kv::<String, i64>(store, "texts").await?;
    texts.put_bulk([("a", 1), ("b", 2), ("d", 4), ("e", 5)]).await?;
    let hour = Duration::from_hours(1);
    store
        .transaction(async |tx| {
            let inside = texts.in_tx(tx);
            inside.put_bulk([("c", 3), ("a", 10), ("f", 6)]).await?;
            assert!(inside.delete("d").await? && !inside.delete("d").await?);
            inside.put_with_time_to_live("0", 0, Duration::from_millis(1)).await?;
            wait(20).await;
            let seen = |entries: &[(&str, i64)]| -> Vec<(String, i64)> {
                entries.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect()
            };
            let all = seen(&[("a", 10), ("b", 2), ("c", 3), ("e", 5), ("f", 6)]);
            assert_eq!(inside.get_all().await?, all);
            assert_eq!(inside.size().await?, 5);
            assert_eq!(inside.get_many(["d", "c", "0"]).await?, [None, Some(3), None]);
            assert_eq!(inside.purge_expired().await?, 1);
            assert!(inside.compare_and_swap("c", Some(&3), None).await?);
            assert!(inside.compare_and_swap("d", None, Some(40)).await?);
            assert!(inside.expire("e", Some(hour)).await?);
            let undone = tx
                .savepoint(async |tx| {
                    let inside = texts.in_tx(tx);
                    inside.delete_all().await?;
                    inside.put("z", 26).await?;
                    assert_eq!(inside.get_all().await?, [("z".to_owned(), 26)]);
                    assert_eq!(inside.get("a").await?, None);
                    Err::<(), _>(Error::validation("on purpose"))
                })
                .await;
            is_refused("on purpose", undone);
            let all = seen(&[("a", 10), ("b", 2), ("d", 40), ("e", 5), ("f", 6)]);
            assert_eq!(inside.get_all().await?, all);
            Ok(())
        })
        .await?;
    let entries: Vec<_> = texts.entries().try_collect().await?;
    let there: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.value)).collect();
    assert_eq!(there, [("a", 10), ("b", 2), ("d", 40), ("e", 5), ("f", 6)]);
    assert!(entries[3].expires_at.is_some() && entries[0].expires_at.is_none());
    // What is deleted as a whole is gone, and what is put afterwards is all there is.
    store
        .transaction(async |tx| {
            texts.in_tx(tx).delete_all().await?;
            texts.in_tx(tx).put("b", 7).await
        })
        .await?;
    assert_eq!(texts.get_all().await?, [("b".to_owned(), 7)]);
    Ok(())
}

pub(crate) async fn operations_before_a_set_up_are_schema_errors(store: &Store) -> Outcome {
    let texts = store.kv::<String, i64>("never_set_up").await?;
    fails("Schema", texts.get("a").await);
    fails("Schema", texts.put("a", 1).await);
    fails("Schema", texts.size().await);
    texts.setup_database().await?;
    texts.setup_database().await?;
    assert_eq!(texts.size().await?, 0);
    Ok(())
}
