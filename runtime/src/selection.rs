//! A query as engines see it: which rows, in which order, which part of them.

use crate::{filter::FilterTree, order::OrderTerm, row_lock::RowLock, value::Value};

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
}
