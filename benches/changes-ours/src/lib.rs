//! The cases on any of our backends, through the public handle of a derived table.

use std::time::Instant;

use changes_common::{
    Deliveries, LATE, Pace, ROWS, Result, Row, Variant, compare, expect, is_quick, report,
    start_writer, variant,
};
use storehouse::{Changes, Store, prelude::*};

/// What is followed.
#[derive(Table, Clone, Debug)]
#[table(name = "items", changes)]
struct Item {
    #[table(key)]
    id: i64,
    name: String,
    at: i64,
    price: f64,
}

/// The same with a log that nobody reads.
#[derive(Table, Clone, Debug)]
#[table(name = "logged_items", changes)]
struct LoggedItem {
    #[table(key)]
    id: i64,
    name: String,
    at: i64,
    price: f64,
}

/// The same without a log.
#[derive(Table, Clone, Debug)]
#[table(name = "plain_items")]
struct PlainItem {
    #[table(key)]
    id: i64,
    name: String,
    at: i64,
    price: f64,
}

macro_rules! from_row {
    ($($item:ident),*) => {$(
        impl From<Row> for $item {
            fn from(Row { id, name, at, price }: Row) -> Self {
                Self { id, name, at, price }
            }
        }
    )*};
}

from_row!(Item, LoggedItem, PlainItem);

/// Runs the cases on the database of a URL.
pub async fn run(group: &str, url: &str) -> Result {
    let system = format!("storehouse-{group}");
    let store = storehouse::open(url).await?;
    let items = set_up::<Item>(&store).await?;
    let (logged, plain) = (set_up::<LoggedItem>(&store).await?, set_up::<PlainItem>(&store).await?);

    let mut changes = items.changes(Since::Now).await?;
    let writing = tokio::spawn({
        let items = items.clone();
        async move { write(&items).await }
    });
    deliver(&mut changes).await?.report(group, "delivery", &system)?;
    writing.await??;

    let writer = start_writer(url)?;
    deliver(&mut changes).await?.report(group, "delivery_across", &system)?;
    expect(writer).await?;

    // Elsewhere, as a follower in another process would be; only the processors are shared.
    let other = storehouse::open(url).await?.tabular::<Item>().await?;
    let mut followed = other.changes(Since::Now).await?;
    let following = tokio::spawn(async move { while next(&mut followed).await.is_ok() {} });
    compare(
        group,
        &[
            puts(&system, "no log", &plain),
            puts(&system, "a log", &logged),
            puts(&system, "a log and a follower", &items),
        ],
    )
    .await?;
    following.abort();
    drop(changes);

    catch_up(group, &system, &items).await
}

/// What a process does that was started to write.
pub async fn write_in(url: &str) -> Result {
    write(&storehouse::open(url).await?.tabular::<Item>().await?).await
}

async fn write(items: &Tabular<Item>) -> Result {
    let mut pace = Pace::default();
    while let Some(row) = pace.next().await {
        items.put(Item::from(row)).await?;
    }
    Ok(())
}

async fn deliver(changes: &mut Changes<Item>) -> Result<Deliveries> {
    let mut deliveries = Deliveries::default();
    while deliveries.wants_more() {
        deliveries.take(next(changes)).await?;
    }
    Ok(deliveries)
}

async fn set_up<T>(store: &Store) -> Result<Tabular<T>>
where
    T: Table + From<Row>,
{
    let items = store.tabular::<T>().await?;
    items.setup_database().await?;
    items.put_bulk((0..ROWS).map(|id| T::from(Row::now(id)))).await?;
    Ok(items)
}

fn puts<T>(system: &str, what: &str, items: &Tabular<T>) -> Variant
where
    T: Table + From<Row>,
{
    let items = items.clone();
    variant(format!("{system}, {what}"), move |row| {
        let items = items.clone();
        async move { Ok(items.put(T::from(row)).await.map(drop)?) }
    })
}

async fn next(changes: &mut Changes<Item>) -> Result<i64> {
    let change = changes.try_next().await?.ok_or("the stream has ended")?;
    Ok(change.new.ok_or("a change without a row")?.at)
}

async fn catch_up(group: &str, system: &str, items: &Tabular<Item>) -> Result {
    let late = if is_quick() { ROWS } else { LATE };
    let begin = items.changes(Since::Now).await?.cursor().clone();
    for _ in 0..late / ROWS {
        items.put_bulk((0..ROWS).map(|id| Item::from(Row::now(id)))).await?;
    }
    let mut samples = Vec::new();
    for _ in 0..3 {
        let begun = Instant::now();
        let mut changes = items.changes(Since::After(begin.clone())).await?;
        for _ in 0..late {
            next(&mut changes).await?;
        }
        samples.push(begun.elapsed().as_nanos() as f64 / late as f64);
    }
    samples.sort_by(f64::total_cmp);
    report(group, "catch_up", system, samples[samples.len() / 2])
}
