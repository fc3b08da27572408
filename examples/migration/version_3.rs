//! The table without its prices, which are kept elsewhere now.

use storehouse::Table;

/// A product in the shop.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "products")]
pub struct Product {
    /// A number.
    #[table(key, auto)]
    pub id: i64,
    /// What it is ordered by.
    #[table(unique)]
    pub sku: String,
    /// How many there are.
    pub stock: i64,
}
