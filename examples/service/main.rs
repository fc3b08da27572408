//! A web service over whichever store the environment names.
//!
//! `cargo run --example service` serves products from an SQLite file at <http://127.0.0.1:3000>;
//! `STORE_URL=memory: cargo run --example service` from memory, and `STORE_URL=postgres://..` with
//! `--features postgres` from PostgreSQL. `ADDRESS` is where it listens. Then, for example:
//!
//! ```text
//! curl -X POST localhost:3000/products -H 'content-type: application/json' \
//!      -d '{"sku": "A1", "category": "tools", "price": 9.5}'
//! curl -G localhost:3000/products --data-urlencode 'filter={"price": {"value": 10, "operator": "<"}}'
//! ```

#![allow(clippy::print_stdout, reason = "it says where it listens")]

mod app;

use std::env;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = env::var("STORE_URL").unwrap_or_else(|_| "sqlite:service.db".into());
    let address = env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let store = storehouse::open(&url).await?;
    let router = app::router(&store).await?;
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("products from {url} at http://{}/products", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}
