//! Loading the rows that belong to rows in hand, by a reference that was declared: one query for
//! all of them, or two where a third table links them. Nothing is loaded unasked.

mod grouped;

use std::{
    collections::{HashMap, HashSet},
    future::IntoFuture,
};

use self::grouped::{Groups, Pairs};
use super::{Query, Tabular};
use crate::{
    codec::EncodeError,
    error::{Error, Result},
    filter::{Filter, FilterTree},
    maybe_send::BoxFuture,
    order::Order,
    reference::Reference,
    table::Row,
    value::{EncodedKey, Value},
};

impl<T: Row, Scope> Tabular<T, Scope> {
    /// The rows that others refer to: one for each of `rows`, in their order, and `None` where
    /// the column is NULL or the row is not there.
    ///
    /// One round trip, in which each row is asked for once, however many refer to it.
    ///
    /// ```
    /// # use storehouse::prelude::*;
    /// # #[derive(Table, Clone, Debug, PartialEq)]
    /// # struct Customer { #[table(key)] id: i64, name: String }
    /// # #[derive(Table, Clone, Debug)]
    /// # struct Order { #[table(key)] id: i64, #[table(references(Customer::id))] customer_id: Option<i64> }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// # let store = storehouse::open("memory:").await?;
    /// # store.setup_database::<(Customer, Order)>().await?;
    /// # let (customers, orders) = (store.tabular::<Customer>().await?, store.tabular::<Order>().await?);
    /// # let ann = customers.put(Customer { id: 1, name: "ann".into() }).await?;
    /// # for (id, customer_id) in [(1, Some(1)), (2, None), (3, Some(1))] { orders.put(Order { id, customer_id }).await?; }
    /// let page = orders.get_all().limit(20).await?;
    /// let customers = customers.referenced_by(&page, Order::CUSTOMER_ID_REFERENCE).await?;
    /// assert_eq!(customers, [Some(ann.clone()), None, Some(ann)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn referenced_by<'r, C: Row>(
        &self,
        rows: impl IntoIterator<Item = &'r C>,
        reference: Reference<C, T>,
    ) -> BoxFuture<'_, Result<Vec<Option<T>>>>
    where
        T: Clone,
    {
        let column = reference.referenced();
        let values = Values::of(rows, reference.column());
        Box::pin(async move {
            let values = values.map_err(|error| self.misread("referenced_by", &error))?;
            let distinct = values.distinct.clone();
            let found = if *self.core.definition.key == [column] {
                let keys = distinct.into_iter().map(EncodedKey::single).collect();
                self.core.get_many::<T>(keys).await?
            } else {
                self.one_each("referenced_by", column, distinct).await?
            };
            Ok(values.hand_out(found))
        })
    }

    /// The rows that refer to each of `parents`, as one list for each, in the order of `parents`.
    ///
    /// One query, which can be narrowed, ordered and limited before it is awaited.
    ///
    /// ```
    /// # use storehouse::prelude::*;
    /// # #[derive(Table, Clone, Debug, PartialEq)]
    /// # struct Customer { #[table(key)] id: i64, name: String }
    /// # #[derive(Table, Clone, Debug)]
    /// # struct Order { #[table(key)] id: i64, #[table(references(Customer::id))] customer_id: i64, total: f64 }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// # let store = storehouse::open("memory:").await?;
    /// # store.setup_database::<(Customer, Order)>().await?;
    /// # let (customers, orders) = (store.tabular::<Customer>().await?, store.tabular::<Order>().await?);
    /// # customers.put(Customer { id: 1, name: "ann".into() }).await?;
    /// # for (id, total) in [(1, 5.0), (2, 9.0), (3, 7.0)] { orders.put(Order { id, customer_id: 1, total }).await?; }
    /// let page = customers.get_all().limit(20).await?;
    /// let largest = orders
    ///     .belonging_to(&page, Order::CUSTOMER_ID_REFERENCE)
    ///     .order_by(Order::TOTAL.desc())
    ///     .limit_per_parent(2)
    ///     .await?;
    /// assert_eq!(largest[0].iter().map(|order| order.id).collect::<Vec<_>>(), [2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn belonging_to<'r, P: Row>(
        &self,
        parents: impl IntoIterator<Item = &'r P>,
        reference: Reference<T, P>,
    ) -> BelongingTo<'_, T> {
        BelongingTo {
            query: Query::new(&self.core, "belonging_to", Filter::all()),
            column: reference.column(),
            parents: Values::of(parents, reference.referenced()),
            limit: usize::MAX,
        }
    }

    /// The rows that a third table links to each of `rows`, as one list for each, in the order of
    /// `rows`. A row that is linked several times is there once.
    ///
    /// `from` is the link's reference to `rows`, `to` the one to this table. Two queries: the
    /// links, and the rows that they lead to.
    ///
    /// ```
    /// # use storehouse::prelude::*;
    /// # #[derive(Table, Clone, Debug, PartialEq)]
    /// # struct Product { #[table(key)] id: i64 }
    /// # #[derive(Table, Clone, Debug, PartialEq)]
    /// # struct Tag { #[table(key)] name: String }
    /// #[derive(Table)]
    /// struct ProductTag {
    ///     #[table(key, references(Product::id, on_delete = "cascade"))]
    ///     product_id: i64,
    ///     #[table(key, references(Tag::name, on_delete = "cascade"))]
    ///     tag: String,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> storehouse::Result<()> {
    /// # let store = storehouse::open("memory:").await?;
    /// # store.setup_database::<(Product, Tag, ProductTag)>().await?;
    /// # let products = store.tabular::<Product>().await?;
    /// # let tags = store.tabular::<Tag>().await?;
    /// # let links = store.tabular::<ProductTag>().await?;
    /// # products.put(Product { id: 1 }).await?;
    /// # for tag in ["new", "blue"] {
    /// #     tags.put(Tag { name: tag.into() }).await?;
    /// #     links.put(ProductTag { product_id: 1, tag: tag.into() }).await?;
    /// # }
    /// let page = products.get_all().limit(20).await?;
    /// let tags_of = tags
    ///     .linked_to(&page, &links, ProductTag::PRODUCT_ID_REFERENCE, ProductTag::TAG_REFERENCE)
    ///     .await?;
    /// assert_eq!(tags_of[0], [Tag { name: "blue".into() }, Tag { name: "new".into() }]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn linked_to<'a, 'r, P: Row, L: Row, S>(
        &'a self,
        rows: impl IntoIterator<Item = &'r P>,
        links: &'a Tabular<L, S>,
        from: Reference<L, P>,
        to: Reference<L, T>,
    ) -> LinkedTo<'a, T, L> {
        LinkedTo {
            query: Query::new(&self.core, "linked_to", Filter::all()),
            links: Query::new(&links.core, "linked_to", Filter::all()),
            columns: (from.column(), to.column()),
            referenced: to.referenced(),
            rows: Values::of(rows, from.referenced()),
            limit: usize::MAX,
        }
    }

    /// The row of each value of a unique column.
    async fn one_each(
        &self,
        operation: &'static str,
        column: usize,
        values: Vec<Value>,
    ) -> Result<Vec<Option<T>>> {
        let count = values.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let query = Query::<T>::new(&self.core, operation, Filter::all());
        let groups = Groups::new(&self.core.definition, column, &values, 1);
        let mut found = query.grouped(operation, column, values, groups).await?;
        found.resize_with(count, Vec::new);
        Ok(found.into_iter().map(|mut rows| rows.pop()).collect())
    }

    fn misread(&self, operation: &'static str, error: &EncodeError) -> Error {
        misread(error).at(self.core.backend, &self.core.definition.name, operation)
    }
}

fn misread(error: &EncodeError) -> Error {
    Error::validation(format!("a row that was given cannot be read: {}", error.message))
}

/// A query for the rows that belong to others, under construction; awaiting it gives one list
/// for each parent. Made by [`Tabular::belonging_to`].
#[must_use = "a query does nothing until it is awaited"]
pub struct BelongingTo<'a, T> {
    query: Query<'a, T>,
    column: usize,
    parents: Result<Values, EncodeError>,
    limit: usize,
}

impl<T> std::fmt::Debug for BelongingTo<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BelongingTo").field("query", &self.query).finish_non_exhaustive()
    }
}

impl<T: Row> BelongingTo<'_, T> {
    /// Only rows that match this too.
    pub fn filter(mut self, filter: Filter<T>) -> Self {
        self.query = self.query.filter(filter);
        self
    }

    /// Orders each list by a column; called again, by a further one where the earlier ones are
    /// equal. Without it, lists are in the order of the key.
    pub fn order_by(mut self, order: Order<T>) -> Self {
        self.query = self.query.order_by(order);
        self
    }

    /// At most so many rows for each parent, the first in the order.
    ///
    /// The rest is dropped where it arrives: it takes no memory, but the database reads it. Once
    /// every parent has its rows, reading stops.
    pub const fn limit_per_parent(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    async fn run(self) -> Result<Vec<Vec<T>>>
    where
        T: Clone,
    {
        let Self { query, column, parents, limit } = self;
        let at = |error: Error| {
            error.at(query.core().backend, &query.core().definition.name, "belonging_to")
        };
        let parents = parents.map_err(|error| at(misread(&error)))?;
        if parents.distinct.is_empty() || limit == 0 {
            return Ok(parents.hand_out(Vec::new()));
        }
        let distinct = parents.distinct.clone();
        let groups = Groups::new(&query.core().definition, column, &distinct, limit);
        Ok(parents.hand_out(query.grouped("belonging_to", column, distinct, groups).await?))
    }
}

impl<'a, T: Row + Clone> IntoFuture for BelongingTo<'a, T> {
    type Output = Result<Vec<Vec<T>>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A query for the rows that a third table links to others, under construction; awaiting it gives
/// one list for each row. Made by [`Tabular::linked_to`].
#[must_use = "a query does nothing until it is awaited"]
pub struct LinkedTo<'a, T, L> {
    query: Query<'a, T>,
    links: Query<'a, L>,
    /// Those of the link that refer to the rows and to this table.
    columns: (usize, usize),
    referenced: usize,
    rows: Result<Values, EncodeError>,
    limit: usize,
}

impl<T, L> std::fmt::Debug for LinkedTo<'_, T, L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkedTo")
            .field("query", &self.query)
            .field("links", &self.links)
            .finish_non_exhaustive()
    }
}

impl<T: Row, L: Row> LinkedTo<'_, T, L> {
    /// Only rows that match this too.
    pub fn filter(mut self, filter: Filter<T>) -> Self {
        self.query = self.query.filter(filter);
        self
    }

    /// Only what links that match this lead to.
    pub fn filter_links(mut self, filter: Filter<L>) -> Self {
        self.links = self.links.filter(filter);
        self
    }

    /// Orders each list by a column; called again, by a further one where the earlier ones are
    /// equal. Without it, lists are in the order of the key.
    pub fn order_by(mut self, order: Order<T>) -> Self {
        self.query = self.query.order_by(order);
        self
    }

    /// At most so many for each row, the first in the order.
    ///
    /// Every link of the rows is read, and every row that they lead to, once; what is beyond the
    /// limit is dropped.
    pub const fn limit_per_parent(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    async fn run(self) -> Result<Vec<Vec<T>>>
    where
        T: Clone,
    {
        let Self { query, links, columns, referenced, rows, limit } = self;
        let at = |error: Error| {
            error.at(query.core().backend, &query.core().definition.name, "linked_to")
        };
        let rows = rows.map_err(|error| at(misread(&error)))?;
        if rows.distinct.is_empty() || limit == 0 {
            return Ok(rows.hand_out(Vec::new()));
        }
        let pairs = Pairs::new(&links.core().definition, columns);
        let pairs = links.paired("linked_to", columns.0, rows.distinct.clone(), pairs).await?;
        let slots = slots(&rows.distinct);
        let mut linked: HashMap<EncodedKey, HashSet<usize>> = HashMap::new();
        for (from, to) in pairs {
            if let Some(&slot) = slots.get(&EncodedKey::single(from)) {
                linked.entry(EncodedKey::single(to)).or_default().insert(slot);
            }
        }
        if linked.is_empty() {
            return Ok(rows.hand_out(Vec::new()));
        }
        let mut targets: Vec<Value> = linked.keys().flat_map(EncodedKey::values).cloned().collect();
        // One order, so that the same question is the same statement.
        targets.sort_by(Value::compare);
        let core = std::sync::Arc::clone(query.core());
        let found = query.filter(one_of(referenced, targets)).await?;
        let mut lists = vec![Vec::new(); rows.distinct.len()];
        for row in found {
            let value = row.value(referenced).map_err(|error| core.encode_error(&error))?;
            for &slot in linked.get(&EncodedKey::single(value)).into_iter().flatten() {
                if lists[slot].len() < limit {
                    lists[slot].push(row.clone());
                }
            }
        }
        Ok(rows.hand_out(lists))
    }
}

impl<'a, T: Row + Clone, L: Row> IntoFuture for LinkedTo<'a, T, L> {
    type Output = Result<Vec<Vec<T>>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// The filter that a column has one of the values.
fn one_of<T>(column: usize, values: Vec<Value>) -> Filter<T> {
    Filter::from_tree(FilterTree::InList { column, values })
}

/// Each value, and its place.
fn slots(values: &[Value]) -> HashMap<EncodedKey, usize> {
    let keys = values.iter().cloned().map(EncodedKey::single);
    keys.enumerate().map(|(slot, key)| (key, slot)).collect()
}

/// The values of one column of rows in hand: each once, and which row has which.
struct Values {
    distinct: Vec<Value>,
    /// For each row, the place of its value in `distinct`; `None` where it is NULL.
    of_row: Vec<Option<usize>>,
}

impl Values {
    fn of<'r, R: Row>(
        rows: impl IntoIterator<Item = &'r R>,
        column: usize,
    ) -> Result<Self, EncodeError> {
        let mut values = Self { distinct: Vec::new(), of_row: Vec::new() };
        let mut slots = HashMap::new();
        for row in rows {
            let value = row.value(column)?;
            values.of_row.push(if value.is_null() {
                None
            } else {
                let next = values.distinct.len();
                let slot = *slots.entry(EncodedKey::single(value.clone())).or_insert(next);
                if slot == next {
                    values.distinct.push(value);
                }
                Some(slot)
            });
        }
        Ok(values)
    }

    /// Gives each row what was found for its value, and the default where nothing was. What
    /// several rows share is cloned.
    fn hand_out<F: Clone + Default>(self, mut found: Vec<F>) -> Vec<F> {
        found.resize_with(self.distinct.len(), F::default);
        let mut left = vec![0_usize; found.len()];
        for slot in self.of_row.iter().flatten() {
            left[*slot] += 1;
        }
        let take = |slot: Option<usize>| {
            let Some(slot) = slot else { return F::default() };
            left[slot] -= 1;
            if left[slot] == 0 { std::mem::take(&mut found[slot]) } else { found[slot].clone() }
        };
        self.of_row.into_iter().map(take).collect()
    }
}
