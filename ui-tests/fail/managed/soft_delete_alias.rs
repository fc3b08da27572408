use storehouse::prelude::*;

type Moment = chrono::NaiveDate;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    #[table(soft_delete)]
    deleted: Option<Moment>,
}

fn main() {}
