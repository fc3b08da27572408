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
    #[table(vector(dim = 3), references(Customer::id))]
    customer: Vec<f32>,
}

fn main() {}
