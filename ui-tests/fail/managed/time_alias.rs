use chrono::NaiveDateTime;
use storehouse::prelude::*;

type Moment = NaiveDateTime;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    #[table(updated_at)]
    updated: Moment,
}

fn main() {}
