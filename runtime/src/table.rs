//! What `derive(Table)` implements: a type's definition, its codec, and the types that go in.
//!
//! [`Row`] is what a handle needs of any type; [`Table`] adds the definition that the compiler
//! knows. Nothing here is implemented by hand in ordinary use.

use std::sync::Arc;

use crate::{
    codec::{ColumnSource, DecodeError, EncodeError, KeyColumn},
    definition::TableDef,
    maybe_send::{MaybeSend, MaybeSync},
    patch::TablePatch,
    value::{EncodedKey, EncodedRow, NewRow, Value},
};

/// A type that can be stored as a row.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a table",
    label = "this type has no columns",
    note = "add `#[derive(Table)]` to `{Self}`"
)]
pub trait Row: Sized + MaybeSend + MaybeSync + 'static {
    /// The primary key's type: the key field's own, or `{Name}Key` where the key is compound.
    type Key: TableKey;

    /// The row's values, one for each column.
    fn encode(self) -> Result<EncodedRow, EncodeError>;
    /// Reads a row, each column by its position in `definition`.
    fn decode(
        definition: &Arc<TableDef>,
        source: &mut dyn ColumnSource,
    ) -> Result<Self, DecodeError>;
    /// A copy of one column's value.
    fn value(&self, column: usize) -> Result<Value, EncodeError>;
    /// The row on its way in. A type that can leave columns out says here which.
    fn into_new_row(self) -> Result<NewRow, EncodeError> {
        self.encode().map(NewRow::from)
    }
}

/// A type whose definition the compiler knows.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a table",
    label = "this type has no columns",
    note = "add `#[derive(Table)]` to `{Self}`"
)]
pub trait Table: Row {
    /// The patch struct, `{Name}Patch`.
    type Patch: TablePatch<Self>;
    /// What has the column constants: the type itself, or what `columns = ".."` names.
    type Columns;

    /// The table's name, columns, key and indexes.
    fn definition() -> &'static Arc<TableDef>;

    /// The table's JSON Schema.
    fn json_schema() -> serde_json::Value {
        Self::definition().json_schema()
    }
}

/// A primary key: a column's type, or `{Name}Key` where the key is compound.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    label = "a key needs exact equality, an order, and no NULL",
    note = "use an integer, String, Uuid, bool, Vec<u8> or a date-time"
)]
pub trait TableKey: Clone + MaybeSend + MaybeSync + 'static {
    /// The key's values, in key order.
    fn encode(&self) -> EncodedKey;
    /// Rebuilds the key from its values.
    fn decode(key: EncodedKey) -> Result<Self, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<V: KeyColumn + Clone + MaybeSend + MaybeSync + 'static> TableKey for V {
    fn encode(&self) -> EncodedKey {
        EncodedKey::single(self.to_value())
    }

    fn decode(key: EncodedKey) -> Result<Self, DecodeError> {
        V::decode(&mut EncodedRow(key.into_values()), 0)
    }
}

/// What `get`, `update` and others take as the key of a `T`: a reference to its key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the key of `{T}`",
    label = "not a reference to the key's type",
    note = "give a reference to the key: `&row.id`, or `&{T}Key {{ .. }}` where the key has several columns"
)]
pub trait IntoKey<T> {
    /// The key's values.
    fn into_key(self) -> EncodedKey;
}

#[diagnostic::do_not_recommend]
impl<T, B: ?Sized> IntoKey<T> for &B
where
    T: Row<Key: BorrowedAs<B>>,
{
    fn into_key(self) -> EncodedKey {
        T::Key::encode_borrowed(self)
    }
}

/// A key that a `&B` can stand for: itself, and `str` for `String`.
///
/// One trait, so that rustc finds one thing wrong with a wrong key.
pub trait BorrowedAs<B: ?Sized> {
    /// The key's values.
    fn encode_borrowed(borrowed: &B) -> EncodedKey;
}

impl<K: TableKey> BorrowedAs<K> for K {
    fn encode_borrowed(borrowed: &K) -> EncodedKey {
        borrowed.encode()
    }
}

impl BorrowedAs<str> for String {
    fn encode_borrowed(borrowed: &str) -> EncodedKey {
        EncodedKey::single(Value::Text(borrowed.to_owned()))
    }
}

impl BorrowedAs<[u8]> for Vec<u8> {
    fn encode_borrowed(borrowed: &[u8]) -> EncodedKey {
        EncodedKey::single(Value::Bytes(borrowed.to_vec()))
    }
}

/// What `delete` and `update` take: the key of a `T`, or a `T` itself, each by reference.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a `{T}` nor the key of one",
    label = "not a reference to a row or to a key",
    note = "give a reference to the key, `&row.id`, or to the row, `&row`"
)]
pub trait KeyOrRow<T> {
    /// The version that the row was read with, where rows have one; a key alone has none.
    fn version(&self) -> Option<Value> {
        None
    }

    /// The key's values.
    fn into_key(self) -> Result<EncodedKey, EncodeError>;
}

#[diagnostic::do_not_recommend]
impl<T, K: IntoKey<T>> KeyOrRow<T> for K {
    fn into_key(self) -> Result<EncodedKey, EncodeError> {
        Ok(IntoKey::into_key(self))
    }
}

/// A table whose rows are marked as deleted and stay: one with a `soft_delete` column.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `soft_delete` column",
    label = "what is deleted from this table is gone",
    note = "mark a field `deleted_at: Option<DateTime<Utc>>` with `#[table(soft_delete)]`"
)]
pub trait SoftDelete: Row {}

/// What `put` and `insert` take: a whole row, the insert struct, or the insert struct joined
/// with what may be left out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be put into the table of `{T}`",
    label = "neither a `{T}` nor its insert struct",
    note = "give a `{T}`, a `{T}Insert {{ .. }}`, or `{T}Insert {{ .. }}.with({T}Optional {{ .. }})`"
)]
pub trait Insertable<T> {
    /// The row's values, with those left out that were not given.
    fn into_new_row(self) -> Result<NewRow, EncodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Row> Insertable<T> for T {
    fn into_new_row(self) -> Result<NewRow, EncodeError> {
        Row::into_new_row(self)
    }
}

/// The columns that may be left out of an insert: `{Name}Optional`.
pub trait OptionalColumns<T> {
    /// Sets the columns that were given.
    fn apply(self, row: &mut NewRow) -> Result<(), EncodeError>;
}

/// An insert struct joined with optional columns, made by `with(..)`.
#[derive(Clone, Debug)]
pub struct InsertWith<I, O> {
    /// What must be given.
    pub insert: I,
    /// What may be given.
    pub optional: O,
}

#[diagnostic::do_not_recommend]
impl<T, I, O> Insertable<T> for InsertWith<I, O>
where
    I: Insertable<T>,
    O: OptionalColumns<T>,
{
    fn into_new_row(self) -> Result<NewRow, EncodeError> {
        let mut row = self.insert.into_new_row()?;
        self.optional.apply(&mut row)?;
        Ok(row)
    }
}

/// Implemented by the derive for `&{Name}`, so that `delete` takes a row.
#[doc(hidden)]
pub fn key_of_row<T: Row>(row: &T, key: &[usize]) -> Result<EncodedKey, EncodeError> {
    key.iter().map(|&column| row.value(column)).collect()
}
