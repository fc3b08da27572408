//! The table as it is to be.

use storehouse::Table;

/// A product in the shop.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "products")]
pub struct Product {
    /// A number.
    #[table(key, auto)]
    pub id: i64,
    /// What it is ordered by; it was called `code`.
    #[table(unique, rename_from = "code")]
    pub sku: String,
    /// How many there are.
    pub stock: i64,
    /// What it costs. Products from before cost 1.
    #[table(default = 1.0)]
    pub price: f64,
}
