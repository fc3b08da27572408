//! Receivers: what decodes rows on the engine's side and brings them back.

use std::{any::Any, ops::ControlFlow, sync::Arc};

use crate::{
    codec::{ColumnSource, DecodeError},
    definition::TableDef,
    error::{Error, Result},
    storage::{RowReceiver, RowSink},
    table::Row,
};

/// Takes one row, unless it is hidden.
pub(super) struct One<T> {
    definition: Arc<TableDef>,
    hidden: Hidden,
    row: Option<T>,
}

/// Takes every row, in order.
pub(super) struct All<T> {
    definition: Arc<TableDef>,
    rows: Vec<T>,
}

/// Takes the rows of several keys, each at its key's place, unless they are hidden.
pub(super) struct ByKey<T> {
    definition: Arc<TableDef>,
    hidden: Hidden,
    rows: Vec<Option<T>>,
}

/// The column that hides a row when it is not NULL; none where no row is hidden. Rows that are
/// read by their key are looked at here, so that all handles can share one statement.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hidden(pub(super) Option<usize>);

impl Hidden {
    fn hides(self, source: &mut dyn ColumnSource) -> bool {
        self.0.is_some_and(|column| !source.is_null(column))
    }
}

impl<T: Row> One<T> {
    pub(super) fn sink(definition: &Arc<TableDef>, hidden: Hidden) -> RowSink {
        Box::new(Self { definition: Arc::clone(definition), hidden, row: None })
    }

    pub(super) fn take(sink: RowSink) -> Result<Option<T>> {
        Ok(unwrap::<Self>(sink)?.row)
    }
}

impl<T: Row> All<T> {
    pub(super) fn sink(definition: &Arc<TableDef>) -> RowSink {
        Box::new(Self { definition: Arc::clone(definition), rows: Vec::new() })
    }

    pub(super) fn take(sink: RowSink) -> Result<Vec<T>> {
        Ok(unwrap::<Self>(sink)?.rows)
    }
}

impl<T: Row> ByKey<T> {
    pub(super) fn sink(definition: &Arc<TableDef>, hidden: Hidden, keys: usize) -> RowSink {
        let rows = std::iter::repeat_with(|| None).take(keys).collect();
        Box::new(Self { definition: Arc::clone(definition), hidden, rows })
    }

    pub(super) fn take(sink: RowSink) -> Result<Vec<Option<T>>> {
        Ok(unwrap::<Self>(sink)?.rows)
    }
}

impl<T: Row> RowReceiver for One<T> {
    fn receive(
        &mut self,
        _position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        if !self.hidden.hides(source) {
            self.row = Some(T::decode(&self.definition, source)?);
        }
        Ok(ControlFlow::Break(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl<T: Row> RowReceiver for All<T> {
    fn receive(
        &mut self,
        _position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        self.rows.push(T::decode(&self.definition, source)?);
        Ok(ControlFlow::Continue(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl<T: Row> RowReceiver for ByKey<T> {
    fn receive(
        &mut self,
        position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        if let Some(place) = self.rows.get_mut(position)
            && !self.hidden.hides(source)
        {
            *place = Some(T::decode(&self.definition, source)?);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// The engine, or a layer in between, must give back the receiver that it was given.
pub(crate) fn unwrap<R: 'static>(sink: RowSink) -> Result<Box<R>> {
    sink.into_any().downcast().map_err(|_| {
        Error::backend(
            "the backend returned another receiver than it was given; this is a bug in it",
            None,
        )
    })
}
