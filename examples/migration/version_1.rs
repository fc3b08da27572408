//! The table as the first version of the program had it.

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
    pub code: String,
    /// How many there are. As text, which was a mistake.
    pub stock: String,
}
