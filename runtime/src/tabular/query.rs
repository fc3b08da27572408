//! Queries: a filter, an ordering and a part of the answer, run by awaiting them.

use std::{future::IntoFuture, marker::PhantomData, sync::Arc};

use futures::{StreamExt as _, TryStreamExt as _};

use super::{
    Core,
    collect::All,
    group::{AggregateQuery, GroupBy},
    project::ProjectedQuery,
};
use crate::{
    aggregate::AggregateList,
    cursor::Cursor,
    error::{Error, Result},
    events::RawEvent,
    filter::{Filter, FilterTree},
    maybe_send::{BoxFuture, BoxStream},
    order::{self, Order, OrderTerm},
    projection::{ColumnList, OrderedKinds, Projection},
    row_lock::RowLock,
    selection::Selection,
    storage::{RowSink, Statement},
    table::Row,
    value::Value,
};

/// A query under construction; awaiting it gives the rows.
///
/// Without `order_by` rows come in the order of the key. Every ordering is made total by the
/// key, so the same query gives the same order on every backend.
///
/// ```
/// use storehouse::prelude::*;
///
/// #[derive(Table, Debug)]
/// struct City {
///     #[table(key)]
///     name: String,
///     #[table(index)]
///     population: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let cities = storehouse::open("memory:").await?.tabular::<City>().await?;
/// cities.setup_database().await?;
/// for (name, population) in [("Oslo", 709_000), ("Bergen", 291_000), ("Trondheim", 214_000)] {
///     cities.put(City { name: name.into(), population }).await?;
/// }
///
/// let by_size = || cities.get_all().order_by(City::POPULATION.desc()).limit(2);
/// let first = by_size().page().await?;
/// assert_eq!(first.rows[0].name, "Oslo");
/// let second = by_size().after(&first.next.unwrap()).page().await?;
/// assert_eq!(second.rows[0].name, "Trondheim");
/// assert!(second.next.is_none());
/// # Ok(())
/// # }
/// ```
#[must_use = "a query does nothing until it is awaited"]
pub struct Query<'a, T> {
    pub(super) core: Arc<Core>,
    pub(super) operation: &'static str,
    pub(super) filter: FilterTree,
    pub(super) order: Vec<OrderTerm>,
    pub(super) limit: Option<u64>,
    pub(super) offset: u64,
    pub(super) after: Option<Cursor>,
    pub(super) lock: Option<RowLock>,
    marker: PhantomData<fn() -> (&'a (), T)>,
}

/// A part of a query's answer, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Continues after the last row; `None` when nothing was left when the page was read.
    pub next: Option<Cursor>,
}

impl<T> std::fmt::Debug for Query<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query")
            .field("table", &self.core.definition.name)
            .field("filter", &self.filter)
            .field("order", &self.order)
            .field("limit", &self.limit)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl<'a, T: Row> Query<'a, T> {
    pub(super) fn new(core: &Arc<Core>, operation: &'static str, filter: Filter<T>) -> Self {
        Self {
            core: Arc::clone(core),
            operation,
            filter: filter.into_tree(),
            order: Vec::new(),
            limit: None,
            offset: 0,
            after: None,
            lock: None,
            marker: PhantomData,
        }
    }

    /// Only rows that match this too.
    pub fn filter(mut self, filter: Filter<T>) -> Self {
        self.filter = self.filter.and(filter.into_tree());
        self
    }

    /// Only rows that match the condition that `condition` makes of a value, when there is one:
    /// `query.filter_if(max, |max| Product::PRICE.le(max))`.
    pub fn filter_if<V>(self, value: Option<V>, condition: impl FnOnce(V) -> Filter<T>) -> Self {
        match value {
            Some(value) => self.filter(condition(value)),
            None => self,
        }
    }

    /// Orders by a column; called again, by a further column where the earlier ones are equal.
    pub fn order_by(mut self, order: Order<T>) -> Self {
        self.order.push(order.term());
        self
    }

    /// At most so many rows; 0 gives none.
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Not the first so many rows. A deep offset reads and drops all of them;
    /// [`Query::after`] does not.
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// Only what comes after the row that a cursor stands for. Fails with [`Error::Validation`]
    /// when the cursor is of another table or another ordering.
    pub fn after(mut self, cursor: &Cursor) -> Self {
        self.after = Some(cursor.clone());
        self
    }

    /// Locks the rows until the transaction ends, so that what is then written is based on what
    /// was read.
    ///
    /// Fails with [`Error::Validation`] outside a transaction, where nothing would hold the lock,
    /// with [`Error::Busy`] when another transaction holds one for too long, and with
    /// [`Error::Unsupported`] where rows cannot be locked.
    pub fn lock(mut self, lock: RowLock) -> Self {
        self.lock = Some(lock);
        self
    }

    /// The rows, up to the limit, and a cursor to what comes next.
    pub async fn page(self) -> Result<Page<T>> {
        let core = Arc::clone(&self.core);
        core.run(self.operation, async {
            let mut selection = self.selection()?;
            let limit = selection.limit;
            // One row more than asked for tells whether there is a next page.
            selection.limit = limit.map(|limit| limit.saturating_add(1));
            let order = selection.order.clone();
            let mut rows =
                if limit == Some(0) { Vec::new() } else { self.fetch(selection).await? };
            let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
            let next = if rows.len() > limit {
                rows.truncate(limit);
                rows.last().map(|row| self.cursor(row, &order)).transpose()?
            } else {
                None
            };
            Ok(Page { rows, next })
        })
        .await
    }

    /// The first row, if any.
    pub async fn first(self) -> Result<Option<T>> {
        let limit = self.limit.map_or(1, |limit| limit.min(1));
        Ok(self.limit(limit).await?.into_iter().next())
    }

    /// Only these columns of the rows: a column gives its values, a tuple of up to twelve gives
    /// tuples. The others are not read from the database.
    ///
    /// ```
    /// # use storehouse::prelude::*;
    /// # #[derive(Table)]
    /// # struct Product { #[table(key)] sku: String, price: f64, description: String }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// # let products = storehouse::open("memory:").await?.tabular::<Product>().await?;
    /// # products.setup_database().await?;
    /// # products.put(Product { sku: "A1".into(), price: 9.5, description: "a saw".into() }).await?;
    /// let prices: Vec<(String, f64)> =
    ///     products.get_all().select((Product::SKU, Product::PRICE)).await?;
    /// assert_eq!(prices, [("A1".to_owned(), 9.5)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn select<C: ColumnList<T>>(
        self,
        columns: C,
    ) -> ProjectedQuery<'a, T, C::Output, C::Kinds> {
        ProjectedQuery::new(self, columns.positions(), |source| C::read(source, 0))
    }

    /// Only the columns that the struct `P` has, which derives
    /// [`Projection`]; the others are not read from the database.
    pub fn select_as<P: Projection<T>>(self) -> ProjectedQuery<'a, T, P, P::Kinds> {
        ProjectedQuery::new(self, P::columns(), P::read)
    }

    /// What the rows come to: an [aggregate](crate::aggregate) or a tuple of them.
    ///
    /// Awaiting it fails with [`Error::Validation`] when the query has an order, a limit, an
    /// offset, a cursor or a lock, and when a sum does not fit its type.
    ///
    /// ```
    /// # use storehouse::prelude::*;
    /// use storehouse::aggregate::{avg, count};
    /// # #[derive(Table)]
    /// # struct Product { #[table(key)] sku: String, price: f64 }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// # let products = storehouse::open("memory:").await?.tabular::<Product>().await?;
    /// # products.setup_database().await?;
    /// # products.put(Product { sku: "A1".into(), price: 9.5 }).await?;
    ///
    /// let (rows, price) = products.get_all().aggregate((count(), avg(Product::PRICE))).await?;
    /// assert_eq!((rows, price), (1, Some(9.5)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn aggregate<L: AggregateList<T>>(self, aggregates: L) -> AggregateQuery<'a, T, L::Output> {
        AggregateQuery::new(self, aggregates.terms(), |source| L::read(source, 0))
    }

    /// Puts rows together that have the same values of a column, or of a tuple of columns;
    /// [`GroupBy::aggregate`] says what is found out about each group. NULL is a value like
    /// others here.
    pub fn group_by<C>(self, columns: C) -> GroupBy<'a, T, C>
    where
        C: ColumnList<T, Kinds: OrderedKinds>,
    {
        GroupBy::new(self, columns)
    }

    /// How many rows match the filter. Fails with [`Error::Validation`] when the query has a
    /// limit, an offset, a cursor or a lock, since counting a part of an answer is seldom what is meant.
    pub async fn count(self) -> Result<u64> {
        let core = Arc::clone(&self.core);
        core.run(self.operation, async {
            let is_part = self.limit.is_some() || self.offset > 0 || self.after.is_some();
            if is_part || self.lock.is_some() {
                return Err(Error::validation(
                    "a count takes no limit, offset, cursor or lock; leave them out, \
                     or await the query and count the rows",
                ));
            }
            core.storage.count(core.scope(self.filter.clone())?).await
        })
        .await
    }

    /// Whether any row matches the filter.
    pub async fn exists(self) -> Result<bool> {
        Ok(self.first().await?.is_some())
    }

    /// The rows one by one, fetched `page_size` at a time, each page continuing after the last
    /// row of the one before: a row that is there all the while is given exactly once.
    ///
    /// Fails with [`Error::Validation`] when `page_size` is 0.
    pub fn records(self, page_size: usize) -> BoxStream<'a, Result<T>> {
        Box::pin(
            self.pages(page_size).map_ok(|rows| futures::stream::iter(rows).map(Ok)).try_flatten(),
        )
    }

    /// The rows in pages of `page_size`; see [`Query::records`].
    pub fn pages(self, page_size: usize) -> BoxStream<'a, Result<Vec<T>>> {
        Box::pin(futures::stream::try_unfold(Some(self), move |query| async move {
            let Some(query) = query else { return Ok(None) };
            if page_size == 0 {
                return Err(Error::validation("a page has at least one row; give a larger size"));
            }
            let left = query.limit.unwrap_or(u64::MAX);
            let asked = left.min(page_size as u64);
            let mut next = query.again();
            let page = query.limit(asked).page().await?;
            let left = left - page.rows.len() as u64;
            let next = page.next.filter(|_| left > 0).map(|cursor| {
                next.limit = next.limit.map(|_| left);
                next.offset = 0;
                next.after = Some(cursor);
                next
            });
            Ok(if page.rows.is_empty() { None } else { Some((page.rows, next)) })
        }))
    }

    /// The SQL that the query runs as, with its values. Fails with
    /// [`Error::Unsupported`] where queries are not SQL.
    pub fn to_sql(&self) -> Result<Statement> {
        let core = &self.core;
        self.selection()
            .and_then(|selection| core.storage.to_sql(&selection))
            .map_err(|error| error.at(core.backend, &core.definition.name, "to_sql"))
    }

    /// How the backend would run the query, in words for a person: which index it would read,
    /// and what it would sort.
    pub async fn explain(self) -> Result<String> {
        let core = Arc::clone(&self.core);
        core.run("explain", async { core.storage.explain(self.selection()?).await }).await
    }

    async fn run(self) -> Result<Vec<T>> {
        let core = Arc::clone(&self.core);
        core.run(self.operation, async {
            let selection = self.selection()?;
            if selection.limit == Some(0) { Ok(Vec::new()) } else { self.fetch(selection).await }
        })
        .await
    }

    async fn fetch(&self, selection: Selection) -> Result<Vec<T>> {
        let core = &self.core;
        let sink = core.storage.select(selection, All::<T>::sink(&core.definition)).await?;
        let rows = All::<T>::take(sink)?;
        self.tell(rows.len());
        Ok(rows)
    }

    /// Hands the rows, in order, to a receiver, and gives it back.
    pub(in crate::tabular) async fn receive_into(&self, rows: RowSink) -> Result<RowSink> {
        self.core.storage.select(self.selection()?, rows).await
    }

    /// Tells listeners that the query gave so many rows.
    pub(in crate::tabular) fn tell(&self, rows: usize) {
        self.core.emit(|| Some(RawEvent::Query(self.filter.clone(), rows)));
    }

    pub(in crate::tabular) const fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Checks the query and completes its ordering.
    pub(super) fn selection(&self) -> Result<Selection> {
        let definition = &self.core.definition;
        let filter = self.core.scope(self.filter.clone())?;
        let order = order::complete(definition, &self.order)?;
        let after = match &self.after {
            Some(cursor) => Some(cursor.values(definition, &order)?),
            None => None,
        };
        self.check_lock()?;
        Ok(Selection {
            filter,
            order,
            after,
            limit: self.limit,
            offset: self.offset,
            lock: self.lock,
            columns: None,
        })
    }

    fn check_lock(&self) -> Result<()> {
        if self.lock.is_none() {
            return Ok(());
        }
        if !self.core.storage.capabilities().row_locks {
            return Err(Error::unsupported(
                "lock",
                self.core.backend,
                "leave it out, or use a backend whose transactions can lock rows",
            ));
        }
        if self.core.transaction.is_none() {
            return Err(Error::validation(
                "a lock is held until a transaction ends, and this handle is in none; \
                 begin one and use `handle.in_tx(&tx)`",
            ));
        }
        Ok(())
    }

    fn cursor(&self, row: &T, order: &[OrderTerm]) -> Result<Cursor> {
        let values: Vec<Value> = (order.iter())
            .map(|term| row.value(term.column))
            .collect::<Result<_, _>>()
            .map_err(|error| self.core.encode_error(&error))?;
        Ok(Cursor::new(&self.core.definition, order, &values))
    }

    pub(super) fn again<'b>(&self) -> Query<'b, T> {
        Query {
            core: Arc::clone(&self.core),
            operation: self.operation,
            filter: self.filter.clone(),
            order: self.order.clone(),
            limit: self.limit,
            offset: self.offset,
            after: self.after.clone(),
            lock: self.lock,
            marker: PhantomData,
        }
    }
}

impl<'a, T: Row> IntoFuture for Query<'a, T> {
    type Output = Result<Vec<T>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
