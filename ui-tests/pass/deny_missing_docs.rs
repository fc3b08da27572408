//! The generated items are documented, used and have `Debug`, whatever the crate denies.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused)]
#![deny(unused_qualifications, non_snake_case, rust_2018_idioms)]

/// The shop.
pub mod shop {
    use storehouse::prelude::*;

    /// A product.
    #[derive(Table, Debug)]
    #[table(index(name, price), columns = "ProductColumns")]
    pub struct Product {
        /// Its number.
        #[table(key, auto)]
        pub id: i64,
        /// What customers call it.
        pub name: String,
        /// In euros.
        #[table(default)]
        pub price: f64,
        /// Never written.
        #[table(skip)]
        pub cache: Vec<u8>,
        note: Option<String>,
    }

    /// A line of an order.
    #[derive(Table, Debug)]
    pub struct Line {
        /// The order.
        #[table(key)]
        pub order: i64,
        /// Its number in the order.
        #[table(key)]
        pub number: i64,
    }

    impl Product {
        /// The note, or nothing.
        pub fn note(&self) -> &str {
            self.note.as_deref().unwrap_or_default()
        }
    }

    #[derive(Table)]
    struct Unused {
        #[table(key)]
        id: i64,
    }
}

fn main() {}
