//! References, as SQLite tells of them: which one does not hold, and tables made elsewhere.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use rusqlite::Connection;
use storehouse::{
    Error,
    ReferenceProblem::{self, InUse, Missing},
    Result, Store, Table,
    prelude::Set,
};
use storehouse_sqlite::SqliteBackend;

#[derive(Table, Clone, Debug, PartialEq)]
struct Customer {
    #[table(key)]
    id: i64,
    #[table(unique)]
    email: Option<String>,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "orders")]
struct Order {
    #[table(key)]
    id: i64,
    #[table(references(Customer::id))]
    customer_id: i64,
    #[table(references(Customer::email))]
    contact: Option<String>,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Visit {
    #[table(key)]
    id: i64,
    #[table(references(Customer::id))]
    customer_id: i64,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Node {
    #[table(key)]
    id: i64,
    #[table(references(Self::id))]
    parent: Option<i64>,
}

fn store_after(sql: &str) -> Store {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    connection.execute_batch(sql).unwrap();
    Store::from_backend(Arc::new(SqliteBackend::from_connection(connection).unwrap()))
}

#[track_caller]
fn is_named<T: std::fmt::Debug>(
    result: Result<T>,
    problem: ReferenceProblem,
    columns: &[&str],
    table: &str,
) {
    let error = result.unwrap_err();
    let Error::Reference { problem: found, columns: named, other_table, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((found, &*other_table), (problem, table));
    assert_eq!(named, columns);
}

#[tokio::test]
async fn which_does_not_hold_is_found_out() {
    let store = store_after("");
    store.setup_database::<(Customer, Order, Visit, Node)>().await.unwrap();
    let customers = store.tabular::<Customer>().await.unwrap();
    let orders = store.tabular::<Order>().await.unwrap();
    let visits = store.tabular::<Visit>().await.unwrap();
    let nodes = store.tabular::<Node>().await.unwrap();
    let customer = |id| Customer { id, email: Some(format!("{id}")) };
    customers.put_bulk([customer(1), customer(2)]).await.unwrap();
    let order = |contact: &str| Order { id: 1, customer_id: 1, contact: Some(contact.into()) };
    let refused = orders.put(order("x")).await;
    is_named(refused, Missing, &["contact"], "customer");
    let refused = orders.put(Order { customer_id: 9, ..order("1") }).await;
    is_named(refused, Missing, &["customer_id"], "customer");
    orders.put(order("2")).await.unwrap();
    let patch = OrderPatch { contact: Set(Some("x".into())), ..Default::default() };
    is_named(orders.update(&1, patch).await, Missing, &["contact"], "customer");
    visits.put(Visit { id: 1, customer_id: 2 }).await.unwrap();
    // Three columns refer to customers, and each of them is in the way of another row.
    is_named(customers.delete(&1).await, InUse, &["customer_id"], "orders");
    orders.update(&1, OrderPatch { customer_id: Set(2), ..Default::default() }).await.unwrap();
    assert!(customers.delete(&1).await.unwrap());
    orders.delete(&1).await.unwrap();
    is_named(customers.delete(&2).await, InUse, &["customer_id"], "visit");
    is_named(customers.delete_search(Customer::ID.gt(0)).await, InUse, &["customer_id"], "visit");
    is_named(customers.delete_all().await, InUse, &["customer_id"], "visit");
    nodes.put_bulk([Node { id: 2, parent: Some(1) }, Node { id: 1, parent: None }]).await.unwrap();
    is_named(nodes.delete(&1).await, InUse, &["parent"], "node");
    let bulk = [Node { id: 4, parent: Some(3) }, Node { id: 3, parent: Some(9) }];
    is_named(nodes.put_bulk(bulk).await, Missing, &["parent"], "node");
    assert_eq!(nodes.size().await.unwrap(), 2);
}

/// After a bulk that was looked at as a whole, each statement is looked at again.
#[tokio::test]
async fn looking_later_ends_with_the_bulk() {
    let store = store_after("");
    let nodes = store.tabular::<Node>().await.unwrap();
    nodes.setup_database().await.unwrap();
    store
        .transaction(async |tx| {
            let nodes = nodes.in_tx(tx);
            nodes.put_bulk([Node { id: 2, parent: Some(1) }, Node { id: 1, parent: None }]).await?;
            let refused = nodes.put(Node { id: 3, parent: Some(4) }).await;
            is_named(refused, Missing, &["parent"], "node");
            nodes.put(Node { id: 4, parent: None }).await?;
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(nodes.size().await.unwrap(), 3);
}

#[tokio::test]
async fn a_foreign_key_that_is_missing_or_another_is_told() {
    let set_up = async |keys: &str| {
        let store = store_after(&format!(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT UNIQUE);
             CREATE TABLE visit (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL {keys})"
        ));
        store.tabular::<Visit>().await?.setup_database().await
    };
    for (keys, expected) in [
        ("", "column `customer_id` has no foreign key to `id` of table `customer`"),
        (
            "REFERENCES customer (email)",
            "column `customer_id` has no foreign key to `id` of table `customer`",
        ),
        (
            "REFERENCES customer ON DELETE CASCADE",
            "the foreign key of column `customer_id` is ON DELETE CASCADE, not NO ACTION",
        ),
        (
            "REFERENCES customer ON UPDATE SET NULL",
            "the foreign key of column `customer_id` is ON UPDATE SET NULL, not NO ACTION",
        ),
    ] {
        let error = set_up(keys).await.unwrap_err();
        assert!(matches!(error, Error::Schema { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{keys}: {error}");
    }
    for keys in ["REFERENCES customer", "REFERENCES Customer (id) ON DELETE RESTRICT"] {
        set_up(keys).await.unwrap();
    }
    // What the definition does not have is left alone.
    set_up("REFERENCES customer, FOREIGN KEY (id) REFERENCES customer").await.unwrap();
}
