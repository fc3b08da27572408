//! Diesel on PostgreSQL.
//!
//! | system | what it is |
//! | --- | --- |
//! | `diesel-sync` | Diesel over libpq: one connection, called on the thread that asks |
//! | `diesel-async` | the crate of that name, over tokio-postgres: a deadpool of 10 connections |

mod with_diesel;
mod with_diesel_async;

use tabular_postgres_common::{Result, Server, in_runtime, run, run_shared};

fn main() -> Result {
    in_runtime(async {
        let server = Server::from_env()?;
        run::<with_diesel::Direct>(&server).await?;
        run_shared::<with_diesel_async::Pool>(&server).await
    })
}

/// Rows of one statement in a bulk write; a statement has 65,535 parameters at most.
const ROWS_AT_ONCE: usize = 1_000;

diesel::table! {
    items {
        id -> BigInt,
        category -> Text,
        name -> Text,
        quantity -> BigInt,
        price -> Double,
    }
}

/// An upsert of one row or of many, whose types in Diesel differ.
macro_rules! upsert {
    ($values:expr) => {
        diesel::insert_into(items::table).values($values).on_conflict(items::id).do_update().set((
            items::category.eq(excluded(items::category)),
            items::name.eq(excluded(items::name)),
            items::quantity.eq(excluded(items::quantity)),
            items::price.eq(excluded(items::price)),
        ))
    };
}
use upsert;

/// [`Row`](tabular_postgres_common::Row), for the derives.
#[derive(diesel::Queryable, diesel::Selectable, diesel::Insertable)]
#[diesel(table_name = items, check_for_backend(diesel::pg::Pg), treat_none_as_default_value = false)]
pub struct Item {
    id: i64,
    category: String,
    name: String,
    quantity: i64,
    price: f64,
}

impl From<tabular_postgres_common::Row> for Item {
    fn from(row: tabular_postgres_common::Row) -> Self {
        let tabular_postgres_common::Row { id, category, name, quantity, price } = row;
        Self { id, category, name, quantity, price }
    }
}

impl From<Item> for tabular_postgres_common::Row {
    fn from(Item { id, category, name, quantity, price }: Item) -> Self {
        Self { id, category, name, quantity, price }
    }
}
