//! Storehouse in the tabular benchmark: SQLite, and memory for the cases that it has.
//!
//! Everything goes through the public handle of a derived table.

use std::hint::black_box;

use storehouse::prelude::*;
use tabular_common::{Bench, Case, Draw, Result, Row, in_runtime};

#[derive(Table, Clone, Debug)]
#[table(name = "items")]
struct Item {
    #[table(key)]
    id: i64,
    #[table(index)]
    category: String,
    name: String,
    quantity: i64,
    price: f64,
}

impl From<Row> for Item {
    fn from(row: Row) -> Self {
        let Row { id, category, name, quantity, price } = row;
        Self { id, category, name, quantity, price }
    }
}

fn main() -> Result {
    in_runtime(async {
        let bench = Bench::from_env("sqlite")?;
        let url =
            |name: &str, options: &str| format!("sqlite:{}{options}", bench.path(name).display());
        let small = load(&url("small.db", ""), Row::SMALL).await?;
        let large = load(&url("large.db", ""), Row::LARGE).await?;
        cases(&bench, "storehouse-sqlite", &small, &large).await?;

        let durable = load(&url("durable.db", "?synchronous=full"), Row::SMALL).await?;
        durable_writers(&bench, &durable).await?;

        let small = load("memory:", Row::SMALL).await?;
        let large = load("memory:", Row::LARGE).await?;
        cases(&bench, "storehouse-memory", &small, &large).await
    })
}

async fn load(url: &str, rows: usize) -> Result<Tabular<Item>> {
    let items = storehouse::open(url).await?.tabular::<Item>().await?;
    items.setup_database().await?;
    items.put_bulk(Row::first(rows).into_iter().map(Item::from)).await?;
    Ok(items)
}

async fn cases(
    bench: &Bench,
    system: &str,
    small: &Tabular<Item>,
    large: &Tabular<Item>,
) -> Result {
    bench
        .run(Case::PointRead, system, Draw::key, |keys| async move {
            for key in keys {
                black_box(small.get(&key).await?);
            }
            Ok(())
        })
        .await?;
    let item = |draw: &mut Draw| Item::from(draw.row());
    bench
        .run(Case::Put, system, item, |items| async move {
            for item in items {
                black_box(small.put(item).await?);
            }
            Ok(())
        })
        .await?;
    for size in Case::BULK_SIZES {
        let batch = |draw: &mut Draw| draw.rows(size).into_iter().map(Item::from).collect();
        bench
            .run(Case::PutBulk(size), system, batch, |batches: Vec<Vec<Item>>| async move {
                for batch in batches {
                    black_box(small.put_bulk(batch).await?);
                }
                Ok(())
            })
            .await?;
    }
    bench
        .run(Case::IndexedQuery, system, Draw::category, |categories| async move {
            for category in categories {
                let rows = large.query(Item::CATEGORY.eq(category)).await?;
                assert_eq!(rows.len(), Row::PER_CATEGORY);
            }
            Ok(())
        })
        .await?;
    bench
        .run(Case::FullScan, system, Draw::nothing, |scans| async move {
            for () in scans {
                assert_eq!(large.get_all().await?.len(), Row::LARGE);
            }
            Ok(())
        })
        .await?;
    bench
        .run_concurrent(Case::ConcurrentReaders, system, Draw::key, |keys| {
            let small = small.clone();
            async move {
                for key in keys {
                    black_box(small.get(&key).await?);
                }
                Ok(())
            }
        })
        .await
}

/// Every acknowledged put survives a loss of power; writers that come at once share a commit.
async fn durable_writers(bench: &Bench, durable: &Tabular<Item>) -> Result {
    let item = |draw: &mut Draw| Item::from(draw.row());
    bench
        .run_concurrent(Case::DurableWriters, "storehouse-sqlite", item, |items| {
            let durable = durable.clone();
            async move {
                for item in items {
                    black_box(durable.put(item).await?);
                }
                Ok(())
            }
        })
        .await
}
