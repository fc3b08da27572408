// long: rustc takes thirteen lines to show a method whose bound fails
use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    name: String,
    price: f64,
    retired: Option<String>,
    #[table(json)]
    attributes: Vec<(String, String)>,
    tags: Vec<String>,
}

async fn query(products: &Tabular<Product>) -> storehouse::Result<()> {
    products.get_all().order_by(Product::ATTRIBUTES.asc()).await?;
    Ok(())
}

fn main() {}
