//! Managed columns, seen from a program: the store's own clock, and what tools are told.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, Utc};
use storehouse::{Clock, Column, prelude::*};

/// Tells the seconds that a test has put on it, with some that are too fine to be stored.
#[derive(Clone, Default)]
struct Dial(Arc<AtomicI64>);

impl Dial {
    fn turn(&self, seconds: i64) -> DateTime<Utc> {
        self.0.store(seconds, Ordering::Relaxed);
        DateTime::from_timestamp_nanos(seconds * 1_000_000_000)
    }
}

impl Clock for Dial {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0.load(Ordering::Relaxed) * 1_000_000_000 + 999)
    }
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Contract {
    #[table(key)]
    id: i64,
    text: String,
    #[table(created_at)]
    created_at: DateTime<Utc>,
    #[table(updated_at)]
    updated_at: DateTime<Utc>,
    #[table(version)]
    version: i64,
    #[table(soft_delete)]
    deleted_at: Option<DateTime<Utc>>,
}

#[tokio::test]
async fn times_are_those_of_the_injected_clock() {
    for url in ["memory:", "sqlite::memory:"] {
        let dial = Dial::default();
        let store = Store::builder().clock(dial.clone()).open(url).await.unwrap();
        let contracts = store.tabular::<Contract>().await.unwrap();
        contracts.setup_database().await.unwrap();

        let created = dial.turn(1);
        let row = contracts.put(ContractInsert { id: 7, text: "a".into() }).await.unwrap();
        let mut expected = Contract {
            id: 7,
            text: "a".into(),
            created_at: created,
            updated_at: created,
            version: 1,
            deleted_at: None,
        };
        assert_eq!(row, expected);

        expected = Contract { updated_at: dial.turn(2), version: 2, ..expected };
        assert_eq!(contracts.put(row).await.unwrap(), expected);

        expected = Contract { updated_at: dial.turn(3), version: 3, text: "b".into(), ..expected };
        let patch = ContractPatch { text: Set("b".into()) };
        assert_eq!(contracts.update(&7, patch).await.unwrap(), Some(expected.clone()));

        let now = dial.turn(4);
        expected = Contract { updated_at: now, version: 4, deleted_at: Some(now), ..expected };
        assert!(contracts.delete(&7).await.unwrap());
        let deleted = contracts.with_deleted().get(&7).await.unwrap();
        assert_eq!(deleted, Some(expected.clone()));

        expected = Contract { updated_at: dial.turn(5), version: 5, deleted_at: None, ..expected };
        assert_eq!(contracts.restore(&7).await.unwrap(), Some(expected.clone()));

        let patch = ContractPatch { text: Set("c".into()) };
        expected = Contract { updated_at: dial.turn(6), version: 6, text: "c".into(), ..expected };
        assert_eq!(contracts.update_where(Contract::ID.eq(7), patch).await.unwrap(), 1);
        assert_eq!(contracts.get(&7).await.unwrap(), Some(expected));
    }
}

#[test]
fn the_json_schema_says_what_only_the_store_sets() {
    let schema = Contract::json_schema();
    let is_read_only = |name: &str| schema["properties"][name]["readOnly"] == true;
    assert!(!is_read_only("id") && !is_read_only("text"));
    for name in ["created_at", "updated_at", "version", "deleted_at"] {
        assert!(is_read_only(name), "{name}");
    }
}

#[test]
fn constants_are_those_of_any_column() {
    let _: Column<Contract, DateTime<Utc>> = Contract::CREATED_AT;
    let _: Column<Contract, Option<DateTime<Utc>>> = Contract::DELETED_AT;
}
