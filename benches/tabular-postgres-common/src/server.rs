//! The databases that are measured on.

use std::env;
use std::pin::pin;

use bytes::{BufMut, BytesMut};
use futures_util::SinkExt;
use tabular_common::{Result, Row};
use tokio_postgres::{Client, NoTls};

use crate::delay::Delay;

/// SQL text of the hand-written systems.
pub mod sql {
    /// The table of a [`Row`](crate::Row) as Storehouse's `setup_database` makes it, with an index over the category.
    pub const SCHEMA: &str = r#"
        CREATE TABLE items (
            id bigint NOT NULL PRIMARY KEY,
            category text COLLATE "C" NOT NULL,
            name text COLLATE "C" NOT NULL,
            quantity bigint NOT NULL,
            price double precision NOT NULL
        );
        CREATE INDEX items_category_idx ON items (category);"#;

    /// One row by its key.
    pub const BY_KEY: &str = "SELECT id, category, name, quantity, price FROM items WHERE id = $1";

    /// All rows of a category.
    pub const BY_CATEGORY: &str =
        "SELECT id, category, name, quantity, price FROM items WHERE category = $1";

    /// All rows.
    pub const ALL: &str = "SELECT id, category, name, quantity, price FROM items";

    /// An upsert of one row.
    pub const UPSERT: &str = "\
        INSERT INTO items (id, category, name, quantity, price) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (id) DO UPDATE SET \
        category = excluded.category, name = excluded.name, quantity = excluded.quantity, price = excluded.price";

    /// An upsert of many rows, one array for each column.
    pub const UPSERT_UNNEST: &str = "\
        INSERT INTO items (id, category, name, quantity, price) \
        SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::double precision[]) \
        ON CONFLICT (id) DO UPDATE SET \
        category = excluded.category, name = excluded.name, quantity = excluded.quantity, price = excluded.price";

    /// A place for the rows of an upsert by `COPY`, which cannot replace any by itself; it empties itself at each commit.
    pub const STAGING: &str = "CREATE TEMPORARY TABLE staging (LIKE items) ON COMMIT DELETE ROWS";

    /// Copies rows to that place.
    pub const COPY_STAGING: &str =
        "COPY staging (id, category, name, quantity, price) FROM STDIN (FORMAT binary)";

    /// Copies rows into the table.
    pub const COPY: &str =
        "COPY items (id, category, name, quantity, price) FROM STDIN (FORMAT binary)";

    /// Upserts what was copied.
    pub const UPSERT_STAGING: &str = "\
        INSERT INTO items (id, category, name, quantity, price) \
        SELECT id, category, name, quantity, price FROM staging \
        ON CONFLICT (id) DO UPDATE SET \
        category = excluded.category, name = excluded.name, quantity = excluded.quantity, price = excluded.price";
}

/// What names the server.
const URL_VARIABLE: &str = "STOREHOUSE_BENCH_POSTGRES_URL";

/// A server to make databases on.
pub struct Server {
    /// Up to its database: `postgres://postgres@127.0.0.1:5432/`.
    url: String,
    /// The same by way of the slow network.
    far_url: String,
    /// Names of databases begin with it, so that programs do not meet.
    prefix: String,
}

impl Server {
    /// The server that the environment names, and a slow network to it.
    pub fn from_env() -> Result<Self> {
        let url = env::var(URL_VARIABLE).map_err(|_| {
            format!(
                "set {URL_VARIABLE} to the URL of a superuser of a PostgreSQL server, such as \
                 postgres://postgres@127.0.0.1:5432/postgres, or run `cargo xtask bench tabular`"
            )
        })?;
        let parts = url.rsplit_once('@').and_then(|(user, rest)| {
            let (address, database) = rest.split_once('/')?;
            (!database.is_empty()).then_some((user, address))
        });
        let (user, address) =
            parts.ok_or_else(|| format!("{url} is not postgres://user@address:port/database"))?;
        let far = Delay::to(address)?;
        Ok(Self {
            url: format!("{user}@{address}/"),
            far_url: format!("{user}@{far}/"),
            prefix: format!("bench_{}_", std::process::id()),
        })
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("{}{}{database}", self.url, self.prefix)
    }

    /// The URL of the same database by way of the slow network.
    pub(crate) fn far_url(&self, database: &str) -> String {
        format!("{}{}{database}", self.far_url, self.prefix)
    }

    /// Makes a database with `rows` rows in its table.
    pub(crate) async fn create(&self, database: &str, rows: usize) -> Result {
        let name = format!("{}{database}", self.prefix);
        let server = connect(&format!("{}postgres", self.url)).await?;
        server.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let client = connect(&self.url(database)).await?;
        client.batch_execute(sql::SCHEMA).await?;
        load(&client, &Row::first(rows)).await?;
        self.settle(database).await
    }

    /// Deletes it.
    pub(crate) async fn drop(&self, database: &str) -> Result {
        let server = connect(&format!("{}postgres", self.url)).await?;
        let name = format!("{}{database}", self.prefix);
        // Connections that were dropped may not have closed yet.
        Ok(server.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?)
    }

    /// Leaves nothing to be done by the server for what was written before, so that each case begins alike.
    pub(crate) async fn settle(&self, database: &str) -> Result {
        let client = connect(&self.url(database)).await?;
        client.batch_execute("VACUUM ANALYZE items").await?;
        Ok(client.batch_execute("CHECKPOINT").await?)
    }

    /// How many rows there are, and how many keys of the small table are among them.
    pub(crate) async fn count(&self, database: &str) -> Result<(i64, i64)> {
        let client = connect(&self.url(database)).await?;
        let counted = "SELECT count(*), count(*) FILTER (WHERE id BETWEEN 0 AND $1) FROM items";
        let row = client.query_one(counted, &[&(Row::SMALL as i64 - 1)]).await?;
        Ok((row.get(0), row.get(1)))
    }

    /// Sees to it that the small table has the rows that it had, if not their values, and its two indexes.
    pub(crate) async fn expect_small(&self, database: &str) -> Result {
        let client = connect(&self.url(database)).await?;
        let counted = "SELECT count(*) FROM pg_index WHERE indrelid = 'items'::regclass";
        let indexes: i64 = client.query_one(counted, &[]).await?.get(0);
        if indexes != 2 {
            return Err(format!("the table should have 2 indexes, not {indexes}").into());
        }
        let (all, small) = self.count(database).await?;
        if (all, small) != (Row::SMALL as i64, Row::SMALL as i64) {
            return Err(format!("there should be {} rows, not {all}", Row::SMALL).into());
        }
        Ok(())
    }
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Loads rows by `COPY` in its text format; none of our strings needs to be escaped.
async fn load(client: &Client, rows: &[Row]) -> Result {
    let mut sink = pin!(client.copy_in("COPY items FROM STDIN").await?);
    for chunk in rows.chunks(1_000) {
        let mut text = BytesMut::new();
        for Row { id, category, name, quantity, price } in chunk {
            text.put_slice(format!("{id}\t{category}\t{name}\t{quantity}\t{price}\n").as_bytes());
        }
        sink.send(text.freeze()).await?;
    }
    let loaded = sink.as_mut().finish().await?;
    assert_eq!(loaded, rows.len() as u64);
    Ok(())
}
