//! `LISTEN` and `NOTIFY` by hand, with sqlx: the statement that writes a row also notifies, with the row as JSON.
//!
//! It is the least that a program would write. Nothing is delivered to whoever is not connected, there is no old row,
//! and other programs' writes are not seen.

use changes_common::{
    Deliveries, Pace, ROWS, Result, Row, compare, expect, in_runtime, is_writer, start_writer,
    variant,
};
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgListener, PgPoolOptions},
};

const GROUP: &str = "postgres";
const SYSTEM: &str = "sqlx, NOTIFY by hand";

const TABLE: &str = "CREATE TABLE IF NOT EXISTS notified_items (id bigint PRIMARY KEY, \
    name text COLLATE \"C\" NOT NULL, at bigint NOT NULL, price double precision NOT NULL)";

const PUT: &str = "INSERT INTO notified_items (id, name, at, price) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, at = excluded.at, price = excluded.price";

fn notifying() -> String {
    format!(
        "WITH written AS ({PUT} RETURNING *) \
         SELECT pg_notify('notified_items', row_to_json(written)::text) FROM written"
    )
}

async fn put(pool: &PgPool, sql: &str, row: Row) -> Result {
    let sql = sqlx::query(AssertSqlSafe(sql.to_owned()));
    sql.bind(row.id).bind(row.name).bind(row.at).bind(row.price).execute(pool).await?;
    Ok(())
}

async fn next(listener: &mut PgListener) -> Result<i64> {
    let notification = listener.recv().await?;
    let row: sqlx::types::JsonValue = notification.payload().parse()?;
    Ok(row["at"].as_i64().ok_or("a notification without a time")?)
}

async fn write(pool: &PgPool) -> Result {
    let sql = notifying();
    let mut pace = Pace::default();
    while let Some(row) = pace.next().await {
        put(pool, &sql, row).await?;
    }
    Ok(())
}

async fn deliver(listener: &mut PgListener) -> Result<Deliveries> {
    let mut deliveries = Deliveries::default();
    while deliveries.wants_more() {
        deliveries.take(next(listener)).await?;
    }
    Ok(deliveries)
}

async fn connect(url: &str) -> Result<PgPool> {
    Ok(PgPoolOptions::new().max_connections(10).connect(url).await?)
}

fn main() -> Result {
    in_runtime(async {
        if let Some(url) = is_writer() {
            return write(&connect(&url).await?).await;
        }
        let url = std::env::var("STOREHOUSE_BENCH_POSTGRES_URL")?;
        let pool = connect(&url).await?;
        sqlx::query(TABLE).execute(&pool).await?;
        for id in 0..ROWS {
            put(&pool, PUT, Row::now(id)).await?;
        }
        let mut listener = PgListener::connect(&url).await?;
        listener.listen("notified_items").await?;

        let writing = tokio::spawn({
            let pool = pool.clone();
            async move { write(&pool).await }
        });
        deliver(&mut listener).await?.report(GROUP, "delivery", SYSTEM)?;
        writing.await??;

        let writer = start_writer(&url)?;
        deliver(&mut listener).await?.report(GROUP, "delivery_across", SYSTEM)?;
        expect(writer).await?;

        let following = tokio::spawn(async move { while next(&mut listener).await.is_ok() {} });
        let puts = |system: &str, sql: String| {
            let pool = pool.clone();
            variant(system, move |row| {
                let (pool, sql) = (pool.clone(), sql.clone());
                async move { put(&pool, &sql, row).await }
            })
        };
        compare(GROUP, &[puts("sqlx, no NOTIFY", PUT.to_owned()), puts(SYSTEM, notifying())])
            .await?;
        following.abort();
        Ok(())
    })
}
