//! Queries for some columns of the rows.

use std::{any::Any, future::IntoFuture, marker::PhantomData, ops::ControlFlow, sync::Arc};

use futures::{StreamExt as _, TryStreamExt as _};

use super::{GroupQuery, Page, Query, collect::unwrap};
use crate::{
    codec::{ColumnSource, DecodeError, read_value},
    column_type::ColumnType,
    cursor::Cursor,
    error::{Error, Result},
    events::RawEvent,
    filter::Filter,
    maybe_send::{BoxFuture, BoxStream, MaybeSend},
    order::Order,
    projection::OrderedKinds,
    row_lock::RowLock,
    selection::Selection,
    storage::{RowReceiver, RowSink, Statement},
    table::Row,
    value::Value,
};

/// Reads a row of an answer.
pub(super) type Read<R> = fn(&mut dyn ColumnSource) -> Result<R, DecodeError>;

/// A query for some columns of the rows, from [`Query::select`] or [`Query::select_as`]; awaiting
/// it gives them as `R`s.
///
/// Only these columns are read from the database, each straight into its place. Rows can be
/// ordered by other columns, and come in pages and streams as whole rows do.
///
/// ```
/// use storehouse::prelude::*;
///
/// #[derive(Table)]
/// struct City {
///     #[table(key)]
///     name: String,
///     country: String,
///     population: u32,
/// }
///
/// #[derive(Projection, Debug, PartialEq)]
/// #[table(of = City)]
/// struct Place {
///     name: String,
///     country: String,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// # let cities = storehouse::open("memory:").await?.tabular::<City>().await?;
/// # cities.setup_database().await?;
/// # for (name, population) in [("Oslo", 709_000), ("Bergen", 291_000)] {
/// #     cities.put(City { name: name.into(), country: "Norway".into(), population }).await?;
/// # }
/// let by_size = || cities.get_all().order_by(City::POPULATION.desc());
/// let names: Vec<String> = by_size().select(City::NAME).await?;
/// assert_eq!(names, ["Oslo", "Bergen"]);
/// let largest: Option<Place> = by_size().select_as().first().await?;
/// assert_eq!(largest, Some(Place { name: "Oslo".into(), country: "Norway".into() }));
/// let countries = cities.get_all().select(City::COUNTRY).distinct().await?;
/// assert_eq!(countries, ["Norway"]);
/// # Ok(())
/// # }
/// ```
#[must_use = "a query does nothing until it is awaited"]
pub struct ProjectedQuery<'a, T, R, Kinds> {
    query: Query<'a, T>,
    columns: Vec<usize>,
    read: Read<R>,
    marker: PhantomData<fn() -> Kinds>,
}

impl<T, R, Kinds> std::fmt::Debug for ProjectedQuery<'_, T, R, Kinds> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProjectedQuery")
            .field("query", &self.query)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl<'a, T, R, Kinds> ProjectedQuery<'a, T, R, Kinds>
where
    T: Row,
    R: MaybeSend + 'static,
    Kinds: 'static,
{
    pub(super) fn new(query: Query<'a, T>, columns: Vec<usize>, read: Read<R>) -> Self {
        Self { query, columns, read, marker: PhantomData }
    }

    /// Only rows that match this too.
    pub fn filter(self, filter: Filter<T>) -> Self {
        Self { query: self.query.filter(filter), ..self }
    }

    /// Orders by a column, whether it is selected or not; called again, by a further column where
    /// the earlier ones are equal.
    pub fn order_by(self, order: Order<T>) -> Self {
        Self { query: self.query.order_by(order), ..self }
    }

    /// At most so many rows; 0 gives none.
    pub fn limit(self, limit: u64) -> Self {
        Self { query: self.query.limit(limit), ..self }
    }

    /// Not the first so many rows; see [`Query::offset`].
    pub fn offset(self, offset: u64) -> Self {
        Self { query: self.query.offset(offset), ..self }
    }

    /// Only what comes after the row that a cursor stands for; see [`Query::after`].
    pub fn after(self, cursor: &Cursor) -> Self {
        Self { query: self.query.after(cursor), ..self }
    }

    /// Locks the rows until the transaction ends; see [`Query::lock`].
    pub fn lock(self, lock: RowLock) -> Self {
        Self { query: self.query.lock(lock), ..self }
    }

    /// Each combination of values once: NULL is a value like others, 0.0 and -0.0 are the same
    /// one, and text is compared by bytes. Fails to compile for JSON, lists and vectors.
    ///
    /// The answer is ordered by the selected columns, one after the other, unless `order_by` says
    /// otherwise, which takes only these. A limit counts what is left.
    pub fn distinct(self) -> GroupQuery<'a, T, R>
    where
        Kinds: OrderedKinds,
    {
        GroupQuery::distinct(self.query, self.columns, self.read)
    }

    /// The first row, if any.
    pub async fn first(self) -> Result<Option<R>> {
        let limit = self.query.limit.map_or(1, |limit| limit.min(1));
        Ok(self.limit(limit).await?.into_iter().next())
    }

    /// The rows, up to the limit, and a cursor to what comes next, which fits a query for whole
    /// rows too.
    pub async fn page(self) -> Result<Page<R>> {
        let core = Arc::clone(&self.query.core);
        core.run(self.query.operation, async {
            let mut selection = self.query.selection()?;
            let limit = selection.limit;
            if limit == Some(0) {
                return Ok(Page { rows: Vec::new(), next: None });
            }
            // One row more than asked for tells whether there is a next page.
            selection.limit = limit.map(|limit| limit.saturating_add(1));
            let order = selection.order.clone();
            let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
            let mut projected = self.fetch(selection, Some(limit)).await?;
            let next = projected.place.filter(|_| projected.rows.len() > limit);
            projected.rows.truncate(limit);
            let next = next.map(|place| Cursor::new(&core.definition, &order, &place));
            Ok(Page { rows: projected.rows, next })
        })
        .await
    }

    /// The rows one by one, fetched `page_size` at a time; see [`Query::records`].
    pub fn records(self, page_size: usize) -> BoxStream<'a, Result<R>> {
        Box::pin(
            self.pages(page_size).map_ok(|rows| futures::stream::iter(rows).map(Ok)).try_flatten(),
        )
    }

    /// The rows in pages of `page_size`; see [`Query::records`].
    pub fn pages(self, page_size: usize) -> BoxStream<'a, Result<Vec<R>>> {
        Box::pin(futures::stream::try_unfold(Some(self), move |query| async move {
            let Some(query) = query else { return Ok(None) };
            if page_size == 0 {
                return Err(Error::validation("a page has at least one row; give a larger size"));
            }
            let left = query.query.limit.unwrap_or(u64::MAX);
            let mut next = Self::new(query.query.again(), query.columns.clone(), query.read);
            let page = query.limit(left.min(page_size as u64)).page().await?;
            let left = left - page.rows.len() as u64;
            let next = page.next.filter(|_| left > 0).map(|cursor| {
                next.query.limit = next.query.limit.map(|_| left);
                next.query.offset = 0;
                next.query.after = Some(cursor);
                next
            });
            Ok(if page.rows.is_empty() { None } else { Some((page.rows, next)) })
        }))
    }

    /// The SQL that the query runs as, with its values. Fails with
    /// [`Error::Unsupported`] where queries are not SQL.
    pub fn to_sql(&self) -> Result<Statement> {
        let core = &self.query.core;
        self.query
            .selection()
            .map(|selection| Selection { columns: Some(self.columns.clone()), ..selection })
            .and_then(|selection| core.storage.to_sql(&selection))
            .map_err(|error| error.at(core.backend, &core.definition.name, "to_sql"))
    }

    /// How the backend would run the query, in words for a person.
    pub async fn explain(self) -> Result<String> {
        let core = Arc::clone(&self.query.core);
        core.run("explain", async {
            let selection = self.query.selection()?;
            let selection = Selection { columns: Some(self.columns), ..selection };
            core.storage.explain(selection).await
        })
        .await
    }

    async fn run(self) -> Result<Vec<R>> {
        let core = Arc::clone(&self.query.core);
        core.run(self.query.operation, async {
            let selection = self.query.selection()?;
            if selection.limit == Some(0) {
                return Ok(Vec::new());
            }
            Ok(self.fetch(selection, None).await?.rows)
        })
        .await
    }

    /// Runs the query. With `page`, the place of row number `page` in the ordering is kept, for
    /// which the columns of the ordering are read too.
    async fn fetch(&self, mut selection: Selection, page: Option<usize>) -> Result<Projected<R>> {
        let core = &self.query.core;
        let mut columns = self.columns.clone();
        let mut order = Vec::new();
        if page.is_some() {
            for term in &selection.order {
                order.push((columns.len(), core.definition.columns[term.column].column_type));
                columns.push(term.column);
            }
        }
        selection.columns = Some(columns.clone());
        let rows = Projected {
            columns,
            read: self.read,
            last: page.and_then(|page| page.checked_sub(1)),
            order,
            rows: Vec::new(),
            place: None,
        };
        let sink = core.storage.select(selection, Box::new(rows) as RowSink).await?;
        let projected = *unwrap::<Projected<R>>(sink)?;
        core.emit(|| Some(RawEvent::Query(self.query.filter.clone(), projected.rows.len())));
        Ok(projected)
    }
}

impl<'a, T, R, Kinds> IntoFuture for ProjectedQuery<'a, T, R, Kinds>
where
    T: Row,
    R: MaybeSend + 'static,
    Kinds: 'static,
{
    type Output = Result<Vec<R>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Takes rows of some columns.
struct Projected<R> {
    columns: Vec<usize>,
    read: Read<R>,
    /// The row whose place in the ordering is kept.
    last: Option<usize>,
    /// Where the columns of the ordering stand, and their types.
    order: Vec<(usize, ColumnType)>,
    rows: Vec<R>,
    place: Option<Vec<Value>>,
}

impl<R: MaybeSend + 'static> RowReceiver for Projected<R> {
    fn receive(
        &mut self,
        position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        let place = |source: &mut dyn ColumnSource| {
            (self.order.iter())
                .map(|&(column, column_type)| read_value(column_type, source, column))
                .collect::<Result<Vec<_>, _>>()
        };
        // The engine knows columns by their place in the definition.
        let columns = &self.columns;
        let blame = |error: DecodeError| error.mapped(columns);
        self.rows.push((self.read)(source).map_err(blame)?);
        if self.last == Some(position) {
            self.place = Some(place(source).map_err(blame)?);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
