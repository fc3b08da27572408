//! tokio-postgres: statements prepared once, and one connection, on which the requests of many tasks follow each other
//! without waiting for answers.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use tabular_postgres_common::{Case, Result, Row, System, sql};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, CopyInSink, NoTls, Statement};

use crate::Columns;

#[derive(Clone)]
pub struct Pipelined {
    client: Arc<Client>,
    by_key: Statement,
    by_category: Statement,
    all: Statement,
    upsert: Statement,
    upsert_unnest: Statement,
}

impl System for Pipelined {
    const NAME: &'static str = "tokio-postgres";
    type Item = Row;

    async fn open(url: &str) -> Result<Self> {
        let client = connect(url).await?;
        Ok(Self {
            by_key: client.prepare(sql::BY_KEY).await?,
            by_category: client.prepare(sql::BY_CATEGORY).await?,
            all: client.prepare(sql::ALL).await?,
            upsert: client.prepare(sql::UPSERT).await?,
            upsert_unnest: client.prepare(sql::UPSERT_UNNEST).await?,
            client: Arc::new(client),
        })
    }

    async fn get(&mut self, key: i64) -> Result<Option<Row>> {
        self.client.query_opt(&self.by_key, &[&key]).await?.as_ref().map(decode).transpose()
    }

    async fn put(&mut self, row: Row) -> Result {
        let Row { id, category, name, quantity, price } = &row;
        self.client.execute(&self.upsert, &[id, category, name, quantity, price]).await?;
        Ok(())
    }

    async fn put_bulk(&mut self, rows: Vec<Row>) -> Result {
        let Columns { ids, categories, names, quantities, prices } = &rows.into();
        self.client
            .execute(&self.upsert_unnest, &[ids, categories, names, quantities, prices])
            .await?;
        Ok(())
    }

    async fn by_category(&mut self, category: String) -> Result<Vec<Row>> {
        let rows = self.client.query(&self.by_category, &[&category]).await?;
        rows.iter().map(decode).collect()
    }

    /// Decoded as they arrive, so that the rows are not there twice.
    async fn all(&mut self) -> Result<Vec<Row>> {
        let mut rows = pin!(self.client.query_raw(&self.all, None::<i64>).await?);
        let mut all = Vec::new();
        while let Some(row) = rows.try_next().await? {
            all.push(decode(&row)?);
        }
        Ok(all)
    }
}

/// Bulks by `COPY`, and nothing else.
pub struct Copy {
    client: Client,
    copy_staging: Statement,
    copy: Statement,
    upsert_staging: Statement,
    by_key: Statement,
}

impl System for Copy {
    const NAME: &'static str = "tokio-postgres-copy";
    type Item = Row;

    async fn open(url: &str) -> Result<Self> {
        let client = connect(url).await?;
        client.batch_execute(sql::STAGING).await?;
        Ok(Self {
            copy_staging: client.prepare(sql::COPY_STAGING).await?,
            copy: client.prepare(sql::COPY).await?,
            upsert_staging: client.prepare(sql::UPSERT_STAGING).await?,
            by_key: client.prepare(sql::BY_KEY).await?,
            client,
        })
    }

    fn runs(case: Case) -> bool {
        matches!(case, Case::PutBulk(_) | Case::PutBulkNew(_))
    }

    async fn get(&mut self, key: i64) -> Result<Option<Row>> {
        self.client.query_opt(&self.by_key, &[&key]).await?.as_ref().map(decode).transpose()
    }

    async fn put(&mut self, row: Row) -> Result {
        self.put_bulk(vec![row]).await
    }

    async fn put_bulk(&mut self, rows: Vec<Row>) -> Result {
        let transaction = self.client.transaction().await?;
        copy(transaction.copy_in(&self.copy_staging).await?, rows).await?;
        transaction.execute(&self.upsert_staging, &[]).await?;
        Ok(transaction.commit().await?)
    }

    async fn put_bulk_new(&mut self, rows: Vec<Row>) -> Result {
        copy(self.client.copy_in(&self.copy).await?, rows).await
    }

    async fn by_category(&mut self, _category: String) -> Result<Vec<Row>> {
        Err("only writes".into())
    }

    async fn all(&mut self) -> Result<Vec<Row>> {
        Err("only writes".into())
    }
}

async fn copy(sink: CopyInSink<Bytes>, rows: Vec<Row>) -> Result {
    let types = [Type::INT8, Type::TEXT, Type::TEXT, Type::INT8, Type::FLOAT8];
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    for Row { id, category, name, quantity, price } in &rows {
        let row: [&(dyn ToSql + Sync); 5] = [id, category, name, quantity, price];
        writer.as_mut().write(&row).await?;
    }
    writer.finish().await?;
    Ok(())
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

fn decode(row: &tokio_postgres::Row) -> Result<Row> {
    Ok(Row {
        id: row.try_get(0)?,
        category: row.try_get(1)?,
        name: row.try_get(2)?,
        quantity: row.try_get(3)?,
        price: row.try_get(4)?,
    })
}
