// long: rustc adds what a list may be, and the method whose bound fails
use storehouse::{aggregate::count, prelude::*};

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    name: String,
    price: f64,
    #[table(json)]
    attributes: Vec<(String, String)>,
}

#[derive(Table)]
struct Customer {
    #[table(key)]
    email: String,
    age: u32,
}

async fn query(products: &Tabular<Product>) -> storehouse::Result<()> {
    let groups = products.get_all().group_by(Product::NAME).aggregate(count());
    groups.order_by(Customer::EMAIL.asc()).await?;
    Ok(())
}

fn main() {}
