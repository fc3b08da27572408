//! An application over a store, and its unit tests against memory.
//!
//! `Warehouse` is what a program would have between its interface and its database. It is given a
//! store and does not ask which: in production SQLite or PostgreSQL, in the tests below memory,
//! where each test has a store of its own that is there at once and gone afterwards.
//!
//! `cargo run --example stock` plays a short scene; `cargo test --example stock` runs the tests.

#![allow(clippy::print_stdout, reason = "a program for people to run")]

use storehouse::{Error, Result, prelude::*};

/// What lies on the shelves.
#[derive(Table, Clone, Debug, PartialEq)]
struct Item {
    #[table(key)]
    sku: String,
    quantity: u32,
}

/// What came in and went out.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(index(sku))]
struct Movement {
    #[table(key, auto)]
    id: i64,
    sku: String,
    quantity: i64,
}

/// Keeps the stock and its history in step.
struct Warehouse {
    store: Store,
    items: Tabular<Item>,
    movements: Tabular<Movement>,
}

/// Why an order cannot be shipped.
#[derive(Debug, PartialEq)]
struct OutOfStock {
    sku: String,
    available: u32,
}

impl std::fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "only {} of `{}` left", self.available, self.sku)
    }
}

impl std::error::Error for OutOfStock {}

impl Warehouse {
    async fn open(store: Store) -> Result<Self> {
        let items = store.tabular::<Item>().await?;
        let movements = store.tabular::<Movement>().await?;
        items.setup_database().await?;
        movements.setup_database().await?;
        Ok(Self { store, items, movements })
    }

    /// Takes goods in. Two deliveries at once both count.
    async fn receive(&self, sku: &str, quantity: u32) -> Result<Item> {
        self.store
            .transaction(async |tx| {
                let movement = MovementInsert { sku: sku.to_owned(), quantity: quantity.into() };
                self.movements.in_tx(tx).put(movement).await?;
                self.items
                    .in_tx(tx)
                    .upsert_by(Item::SKU, Item { sku: sku.to_owned(), quantity })
                    .or_update(ItemPatch { quantity: increment(i64::from(quantity)) })
                    .await
            })
            .await
    }

    /// Ships all lines of an order, or nothing.
    async fn ship(&self, order: &[(&str, u32)]) -> Result<()> {
        self.store
            .retry_transaction(5, async |tx| {
                let (items, movements) = (self.items.in_tx(tx), self.movements.in_tx(tx));
                for &(sku, quantity) in order {
                    let available = items.get(sku).await?.map_or(0, |item| item.quantity);
                    if available < quantity {
                        let sku = sku.to_owned();
                        return Err(Error::application(OutOfStock { sku, available }));
                    }
                    let quantity = -i64::from(quantity);
                    items.update(sku, ItemPatch { quantity: increment(quantity) }).await?;
                    movements.put(MovementInsert { sku: sku.to_owned(), quantity }).await?;
                }
                Ok(())
            })
            .await
    }

    async fn history(&self, sku: &str) -> Result<Vec<i64>> {
        let movements = self.movements.query(Movement::SKU.eq(sku)).await?;
        Ok(movements.into_iter().map(|movement| movement.quantity).collect())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let warehouse = Warehouse::open(storehouse::open("sqlite::memory:").await?).await?;
    warehouse.receive("saw", 5).await?;
    warehouse.receive("hammer", 1).await?;
    println!("shipped: {:?}", warehouse.ship(&[("saw", 2), ("hammer", 1)]).await);
    match warehouse.ship(&[("saw", 1), ("hammer", 1)]).await {
        Ok(()) => println!("shipped"),
        Err(error) => println!("not shipped: {error}"),
    }
    println!("saws: {:?}", warehouse.history("saw").await?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing to start, nothing to clean up, and no test sees what another does.
    async fn warehouse() -> Warehouse {
        Warehouse::open(storehouse::open("memory:").await.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn goods_that_come_in_add_up() {
        let warehouse = warehouse().await;
        assert_eq!(warehouse.receive("saw", 2).await.unwrap().quantity, 2);
        assert_eq!(warehouse.receive("saw", 3).await.unwrap().quantity, 5);
        assert_eq!(warehouse.history("saw").await.unwrap(), [2, 3]);
    }

    #[tokio::test]
    async fn an_order_is_shipped_whole_or_not_at_all() {
        let warehouse = warehouse().await;
        warehouse.receive("saw", 5).await.unwrap();
        warehouse.receive("hammer", 1).await.unwrap();
        let refused = warehouse.ship(&[("saw", 2), ("hammer", 2)]).await.unwrap_err();
        let Error::Application { source } = refused else { panic!("{refused}") };
        let expected = OutOfStock { sku: "hammer".into(), available: 1 };
        assert_eq!(source.downcast_ref(), Some(&expected));
        // The saws that were taken first are back.
        assert_eq!(warehouse.items.get("saw").await.unwrap().unwrap().quantity, 5);
        assert_eq!(warehouse.history("saw").await.unwrap(), [5]);
    }

    #[tokio::test]
    async fn what_is_shipped_at_once_is_never_more_than_there_is() {
        let warehouse = warehouse().await;
        warehouse.receive("saw", 10).await.unwrap();
        let order = [("saw", 3)];
        let orders = (0..8).map(|_| warehouse.ship(&order));
        let results = futures::future::join_all(orders).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
        assert_eq!(warehouse.items.get("saw").await.unwrap().unwrap().quantity, 1);
    }

    #[tokio::test]
    async fn the_same_on_sqlite() {
        let store = storehouse::open("sqlite::memory:").await.unwrap();
        let warehouse = Warehouse::open(store).await.unwrap();
        warehouse.receive("saw", 1).await.unwrap();
        assert!(warehouse.ship(&[("saw", 2)]).await.is_err());
        warehouse.ship(&[("saw", 1)]).await.unwrap();
        assert_eq!(warehouse.history("saw").await.unwrap(), [1, -1]);
    }
}
