//! Aggregates in the model: random ones, and what rows come to, found by looking at every row for
//! every group. Sums are of integers alone, since a backend may add floats in another order.

use fastrand::Rng;
use storehouse_runtime::{
    AggregateOutput, AggregateTerm, Aggregation, Comparison, Direction, FilterTree, OrderTerm,
    TableDef, Value,
};

use super::{
    call::{Answer, Refusal},
    logic,
    operations::{filter, ordered},
    values,
};

/// An aggregation of a table.
pub(super) fn random(rng: &mut Rng, table: &TableDef) -> Aggregation {
    let mut group_by = ordered(table);
    rng.shuffle(&mut group_by);
    group_by.truncate(rng.usize(..3));
    let fewest = usize::from(group_by.is_empty());
    // Whether a sum is found out of a group that is not in the answer is for the backend to say.
    let whole = group_by.is_empty() || rng.bool();
    let aggregates: Vec<_> = (0..rng.usize(fewest..4)).map(|_| term(rng, table, whole)).collect();
    let width = group_by.len() + aggregates.len();
    let direction = if rng.bool() { Direction::Ascending } else { Direction::Descending };
    let mut order = Vec::new();
    if !group_by.is_empty() {
        let mut columns: Vec<usize> = (0..width).collect();
        rng.shuffle(&mut columns);
        columns.truncate(rng.usize(..=2));
        columns.extend(0..group_by.len());
        for column in columns {
            if !order.iter().any(|earlier: &OrderTerm| earlier.column == column) {
                order.push(OrderTerm { column, direction });
            }
        }
    }
    let mut aggregation = Aggregation {
        filter: if rng.bool() { FilterTree::all() } else { filter(rng, table, 2) },
        group_by,
        aggregates,
        having: FilterTree::all(),
        order,
        limit: None,
        offset: 0,
    };
    if !whole {
        aggregation.limit = rng.bool().then(|| rng.u64(1..5));
        aggregation.offset = if rng.bool() { 0 } else { rng.u64(..3) };
        if !aggregation.aggregates.is_empty() {
            aggregation.having = having(rng, table, &aggregation);
        }
    }
    aggregation
}

fn term(rng: &mut Rng, table: &TableDef, with_sums: bool) -> AggregateTerm {
    let any = rng.usize(..table.columns.len());
    let columns = ordered(table);
    let integers: Vec<usize> = (columns.iter().copied())
        .filter(|&column| table.columns[column].column_type.integer_range().is_some())
        .collect();
    // A key is ordered, so there is such a column.
    let one = columns[rng.usize(..columns.len())];
    match rng.u8(..9) {
        0 => AggregateTerm::Rows,
        1 => AggregateTerm::Count(any),
        2 => AggregateTerm::CountDistinct(one),
        3 => AggregateTerm::Minimum(one),
        4 => AggregateTerm::Maximum(one),
        _ if integers.is_empty() => AggregateTerm::Rows,
        5..=7 if with_sums => AggregateTerm::Sum(integers[rng.usize(..integers.len())]),
        _ => AggregateTerm::Average(integers[rng.usize(..integers.len())]),
    }
}

fn having(rng: &mut Rng, table: &TableDef, aggregation: &Aggregation) -> FilterTree {
    let place = rng.usize(..aggregation.aggregates.len());
    let term = aggregation.aggregates[place];
    let column = aggregation.group_by.len() + place;
    let comparison = if rng.bool() { Comparison::Less } else { Comparison::GreaterOrEqual };
    let value = match term {
        AggregateTerm::Rows | AggregateTerm::Count(_) | AggregateTerm::CountDistinct(_) => {
            Value::Int(rng.i64(0..4))
        }
        AggregateTerm::Average(_) => Value::Float(f64::from(rng.i8(..))),
        _ => values::of_type(rng, term.result_type(table)),
    };
    let condition = FilterTree::Compare { column, comparison, value };
    match rng.u8(..4) {
        0 => condition.negate(),
        1 if term.is_nullable() => FilterTree::IsNull { column },
        _ => condition,
    }
}

/// What the rows, which match the filter, come to.
pub(super) fn answer(
    definition: &TableDef,
    rows: &[Vec<Value>],
    aggregation: &Aggregation,
) -> Answer {
    let key = |row: &[Value]| -> Vec<Value> {
        aggregation.group_by.iter().map(|&column| row[column].clone()).collect()
    };
    let mut keys: Vec<Vec<Value>> = Vec::new();
    for row in rows {
        if !keys.iter().any(|known| same_group(known, &key(row))) {
            keys.push(key(row));
        }
    }
    if aggregation.group_by.is_empty() {
        keys = vec![Vec::new()];
    }
    let mut answer = Vec::new();
    for group in keys {
        let members: Vec<&Vec<Value>> =
            rows.iter().filter(|row| same_group(&key(row), &group)).collect();
        let mut row = group;
        for output in aggregation.outputs() {
            let AggregateOutput::Aggregate(term) = output else { continue };
            match find_out(definition, term, &members) {
                Some(value) => row.push(value),
                None => return Answer::Failed(Refusal::expected("Validation")),
            }
        }
        if logic::evaluate(&aggregation.having, &row) == Some(true) {
            answer.push(row);
        }
    }
    answer.sort_by(|left, right| {
        let left = |place: usize| left[aggregation.order[place].column].clone();
        let right = |place: usize| right[aggregation.order[place].column].clone();
        logic::compare_in_order(&aggregation.order, left, right)
    });
    let offset = usize::try_from(aggregation.offset).unwrap_or(usize::MAX).min(answer.len());
    answer.drain(..offset);
    let limit = aggregation.limit.unwrap_or(u64::MAX);
    answer.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Answer::Groups(answer)
}

fn same_group(left: &[Value], right: &[Value]) -> bool {
    left.iter()
        .zip(right)
        .all(|(left, right)| logic::equal(left, right) || left.is_null() && right.is_null())
}

/// `None` for a sum that does not fit.
fn find_out(definition: &TableDef, term: AggregateTerm, members: &[&Vec<Value>]) -> Option<Value> {
    let Some(column) = term.column() else { return count(members.len()) };
    let values: Vec<&Value> =
        members.iter().map(|row| &row[column]).filter(|value| !value.is_null()).collect();
    let total = || -> i128 {
        assert!(definition.columns[column].column_type.integer_range().is_some());
        let integer = |value: &&Value| match value {
            Value::Int(integer) => i128::from(*integer),
            other => panic!("{other:?} is added up"),
        };
        values.iter().map(integer).sum()
    };
    match term {
        AggregateTerm::Rows | AggregateTerm::Count(_) => count(values.len()),
        AggregateTerm::CountDistinct(_) => {
            let mut different: Vec<&Value> = Vec::new();
            for value in &values {
                if !different.iter().any(|known| logic::equal(known, value)) {
                    different.push(value);
                }
            }
            count(different.len())
        }
        _ if values.is_empty() => Some(Value::Null),
        AggregateTerm::Sum(_) => i64::try_from(total()).ok().map(Value::Int),
        #[expect(clippy::cast_precision_loss, reason = "that is what an average is")]
        AggregateTerm::Average(_) => Some(Value::Float(total() as f64 / values.len() as f64)),
        AggregateTerm::Minimum(_) | AggregateTerm::Maximum(_) => {
            let wanted = if matches!(term, AggregateTerm::Minimum(_)) {
                std::cmp::Ordering::Less
            } else {
                std::cmp::Ordering::Greater
            };
            values
                .into_iter()
                .reduce(
                    |best, value| {
                        if logic::compare(value, best) == Some(wanted) { value } else { best }
                    },
                )
                .cloned()
        }
    }
}

fn count(count: usize) -> Option<Value> {
    i64::try_from(count).ok().map(Value::Int)
}
