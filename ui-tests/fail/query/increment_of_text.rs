use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    name: String,
    price: f64,
    stock: u32,
}

async fn rename(products: Tabular<Product>) -> storehouse::Result<()> {
    let patch = ProductPatch { name: increment(1), ..Default::default() };
    products.update(&1, patch).await?;
    Ok(())
}

fn main() {
    let _ = rename;
}
