//! References, as PostgreSQL tells of them: constraints that are there already, privileges, and how
//! few round trips loading takes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use storehouse::{
    Error,
    ReferenceProblem::{InUse, Missing},
    Result, Table,
};
use storehouse_test_postgres::Database;
use support::*;

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "orders", index(item_id))]
struct Order {
    #[table(key)]
    id: i64,
    #[table(references(Item::id))]
    item_id: i64,
}

/// One of the same table may be referred to.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "nodes")]
struct Node {
    #[table(key)]
    id: i64,
    #[table(references(Self::id))]
    parent: Option<i64>,
}

const ITEMS: &str = r#"CREATE TABLE item (
    id bigint PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE, amount bigint NOT NULL);
    CREATE TABLE others (id bigint PRIMARY KEY);"#;

async fn set_up_after(sql: &str) -> Result<()> {
    let database = Database::create().await;
    database.run(&format!("{ITEMS}{sql}")).await;
    let opened = Opened::open(database.url(), |options| options).await?;
    opened.store.tabular::<Order>().await?.setup_database().await
}

#[tokio::test]
async fn a_foreign_key_that_is_missing_or_another_is_told() {
    let orders = |key: &str| {
        format!("CREATE TABLE orders (id bigint PRIMARY KEY, item_id bigint NOT NULL {key})")
    };
    for (key, expected) in [
        ("", "column `item_id` has no foreign key to `id` of table `item`"),
        ("REFERENCES others", "column `item_id` has no foreign key to `id` of table `item`"),
        (
            "REFERENCES item ON DELETE CASCADE",
            "the foreign key of column `item_id` is ON DELETE CASCADE, not NO ACTION",
        ),
        (
            "REFERENCES item ON UPDATE SET NULL",
            "the foreign key of column `item_id` is ON UPDATE SET NULL, not NO ACTION",
        ),
    ] {
        let error = set_up_after(&orders(key)).await.unwrap_err();
        assert!(matches!(error, Error::Schema { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{key}: {error}");
    }
    // One more is left alone.
    for key in ["REFERENCES item", "REFERENCES item ON DELETE RESTRICT REFERENCES others"] {
        set_up_after(&orders(key)).await.unwrap();
    }
}

#[tokio::test]
async fn errors_name_the_reference() {
    let (_database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    let orders = opened.table::<Order>().await;
    let nodes = opened.table::<Node>().await;
    items.put(item(1)).await.unwrap();
    orders.put(Order { id: 1, item_id: 1 }).await.unwrap();
    nodes.put_bulk([Node { id: 1, parent: None }, Node { id: 2, parent: Some(1) }]).await.unwrap();
    let named = |error: Error| match error {
        Error::Reference { problem, columns, other_table, .. } => {
            (problem, columns.join(", "), other_table)
        }
        other => panic!("{other}"),
    };
    let as_expected =
        |problem, column: &str, table: &str| (problem, column.to_owned(), table.to_owned());
    let error = orders.put(Order { id: 2, item_id: 9 }).await.unwrap_err();
    assert_eq!(named(error), as_expected(Missing, "item_id", "item"));
    let error = items.delete(&1).await.unwrap_err();
    assert_eq!(named(error), as_expected(InUse, "item_id", "orders"));
    let error = nodes.put(Node { id: 3, parent: Some(9) }).await.unwrap_err();
    assert_eq!(named(error), as_expected(Missing, "parent", "nodes"));
    let error = nodes.delete(&1).await.unwrap_err();
    assert_eq!(named(error), as_expected(InUse, "parent", "nodes"));
}

#[tokio::test]
async fn the_privilege_to_refer_is_named() {
    let mut database = Database::create().await;
    let opened = Opened::open(database.url(), |options| options).await.unwrap();
    opened.table::<Item>().await;
    let url = database.add_user("").await;
    let user = url.split_once("://").unwrap().1.split_once(':').unwrap().0.to_owned();
    database.run(&format!("GRANT USAGE, CREATE ON SCHEMA public TO \"{user}\"")).await;
    let set_up = async || {
        let opened = Opened::open(&url, |options| options).await?;
        opened.store.tabular::<Order>().await?.setup_database().await
    };
    let error = set_up().await.unwrap_err().to_string();
    assert!(error.contains("REFERENCES on table `item`"), "{error}");
    let grant = format!("GRANT REFERENCES ON \"item\" TO \"{user}\"");
    assert!(error.contains(&grant), "{error}");
    database.run(&grant).await;
    set_up().await.unwrap();
}

/// A page of parents takes one round trip, however long it is.
#[tokio::test]
async fn loading_takes_one_round_trip() {
    let (_database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    let orders = opened.table::<Order>().await;
    items.put_bulk((0..50).map(item)).await.unwrap();
    let page: Vec<Order> = (0..200).map(|id| Order { id, item_id: id % 50 }).collect();
    orders.put_bulk(page.clone()).await.unwrap();
    let before = opened.statistics();
    let loaded = items.referenced_by(&page, Order::ITEM_ID_REFERENCE).await.unwrap();
    assert!(
        loaded
            .iter()
            .zip(&page)
            .all(|(item, order)| { item.as_ref().is_some_and(|item| item.id == order.item_id) })
    );
    let after = opened.statistics();
    assert_eq!(after.read_round_trips - before.read_round_trips, 1);
    assert_eq!(after.reads - before.reads, 1);
    let parents = items.get_all().await.unwrap();
    let lists = orders.belonging_to(&parents, Order::ITEM_ID_REFERENCE).await.unwrap();
    assert!(lists.iter().all(|list| list.len() == 4));
    // No read by key at all.
    assert_eq!(opened.statistics().reads, after.reads);
}
