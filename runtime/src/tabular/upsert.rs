//! Upserts: a new row, or a change of the one that has its value of a unique column.

use std::{future::IntoFuture, marker::PhantomData, sync::Arc};

use super::Core;
use crate::{
    codec::EncodeError,
    column::Column,
    definition::{TableDef, same_columns},
    error::{Error, Result},
    maybe_send::BoxFuture,
    patch::{Assignment, TablePatch},
    table::{Row, Table},
    value::{EncodedRow, Value},
};

/// An upsert under construction, from [`Tabular::upsert_by`](super::Tabular::upsert_by); awaiting
/// it gives the row as stored.
///
/// ```
/// use storehouse::prelude::*;
///
/// #[derive(Table, Debug)]
/// struct Word {
///     #[table(key, auto)]
///     id: i64,
///     #[table(unique)]
///     text: String,
///     seen: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let words = storehouse::open("memory:").await?.tabular::<Word>().await?;
/// words.setup_database().await?;
/// for text in ["one", "two", "one"] {
///     words
///         .upsert_by(Word::TEXT, WordInsert { text: text.into(), seen: 1 })
///         .or_update(WordPatch { seen: increment(1), ..Default::default() })
///         .await?;
/// }
/// let counted = words.query(Word::TEXT.eq("one")).first().await?;
/// assert_eq!(counted.map(|word| word.seen), Some(2));
/// # Ok(())
/// # }
/// ```
#[must_use = "an upsert does nothing until it is awaited"]
pub struct Upsert<'a, T> {
    core: Arc<Core>,
    row: Result<EncodedRow>,
    unique: Vec<usize>,
    patch: Option<Result<Vec<Assignment>, EncodeError>>,
    marker: PhantomData<fn() -> (&'a (), T)>,
}

impl<T> std::fmt::Debug for Upsert<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upsert")
            .field("table", &self.core.definition.name)
            .field("unique", &self.unique)
            .finish_non_exhaustive()
    }
}

impl<T: Row> Upsert<'_, T> {
    pub(super) fn new(core: &Arc<Core>, unique: Vec<usize>, row: Result<EncodedRow>) -> Self {
        Self { core: Arc::clone(core), row, unique, patch: None, marker: PhantomData }
    }

    async fn run(self) -> Result<T> {
        let core = Arc::clone(&self.core);
        core.run("upsert_by", async {
            let row = self.row?;
            check_unique(&core.definition, &self.unique)?;
            let assignments = match self.patch {
                Some(patch) => revive(&core.definition, core.check_assignments(patch)?),
                None => replace(&core.definition, &row),
            };
            let assignments =
                if assignments.is_empty() { assignments } else { core.manage(assignments) };
            let stored = core.storage.upsert(row, self.unique, assignments).await?;
            core.decode_stored(stored)
        })
        .await
    }
}

impl<T: Table> Upsert<'_, T> {
    /// Where a row is there, changes only what the patch sets; without this its whole content is
    /// replaced.
    pub fn or_update(mut self, patch: T::Patch) -> Self {
        self.patch = Some(patch.into_assignments());
        self
    }
}

impl<'a, T: Row> IntoFuture for Upsert<'a, T> {
    type Output = Result<T>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A patch says nothing of deletion, but what is upserted is there afterwards.
fn revive(definition: &TableDef, mut assignments: Vec<Assignment>) -> Vec<Assignment> {
    assignments.extend(definition.managed.soft_delete.map(|column| {
        // As a new row would have it.
        Assignment::set(column, Value::Null)
    }));
    assignments
}

/// The content of a row that is there becomes that of the new one; its key stays, and when it was
/// created.
fn replace(definition: &TableDef, row: &EncodedRow) -> Vec<Assignment> {
    (row.0.iter().enumerate())
        .filter(|(column, _)| {
            !definition.key.contains(column) && definition.managed.created_at != Some(*column)
        })
        .map(|(column, value)| Assignment::set(column, value.clone()))
        .collect()
}

/// Fails when the columns are neither the key nor those of a unique index. One that has the whole
/// key in it and more says nothing that the key does not, and SQLite knows no conflict with it.
fn check_unique(definition: &TableDef, unique: &[usize]) -> Result<()> {
    let candidates = || {
        let has_key = |columns: &[usize]| definition.key.iter().all(|key| columns.contains(key));
        let indexes = definition.indexes.iter().filter(|index| index.unique);
        let columns = indexes.map(|index| &*index.columns);
        std::iter::once(&*definition.key).chain(columns.filter(move |columns| !has_key(columns)))
    };
    if candidates().any(|columns| same_columns(columns, unique)) {
        return Ok(());
    }
    let names = |columns: &[usize]| {
        let names: Vec<&str> =
            columns.iter().map(|&column| &*definition.columns[column].name).collect();
        format!("({})", names.join(", "))
    };
    let known: Vec<String> = candidates().map(names).collect();
    Err(Error::validation(format!(
        "an upsert goes by what is unique, and {} is not; `{}` has {}, or add \
         `#[table(unique)]` to the column",
        names(unique),
        definition.name,
        known.join(" and ")
    )))
}

/// What an upsert goes by: a unique column, or a tuple of those of one unique index.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a column of `{T}`, nor a tuple of some",
    label = "give a unique column, such as `{T}::SKU`, or `({T}::A, {T}::B)` for an index of two"
)]
pub trait UniqueColumns<T> {
    /// Their positions.
    fn positions(self) -> Vec<usize>;
}

#[diagnostic::do_not_recommend]
impl<T: Row, V> UniqueColumns<T> for Column<T, V> {
    fn positions(self) -> Vec<usize> {
        vec![self.position()]
    }
}

macro_rules! unique_tuple {
    ($($value:ident $column:ident),*) => {
        #[diagnostic::do_not_recommend]
        impl<T: Row, $($value),*> UniqueColumns<T> for ($(Column<T, $value>,)*) {
            fn positions(self) -> Vec<usize> {
                let ($($column,)*) = self;
                vec![$($column.position()),*]
            }
        }
    };
}

unique_tuple!(A a);
unique_tuple!(A a, B b);
unique_tuple!(A a, B b, C c);
unique_tuple!(A a, B b, C c, D d);
