use chrono::{DateTime, Utc};
use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    #[table(updated_at, skip)]
    updated: DateTime<Utc>,
}

fn main() {}
