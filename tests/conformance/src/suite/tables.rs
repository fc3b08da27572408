//! The tables that several subjects share.

use storehouse::Table;

/// A table as most are: a generated key, a unique column, an index, a nullable column.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "products", index(category, price))]
pub(crate) struct Product {
    #[table(key, auto)]
    pub(crate) id: i64,
    #[table(unique)]
    pub(crate) sku: String,
    pub(crate) category: String,
    pub(crate) price: f64,
    pub(crate) note: Option<String>,
}

/// What must be given of a product.
pub(crate) fn product(sku: &str, category: &str, price: f64) -> ProductInsert {
    ProductInsert { sku: sku.into(), category: category.into(), price }
}

/// A product with a key of one's own choice.
pub(crate) fn product_with_id(id: i64, sku: &str) -> Product {
    Product { id, sku: sku.into(), category: "tools".into(), price: 1.0, note: None }
}

/// A key of two columns, and content.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "lines")]
pub(crate) struct Line {
    #[table(key)]
    pub(crate) invoice: String,
    #[table(key)]
    pub(crate) number: i32,
    pub(crate) amount: i64,
    pub(crate) note: Option<String>,
}

/// A line with this amount.
pub(crate) fn line(invoice: &str, number: i32, amount: i64) -> Line {
    Line { invoice: invoice.into(), number, amount, note: None }
}

/// A table of nothing but its key.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "tags")]
pub(crate) struct Tag {
    #[table(key)]
    pub(crate) post: i64,
    #[table(key)]
    pub(crate) word: String,
}

/// A key that the caller gives, and a value.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "settings")]
pub(crate) struct Setting {
    #[table(key)]
    pub(crate) name: String,
    pub(crate) value: i64,
}

/// A setting.
pub(crate) fn setting(name: &str, value: i64) -> Setting {
    Setting { name: name.into(), value }
}
