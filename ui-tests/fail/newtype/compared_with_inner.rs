use storehouse::prelude::*;

#[derive(TableNewtype, Clone)]
struct ProductId(i64);

#[derive(Table)]
struct Product {
    #[table(key)]
    id: ProductId,
    sku: String,
}

fn main() {
    let _ = Product::ID.eq(7);
}
