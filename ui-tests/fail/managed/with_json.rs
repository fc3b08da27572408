use chrono::{DateTime, Utc};
use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    #[table(created_at, json)]
    created: DateTime<Utc>,
}

fn main() {}
