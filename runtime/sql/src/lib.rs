//! Renders the statements that every table needs: get, put, insert, delete and so on.
//!
//! The derive calls this crate at expansion, so that a table carries its SQL as literals; the
//! runtime calls the same functions for a table that is known only at run time. One renderer,
//! so the two can never disagree. It knows names only: no values, no types, no dependencies.
//!
//! ```
//! use storehouse_sql::{Dialect, ManagedShape, Shape};
//!
//! let shape = Shape {
//!     schema: None,
//!     table: "products",
//!     columns: &["id", "sku"],
//!     key: &[0],
//!     managed: ManagedShape::default(),
//! };
//! let sql = shape.crud(Dialect::Sqlite);
//! assert_eq!(sql.get, r#"SELECT "id", "sku" FROM "products" WHERE "id" = ?"#);
//! ```

mod dialect;
mod index_name;
mod shape;

pub use dialect::Dialect;
pub use index_name::{free_index_name, index_name};
pub use shape::{CrudSql, ManagedShape, Shape};
