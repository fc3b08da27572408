//! The crates: the same 40 structs of 10 fields, as each system has them.

use std::fmt::Write as _;
use std::path::Path;

/// How many structs a crate has.
pub const TABLES: u32 = 40;

/// A system, and the crate that is written with it.
pub struct System {
    pub name: &'static str,
    pub manifest: String,
    pub source: String,
}

/// serde alone, which the others are measured on top of, and then every system.
pub fn systems(root: &Path) -> Vec<System> {
    let storehouse = format!("storehouse = {{ path = {:?} }}", root.display().to_string());
    vec![
        system("serde", "", SERDE),
        system("schemars", r#"schemars = "1""#, SCHEMARS),
        system("storehouse-table", &storehouse, STOREHOUSE),
        system(
            "sea-orm",
            r#"sea-orm = { version = "2.0", default-features = false, features = ["macros", "sqlx-sqlite", "runtime-tokio"] }"#,
            SEA_ORM,
        ),
        system(
            "toasty",
            r#"toasty = { version = "0.11", default-features = false, features = ["sqlite"] }"#,
            TOASTY,
        ),
        system("diesel", r#"diesel = { version = "2.3", features = ["sqlite"] }"#, DIESEL),
    ]
}

fn system(name: &'static str, dependency: &str, table: &str) -> System {
    let manifest = format!(
        "[package]\nname = \"tables\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n{dependency}\n\n[workspace]\n"
    );
    let mut source = String::from("#![allow(dead_code)]\n");
    for number in 0..TABLES {
        let table = table.replace("NUMBER", &number.to_string());
        let _ = writeln!(source, "pub mod table_{number} {{{table}}}");
    }
    System { name, manifest, source }
}

/// The fields of a struct without a system's attributes.
macro_rules! plain {
    ($head:literal) => {
        concat!(
            $head,
            "
    pub struct ProductNUMBER {
        pub id: i64,
        pub sku: String,
        pub name: String,
        pub category: String,
        pub price: f64,
        pub stock: i32,
        pub active: bool,
        pub note: Option<String>,
        pub weight: Option<f64>,
        pub created: i64,
    }
"
        )
    };
}

const SERDE: &str = plain!("\n    #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]");

const SCHEMARS: &str = plain!(
    "\n    #[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]"
);

const STOREHOUSE: &str = r#"
    #[derive(storehouse::Table, Clone, Debug, serde::Serialize, serde::Deserialize)]
    pub struct ProductNUMBER {
        #[table(key, auto)]
        pub id: i64,
        #[table(unique)]
        pub sku: String,
        pub name: String,
        #[table(index)]
        pub category: String,
        pub price: f64,
        pub stock: i32,
        pub active: bool,
        pub note: Option<String>,
        pub weight: Option<f64>,
        pub created: i64,
    }
"#;

const SEA_ORM: &str = r#"
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "product_NUMBER")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sea_orm(unique)]
        pub sku: String,
        pub name: String,
        #[sea_orm(indexed)]
        pub category: String,
        pub price: f64,
        pub stock: i32,
        pub active: bool,
        pub note: Option<String>,
        pub weight: Option<f64>,
        pub created: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
"#;

const TOASTY: &str = r#"
    #[derive(Clone, Debug, toasty::Model, serde::Serialize, serde::Deserialize)]
    pub struct ProductNUMBER {
        #[key]
        #[auto]
        pub id: i64,
        #[unique]
        pub sku: String,
        pub name: String,
        #[index]
        pub category: String,
        pub price: f64,
        pub stock: i32,
        pub active: bool,
        pub note: Option<String>,
        pub weight: Option<f64>,
        pub created: i64,
    }
"#;

/// Diesel has one derive for each thing that Storehouse's one derive gives: reading, inserting and
/// partial updates.
const DIESEL: &str = r#"
    use diesel::prelude::*;

    diesel::table! {
        products (id) {
            id -> BigInt,
            sku -> Text,
            name -> Text,
            category -> Text,
            price -> Double,
            stock -> Integer,
            active -> Bool,
            note -> Nullable<Text>,
            weight -> Nullable<Double>,
            created -> BigInt,
        }
    }

    #[derive(
        Clone, Debug, Queryable, Selectable, Identifiable, AsChangeset, serde::Serialize,
        serde::Deserialize,
    )]
    #[diesel(table_name = products, check_for_backend(diesel::sqlite::Sqlite))]
    pub struct ProductNUMBER {
        pub id: i64,
        pub sku: String,
        pub name: String,
        pub category: String,
        pub price: f64,
        pub stock: i32,
        pub active: bool,
        pub note: Option<String>,
        pub weight: Option<f64>,
        pub created: i64,
    }

    #[derive(Insertable)]
    #[diesel(table_name = products)]
    pub struct NewProduct {
        pub sku: String,
        pub name: String,
        pub category: String,
        pub price: f64,
        pub stock: i32,
        pub active: bool,
        pub note: Option<String>,
        pub weight: Option<f64>,
        pub created: i64,
    }
"#;
