//! Changes that another store of the same database made, or made before.

use storehouse::Since;

use super::changes::{Offer, offer, short};
use crate::{
    behaviour::{Database, Outcome},
    expect::set_up,
};

pub(crate) async fn of_before_are_there_after_reopening(database: &Database<'_>) -> Outcome {
    let cursor = {
        let store = database.open().await;
        let offers = set_up::<Offer>(&store).await?;
        let cursor = offers.changes(Since::Now).await?.cursor().clone();
        offers.put(offer("a", 1.0)).await?;
        cursor
    };
    let store = database.open().await;
    let offers = set_up::<Offer>(&store).await?;
    offers.put(offer("b", 2.0)).await?;
    let mut changes = offers.changes(Since::After(cursor)).await?;
    assert_eq!(short(&mut changes, 2).await?, ["Insert -> a=1", "Insert -> b=2"]);
    Ok(())
}

pub(crate) async fn of_other_stores_are_seen(database: &Database<'_>) -> Outcome {
    let (store, other) = (database.open().await, database.open().await);
    let offers = set_up::<Offer>(&store).await?;
    let others = set_up::<Offer>(&other).await?;
    let mut changes = offers.changes(Since::Now).await?;
    others.put(offer("a", 1.0)).await?;
    assert_eq!(short(&mut changes, 1).await?, ["Insert -> a=1"]);
    Ok(())
}

pub(crate) async fn of_transactions_of_other_stores_are_seen(database: &Database<'_>) -> Outcome {
    let (store, other) = (database.open().await, database.open().await);
    let offers = set_up::<Offer>(&store).await?;
    let others = set_up::<Offer>(&other).await?;
    let mut changes = offers.changes(Since::Now).await?;
    let tx = other.begin().await?;
    others.in_tx(&tx).put(offer("b", 2.0)).await?;
    tx.commit().await?;
    assert_eq!(short(&mut changes, 1).await?, ["Insert -> b=2"]);
    Ok(())
}
