use storehouse::prelude::*;

use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
struct User {
    #[table(key)]
    id: i64,
    #[serde(skip)]
    #[table(index)]
    password_hash: String,
}

fn main() {}
