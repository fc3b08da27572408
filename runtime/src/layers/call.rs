//! An operation as layers see it: what is done, to what, without its values.

use crate::{endpoint::Endpoint, engine::EngineId, storage::WriteMode};

/// What an operation is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallKind {
    /// It reads.
    Read,
    /// It changes rows or entries.
    Write,
    /// It changes tables: sets them up, migrates them.
    SetUp,
    /// It runs SQL of the program's own, which may do anything.
    Sql,
    /// It begins or ends a transaction, or a part of one.
    Transaction,
}

/// One operation of a storage, on its way through the layers. It holds no values, so that none can
/// get into a log or a trace.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Call<'a> {
    /// Its name, such as `put`; one of few.
    pub operation: &'static str,
    /// What it is about to do.
    pub kind: CallKind,
    /// The table or key-value store, with its schema where it has one; empty where it concerns none.
    pub target: &'a str,
    /// The backend, such as `sqlite`.
    pub backend: &'static str,
    /// Where the database is.
    pub endpoint: &'a Endpoint,
    /// How many rows, keys or entries it was given; `None` where it was given none.
    pub rows: Option<usize>,
    /// Whether it can be done twice with no other outcome than once, as far as the database is
    /// concerned. Every read can.
    pub is_repeatable: bool,
    /// Whether it is inside a transaction.
    pub in_transaction: bool,
    /// The database; none where a handle was made from a storage directly.
    pub engine: Option<EngineId>,
}

/// The part of a [`Call`] that the operation itself decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) kind: CallKind,
    pub(super) rows: Option<usize>,
    pub(super) is_repeatable: bool,
}

impl Operation {
    const fn new(name: &'static str, kind: CallKind, is_repeatable: bool) -> Self {
        Self { name, kind, rows: None, is_repeatable }
    }

    pub(super) const fn read(name: &'static str) -> Self {
        Self::new(name, CallKind::Read, true)
    }

    pub(super) const fn write(name: &'static str) -> Self {
        Self::new(name, CallKind::Write, false)
    }

    pub(super) const fn set_up(name: &'static str) -> Self {
        Self::new(name, CallKind::SetUp, true)
    }

    pub(super) const fn sql(name: &'static str) -> Self {
        Self::new(name, CallKind::Sql, false)
    }

    pub(super) const fn transaction(name: &'static str) -> Self {
        Self::new(name, CallKind::Transaction, false)
    }

    /// What `TabularStorage::write` does.
    pub(super) const fn of_mode(mode: WriteMode) -> Self {
        Self::write(match mode {
            WriteMode::Put => "put",
            WriteMode::Insert => "insert",
            WriteMode::InsertIfAbsent => "insert_if_absent",
        })
    }

    pub(super) const fn of(mut self, rows: usize) -> Self {
        self.rows = Some(rows);
        self
    }

    pub(super) const fn repeatable(mut self, is_repeatable: bool) -> Self {
        self.is_repeatable = is_repeatable;
        self
    }
}

/// What is the same of all calls of one wrapped storage.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) target: String,
    pub(super) backend: &'static str,
    pub(super) endpoint: Endpoint,
    pub(super) in_transaction: bool,
    pub(super) engine: Option<EngineId>,
}

impl Place {
    pub(super) fn call(&self, operation: Operation) -> Call<'_> {
        Call {
            operation: operation.name,
            kind: operation.kind,
            target: &self.target,
            backend: self.backend,
            endpoint: &self.endpoint,
            rows: operation.rows,
            is_repeatable: operation.is_repeatable,
            in_transaction: self.in_transaction,
            engine: self.engine,
        }
    }
}
