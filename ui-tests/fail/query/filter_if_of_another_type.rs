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
    products.get_all().filter_if(Some("9"), |max| Product::PRICE.le(max)).await?;
    Ok(())
}

fn main() {}
