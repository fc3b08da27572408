// long: rustc adds what a list may be, and the method whose bound fails
use storehouse::prelude::*;

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
    products.get_all().select("name").await?;
    Ok(())
}

fn main() {}
