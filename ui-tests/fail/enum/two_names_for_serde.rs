use serde::{Deserialize, Serialize};
use storehouse::prelude::*;

#[derive(TableEnum, Serialize, Deserialize)]
enum Level {
    Low,
    #[serde(rename(serialize = "high", deserialize = "HIGH"))]
    High,
}

fn main() {}
