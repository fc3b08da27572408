// long: rustc shows the type and the method
use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: i64,
    name: String,
}

async fn query(products: &Tabular<Product>) -> storehouse::Result<()> {
    products.restore(&7).await?;
    Ok(())
}

fn main() {}
