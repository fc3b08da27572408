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

#[derive(Table)]
struct Customer {
    #[table(key)]
    email: String,
    name: String,
}

async fn query(products: &Tabular<Product>) -> storehouse::Result<()> {
    products.update(&7, CustomerPatch { name: Set("Ann".into()) }).await?;
    Ok(())
}

fn main() {}
