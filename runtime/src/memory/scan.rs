//! Carrying out a plan: reading stretches of an index, filtering, sorting where the index does
//! not.

use std::cmp::Ordering;

use super::{
    plan::{self, Plan},
    table::{State, StoredRow, Table},
};
use crate::{
    order::{Direction, OrderTerm},
    selection::Selection,
    value::Value,
};

/// The rows of a query, and how many were looked at to find them.
pub(super) struct Scan {
    pub(super) rows: Vec<StoredRow>,
    pub(super) examined: usize,
}

/// Finds the rows of a query in a snapshot.
pub(super) fn run(table: &Table, state: &State, selection: &Selection) -> Scan {
    let plan = plan::choose(&table.indexes, selection);
    let mut scan = Scan { rows: Vec::new(), examined: 0 };
    let offset = usize::try_from(selection.offset).unwrap_or(usize::MAX);
    let limit =
        selection.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    // Rows in order need not be read beyond the last one that is asked for.
    let wanted = if plan.ordered { offset.saturating_add(limit) } else { usize::MAX };
    if wanted > 0 {
        scan.read(&plan, state, selection, wanted);
    }
    if !plan.ordered {
        sort_beginning(&mut scan.rows, &selection.order, offset.saturating_add(limit));
    }
    scan.rows.drain(..offset.min(scan.rows.len()));
    scan.rows.truncate(limit);
    scan
}

impl Scan {
    fn read(&mut self, plan: &Plan, state: &State, selection: &Selection, wanted: usize) {
        let entries = &state.entries[plan.index];
        for range in &plan.ranges {
            let range = entries.range(range.clone());
            let full = if plan.backwards {
                self.read_rows(range.rev().map(|(_, row)| row), selection, wanted)
            } else {
                self.read_rows(range.map(|(_, row)| row), selection, wanted)
            };
            if full {
                return;
            }
        }
    }

    /// Returns true once `wanted` rows are there.
    fn read_rows<'a>(
        &mut self,
        rows: impl Iterator<Item = &'a StoredRow>,
        selection: &Selection,
        wanted: usize,
    ) -> bool {
        for row in rows {
            self.examined += 1;
            let in_page = (selection.after.as_ref())
                .is_none_or(|after| compare_with_place(&selection.order, row, after).is_gt());
            if in_page && selection.filter.matches(row) {
                self.rows.push(row.clone());
                if self.rows.len() >= wanted {
                    return true;
                }
            }
        }
        false
    }
}

/// Puts the first `count` rows in order at the beginning; the rest may stay as it is.
fn sort_beginning(rows: &mut Vec<StoredRow>, order: &[OrderTerm], count: usize) {
    let compare = |a: &StoredRow, b: &StoredRow| crate::order::compare_rows(order, a, b);
    if count < rows.len() {
        if count > 0 {
            rows.select_nth_unstable_by(count - 1, compare);
        }
        rows.truncate(count);
    }
    // The ordering is total, so no two rows are equal and stability does not matter.
    rows.sort_unstable_by(compare);
}

/// How a row stands to the place where a page ended.
fn compare_with_place(order: &[OrderTerm], row: &[Value], place: &[Value]) -> Ordering {
    (order.iter().zip(place))
        .map(|(term, place)| {
            let ordering = row[term.column].compare(place);
            match term.direction {
                Direction::Ascending => ordering,
                Direction::Descending => ordering.reverse(),
            }
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        filter::{Comparison, FilterTree},
        order,
        storage::WriteMode,
        test_table,
        value::EncodedRow,
    };

    /// 100 products; the price of number n is n / 10, so ten share each price.
    fn products() -> (Table, State) {
        let table = Table::new(test_table::definition());
        table.lock().make_ready();
        let row = |id: i32| {
            EncodedRow(vec![
                Value::Int(id.into()),
                Value::Text(format!("sku-{id:03}")),
                Value::Float((id / 10).into()),
                if id % 2 == 0 { Value::Null } else { Value::Text("odd".into()) },
            ])
        };
        let mut state = table.read().unwrap().clone();
        table.write_rows(&mut state, (0..100).map(row).collect(), WriteMode::Insert).unwrap();
        (table, state)
    }

    fn compare(column: usize, comparison: Comparison, value: Value) -> FilterTree {
        FilterTree::Compare { column, comparison, value }
    }

    fn select(
        filter: FilterTree,
        terms: &[(usize, Direction)],
        after: Option<Vec<Value>>,
        limit: Option<u64>,
    ) -> (Vec<i64>, usize) {
        let (table, state) = products();
        let terms: Vec<_> =
            (terms.iter()).map(|&(column, direction)| OrderTerm { column, direction }).collect();
        let order = order::complete(&table.definition, &terms).unwrap();
        let selection =
            Selection { filter, order, after, limit, offset: 0, lock: None, columns: None };
        let scan = run(&table, &state, &selection);
        let id = |row: &StoredRow| match row[0] {
            Value::Int(id) => id,
            _ => unreachable!(),
        };
        (scan.rows.iter().map(id).collect(), scan.examined)
    }

    use Direction::{Ascending, Descending};

    #[test]
    fn equality_on_an_index_looks_at_its_rows_only() {
        let cheap = compare(2, Comparison::Equal, Value::Float(3.0));
        assert_eq!(select(cheap, &[], None, None), ((30..40).collect(), 10));
        let one = compare(0, Comparison::Equal, Value::Int(7));
        assert_eq!(select(one, &[], None, None), (vec![7], 1));
        let unique = compare(1, Comparison::Equal, Value::Text("sku-042".into()));
        assert_eq!(select(unique, &[], None, None), (vec![42], 1));
    }

    #[test]
    fn ranges_and_lists_on_an_index() {
        let range = compare(2, Comparison::Greater, Value::Float(1.0)).and(compare(
            2,
            Comparison::LessOrEqual,
            Value::Float(2.0),
        ));
        assert_eq!(select(range, &[], None, None), ((20..30).collect(), 20));
        let below = compare(2, Comparison::Less, Value::Float(1.0));
        assert_eq!(select(below, &[], None, None), ((0..10).collect(), 20));
        let list = FilterTree::InList {
            column: 0,
            values: vec![5, 1, 5].into_iter().map(Value::Int).collect(),
        };
        assert_eq!(select(list.clone(), &[], None, None), (vec![1, 5], 2));
        assert_eq!(select(list, &[(0, Descending)], None, None), (vec![5, 1], 2));
    }

    #[test]
    fn an_index_gives_the_order_and_a_limit_ends_the_search() {
        let (ids, examined) = select(FilterTree::all(), &[(2, Descending)], None, Some(3));
        assert_eq!((ids, examined), (vec![99, 98, 97], 3));
        let (ids, examined) = select(FilterTree::all(), &[(2, Ascending)], None, Some(0));
        assert_eq!((ids, examined), (vec![], 0));
        // No index orders by note: everything is read, and the best are sorted out.
        let (ids, examined) = select(FilterTree::all(), &[(3, Descending)], None, Some(2));
        assert_eq!((ids, examined), (vec![99, 97], 100));
    }

    #[test]
    fn a_page_begins_where_the_last_one_ended() {
        let after = Some(vec![Value::Float(3.0), Value::Int(38)]);
        let (ids, examined) = select(FilterTree::all(), &[(2, Ascending)], after, Some(2));
        assert_eq!((ids, examined), (vec![39, 40], 2));
        let after = Some(vec![Value::Float(3.0), Value::Int(31)]);
        let (ids, examined) = select(FilterTree::all(), &[(2, Descending)], after, Some(2));
        assert_eq!((ids, examined), (vec![30, 29], 2));
        let after = Some(vec![Value::Int(95)]);
        let cheap = compare(2, Comparison::Equal, Value::Float(9.0));
        assert_eq!(select(cheap, &[], after, None), (vec![96, 97, 98, 99], 4));
    }

    #[test]
    fn null_is_a_value_to_look_for() {
        let null = FilterTree::IsNull { column: 3 };
        let (ids, examined) = select(null, &[], None, Some(2));
        assert_eq!((ids, examined), (vec![0, 2], 3));
    }
}
