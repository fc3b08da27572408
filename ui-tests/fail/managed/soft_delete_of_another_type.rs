use chrono::{DateTime, Utc};
use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    #[table(soft_delete)]
    deleted: Option<bool>,
    #[table(created_at)]
    created: DateTime<Utc>,
}

fn main() {}
