//! Hand-written sqlx and hand-written tokio-postgres.
//!
//! | system | what it is |
//! | --- | --- |
//! | `sqlx-pool` | a pool of sqlx with its defaults: 10 connections, each asked whether it is alive before it is lent; bulks by `UNNEST` |
//! | `sqlx-connection` | one bare connection of sqlx; bulks by `UNNEST` |
//! | `tokio-postgres` | one connection with prepared statements, which many tasks share, so that it pipelines; bulks by `UNNEST` |
//! | `tokio-postgres-copy` | bulks by binary `COPY`: into the table where the rows are new, else by way of a temporary one |

mod with_sqlx;
mod with_tokio_postgres;

use tabular_postgres_common::{Result, Row, Server, in_runtime, run, run_shared};

fn main() -> Result {
    in_runtime(async {
        let server = Server::from_env()?;
        run_shared::<with_sqlx::Pool>(&server).await?;
        run::<with_sqlx::Connection>(&server).await?;
        run_shared::<with_tokio_postgres::Pipelined>(&server).await?;
        run::<with_tokio_postgres::Copy>(&server).await
    })
}

/// Rows, a vector for each column, as `UNNEST` takes them.
struct Columns {
    ids: Vec<i64>,
    categories: Vec<String>,
    names: Vec<String>,
    quantities: Vec<i64>,
    prices: Vec<f64>,
}

impl From<Vec<Row>> for Columns {
    fn from(rows: Vec<Row>) -> Self {
        let mut columns = Self {
            ids: Vec::with_capacity(rows.len()),
            categories: Vec::with_capacity(rows.len()),
            names: Vec::with_capacity(rows.len()),
            quantities: Vec::with_capacity(rows.len()),
            prices: Vec::with_capacity(rows.len()),
        };
        for Row { id, category, name, quantity, price } in rows {
            columns.ids.push(id);
            columns.categories.push(category);
            columns.names.push(name);
            columns.quantities.push(quantity);
            columns.prices.push(price);
        }
        columns
    }
}
