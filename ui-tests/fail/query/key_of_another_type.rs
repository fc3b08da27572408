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
    products.get("A1").await?;
    Ok(())
}

fn main() {}
