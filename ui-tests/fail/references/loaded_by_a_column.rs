// long: rustc shows the types in full, and the method
use storehouse::prelude::*;

#[derive(Table, Clone)]
struct Customer {
    #[table(key, auto)]
    id: i64,
}

#[derive(Table, Clone)]
struct Product {
    #[table(key)]
    sku: String,
}

#[derive(Table, Clone)]
struct Order {
    #[table(key)]
    id: i64,
    #[table(references(Customer::id))]
    customer: i64,
    #[table(references(Product::sku))]
    product: String,
    quantity: i64,
}

async fn load(customers: &Tabular<Customer>, page: Vec<Order>) -> storehouse::Result<()> {
    customers.referenced_by(&page, Order::QUANTITY).await?;
    Ok(())
}

fn main() {}
