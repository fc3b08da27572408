//! A query as engines see it: which rows, in which order, which part of them.

use crate::{
    codec::mapped::projecting, filter::FilterTree, order::OrderTerm, row_lock::RowLock,
    storage::RowSink, value::Value,
};

/// A query without its table's type. The handle has checked everything in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// Which rows.
    pub filter: FilterTree,
    /// In which order; always total, since it ends with the key.
    pub order: Vec<OrderTerm>,
    /// Only what comes after a row with these values in the ordering's columns.
    pub after: Option<Vec<Value>>,
    /// At most so many rows.
    pub limit: Option<u64>,
    /// Not the first so many rows.
    pub offset: u64,
    /// Whether the rows are locked until the transaction ends; never set outside of one.
    pub lock: Option<RowLock>,
    /// Only these columns, in this order, so that the first of them is number 0 of what the
    /// receiver reads; a column can stand there twice. Every column where it is `None`.
    pub columns: Option<Vec<usize>>,
}

impl Selection {
    /// For an engine that has whole rows at hand: a receiver that takes them, and hands the
    /// columns that were asked for to `rows`. It reads a column as often as it was asked for.
    ///
    /// What comes back from [`RowReceiver::into_any`](crate::RowReceiver::into_any) is what `rows`
    /// gives, so that it can be returned in its place.
    #[must_use]
    pub fn receiver(&self, rows: RowSink) -> RowSink {
        match &self.columns {
            Some(columns) => projecting(columns.clone(), rows),
            None => rows,
        }
    }
}
