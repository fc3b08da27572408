// mistakes: 2
use chrono::{DateTime, Utc};
use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    #[table(created_at)]
    created: i64,
    #[table(updated_at)]
    updated: Option<DateTime<Utc>>,
}

fn main() {}
