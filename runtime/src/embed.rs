//! Structs whose fields are columns of the table that embeds them.
//!
//! The derive of a table cannot see the fields of another struct, so what it knows of them comes
//! through [`Embed`]: their columns as a tree of constants. The tree is composed into the table's
//! definition on first use, and held to the rules of names when the table is compiled.

mod names;

use std::{borrow::Cow, fmt, marker::PhantomData};

pub use self::names::check_names;
use crate::{
    codec::{ColumnSource, DecodeError, EncodeError},
    definition::{ColumnDef, IndexDef},
    value::Value,
};

/// A struct whose fields become columns of the tables that have a field of it.
///
/// Implemented by `#[derive(TableEmbed)]`, and used by `#[table(embed)]`.
///
/// ```
/// # mod shop {
/// use storehouse::prelude::*;
///
/// #[derive(TableEmbed, Clone, Debug, PartialEq)]
/// struct Address {
///     street: String,
///     city: String,
/// }
///
/// #[derive(Table)]
/// struct Customer {
///     #[table(key, auto)]
///     id: i64,
///     #[table(embed)]
///     address: Address,
/// }
///
/// # fn main() {
/// let in_york = Customer::ADDRESS.city.eq("York");
/// # let _ = in_york;
/// assert_eq!(Customer::definition().columns[2].name, "address_city");
/// # }
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be embedded",
    label = "not a struct whose fields can be columns of this table",
    note = "add `#[derive(TableEmbed)]` to `{Self}`, or keep it in one column with `#[table(json)]`"
)]
pub trait Embed: Sized {
    /// The columns, by the names that they have without a prefix.
    const DEFINITION: &'static [ColumnTree];
    /// How many columns there are.
    const COLUMNS: usize = ColumnTree::count(Self::DEFINITION);
    /// The handles of the columns in a table `T`, one for each field.
    type Columns<T>: Copy + fmt::Debug;

    /// Hands each value to `put`, with its column's position. `position` is that of the first.
    fn encode(self, position: usize, put: &mut dyn FnMut(usize, Value)) -> Result<(), EncodeError>;
    /// Reads the columns from `position` on.
    fn decode(source: &mut dyn ColumnSource, position: usize) -> Result<Self, DecodeError>;
    /// A copy of the value of `column`, when the first column is at `position`.
    fn value(&self, position: usize, column: usize) -> Result<Value, EncodeError>;
}

/// A column, or the columns of an embedded struct.
#[derive(Clone, Debug)]
pub enum ColumnTree {
    /// A column of its own.
    Plain(ColumnDef),
    /// Those of an embedded struct.
    Embedded {
        /// What their names begin with.
        prefix: &'static str,
        /// The columns.
        columns: &'static [ColumnTree],
    },
}

impl ColumnTree {
    /// How many columns there are, in all depths.
    pub const fn count(tree: &[Self]) -> usize {
        let mut count = 0;
        let mut position = 0;
        while position < tree.len() {
            count += match &tree[position] {
                Self::Plain(_) => 1,
                Self::Embedded { columns, .. } => Self::count(columns),
            };
            position += 1;
        }
        count
    }

    /// The columns with their whole names.
    pub fn columns(tree: &[Self]) -> Vec<ColumnDef> {
        let mut columns = Vec::with_capacity(Self::count(tree));
        Self::collect(tree, "", &mut columns);
        columns
    }

    fn collect(tree: &[Self], prefix: &str, into: &mut Vec<ColumnDef>) {
        for part in tree {
            match part {
                Self::Plain(column) if prefix.is_empty() => into.push(column.clone()),
                Self::Plain(column) => {
                    let name = Cow::Owned(format!("{prefix}{}", column.name));
                    into.push(ColumnDef { name, ..column.clone() });
                }
                Self::Embedded { prefix: more, columns } => {
                    Self::collect(columns, &format!("{prefix}{more}"), into);
                }
            }
        }
    }
}

/// The indexes of a table, with those added that have embedded columns: their names can only be
/// made when the columns are known.
pub fn indexes(
    table: &str,
    columns: &[ColumnDef],
    named: &'static [IndexDef],
    unnamed: &'static [(&'static [usize], bool)],
) -> Cow<'static, [IndexDef]> {
    if unnamed.is_empty() {
        return Cow::Borrowed(named);
    }
    let mut indexes = named.to_vec();
    for &(positions, unique) in unnamed {
        let of_columns: Vec<&str> =
            positions.iter().map(|&column| &*columns[column].name).collect();
        let is_taken = |name: &str| indexes.iter().any(|index| index.name == name);
        let name = storehouse_sql::free_index_name(table, &of_columns, unique, is_taken);
        indexes.push(IndexDef { name: name.into(), columns: Cow::Borrowed(positions), unique });
    }
    indexes.into()
}

/// A position in a table as a type, since a trait's function cannot compute one in a constant.
pub trait Place {
    /// The position.
    const POSITION: usize;
}

/// The position of the first column.
#[derive(Debug)]
pub struct Start;

impl Place for Start {
    const POSITION: usize = 0;
}

/// The position `N` columns after another.
#[derive(Debug)]
pub struct After<P, const N: usize>(PhantomData<P>);

impl<P: Place, const N: usize> Place for After<P, N> {
    const POSITION: usize = P::POSITION + N;
}

/// The position after the columns of an embedded struct.
#[derive(Debug)]
pub struct Past<P, E>(PhantomData<(P, E)>);

impl<P: Place, E: Embed> Place for Past<P, E> {
    const POSITION: usize = P::POSITION + E::COLUMNS;
}

/// The handles of an embedded struct that begins at the place `P`.
pub trait ColumnsAt<P> {
    /// The handles.
    const COLUMNS: Self;
}
