use storehouse::prelude::*;

#[derive(TableNewtype, Clone)]
struct Sku(String);

#[derive(Table)]
struct Product {
    #[table(key)]
    sku: Sku,
    price: f64,
}

async fn run(products: Tabular<Product>) -> storehouse::Result<()> {
    products.get("A1").await?;
    Ok(())
}

fn main() {}
