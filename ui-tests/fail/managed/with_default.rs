use chrono::{DateTime, Utc};
use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    #[table(created_at, default = Utc::now())]
    created: DateTime<Utc>,
}

fn main() {}
