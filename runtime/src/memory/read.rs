//! Handing rows of a snapshot to receivers: the same for a table in memory and for an image.

use std::ops::ControlFlow;

use super::{
    index::SortKey,
    plan, scan,
    table::{State, Table},
};
use crate::{
    aggregate::Aggregation,
    codec::RowRef,
    error::Result,
    filter::FilterTree,
    order,
    selection::Selection,
    storage::RowSink,
    value::{EncodedKey, Value},
};

/// A table's rows as they were at one moment.
#[derive(Clone, Copy)]
pub(super) struct Snapshot<'a> {
    pub(super) table: &'a Table,
    pub(super) state: &'a State,
}

impl Snapshot<'_> {
    /// Hands one row over.
    pub(super) fn hand_over(
        table: &Table,
        position: usize,
        row: &[Value],
        rows: &mut RowSink,
    ) -> Result<ControlFlow<()>> {
        rows.receive(position, &mut RowRef(row))
            .map_err(|error| error.into_error(&table.definition))
    }

    pub(super) fn get_many(self, keys: Vec<EncodedKey>, mut rows: RowSink) -> Result<RowSink> {
        for (position, key) in keys.into_iter().enumerate() {
            if let Some(row) = self.state.entries[0].get(&SortKey::at(key.0))
                && Self::hand_over(self.table, position, row, &mut rows)?.is_break()
            {
                break;
            }
        }
        Ok(rows)
    }

    pub(super) fn select(self, selection: &Selection, rows: RowSink) -> Result<RowSink> {
        let mut rows = selection.receiver(rows);
        let scan = scan::run(self.table, self.state, selection);
        for (position, row) in scan.rows.iter().enumerate() {
            if Self::hand_over(self.table, position, row, &mut rows)?.is_break() {
                break;
            }
        }
        Ok(rows)
    }

    pub(super) fn aggregate(self, aggregation: &Aggregation, rows: RowSink) -> Result<RowSink> {
        let selection = matching(self.table, aggregation.filter.clone())?;
        let found = scan::run(self.table, self.state, &selection).rows;
        let found = found.iter().map(|row| &**row);
        aggregation.evaluate(&self.table.definition, found, rows)
    }

    pub(super) fn count(self, filter: FilterTree) -> Result<u64> {
        let count = if filter.is_all() {
            self.state.entries[0].len()
        } else {
            scan::run(self.table, self.state, &matching(self.table, filter)?).rows.len()
        };
        Ok(count as u64)
    }

    /// Runs the query and says which index it read, how many rows it looked at, and whether it
    /// had to sort.
    pub(super) fn explain(self, selection: &Selection) -> String {
        let plan = plan::choose(&self.table.indexes, selection);
        let scan = scan::run(self.table, self.state, selection);
        let index = &self.table.indexes[plan.index];
        let how = match (plan.fixed, plan.bounded) {
            (0, false) => "all of".to_owned(),
            (fixed, false) => format!("{fixed} column(s) of"),
            (fixed, true) => format!("{fixed} column(s) and a range of"),
        };
        let sort = if plan.ordered { "already in order" } else { "sorted afterwards" };
        format!(
            "{how} {}; examined {} rows, returned {}; {sort}",
            index.name,
            scan.examined,
            scan.rows.len()
        )
    }
}

/// Every row that matches, in the order of the key.
pub(super) fn matching(table: &Table, filter: FilterTree) -> Result<Selection> {
    let order = order::complete(&table.definition, &[])?;
    Ok(Selection { filter, order, after: None, limit: None, offset: 0, lock: None, columns: None })
}
