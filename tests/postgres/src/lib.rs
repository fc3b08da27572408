//! PostgreSQL for the tests: a database of its own for each test, on a server that is given, and
//! servers of its own for a test that ends them.
#![cfg(not(target_family = "wasm"))]

mod cluster;
mod database;

pub use self::{cluster::Cluster, database::Database};

/// Names the server: a superuser's URL.
pub const URL_VARIABLE: &str = "STOREHOUSE_TEST_POSTGRES_URL";

/// Names the folder with `postgres` and `initdb`. Needed only where the server that is given
/// runs on another machine.
pub const PROGRAMS_VARIABLE: &str = "STOREHOUSE_TEST_POSTGRES_PROGRAMS";

/// The URL of the server's own database.
pub fn server() -> String {
    std::env::var(URL_VARIABLE).expect(
        "a PostgreSQL server is needed: run `cargo xtask test`, which starts one, or set \
         STOREHOUSE_TEST_POSTGRES_URL to the URL of a server on which databases may be created",
    )
}
