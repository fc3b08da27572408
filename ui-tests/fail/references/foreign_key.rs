use storehouse::prelude::*;

#[derive(Table)]
struct Customer {
    #[table(key, auto)]
    id: i64,
    #[table(unique)]
    email: String,
    name: String,
}

#[derive(Table)]
struct Order {
    #[table(key)]
    id: i64,
    #[table(foreign_key(Customer::id))]
    customer: i64,
}

fn main() {}
