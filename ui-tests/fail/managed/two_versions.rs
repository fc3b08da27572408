use chrono::{DateTime, Utc};
use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    #[table(version)]
    version: i64,
    #[table(updated_at)]
    updated: DateTime<Utc>,
    #[table(version)]
    revision: i32,
}

fn main() {}
