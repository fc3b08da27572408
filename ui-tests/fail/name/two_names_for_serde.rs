use storehouse::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
struct Product {
    #[table(key)]
    id: i64,
    #[serde(rename(serialize = "label", deserialize = "title"))]
    name: String,
}

fn main() {}
