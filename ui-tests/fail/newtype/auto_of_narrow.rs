use storehouse::prelude::*;

#[derive(TableNewtype, Clone)]
struct ProductId(i8);

#[derive(Table)]
struct Product {
    #[table(key, auto)]
    id: ProductId,
    sku: String,
}

fn main() {}
