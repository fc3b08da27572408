//! Keys: generated ones, given ones, and both beside each other.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use futures::future::join_all;
use storehouse::{ClientKeys, Table, Tabular};
use storehouse_runtime::{Error, Store};
use uuid::Uuid;

use super::tables::{Product, ProductOptional, product, product_with_id};
use crate::{
    behaviour::Outcome,
    expect::{fails, is_refused, set_up},
};

#[derive(Table, Clone, Debug, PartialEq)]
struct Counted {
    #[table(key, auto)]
    id: i32,
    text: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Unsigned {
    #[table(key, auto)]
    id: u32,
    text: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Token {
    #[table(key, auto)]
    id: Uuid,
    text: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Document {
    #[table(key, auto)]
    id: String,
    text: String,
}

/// A generated number within what the caller gives.
#[derive(Table, Clone, Debug, PartialEq)]
struct Task {
    #[table(key)]
    project: String,
    #[table(key, auto)]
    number: i64,
    text: String,
}

/// A generated number that is not the last column of the key, nor the first of the table.
#[derive(Table, Clone, Debug, PartialEq)]
struct Entry {
    text: String,
    #[table(key, auto)]
    number: i32,
    #[table(key)]
    day: NaiveDate,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Moment {
    #[table(key)]
    at: DateTime<Utc>,
    #[table(key)]
    tag: Vec<u8>,
    #[table(key)]
    flag: bool,
}

fn text() -> String {
    "x".into()
}

fn task(project: &str, number: i64, text: &str) -> Task {
    Task { project: project.into(), number, text: text.into() }
}

async fn generated(products: &Tabular<Product>, count: usize) -> Result<Vec<i64>, Error> {
    let mut ids = Vec::new();
    for _ in 0..count {
        // Unique enough: there are never as many products.
        let sku = products.size().await?.to_string() + "-generated-" + &ids.len().to_string();
        ids.push(products.insert(product(&sku, "tools", 1.0)).await?.id);
    }
    Ok(ids)
}

pub(crate) async fn of_every_integer_are_generated(store: &Store) -> Outcome {
    let counted = set_up::<Counted>(store).await?;
    let unsigned = set_up::<Unsigned>(store).await?;
    let products = set_up::<Product>(store).await?;
    let mut seen = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..5 {
        let row = counted.put(CountedInsert { text: text() }).await?;
        assert_eq!(counted.get(&row.id).await?, Some(row.clone()));
        assert!(row.id > 0 && seen.0.insert(row.id));
        let row = unsigned.put(UnsignedInsert { text: text() }).await?;
        assert_eq!(unsigned.get(&row.id).await?, Some(row.clone()));
        assert!(row.id > 0 && seen.1.insert(row.id));
    }
    assert_eq!(generated(&products, 5).await?.into_iter().collect::<BTreeSet<_>>().len(), 5);
    Ok(())
}

pub(crate) async fn of_uuid_are_version_7_and_ascend(store: &Store) -> Outcome {
    let tokens = set_up::<Token>(store).await?;
    let mut ids = Vec::new();
    for _ in 0..20 {
        let row = tokens.put(TokenInsert { text: text() }).await?;
        assert_eq!(row.id.get_version_num(), 7, "{}", row.id);
        assert_eq!(tokens.get(&row.id).await?, Some(row.clone()));
        ids.push(row.id);
    }
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    Ok(())
}

pub(crate) async fn of_string_are_uuids_as_text(store: &Store) -> Outcome {
    let documents = set_up::<Document>(store).await?;
    let row = documents.put(DocumentInsert { text: text() }).await?;
    let id: Uuid = row.id.parse().expect("the generated key is a UUID");
    assert_eq!(row.id, id.to_string());
    assert_eq!(documents.get(&*row.id).await?, Some(row));
    Ok(())
}

/// W-T8: a generated key that is text takes any text from the caller, UUID or not.
pub(crate) async fn of_string_can_be_any_text_of_the_caller(store: &Store) -> Outcome {
    let documents = set_up::<Document>(store).await?;
    let any = "x".repeat(300);
    for id in ["", "readme", "not-a-uuid", "' OR 1=1 --", "日本", "a/b?c=d", &any] {
        let row = documents.put(Document { id: id.into(), text: text() }).await?;
        assert_eq!(row.id, id);
        assert_eq!(documents.get(id).await?, Some(row));
    }
    assert_eq!(documents.size().await?, 7);
    Ok(())
}

pub(crate) async fn given_are_used_if_missing_are_generated(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    assert_eq!(products.put(product_with_id(42, "A1")).await?.id, 42);
    assert_ne!(products.put(product("A2", "tools", 1.0)).await?.id, 42);
    let tokens = set_up::<Token>(store).await?;
    let id = Uuid::from_u128(5);
    assert_eq!(tokens.put(Token { id, text: text() }).await?.id, id);
    Ok(())
}

pub(crate) async fn given_are_ignored_with_the_policy_never(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?.with_client_keys(ClientKeys::Never);
    let row = products.put(product_with_id(42, "A1")).await?;
    assert_ne!(row.id, 42);
    assert_eq!(products.get(&42).await?, None);
    assert_eq!(products.get(&row.id).await?, Some(row));
    let tokens = set_up::<Token>(store).await?.with_client_keys(ClientKeys::Never);
    let id = Uuid::from_u128(5);
    assert_ne!(tokens.put(Token { id, text: text() }).await?.id, id);
    let documents = set_up::<Document>(store).await?.with_client_keys(ClientKeys::Never);
    let row = documents.put(Document { id: "mine".into(), text: text() }).await?;
    assert_ne!(row.id, "mine");
    // What is not generated is the caller's, whatever the policy.
    let tasks = set_up::<Task>(store).await?.with_client_keys(ClientKeys::Never);
    let row = tasks.put(task("a", 42, "x")).await?;
    assert_eq!(row.project, "a");
    assert_ne!(row.number, 42);
    Ok(())
}

pub(crate) async fn missing_are_refused_with_the_policy_always(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?.with_client_keys(ClientKeys::Always);
    is_refused("`id`", products.put(product("A1", "tools", 1.0)).await);
    is_refused("`id`", products.insert(product("A1", "tools", 1.0)).await);
    is_refused("`id`", products.put_bulk([product("A1", "tools", 1.0)]).await);
    assert_eq!(products.put(product_with_id(42, "A1")).await?.id, 42);
    let optional = ProductOptional { id: Some(43), ..ProductOptional::default() };
    assert_eq!(products.put(product("A2", "tools", 1.0).with(optional)).await?.id, 43);
    assert_eq!(products.size().await?, 2);
    Ok(())
}

pub(crate) async fn policies_belong_to_the_handle(store: &Store) -> Outcome {
    let usual = set_up::<Product>(store).await?;
    let never = usual.with_client_keys(ClientKeys::Never);
    assert_eq!(usual.put(product_with_id(42, "A1")).await?.id, 42);
    assert_ne!(never.clone().put(product_with_id(7, "A2")).await?.id, 7);
    Ok(())
}

/// W-T3: a key that the caller gave is never generated again, whichever came first.
pub(crate) async fn generated_never_overwrite_given_ones(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    for id in [3, 1, 2, 10] {
        products.put(product_with_id(id, &format!("given-{id}"))).await?;
    }
    let ids = generated(&products, 20).await?;
    assert!(ids.iter().all(|id| ![1, 2, 3, 10].contains(id)), "{ids:?}");
    assert_eq!(products.size().await?, 24);
    for id in [1, 2, 3, 10] {
        let row = products.get(&id).await?.expect("the given row is still there");
        assert_eq!(row.sku, format!("given-{id}"));
    }
    Ok(())
}

/// W-T3, within one bulk: a key is generated before the row that brings the same one along.
pub(crate) async fn generated_never_overwrite_given_ones_of_the_bulk(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let last = generated(&products, 1).await?[0];
    let with_id = |id: Option<i64>, sku: &str| {
        product(sku, "tools", 1.0).with(ProductOptional { id, ..ProductOptional::default() })
    };
    let next: Vec<i64> = (last + 1..last + 4).collect();
    let bulk = [
        with_id(None, "A"),
        with_id(Some(next[0]), "B"),
        with_id(None, "C"),
        with_id(Some(next[2]), "D"),
        with_id(None, "E"),
    ];
    let stored = products.put_bulk(bulk).await?;
    let ids: BTreeSet<i64> = stored.iter().map(|product| product.id).collect();
    assert_eq!(ids.len(), 5, "{ids:?}");
    assert_eq!((stored[1].id, stored[3].id), (next[0], next[2]));
    assert_eq!(products.size().await?, 6);
    Ok(())
}

pub(crate) async fn generated_are_not_given_again(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let ids = generated(&products, 3).await?;
        for id in &ids {
            assert!(seen.insert(*id), "{id} was given before: {seen:?}");
        }
        // The greatest is what a `max(id) + 1` would fall back to.
        products.delete(ids.iter().max().expect("there are ids")).await?;
    }
    products.delete_all().await?;
    for id in generated(&products, 5).await? {
        assert!(seen.insert(id), "{id} was given before: {seen:?}");
    }
    products.delete_search(Product::PRICE.gt(0.0)).await?;
    for id in generated(&products, 2).await? {
        assert!(seen.insert(id), "{id} was given before: {seen:?}");
    }
    Ok(())
}

pub(crate) async fn generated_at_once_are_different(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let puts = (0..64).map(|number| {
        let products = products.clone();
        async move { products.put(product(&number.to_string(), "tools", 1.0)).await }
    });
    let mut ids = BTreeSet::new();
    for row in join_all(puts).await {
        assert!(ids.insert(row?.id));
    }
    assert_eq!(products.size().await?, 64);
    Ok(())
}

/// W-T5: in a compound key with a generated column, the whole key is unique, not that column.
pub(crate) async fn with_a_generated_column_are_unique_as_a_whole(store: &Store) -> Outcome {
    let tasks = set_up::<Task>(store).await?;
    tasks.insert(task("a", 1, "first")).await?;
    tasks.insert(task("b", 1, "second")).await?;
    fails("Conflict", tasks.insert(task("a", 1, "third")).await);
    let generated = tasks.insert(TaskInsert { project: "a".into(), text: text() }).await?;
    assert_eq!((&*generated.project, &*generated.text), ("a", "x"));
    assert!(generated.number > 1, "{generated:?}");
    assert_eq!(tasks.size().await?, 3);
    let key = TaskKey { project: "a".into(), number: generated.number };
    assert_eq!(tasks.get(&key).await?, Some(generated));
    let entries = set_up::<Entry>(store).await?;
    let day = NaiveDate::from_ymd_opt(2024, 2, 29).expect("a leap year");
    let entry = entries.insert(EntryInsert { text: text(), day }).await?;
    assert_eq!(entries.get(&EntryKey { number: entry.number, day }).await?, Some(entry));
    Ok(())
}

pub(crate) async fn at_the_greatest_integer_nothing_is_overwritten(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product_with_id(i64::MAX, "A1")).await?;
    fails("Validation", products.put(product("A2", "tools", 1.0)).await);
    products.put(product_with_id(7, "A2")).await?;
    assert_eq!(products.size().await?, 2);
    let counted = set_up::<Counted>(store).await?;
    counted.put(Counted { id: i32::MAX, text: text() }).await?;
    fails("Validation", counted.put(CountedInsert { text: text() }).await);
    assert_eq!(counted.size().await?, 1);
    Ok(())
}

pub(crate) async fn can_be_zero_and_negative(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    for id in [0, -1, i64::MIN] {
        products.put(product_with_id(id, &id.to_string())).await?;
        assert_eq!(products.get(&id).await?.map(|product| product.id), Some(id));
    }
    let next = products.put(product("next", "tools", 1.0)).await?;
    assert!(next.id > 0, "{next:?}");
    let ids: Vec<i64> = products.get_all().await?.iter().map(|product| product.id).collect();
    assert_eq!(ids, [i64::MIN, -1, 0, next.id]);
    Ok(())
}

pub(crate) async fn of_three_types_find_their_row(store: &Store) -> Outcome {
    let moments = set_up::<Moment>(store).await?;
    let at = DateTime::from_timestamp_micros(-1).expect("a moment before 1970");
    let mut rows = Vec::new();
    for tag in [&b""[..], b"\0", b"\0\0", b"\xff"] {
        for flag in [false, true] {
            rows.push(Moment { at, tag: tag.to_vec(), flag });
        }
    }
    moments.put_bulk(rows.iter().rev().cloned()).await?;
    assert_eq!(moments.get_all().await?, rows);
    for row in rows {
        let key = MomentKey { at, tag: row.tag.clone(), flag: row.flag };
        assert_eq!(moments.get(&key).await?, Some(row));
        assert!(moments.delete(&key).await?);
    }
    Ok(())
}
