//! Receivers for related rows: they sort rows by whom they belong to, where the rows arrive.

use std::{any::Any, collections::HashMap, ops::ControlFlow, sync::Arc};

use super::{one_of, slots};
use crate::{
    codec::{ColumnSource, DecodeError, EncodeError},
    definition::TableDef,
    error::Result,
    storage::RowReceiver,
    table::Row,
    tabular::{Query, collect::unwrap},
    value::{EncodedKey, Value},
};

/// Takes rows, each into the list of its value, until all lists are full.
pub(super) struct Groups<T> {
    definition: Arc<TableDef>,
    column: usize,
    slots: HashMap<EncodedKey, usize>,
    lists: Vec<Vec<T>>,
    /// How many rows a list takes.
    limit: usize,
    /// How many lists are not full.
    open: usize,
}

impl<T> Groups<T> {
    /// A list for each value; `limit` is 1 or more.
    pub(super) fn new(
        definition: &Arc<TableDef>,
        column: usize,
        values: &[Value],
        limit: usize,
    ) -> Self {
        Self {
            definition: Arc::clone(definition),
            column,
            slots: slots(values),
            lists: std::iter::repeat_with(Vec::new).take(values.len()).collect(),
            limit,
            open: values.len(),
        }
    }
}

/// Takes two columns of each row.
pub(super) struct Pairs<L> {
    definition: Arc<TableDef>,
    columns: (usize, usize),
    read: Vec<(Value, Value)>,
    marker: std::marker::PhantomData<fn() -> L>,
}

impl<L> Pairs<L> {
    pub(super) fn new(definition: &Arc<TableDef>, columns: (usize, usize)) -> Self {
        let definition = Arc::clone(definition);
        Self { definition, columns, read: Vec::new(), marker: std::marker::PhantomData }
    }
}

impl<T: Row> RowReceiver for Groups<T> {
    fn receive(
        &mut self,
        _position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        let row = T::decode(&self.definition, source)?;
        let value = row.value(self.column).map_err(as_decode_error)?;
        if let Some(&slot) = self.slots.get(&EncodedKey::single(value)) {
            let list = &mut self.lists[slot];
            if list.len() < self.limit {
                list.push(row);
                self.open -= usize::from(list.len() == self.limit);
            }
        }
        Ok(if self.open == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl<L: Row> RowReceiver for Pairs<L> {
    fn receive(
        &mut self,
        _position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        let row = L::decode(&self.definition, source)?;
        let from = row.value(self.columns.0).map_err(as_decode_error)?;
        let to = row.value(self.columns.1).map_err(as_decode_error)?;
        if !to.is_null() {
            self.read.push((from, to));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// A value that was read but cannot be encoded again, which no type of a reference does.
fn as_decode_error(error: EncodeError) -> DecodeError {
    DecodeError::new(error.column, error.message)
}

impl<T: Row> Query<'_, T> {
    /// Runs the query for the rows whose column has one of the values, and gives the lists.
    pub(super) async fn grouped(
        self,
        operation: &'static str,
        column: usize,
        values: Vec<Value>,
        groups: Groups<T>,
    ) -> Result<Vec<Vec<T>>> {
        let query = self.filter(one_of(column, values));
        let core = Arc::clone(query.core());
        core.run(operation, async {
            let groups = query.receive_into(Box::new(groups)).await?;
            let lists = unwrap::<Groups<T>>(groups)?.lists;
            query.tell(lists.iter().map(Vec::len).sum());
            Ok(lists)
        })
        .await
    }

    /// Runs the query for the rows whose column has one of the values, and gives two columns.
    pub(super) async fn paired(
        self,
        operation: &'static str,
        column: usize,
        values: Vec<Value>,
        pairs: Pairs<T>,
    ) -> Result<Vec<(Value, Value)>> {
        let query = self.filter(one_of(column, values));
        let core = Arc::clone(query.core());
        core.run(operation, async {
            let pairs = query.receive_into(Box::new(pairs)).await?;
            let pairs = unwrap::<Pairs<T>>(pairs)?.read;
            query.tell(pairs.len());
            Ok(pairs)
        })
        .await
    }
}
