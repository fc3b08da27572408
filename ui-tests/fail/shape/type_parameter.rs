use storehouse::prelude::*;

#[derive(Table)]
struct Product<T> {
    #[table(key)]
    id: i64,
    details: T,
}

async fn all(products: &Tabular<Product<String>>) -> storehouse::Result<Vec<Product<String>>> {
    products.get_all().await
}

fn main() {}
