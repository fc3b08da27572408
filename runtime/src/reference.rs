//! References between tables: a column whose values are those of a key, or of a unique column,
//! of another table.
//!
//! [`ReferenceDef`] is what engines know of one, [`Reference`] is what a program loads related
//! rows by. The derive writes both, and rustc checks that the two columns fit.

mod check;
mod table_set;

use std::{fmt, marker::PhantomData, sync::Arc};

pub use self::table_set::TableSet;
pub(crate) use self::{check::check_set_up, table_set::in_order};
use crate::{codec::KeyColumn, column::Column, definition::TableDef, table::Table};

/// A column that refers to a row of a table, or, where it is NULL, to nothing: a foreign key.
#[derive(Clone, Debug)]
pub struct ReferenceDef {
    /// Position of the column that refers.
    pub column: usize,
    /// The table that it refers to.
    pub table: ReferencedTable,
    /// Position, in that table, of the column that it refers to: the whole key, or a unique
    /// column.
    pub referenced: usize,
    /// What becomes of a row when the one that it refers to is deleted.
    pub on_delete: OnDelete,
}

/// The table that a column refers to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReferencedTable {
    /// The one that the column is in.
    Itself,
    /// One that was derived. A function, since two definitions may name each other.
    Derived(fn() -> &'static Arc<TableDef>),
    /// One that was defined at run time.
    Defined(Arc<TableDef>),
}

/// What becomes of a row when the one that it refers to is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnDelete {
    /// The deletion fails with [`Error::Reference`](crate::Error::Reference), unless the row is
    /// deleted by the same operation.
    #[default]
    Restrict,
    /// The row is deleted too.
    Cascade,
    /// The column becomes NULL.
    SetNull,
}

impl OnDelete {
    /// What stands after `ON DELETE` in SQL.
    ///
    /// SQL's own `RESTRICT` does not wait for the end of the statement; `NO ACTION` does.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Restrict => "NO ACTION",
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
        }
    }
}

impl ReferenceDef {
    /// The definition of the table that is referred to. `own` is that of the column.
    pub fn target<'a>(&'a self, own: &'a TableDef) -> &'a TableDef {
        match &self.table {
            ReferencedTable::Itself => own,
            ReferencedTable::Derived(definition) => definition(),
            ReferencedTable::Defined(definition) => definition,
        }
    }

    /// Whether the column refers to the table that it is in.
    pub fn is_to_itself(&self, own: &TableDef) -> bool {
        let target = self.target(own);
        target.name == own.name && target.schema == own.schema
    }

    /// The name of the foreign key: `orders_customer_id_fkey`.
    pub fn name(&self, own: &TableDef) -> String {
        format!("{}_{}_fkey", own.name, own.columns[self.column].name)
    }

    /// The same reference in a table of another name.
    pub(crate) fn renamed(&self, own: &TableDef) -> Self {
        let itself = self.is_to_itself(own).then_some(ReferencedTable::Itself);
        Self { table: itself.unwrap_or_else(|| self.table.clone()), ..self.clone() }
    }

    /// Whether two definitions mean the same, each in its table.
    pub(crate) fn is_same(&self, own: &TableDef, other: &Self, others_own: &TableDef) -> bool {
        let (target, others) = (self.target(own), other.target(others_own));
        self.column == other.column
            && self.on_delete == other.on_delete
            && target.full_name() == others.full_name()
            && target.columns[self.referenced].name == others.columns[other.referenced].name
    }
}

/// A reference from a `T` to an `R`, as the derive declares it: `Order::CUSTOMER_ID_REFERENCE`.
///
/// Related rows are loaded by it, with
/// [`Tabular::referenced_by`](crate::Tabular::referenced_by),
/// [`Tabular::belonging_to`](crate::Tabular::belonging_to) and
/// [`Tabular::linked_to`](crate::Tabular::linked_to). It knows both tables, so that loading by a
/// reference to another table does not compile.
pub struct Reference<T, R> {
    column: usize,
    referenced: usize,
    is_to_unique: bool,
    marker: PhantomData<fn() -> (T, R)>,
}

impl<T, R> Clone for Reference<T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, R> Copy for Reference<T, R> {}

impl<T, R> fmt::Debug for Reference<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference")
            .field("column", &self.column)
            .field("referenced", &self.referenced)
            .finish_non_exhaustive()
    }
}

impl<T: Table, R: Table> Reference<T, R> {
    /// The reference from one column to another; the derive calls this.
    #[doc(hidden)]
    pub const fn new<V: RefersTo<W>, W>(column: Column<T, V>, referenced: Column<R, W>) -> Self {
        Self {
            column: column.position(),
            referenced: referenced.position(),
            is_to_unique: referenced.is_unique(),
            marker: PhantomData,
        }
    }

    /// Whether no two rows share a value of the column that is referred to.
    #[doc(hidden)]
    pub const fn is_to_unique(self) -> bool {
        self.is_to_unique
    }

    /// What engines know of it.
    #[doc(hidden)]
    pub const fn definition(self, on_delete: OnDelete) -> ReferenceDef {
        ReferenceDef {
            column: self.column,
            table: ReferencedTable::Derived(R::definition),
            referenced: self.referenced,
            on_delete,
        }
    }
}

impl<T, R> Reference<T, R> {
    /// Position, in the table of `T`, of the column that refers.
    pub const fn column(self) -> usize {
        self.column
    }

    /// Position, in the table of `R`, of the column that is referred to.
    pub const fn referenced(self) -> usize {
        self.referenced
    }
}

/// A column's type that can refer to a column of `W`: the same type, or an `Option` of it.
#[diagnostic::on_unimplemented(
    message = "a column of `{Self}` cannot refer to a column of `{W}`",
    label = "refers to a column of `{W}`, and the field is `{Self}`; use one type for both, such as the key's",
    note = "a reference needs exact equality: an integer, String, Uuid, bool, Vec<u8> or a date-time, or an `Option` of it where it may refer to nothing"
)]
pub trait RefersTo<W> {}

#[diagnostic::do_not_recommend]
impl<W: KeyColumn> RefersTo<W> for W {}
#[diagnostic::do_not_recommend]
impl<W: KeyColumn> RefersTo<W> for Option<W> {}
#[diagnostic::do_not_recommend]
impl<W: KeyColumn> RefersTo<Option<W>> for W {}
#[diagnostic::do_not_recommend]
impl<W: KeyColumn> RefersTo<Option<W>> for Option<W> {}
