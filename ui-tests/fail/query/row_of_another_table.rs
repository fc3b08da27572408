// long: rustc shows the type and the method
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
    let customer = Customer { email: "ann@example.org".into(), name: "Ann".into() };
    products.put(customer).await?;
    Ok(())
}

fn main() {}
