//! The statements that the derive writes are those that the runtime would write.

use chrono::{DateTime, Utc};
use storehouse::prelude::*;
use storehouse_runtime::{DerivedSql, TableDef};
use storehouse_sql::Dialect;

#[derive(Table)]
struct Simple {
    #[table(key, auto)]
    id: i64,
    name: String,
}

#[derive(Table)]
#[table(name = "lines", schema = "shop", index(sku))]
struct Compound {
    #[table(key)]
    order: i64,
    sku: String,
    #[table(key, rename = "select")]
    number: i64,
}

#[derive(Table)]
struct KeyOnly {
    #[table(key)]
    one: i64,
    #[table(key)]
    other: i64,
}

#[derive(Table)]
struct Managed {
    #[table(created_at)]
    created: DateTime<Utc>,
    #[table(key)]
    id: i64,
    name: String,
    #[table(updated_at)]
    updated: DateTime<Utc>,
    #[table(version)]
    version: i64,
    #[table(soft_delete)]
    deleted: Option<DateTime<Utc>>,
}

fn assert_written_as_rendered<T: Table>() {
    let derived = TableDef::clone(T::definition());
    let rendered = TableDef { sql: DerivedSql::default(), ..derived.clone() };
    assert!(derived.sql.sqlite.is_some());
    assert!(derived.sql.postgres.is_some());
    assert_eq!(derived.crud(Dialect::Sqlite), rendered.crud(Dialect::Sqlite));
    assert_eq!(derived.crud(Dialect::Postgres), rendered.crud(Dialect::Postgres));
}

#[test]
fn derived_statements_are_the_rendered_ones() {
    assert_written_as_rendered::<Simple>();
    assert_written_as_rendered::<Compound>();
    assert_written_as_rendered::<KeyOnly>();
    assert_written_as_rendered::<Managed>();
}

/// Managed columns must not change what other tables run.
#[test]
fn a_put_without_managed_columns_returns_nothing() {
    let crud = Simple::definition().crud(Dialect::Sqlite);
    assert!(crud.put.ends_with(r#"DO UPDATE SET "name" = excluded."name""#));
    assert_eq!(crud.put_checked, None);
    assert!(Managed::definition().crud(Dialect::Sqlite).put_checked.is_some());
}
