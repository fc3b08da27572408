//! The queries, in Diesel's own language.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection};
use diesel::upsert::excluded;
use tabular_common::{Result, Row, sql};

/// Rows of one statement in a bulk write. From 100 on they take the same, a third of the time of a statement a row.
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

/// [`Row`], for the derives. Without columns that may be left to their defaults, many rows go in one statement.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = items, check_for_backend(diesel::sqlite::Sqlite), treat_none_as_default_value = false)]
pub struct Item {
    pub id: i64,
    pub category: String,
    pub name: String,
    pub quantity: i64,
    pub price: f64,
}

impl From<Row> for Item {
    fn from(Row { id, category, name, quantity, price }: Row) -> Self {
        Self { id, category, name, quantity, price }
    }
}

pub type Pool = diesel::r2d2::Pool<ConnectionManager<SqliteConnection>>;

/// A pool of connections in these modes.
pub fn pool(path: &Path, modes: &'static str, connections: u32) -> Result<Pool> {
    let path = path.to_str().ok_or("the path is not UTF-8")?;
    let pool = Pool::builder()
        .max_size(connections)
        // No server to have gone away: the test would only cost a statement.
        .test_on_check_out(false)
        .connection_customizer(Box::new(Modes(modes)))
        .build(ConnectionManager::new(path))?;
    Ok(pool)
}

#[derive(Debug)]
struct Modes(&'static str);

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Modes {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        connection.batch_execute(self.0).map_err(diesel::r2d2::Error::QueryError)
    }
}

pub fn load(connection: &mut SqliteConnection, rows: usize) -> Result {
    connection.batch_execute(sql::SCHEMA)?;
    put_bulk(connection, Row::first(rows))?;
    connection.batch_execute(sql::CHECKPOINT)?;
    Ok(())
}

pub fn get(connection: &mut SqliteConnection, key: i64) -> Result<Item> {
    let item = items::table.find(key).select(Item::as_select()).first(connection)?;
    Ok(item)
}

pub fn by_category(connection: &mut SqliteConnection, category: &str) -> Result<Vec<Item>> {
    Ok(items::table
        .filter(items::category.eq(category))
        .select(Item::as_select())
        .load(connection)?)
}

pub fn all(connection: &mut SqliteConnection) -> Result<Vec<Item>> {
    Ok(items::table.select(Item::as_select()).load(connection)?)
}

/// A statement outside a transaction is a transaction.
pub fn put(connection: &mut SqliteConnection, row: Row) -> Result {
    upsert!(&Item::from(row)).execute(connection)?;
    Ok(())
}

pub fn put_bulk(connection: &mut SqliteConnection, rows: Vec<Row>) -> Result {
    let items: Vec<Item> = rows.into_iter().map(Item::from).collect();
    connection.immediate_transaction(|connection| {
        for chunk in items.chunks(ROWS_AT_ONCE) {
            upsert!(chunk).execute(connection)?;
        }
        Ok(())
    })
}
