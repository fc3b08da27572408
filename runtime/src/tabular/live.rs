//! Live queries: a result that is kept up to date.

use std::sync::Arc;

use futures::{Stream, StreamExt as _};

use super::Query;
use crate::{
    changes::{Followed, Pause, Since},
    error::{Error, Result},
    maybe_send::{BoxFuture, BoxStream},
    table::Row,
    value::Value,
};

/// The result of a query whenever it changes, from [`Query::live`]: a stream.
///
/// It ends as [`Changes`](crate::Changes) does.
pub struct LiveQuery<T> {
    stream: BoxStream<'static, Result<Vec<T>>>,
}

impl<T: Row> LiveQuery<T> {
    /// The result as it is, at first; then, each time, the next one that differs from the one
    /// before. `None` when there will be none.
    ///
    /// The future can be dropped: what it would have given comes next.
    pub async fn try_next(&mut self) -> Result<Option<Vec<T>>> {
        self.stream.next().await.transpose()
    }
}

impl<T: Row> Stream for LiveQuery<T> {
    type Item = Result<Vec<T>>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.stream.as_mut().poll_next(context)
    }
}

impl<T> std::fmt::Debug for LiveQuery<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveQuery").finish_non_exhaustive()
    }
}

impl<T: Row> Query<'_, T> {
    /// Keeps the result up to date: it is given as it is now, and again whenever a change, by
    /// whomever, has made another of it.
    ///
    /// Only a change of which the old or the new row matches the filter has the query run again,
    /// and several that came together have it run once. Needs a log of the table's changes, as
    /// [`Tabular::changes`](crate::Tabular::changes) does, and fails as that does; with
    /// [`Error::Validation`] inside a transaction and for a query that locks rows.
    ///
    /// ```
    /// use storehouse::prelude::*;
    ///
    /// #[derive(Table, Clone, Debug, PartialEq)]
    /// #[table(changes)]
    /// struct Score {
    ///     #[table(key)]
    ///     player: String,
    ///     points: i64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// let scores = storehouse::open("memory:").await?.tabular::<Score>().await?;
    /// scores.setup_database().await?;
    /// let mut leaders =
    ///     scores.get_all().order_by(Score::POINTS.desc()).limit(1).live().await?;
    /// assert!(leaders.try_next().await?.unwrap().is_empty());
    ///
    /// scores.put(Score { player: "ann".into(), points: 3 }).await?;
    /// assert_eq!(leaders.try_next().await?.unwrap()[0].player, "ann");
    /// # Ok(())
    /// # }
    /// ```
    pub fn live(self) -> BoxFuture<'static, Result<LiveQuery<T>>> {
        let query: Query<'static, T> = self.again();
        Box::pin(async move {
            let core = Arc::clone(&query.core);
            core.run("live", async {
                if core.transaction.is_some() || query.lock.is_some() {
                    return Err(Error::validation(
                        "a query inside a transaction, or that locks rows, cannot be live; run it \
                         on a handle outside of the transaction, without `lock(..)`",
                    ));
                }
                // Begun before the query runs first, so that nothing between them is missed.
                let filter = query.filter.clone();
                let followed =
                    Followed::begin(Arc::clone(&core) as _, Since::Now, filter, None).await?;
                let live = Live { query, followed, last: None };
                Ok(LiveQuery { stream: live.into_stream() })
            })
            .await
        })
    }
}

/// A query that is run again and again.
struct Live<T> {
    query: Query<'static, T>,
    followed: Followed,
    /// The values of the last result.
    last: Option<Vec<Vec<Value>>>,
}

impl<T: Row> Live<T> {
    fn into_stream(self) -> BoxStream<'static, Result<Vec<T>>> {
        Box::pin(futures::stream::unfold(Some(self), async |live| {
            let mut live = live?;
            match live.next().await {
                Ok(rows) => Some((Ok(rows?), Some(live))),
                Err(error) => {
                    let error = live.query.core.at(error, "live");
                    Some((Err(error), None))
                }
            }
        }))
    }

    async fn next(&mut self) -> Result<Option<Vec<T>>> {
        loop {
            if self.last.is_some() {
                if self.followed.next().await?.is_none() {
                    return Ok(None);
                }
                // What came together is seen together.
                self.followed.take_what_is_at_hand();
            }
            let rows = self.rows().await?;
            let values = self.values(&rows)?;
            if self.last.as_ref() != Some(&values) {
                self.last = Some(values);
                return Ok(Some(rows));
            }
        }
    }

    /// What the query gives, as soon as the database can be reached.
    async fn rows(&self) -> Result<Vec<T>> {
        let mut pause = Pause::new();
        loop {
            match self.query.again().await {
                Err(error) if self.last.is_some() => pause.after(error).await?,
                rows => return rows,
            }
        }
    }

    fn values(&self, rows: &[T]) -> Result<Vec<Vec<Value>>> {
        let core = &self.query.core;
        let columns = core.definition.columns.len();
        let row = |row: &T| (0..columns).map(|column| row.value(column)).collect();
        let values: Result<_, _> = rows.iter().map(row).collect();
        values.map_err(|error| core.encode_error(&error))
    }
}
