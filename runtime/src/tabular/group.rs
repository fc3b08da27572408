//! Queries for what rows come to, together or in groups.

use std::{any::Any, future::IntoFuture, ops::ControlFlow, sync::Arc};

use super::{Query, collect::unwrap, project::Read};
use crate::{
    aggregate::{
        AggregateList, AggregateTerm, Aggregation, Condition, GroupOrdering, GroupTerm, Having,
        overflow,
    },
    codec::{ColumnSource, DecodeError, mapped::OneZero},
    error::{Error, Result},
    events::RawEvent,
    filter::{Filter, FilterTree},
    maybe_send::{BoxFuture, MaybeSend},
    order::{Direction, OrderTerm},
    projection::ColumnList,
    storage::{RowReceiver, RowSink, Statement},
    table::Row,
};

/// What the rows of a query come to, from [`Query::aggregate`]; awaiting it gives an `R`.
#[must_use = "a query does nothing until it is awaited"]
pub struct AggregateQuery<'a, T, R> {
    query: Query<'a, T>,
    aggregates: Vec<AggregateTerm>,
    read: Read<R>,
}

/// Rows that are put together by the values of some columns, from [`Query::group_by`].
#[must_use = "say what to find out about each group, with `aggregate(..)`"]
pub struct GroupBy<'a, T, C> {
    query: Query<'a, T>,
    columns: C,
}

/// What groups of rows come to, from [`GroupBy::aggregate`], or the different values of some
/// columns, from [`ProjectedQuery::distinct`](super::ProjectedQuery::distinct); awaiting it gives
/// an `R` for each group.
///
/// Groups come in the order of the columns that make them, one after the other, unless `order_by`
/// says otherwise; where it leaves groups equal, these columns decide, in the direction of its last
/// term.
///
/// ```
/// use std::collections::BTreeMap;
/// use storehouse::{aggregate::{avg, count}, prelude::*};
///
/// #[derive(Table)]
/// struct City {
///     #[table(key)]
///     name: String,
///     country: String,
///     population: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// # let cities = storehouse::open("memory:").await?.tabular::<City>().await?;
/// # cities.setup_database().await?;
/// # for (name, country, population) in
/// #     [("Oslo", "Norway", 700_000), ("Bergen", "Norway", 300_000), ("Turku", "Finland", 200_000)]
/// # {
/// #     cities.put(City { name: name.into(), country: country.into(), population }).await?;
/// # }
/// let sizes: BTreeMap<String, (u64, Option<f64>)> = cities
///     .get_all()
///     .group_by(City::COUNTRY)
///     .aggregate((count(), avg(City::POPULATION)))
///     .having(count().gt(1))
///     .await?
///     .into_iter()
///     .collect();
/// assert_eq!(sizes["Norway"], (2, Some(500_000.0)));
/// assert_eq!(sizes.len(), 1);
/// # Ok(())
/// # }
/// ```
#[must_use = "a query does nothing until it is awaited"]
pub struct GroupQuery<'a, T, R> {
    query: Query<'a, T>,
    group_by: Vec<usize>,
    aggregates: Vec<AggregateTerm>,
    having: Option<Condition>,
    order: Vec<(GroupTerm, Direction)>,
    read: Read<R>,
    /// Whether the query asked for a part of the rows before they were put together.
    of_part: bool,
}

macro_rules! debug {
    ($($name:ident<$parameter:ident> { $($field:ident),* };)*) => {$(
        impl<T, $parameter> std::fmt::Debug for $name<'_, T, $parameter> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("query", &self.query)
                    $(.field(stringify!($field), &self.$field))*
                    .finish_non_exhaustive()
            }
        }
    )*};
}

debug! {
    AggregateQuery<R> { aggregates };
    GroupBy<C> {};
    GroupQuery<R> { group_by, aggregates, having, order };
}

impl<'a, T: Row, R: MaybeSend + 'static> AggregateQuery<'a, T, R> {
    pub(super) fn new(query: Query<'a, T>, aggregates: Vec<AggregateTerm>, read: Read<R>) -> Self {
        Self { query, aggregates, read }
    }

    /// Only rows that match this too.
    pub fn filter(self, filter: Filter<T>) -> Self {
        Self { query: self.query.filter(filter), ..self }
    }

    /// The SQL that the query runs as, with its values. Fails with
    /// [`Error::Unsupported`] where queries are not SQL.
    pub fn to_sql(&self) -> Result<Statement> {
        to_sql(&self.query, self.aggregation())
    }

    fn aggregation(&self) -> Result<Aggregation> {
        let query = &self.query;
        check_whole(query)?;
        if !query.order.is_empty() {
            return Err(Error::validation(
                "an aggregate of all rows has no order; leave `order_by` out",
            ));
        }
        Ok(Aggregation {
            filter: query.core.scope(query.filter.clone())?,
            group_by: Vec::new(),
            aggregates: self.aggregates.clone(),
            having: FilterTree::all(),
            order: Vec::new(),
            limit: None,
            offset: 0,
        })
    }

    async fn run(self) -> Result<R> {
        let core = Arc::clone(&self.query.core);
        core.run("aggregate", async {
            let rows = fetch(&self.query, self.aggregation()?, self.read).await?;
            rows.into_iter().next().ok_or_else(|| {
                Error::backend(
                    "the backend gave no row for an aggregate; this is a bug in it",
                    None,
                )
            })
        })
        .await
    }
}

impl<'a, T: Row, C: ColumnList<T>> GroupBy<'a, T, C> {
    pub(super) fn new(query: Query<'a, T>, columns: C) -> Self {
        Self { query, columns }
    }

    /// What to find out about each group: an [aggregate](crate::aggregate) or a tuple of them.
    /// The answer is a list of pairs of the group and what it comes to, which can be collected
    /// into a map.
    pub fn aggregate<L: AggregateList<T>>(
        self,
        aggregates: L,
    ) -> GroupQuery<'a, T, (C::Output, L::Output)> {
        let read: Read<(C::Output, L::Output)> =
            |source| Ok((C::read(source, 0)?, L::read(source, C::WIDTH)?));
        let of_part = self.query.limit.is_some() || self.query.offset > 0;
        let columns = self.columns.positions();
        GroupQuery { of_part, ..GroupQuery::new(self.query, columns, aggregates.terms(), read) }
    }
}

impl<'a, T: Row, R: MaybeSend + 'static> GroupQuery<'a, T, R> {
    fn new(
        query: Query<'a, T>,
        group_by: Vec<usize>,
        aggregates: Vec<AggregateTerm>,
        read: Read<R>,
    ) -> Self {
        let terms = query.order.iter();
        let order = terms.map(|term| (GroupTerm::Column(term.column), term.direction)).collect();
        Self { query, group_by, aggregates, having: None, order, read, of_part: false }
    }

    pub(super) fn distinct(query: Query<'a, T>, columns: Vec<usize>, read: Read<R>) -> Self {
        Self::new(query, columns, Vec::new(), read)
    }

    /// Only rows that match this too, before they are put together.
    pub fn filter(self, filter: Filter<T>) -> Self {
        Self { query: self.query.filter(filter), ..self }
    }

    /// Only groups of which this holds; called again, of which both hold. It may be about
    /// aggregates that are not in the answer.
    pub fn having(mut self, having: Having<T>) -> Self {
        let condition = having.into_condition();
        self.having = Some(match self.having {
            Some(before) => Condition::And(Box::new([before, condition])),
            None => condition,
        });
        self
    }

    /// Orders groups by an aggregate, or by a column that makes them; called again, by a further
    /// one where the earlier are equal.
    pub fn order_by(mut self, order: impl GroupOrdering<T>) -> Self {
        self.order.push(order.into_group_order().parts());
        self
    }

    /// At most so many groups; 0 gives none.
    pub fn limit(self, limit: u64) -> Self {
        Self { query: self.query.limit(limit), ..self }
    }

    /// Not the first so many groups.
    pub fn offset(self, offset: u64) -> Self {
        Self { query: self.query.offset(offset), ..self }
    }

    /// The first group, if any.
    pub async fn first(self) -> Result<Option<R>> {
        let limit = self.query.limit.map_or(1, |limit| limit.min(1));
        Ok(self.limit(limit).await?.into_iter().next())
    }

    /// The SQL that the query runs as, with its values. Fails with
    /// [`Error::Unsupported`] where queries are not SQL.
    pub fn to_sql(&self) -> Result<Statement> {
        to_sql(&self.query, self.aggregation())
    }

    fn aggregation(&self) -> Result<Aggregation> {
        let query = &self.query;
        if query.after.is_some() || query.lock.is_some() {
            return Err(Error::validation(
                "groups take no cursor and no lock; leave them out, and use `limit` and `offset`",
            ));
        }
        if self.of_part {
            return Err(Error::validation(
                "`limit` and `offset` before `group_by` would count rows, of which all are put \
                 together; give them after `aggregate`, where they count groups",
            ));
        }
        if let Some(having) = &self.having {
            having.check()?;
        }
        let columns = &query.core.definition.columns;
        let unordered = self.group_by.iter().find(|&&c| !columns[c].column_type.is_ordered());
        if let Some(&column) = unordered {
            return Err(Error::validation(format!(
                "column `{}` has no order, so rows cannot be told apart by it; use another column",
                columns[column].name
            )));
        }
        let mut aggregates = self.aggregates.clone();
        let width = self.group_by.len();
        // What is only ordered by or compared becomes a further column of the answer.
        let mut place = |term: AggregateTerm| {
            let known = aggregates.iter().position(|known| *known == term);
            width
                + known.unwrap_or_else(|| {
                    aggregates.push(term);
                    aggregates.len() - 1
                })
        };
        let mut order: Vec<OrderTerm> = Vec::with_capacity(self.order.len() + width);
        let mut direction = Direction::Ascending;
        for &(term, of_term) in &self.order {
            direction = of_term;
            let column = match term {
                GroupTerm::Aggregate(term) => place(term),
                GroupTerm::Column(column) => self.group_of(column)?,
            };
            if !order.iter().any(|earlier| earlier.column == column) {
                order.push(OrderTerm { column, direction });
            }
        }
        for column in 0..width {
            let known = order.iter().any(|earlier| earlier.column == column);
            if !known && self.group_of(self.group_by[column])? == column {
                order.push(OrderTerm { column, direction });
            }
        }
        let having = self.having.clone();
        let having = having.map_or_else(FilterTree::all, |having| having.into_tree(&mut place));
        Ok(Aggregation {
            filter: query.core.scope(query.filter.clone())?,
            group_by: self.group_by.clone(),
            aggregates,
            having,
            order,
            limit: query.limit,
            offset: query.offset,
        })
    }

    /// The place of a column among those that make groups.
    fn group_of(&self, column: usize) -> Result<usize> {
        self.group_by.iter().position(|group| *group == column).ok_or_else(|| {
            let name = &self.query.core.definition.columns[column].name;
            Error::validation(format!(
                "column `{name}` does not tell groups apart, so they cannot be ordered by it; \
                 order by an aggregate of it, or group by it too"
            ))
        })
    }

    async fn run(self) -> Result<Vec<R>> {
        let core = Arc::clone(&self.query.core);
        let operation = if self.aggregates.is_empty() { "distinct" } else { "aggregate" };
        core.run(operation, async {
            let aggregation = self.aggregation()?;
            if aggregation.limit == Some(0) {
                return Ok(Vec::new());
            }
            let rows = fetch(&self.query, aggregation, self.read).await?;
            core.emit(|| Some(RawEvent::Query(self.query.filter.clone(), rows.len())));
            Ok(rows)
        })
        .await
    }
}

/// Refuses a query for a part of the rows, since an aggregate of a part is seldom what is meant.
fn check_whole<T>(query: &Query<'_, T>) -> Result<()> {
    let is_part = query.limit.is_some() || query.offset > 0 || query.after.is_some();
    if is_part || query.lock.is_some() {
        return Err(Error::validation(
            "an aggregate takes no limit, offset, cursor or lock; leave them out, or `select` the \
             column and add up what comes",
        ));
    }
    Ok(())
}

async fn fetch<T: Row, R: MaybeSend + 'static>(
    query: &Query<'_, T>,
    aggregation: Aggregation,
    read: Read<R>,
) -> Result<Vec<R>> {
    let outputs = aggregation.outputs();
    let columns = outputs
        .map(|output| match output {
            crate::AggregateOutput::Group(column) => column,
            crate::AggregateOutput::Aggregate(term) => term.column().unwrap_or_default(),
        })
        .collect();
    let groups = Groups { columns, read, rows: Vec::new(), found_nan: false };
    let sink = query.core.storage.aggregate(aggregation, Box::new(groups) as RowSink).await?;
    let groups = *unwrap::<Groups<R>>(sink)?;
    if groups.found_nan {
        return Err(overflow());
    }
    Ok(groups.rows)
}

fn to_sql<T: Row>(query: &Query<'_, T>, aggregation: Result<Aggregation>) -> Result<Statement> {
    let core = &query.core;
    aggregation
        .and_then(|aggregation| core.storage.aggregate_to_sql(&aggregation))
        .map_err(|error| error.at(core.backend, &core.definition.name, "to_sql"))
}

/// Takes the rows of an aggregation's answer.
struct Groups<R> {
    /// The column that each column of the answer is about, for messages.
    columns: Vec<usize>,
    read: Read<R>,
    rows: Vec<R>,
    found_nan: bool,
}

impl<R: MaybeSend + 'static> RowReceiver for Groups<R> {
    fn receive(
        &mut self,
        _position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        let mut source = OneZero { source, found_nan: false };
        let row = (self.read)(&mut source).map_err(|error| error.mapped(&self.columns))?;
        self.found_nan |= source.found_nan;
        self.rows.push(row);
        Ok(ControlFlow::Continue(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl<'a, T: Row, R: MaybeSend + 'static> IntoFuture for AggregateQuery<'a, T, R> {
    type Output = Result<R>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<'a, T: Row, R: MaybeSend + 'static> IntoFuture for GroupQuery<'a, T, R> {
    type Output = Result<Vec<R>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
