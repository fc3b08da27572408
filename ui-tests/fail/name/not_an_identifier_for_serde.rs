use storehouse::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
struct Product {
    #[table(key)]
    #[serde(rename = "@id")]
    id: i64,
}

fn main() {}
