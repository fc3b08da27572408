use storehouse::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Attributes {
    colour: String,
}

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    #[table(json(schema))]
    attributes: Attributes,
}

fn main() {}
