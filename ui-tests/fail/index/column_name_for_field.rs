use storehouse::prelude::*;

#[derive(Table)]
#[table(index(product_kind))]
struct Product {
    #[table(key)]
    id: i64,
    #[table(rename = "product_kind")]
    kind: String,
}

fn main() {}
