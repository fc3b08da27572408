//! How often a live query runs.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Deserializer, Serialize};
use storehouse::prelude::*;

/// How many rows queries have read.
static READ: AtomicUsize = AtomicUsize::new(0);

/// Counts how often one is read.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Counted;

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer)?;
        READ.fetch_add(1, Ordering::Relaxed);
        Ok(Self)
    }
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(changes)]
struct Order {
    #[table(key)]
    id: i64,
    is_open: bool,
    #[table(json)]
    counted: Counted,
}

fn order(id: i64, is_open: bool) -> Order {
    Order { id, is_open, counted: Counted }
}

#[tokio::test]
async fn a_live_query_runs_only_where_a_change_can_matter() -> storehouse::Result<()> {
    let orders = storehouse::open("memory:").await?.tabular::<Order>().await?;
    orders.setup_database().await?;
    // Writes that give no row back, so that only the query reads any.
    let put = async |from: i64, to: i64, is_open: bool| {
        orders.put_bulk((from..to).map(|id| order(id, is_open))).await.map(drop)
    };
    let read = || READ.swap(0, Ordering::Relaxed);
    let mut open = orders.query(Order::IS_OPEN.eq(true)).live().await?;
    assert!(open.try_next().await?.is_some_and(|orders| orders.is_empty()));

    put(0, 1, true).await?;
    read();
    assert_eq!(open.try_next().await?.map(|orders| orders.len()), Some(1));
    assert_eq!(read(), 1);

    // None of these can be in the result.
    for id in 100..200 {
        put(id, id + 1, false).await?;
    }
    // These come together, and are read together.
    put(1, 50, true).await?;
    read();
    assert_eq!(open.try_next().await?.map(|orders| orders.len()), Some(50));
    assert_eq!(read(), 50);

    // One that leaves the result, and one that was never in it.
    orders.delete(&100).await?;
    put(0, 1, false).await?;
    read();
    assert_eq!(open.try_next().await?.map(|orders| orders.len()), Some(49));
    assert_eq!(read(), 49);
    Ok(())
}
