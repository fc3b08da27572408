//! native_db on a file, as it comes: every commit is synced, which SQLite's of ours is not (`synchronous=NORMAL`).
//!
//! Its watch tells of writes through the same handle, to whoever is there. There is no log, and no other process.

use std::sync::{Arc, LazyLock};

use changes_common::{Deliveries, Pace, ROWS, Result, Row, compare, in_runtime, variant};
use native_db::{Builder, Database, Models, ToKey, native_db, watch::Event};
use native_model::{Model, native_model};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedReceiver;

const GROUP: &str = "sqlite";

static MODELS: LazyLock<Models> = LazyLock::new(|| {
    let mut models = Models::new();
    models.define::<Item>().expect("the model is well formed");
    models
});

#[derive(Serialize, Deserialize, Clone, Debug)]
#[native_model(id = 1, version = 1)]
#[native_db]
struct Item {
    #[primary_key]
    id: i64,
    name: String,
    at: i64,
    price: f64,
}

fn put(database: &Database<'_>, Row { id, name, at, price }: Row) -> Result {
    let transaction = database.rw_transaction()?;
    transaction.upsert(Item { id, name, at, price })?;
    Ok(transaction.commit()?)
}

async fn write(database: &Database<'_>) -> Result {
    let mut pace = Pace::default();
    while let Some(row) = pace.next().await {
        put(database, row)?;
    }
    Ok(())
}

async fn next(events: &mut UnboundedReceiver<Event>) -> Result<i64> {
    match events.recv().await.ok_or("the watch has ended")? {
        Event::Insert(event) => Ok(event.inner::<Item>()?.at),
        Event::Update(event) => Ok(event.inner_new::<Item>()?.at),
        Event::Delete(_) => Err("nothing is deleted here".into()),
    }
}

fn main() -> Result {
    in_runtime(async {
        let folder = tempfile::tempdir()?;
        let database = Builder::new().create(&MODELS, folder.path().join("changes.db"))?;
        let database = Arc::new(database);
        let transaction = database.rw_transaction()?;
        for Row { id, name, at, price } in (0..ROWS).map(Row::now) {
            transaction.upsert(Item { id, name, at, price })?;
        }
        transaction.commit()?;

        let (mut events, watch) = database.watch().scan().primary().all::<Item>()?;
        let writing = tokio::spawn({
            let database = Arc::clone(&database);
            async move { write(&database).await }
        });
        let mut deliveries = Deliveries::default();
        while deliveries.wants_more() {
            deliveries.take(next(&mut events)).await?;
        }
        deliveries.report(GROUP, "delivery", "native_db, watch")?;
        writing.await??;
        database.unwatch(watch)?;

        // A commit waits for the disk, so it is given a thread.
        let puts = |system: &str, database: &Arc<Database<'static>>| {
            let database = Arc::clone(database);
            variant(system, move |row| {
                let database = Arc::clone(&database);
                async move { tokio::task::spawn_blocking(move || put(&database, row)).await? }
            })
        };
        let watched = Arc::new(Builder::new().create(&MODELS, folder.path().join("watched.db"))?);
        let (mut events, _) = watched.watch().scan().primary().all::<Item>()?;
        let following = tokio::spawn(async move { while next(&mut events).await.is_ok() {} });
        compare(
            GROUP,
            &[puts("native_db, no watch", &database), puts("native_db, watch", &watched)],
        )
        .await?;
        following.abort();
        Ok(())
    })
}
