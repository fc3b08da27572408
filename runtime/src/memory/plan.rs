//! Choosing how to find rows: which index, and which stretch of it.
//!
//! The plan only narrows down where to look. Every row found is still held against the whole
//! filter, so a plan can be too wide but never wrong.

use std::ops::Bound;

use super::index::{Index, SortKey};
use crate::{
    filter::{Comparison, FilterTree},
    order::{Direction, OrderTerm},
    selection::Selection,
    value::{KeyValues, Value},
};

/// Where to look, and in which direction.
#[derive(Debug)]
pub(super) struct Plan {
    /// Which of the table's indexes.
    pub(super) index: usize,
    /// Which stretches of it.
    pub(super) ranges: Vec<(Bound<SortKey>, Bound<SortKey>)>,
    /// Whether to read from the end.
    pub(super) backwards: bool,
    /// Whether rows come in the order that was asked for.
    pub(super) ordered: bool,
    /// How many columns narrow the search.
    pub(super) fixed: usize,
    pub(super) bounded: bool,
}

/// What the filter says about one column.
#[derive(Default)]
struct Constraint<'a> {
    equal: Option<&'a Value>,
    one_of: Option<&'a [Value]>,
    lower: Option<&'a Value>,
    upper: Option<&'a Value>,
    is_null: bool,
}

/// Chooses the best index: most columns fixed, then bounded, then in order.
pub(super) fn choose(indexes: &[Index], selection: &Selection) -> Plan {
    let mut best: Option<(usize, Plan)> = None;
    for (position, index) in indexes.iter().enumerate() {
        let plan = plan_for(position, index, selection);
        let score = plan.fixed * 4 + usize::from(plan.bounded) * 2 + usize::from(plan.ordered);
        if best.as_ref().is_none_or(|(best, _)| score > *best) {
            best = Some((score, plan));
        }
    }
    match best {
        Some((_, plan)) => plan,
        None => unreachable!("a table has an index for its key"),
    }
}

fn plan_for(position: usize, index: &Index, selection: &Selection) -> Plan {
    let mut fixed = KeyValues::new();
    let mut columns = index.columns.iter().copied();
    let mut next = columns.next();
    let null = Value::Null;
    while let Some(column) = next {
        let constraint = constraint_on(&selection.filter, column);
        let value = if constraint.is_null { Some(&null) } else { constraint.equal };
        let Some(value) = value else { break };
        fixed.push(value.clone());
        next = columns.next();
    }
    let constraint =
        next.map(|column| constraint_on(&selection.filter, column)).unwrap_or_default();
    let (ordered, backwards) =
        serves_order(&index.columns[fixed.len()..], index, &fixed, selection);
    let bounded =
        constraint.one_of.is_some() || constraint.lower.is_some() || constraint.upper.is_some();
    let mut plan = Plan {
        index: position,
        ranges: Vec::new(),
        backwards,
        ordered,
        fixed: fixed.len(),
        bounded,
    };
    if let Some(list) = constraint.one_of {
        let mut list = list.to_vec();
        list.sort_by(Value::compare);
        list.dedup_by(|a, b| a.compare(b).is_eq());
        if backwards {
            list.reverse();
        }
        // Stretches that follow each other in the index's order keep that order.
        for value in list {
            let mut begin = fixed.clone();
            begin.push(value);
            plan.ranges.push(whole(begin));
        }
        return plan;
    }
    let with = |value: &Value| {
        let mut values = fixed.clone();
        values.push(value.clone());
        values
    };
    // The bounds of the range are included; the filter drops what must not be.
    let mut low = match constraint.lower {
        Some(lower) => SortKey::at(with(lower)),
        // A comparison never matches NULL, which sorts first.
        None if constraint.upper.is_some() => SortKey::above(with(&null)),
        None => SortKey::at(fixed.clone()),
    };
    let mut high = match constraint.upper {
        Some(upper) => SortKey::above(with(upper)),
        None => SortKey::above(fixed.clone()),
    };
    // A page may continue after a row that has other values in the fixed columns; then the place
    // says nothing about this stretch, and each row is held against it.
    if let (true, Some(after)) = (ordered, &selection.after)
        && is_within(index, &fixed, &selection.order, after)
    {
        let place = after_place(index, &fixed, &selection.order, after);
        if backwards {
            high = high.min(SortKey::at(place));
        } else {
            low = low.max(SortKey::above(place));
        }
    }
    if low < high {
        plan.ranges.push((Bound::Included(low), Bound::Excluded(high)));
    }
    plan
}

fn whole(begin: KeyValues) -> (Bound<SortKey>, Bound<SortKey>) {
    (Bound::Included(SortKey::at(begin.clone())), Bound::Excluded(SortKey::above(begin)))
}

/// Whether reading `rest` of an index, forwards or backwards, gives the order; columns that are
/// fixed to one value do not matter to it.
fn serves_order(
    rest: &[usize],
    index: &Index,
    fixed: &[Value],
    selection: &Selection,
) -> (bool, bool) {
    let fixed_columns = &index.columns[..fixed.len()];
    let mut terms =
        selection.order.iter().filter(|term| !fixed_columns.contains(&term.column)).peekable();
    let Some(first) = terms.peek() else { return (true, false) };
    let direction = first.direction;
    let mut rest = rest.iter();
    let serves = terms.all(|term| term.direction == direction && rest.next() == Some(&term.column));
    (serves, serves && direction == Direction::Descending)
}

/// Whether the row that a page continues after has the fixed values, where the ordering tells.
fn is_within(index: &Index, fixed: &[Value], order: &[OrderTerm], after: &[Value]) -> bool {
    index.columns.iter().zip(fixed).all(|(column, fixed)| {
        let term = order.iter().position(|term| term.column == *column);
        term.is_none_or(|term| after[term].compare(fixed).is_eq())
    })
}

/// The place in the index that a page continues after, as far as the ordering tells it.
fn after_place(index: &Index, fixed: &[Value], order: &[OrderTerm], after: &[Value]) -> KeyValues {
    let rest = index.columns[fixed.len()..].iter();
    let values = rest.map_while(|column| {
        let term = order.iter().position(|term| term.column == *column)?;
        Some(after[term].clone())
    });
    fixed.iter().cloned().chain(values).collect()
}

/// What the parts of a conjunction say about `column`.
fn constraint_on(filter: &FilterTree, column: usize) -> Constraint<'_> {
    let mut constraint = Constraint::default();
    let parts = match filter {
        FilterTree::And(parts) => parts.as_slice(),
        single => std::slice::from_ref(single),
    };
    for part in parts {
        match part {
            FilterTree::Compare { column: other, comparison, value } if *other == column => {
                match comparison {
                    Comparison::Equal => constraint.equal = Some(value),
                    Comparison::Less | Comparison::LessOrEqual => constraint.upper = Some(value),
                    Comparison::Greater | Comparison::GreaterOrEqual => {
                        constraint.lower = Some(value);
                    }
                    Comparison::NotEqual => {}
                }
            }
            FilterTree::InList { column: other, values } if *other == column => {
                constraint.one_of = Some(values);
            }
            FilterTree::IsNull { column: other } if *other == column => constraint.is_null = true,
            _ => {}
        }
    }
    constraint
}
