use chrono::{DateTime, Utc};
use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    #[table(soft_delete)]
    deleted: DateTime<Utc>,
}

fn main() {}
