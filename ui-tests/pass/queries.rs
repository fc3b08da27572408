//! Values that a column can be compared with.

use storehouse::prelude::*;
use uuid::Uuid;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: Uuid,
    name: String,
    price: f64,
    note: Option<String>,
    stock: Option<i32>,
    digest: Vec<u8>,
}

fn main() {
    let name = String::from("saw");
    let _ = Product::NAME.eq("saw") | Product::NAME.eq(&name) | Product::NAME.ne(name);
    let _ = Product::NOTE.eq("new") & Product::NOTE.starts_with("n") & Product::NOTE.is_not_null();
    let _ = Product::STOCK.gt(3) & Product::STOCK.eq(Some(3)) & Product::STOCK.between(1, 5);
    let _ = Product::PRICE.in_list([1.0, 2.0]) & !Product::NAME.in_list(["saw", "axe"]);
    let _ = Product::NAME.not_in(vec![String::from("saw")]) & Product::NAME.like("s%");
    let _ = Product::DIGEST.eq(&[1_u8, 2][..]) & Product::ID.le(&Uuid::nil());
}
