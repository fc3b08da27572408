//! Columns are named as serde names the fields; `#[table(rename)]` has the last word.

use serde::{Deserialize, Serialize};
use storehouse::prelude::*;

macro_rules! named {
    ($name:ident, $rule:literal, $expected:literal) => {
        #[derive(Table, Serialize, Deserialize)]
        #[serde(rename_all = $rule)]
        struct $name {
            #[table(key)]
            unit_price: i64,
            #[serde(rename = "label")]
            name: String,
            #[serde(rename = "kind")]
            #[table(rename = "product_kind")]
            kind: String,
        }
        let columns: Vec<_> = $name::definition().columns.iter().map(|c| &*c.name).collect();
        assert_eq!(columns, [$expected, "label", "product_kind"]);
    };
}

fn main() {
    named!(Lower, "lowercase", "unit_price");
    named!(Upper, "UPPERCASE", "UNIT_PRICE");
    named!(Pascal, "PascalCase", "UnitPrice");
    named!(Camel, "camelCase", "unitPrice");
    named!(Snake, "snake_case", "unit_price");
    named!(Screaming, "SCREAMING_SNAKE_CASE", "UNIT_PRICE");
    // A column's name has no hyphens.
    named!(Kebab, "kebab-case", "unit_price");
    named!(ScreamingKebab, "SCREAMING-KEBAB-CASE", "UNIT_PRICE");
}
