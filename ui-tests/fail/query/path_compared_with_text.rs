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

async fn query(products: &Tabular<Product>) -> storehouse::Result<()> {
    products.query(Product::ATTRIBUTES.path("a").as_i64().gt("3")).await?;
    Ok(())
}

fn main() {}
