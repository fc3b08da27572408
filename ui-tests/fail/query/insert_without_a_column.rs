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
    let new = ProductInsert { name: "saw".into(), price: 9.5, tags: vec![] };
    products.put(new).await?;
    Ok(())
}

fn main() {}
