//! Aggregates over rows that are at hand, for backends that leave nothing to a database.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use smallvec::SmallVec;

use super::{AggregateTerm, Aggregation, Sum};
use crate::{
    codec::RowRef, definition::TableDef, error::Result, order::compare_rows, storage::RowSink,
    value::Value,
};

impl Aggregation {
    /// Finds the answer among rows that match the filter, in any order, and hands it to `sink`.
    ///
    /// ```
    /// use storehouse_runtime::{Aggregation, EncodedRow, Result, RowSink, TableDef};
    ///
    /// /// The aggregates of a backend that has its rows in a list.
    /// fn aggregate(
    ///     definition: &TableDef,
    ///     rows: &[EncodedRow],
    ///     aggregation: &Aggregation,
    ///     sink: RowSink,
    /// ) -> Result<RowSink> {
    ///     let rows = rows.iter().map(|row| &*row.0).filter(|row| aggregation.filter.matches(row));
    ///     aggregation.evaluate(definition, rows, sink)
    /// }
    /// ```
    pub fn evaluate<'r>(
        &self,
        definition: &TableDef,
        rows: impl IntoIterator<Item = &'r [Value]>,
        mut sink: RowSink,
    ) -> Result<RowSink> {
        let mut groups = BTreeMap::new();
        let new_group = || self.aggregates.iter().map(Accumulator::new).collect::<Vec<_>>();
        if self.group_by.is_empty() {
            groups.insert(GroupKey(SmallVec::new()), new_group());
        }
        for row in rows {
            let key = self.group_by.iter().map(|&column| Ordered(&row[column])).collect();
            let group = groups.entry(GroupKey(key)).or_insert_with(new_group);
            for (accumulator, term) in group.iter_mut().zip(&self.aggregates) {
                accumulator.add(term.column().map(|column| &row[column]));
            }
        }
        let mut answer = Vec::new();
        for (key, group) in groups {
            let mut row: Vec<Value> = key.0.iter().map(|value| value.0.clone()).collect();
            for accumulator in group {
                row.push(accumulator.finish()?);
            }
            if self.having.matches(&row) {
                answer.push(row);
            }
        }
        answer.sort_by(|left, right| compare_rows(&self.order, left, right));
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let limit = self.limit.and_then(|limit| usize::try_from(limit).ok());
        let part = answer.iter().skip(offset).take(limit.unwrap_or(usize::MAX));
        for (position, row) in part.enumerate() {
            let received = sink
                .receive(position, &mut RowRef(row))
                .map_err(|error| error.into_error(definition))?;
            if received.is_break() {
                break;
            }
        }
        Ok(sink)
    }
}

/// A value in the order of [`Value::compare`], borrowed from its row.
#[derive(Clone, Copy)]
struct Ordered<'r>(&'r Value);

impl Ord for Ordered<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.compare(other.0)
    }
}

impl PartialOrd for Ordered<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered<'_> {}

/// The values that make a group.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct GroupKey<'r>(SmallVec<[Ordered<'r>; 2]>);

/// What is known of a group so far.
enum Accumulator<'r> {
    Count(u64),
    Distinct(BTreeSet<Ordered<'r>>),
    Sum(Sum),
    Average(Sum),
    /// The value that has no other on that side of it.
    Extreme(Ordering, Option<&'r Value>),
}

impl<'r> Accumulator<'r> {
    fn new(term: &AggregateTerm) -> Self {
        match term {
            AggregateTerm::Rows | AggregateTerm::Count(_) => Self::Count(0),
            AggregateTerm::CountDistinct(_) => Self::Distinct(BTreeSet::new()),
            AggregateTerm::Sum(_) => Self::Sum(Sum::default()),
            AggregateTerm::Average(_) => Self::Average(Sum::default()),
            AggregateTerm::Minimum(_) => Self::Extreme(Ordering::Less, None),
            AggregateTerm::Maximum(_) => Self::Extreme(Ordering::Greater, None),
        }
    }

    /// Takes a row's value, or the row itself where there is none.
    fn add(&mut self, value: Option<&'r Value>) {
        let Some(value) = value else {
            if let Self::Count(count) = self {
                *count += 1;
            }
            return;
        };
        if value.is_null() {
            return;
        }
        match self {
            Self::Count(count) => *count += 1,
            Self::Distinct(values) => {
                values.insert(Ordered(value));
            }
            Self::Sum(sum) | Self::Average(sum) => sum.add(value),
            Self::Extreme(side, extreme) => {
                if extreme.is_none_or(|extreme| value.compare(extreme) == *side) {
                    *extreme = Some(value);
                }
            }
        }
    }

    fn finish(self) -> Result<Value> {
        let count = |count: u64| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
        Ok(match self {
            Self::Count(rows) => count(rows),
            Self::Distinct(values) => count(values.len() as u64),
            Self::Sum(sum) => sum.total()?,
            Self::Average(sum) => sum.average()?,
            Self::Extreme(_, extreme) => extreme.cloned().unwrap_or(Value::Null),
        })
    }
}
