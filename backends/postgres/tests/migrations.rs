//! Migrations on a server that others use, and of tables that somebody worked on by hand.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use storehouse::{Error, Plan, Table};
use storehouse_test_postgres::Database;
use support::*;

/// [`Item`] with a wider name for its amount.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "item")]
struct Counted {
    #[table(key)]
    id: i64,
    #[table(unique)]
    name: String,
    #[table(rename_from = "amount")]
    count: String,
}

async fn plan<T: Table>(opened: &Opened) -> Plan {
    opened.store.migration().table::<T>().plan().await.unwrap()
}

#[tokio::test]
async fn who_waits_for_a_lock_gives_up_and_has_changed_nothing() {
    let patience = Duration::from_millis(200);
    let (database, opened) = open(|options| options.lock_timeout(patience)).await;
    let items = opened.table::<Item>().await;
    items.put(item(1)).await.unwrap();
    let planned = plan::<Counted>(&opened).await;
    let other = Other::hold(&database, "SELECT * FROM item").await;
    let started = Instant::now();
    let error = in_time(planned.apply()).await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(items.get(&1).await.unwrap(), Some(item(1)));
    drop(other);
    in_time(async { while planned.apply().await.is_err() {} }).await;
    let counted = opened.store.tabular::<Counted>().await.unwrap().get(&1).await.unwrap();
    assert_eq!(counted.map(|row| row.count), Some("10".to_owned()));
}

#[tokio::test]
async fn what_depends_on_a_column_is_in_the_way() {
    let (database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    items.put(item(1)).await.unwrap();
    database.run("CREATE VIEW amounts AS SELECT amount FROM item").await;
    let planned = plan::<Counted>(&opened).await;
    let error = planned.apply().await.unwrap_err();
    assert!(matches!(error, Error::Schema { .. }), "{error}");
    assert!(error.to_string().contains("something is in the way"), "{error}");
    opened.store.migration().table::<Item>().verify().await.unwrap();
    assert_eq!(items.get(&1).await.unwrap(), Some(item(1)));
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "ticket")]
struct Ticket {
    #[table(key, auto)]
    id: u32,
    label: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "ticket")]
struct LongTicket {
    #[table(key, auto)]
    id: i64,
    #[table(unique)]
    label: String,
}

/// The column's type is the same; what ends sooner is the sequence.
#[tokio::test]
async fn ids_go_as_far_as_their_new_type() {
    let (_database, opened) = open(|options| options).await;
    let tickets = opened.table::<Ticket>().await;
    tickets.put(Ticket { id: u32::MAX, label: "last".into() }).await.unwrap();
    tickets.put(TicketInsert { label: "more".into() }).await.unwrap_err();
    plan::<LongTicket>(&opened).await.apply().await.unwrap();
    let tickets = opened.table::<LongTicket>().await;
    let next = tickets.put(LongTicketInsert { label: "more".into() }).await.unwrap();
    assert_eq!(next.id, i64::from(u32::MAX) + 1);
    opened.store.migration().table::<LongTicket>().verify().await.unwrap();
}

#[tokio::test]
async fn a_table_made_by_hand_is_brought_to_its_definition() {
    let database = Database::create().await;
    database
        .run(
            "CREATE TABLE ticket (
                 id integer NOT NULL, label varchar(20) COLLATE \"default\", other integer,
                 CONSTRAINT mine UNIQUE (other), CONSTRAINT by_hand PRIMARY KEY (id));
             CREATE INDEX by_length ON ticket (length(label));
             INSERT INTO ticket VALUES (3, 'a', 1), (7, 'b', NULL);",
        )
        .await;
    let opened = Opened::open(database.url(), |options| options).await.unwrap();
    let planned = plan::<LongTicket>(&opened).await;
    let error = planned.apply().await.unwrap_err();
    assert!(matches!(error, Error::Validation { .. }), "{error}");
    assert!(error.to_string().contains("`mine`"), "{error}");
    planned.allow_destructive().apply().await.unwrap();
    opened.store.migration().table::<LongTicket>().verify().await.unwrap();
    let tickets = opened.table::<LongTicket>().await;
    let next = tickets.put(LongTicketInsert { label: "c".into() }).await.unwrap();
    assert_eq!(next.id, 8);
    assert_eq!(tickets.size().await.unwrap(), 3);
    let mut connection = database.connect().await;
    let indexes: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_indexes WHERE indexname = 'by_length'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(indexes, 1);
}
