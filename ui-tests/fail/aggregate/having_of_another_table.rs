// long: rustc takes thirteen lines to show a method whose argument is wrong
use storehouse::{aggregate::{count, sum}, prelude::*};

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
    groups.having(sum(Customer::AGE).gt(3)).await?;
    Ok(())
}

fn main() {}
