//! Partial updates: what a patch does to each column.
//!
//! A patch struct has a [`PatchField`] for each column outside the key. What engines see is a list
//! of [`Assignment`]s; one that depends on the stored value is carried out where that value is, so
//! that no update of another is lost.

use std::marker::PhantomData;

use crate::{
    codec::{EncodeError, NotNull},
    column_type::ColumnType,
    definition::ColumnDef,
    error::{Error, Result},
    value::Value,
};

/// A partial update of a `T`: `{Name}Patch`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a patch of `{T}`",
    label = "not the patch struct of this table",
    note = "write `{T}Patch {{ column: Set(value), ..Default::default() }}`"
)]
pub trait TablePatch<T> {
    /// The columns that change, and how.
    fn into_assignments(self) -> Result<Vec<Assignment>, EncodeError>;
}

/// One field of a patch: keep what is stored, set a new value, or add to the stored one.
///
/// A nullable column has the type `PatchField<Option<V>>`, so that keeping it, setting it and
/// setting it to NULL are three different things:
///
/// ```
/// use storehouse_runtime::PatchField::{self, Keep, Set};
///
/// let keep: PatchField<Option<i64>> = Keep;
/// let to_null: PatchField<Option<i64>> = Set(None);
/// assert_ne!(keep, to_null);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum PatchField<V> {
    /// Leaves the column as it is.
    #[default]
    Keep,
    /// Gives the column this value.
    Set(V),
    /// Adds to the stored value; made by [`increment`].
    Increment(Increment<V>),
}

/// Adds `by` to what is stored, where it is stored: two tasks that do so at once both count.
///
/// NULL stays NULL. What would leave the range of the column's type, or make a finite number
/// infinite, fails with [`Error::Validation`] and changes nothing. Integer columns take an `i64`,
/// so an unsigned one can be lowered; `f64` columns take a finite `f64`.
///
/// ```
/// use storehouse::prelude::*;
///
/// #[derive(Table, Debug)]
/// struct Article {
///     #[table(key)]
///     slug: String,
///     reads: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let articles = storehouse::open("memory:").await?.tabular::<Article>().await?;
/// articles.setup_database().await?;
/// articles.put(Article { slug: "hello".into(), reads: 1 }).await?;
///
/// let article = articles.update("hello", ArticlePatch { reads: increment(1) }).await?;
/// assert_eq!(article.map(|article| article.reads), Some(2));
/// # Ok(())
/// # }
/// ```
pub fn increment<V>(by: impl StepOf<V>) -> PatchField<V> {
    PatchField::Increment(Increment { by: by.into_step(), marker: PhantomData })
}

/// What a column of `V` can be incremented by: an `i64` for every integer, so that an unsigned one
/// can be lowered, and an `f64` for an `f64`.
///
/// An `f32` cannot be incremented, since not every database rounds the sum to an `f32`.
#[diagnostic::on_unimplemented(
    message = "a column of `{V}` cannot be incremented by `{Self}`",
    label = "integers grow by an `i64`, an `f64` by an `f64`; write `Set(value)` for others"
)]
pub trait StepOf<V> {
    /// The step, without the column's type.
    fn into_step(self) -> Step;
}

#[diagnostic::do_not_recommend]
impl<V: NotNull, S: StepOf<V>> StepOf<Option<V>> for S {
    fn into_step(self) -> Step {
        StepOf::<V>::into_step(self)
    }
}

/// What is added to a column, in [`PatchField::Increment`].
#[derive(Debug)]
pub struct Increment<V> {
    by: Step,
    marker: PhantomData<fn() -> V>,
}

/// How much is added: an integer or a floating-point number, as the column is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// To an integer of any width.
    Integer(i64),
    /// To a floating-point number.
    Float(f64),
}

impl<V> Clone for Increment<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Increment<V> {}

impl<V> PartialEq for Increment<V> {
    fn eq(&self, other: &Self) -> bool {
        self.by == other.by
    }
}

impl<V> PatchField<V> {
    /// Adds what becomes of `column` to a patch's assignments; the derive calls this.
    #[doc(hidden)]
    pub fn assign(
        self,
        column: usize,
        assignments: &mut Vec<Assignment>,
        into_value: fn(V) -> Value,
    ) {
        match self {
            Self::Keep => {}
            Self::Set(value) => assignments.push(Assignment::set(column, into_value(value))),
            Self::Increment(increment) => {
                let by = match increment.by {
                    Step::Integer(by) => Value::Int(by),
                    Step::Float(by) => Value::Float(by),
                };
                assignments.push(Assignment::increment(column, by));
            }
        }
    }
}

/// What an update does to one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The column's position.
    pub column: usize,
    /// Its new value, or what is added to it.
    pub value: Value,
    /// Whether the value replaces the stored one or is added to it.
    pub kind: AssignmentKind,
}

/// How an assignment's value comes to be the column's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AssignmentKind {
    /// It replaces what is stored.
    #[default]
    Set,
    /// It is added to what is stored; NULL stays NULL.
    Increment,
}

impl Assignment {
    /// Gives `column` the value.
    pub const fn set(column: usize, value: Value) -> Self {
        Self { column, value, kind: AssignmentKind::Set }
    }

    /// Adds `by`, an integer or a floating-point number as the column is, to `column`.
    pub const fn increment(column: usize, by: Value) -> Self {
        Self { column, value: by, kind: AssignmentKind::Increment }
    }

    /// Fails with [`Error::Validation`] when the value does not fit `column`, which is the column
    /// at the assignment's position.
    pub fn check(&self, column: &ColumnDef) -> Result<()> {
        if self.kind == AssignmentKind::Set {
            return column.check(&self.value);
        }
        let is_integer = column.column_type.integer_range().is_some();
        match self.value {
            Value::Int(_) if is_integer => Ok(()),
            Value::Float(by) if column.column_type == ColumnType::F64 && by.is_finite() => Ok(()),
            Value::Float(_) if column.column_type == ColumnType::F64 => Err(Error::validation(
                format!("column `{}` can only be incremented by a finite number", column.name),
            )),
            _ => Err(Error::validation(format!(
                "column `{}` is {} and cannot be incremented by {}",
                column.name,
                column.column_type.rust_name(),
                self.value.kind()
            ))),
        }
    }

    /// The value that `column` has afterwards where `stored` is what it has before. An engine that
    /// does not leave this to its database calls it.
    ///
    /// Fails with [`Error::Validation`] when an increment leads outside of what the column holds.
    pub fn apply(&self, column: &ColumnDef, stored: &Value) -> Result<Value> {
        match (self.kind, stored, &self.value) {
            (AssignmentKind::Set, _, value) => Ok(value.clone()),
            (AssignmentKind::Increment, Value::Null, _) => Ok(Value::Null),
            (AssignmentKind::Increment, Value::Int(stored), Value::Int(by)) => {
                let (least, greatest) =
                    column.column_type.integer_range().unwrap_or((i64::MIN, i64::MAX));
                (stored.checked_add(*by))
                    .filter(|sum| (least..=greatest).contains(sum))
                    .map(Value::Int)
                    .ok_or_else(|| out_of_range(&column.name))
            }
            (AssignmentKind::Increment, Value::Float(stored), Value::Float(by)) => {
                let sum = stored + by;
                if sum.is_finite() || stored.is_infinite() {
                    Ok(Value::Float(sum))
                } else {
                    Err(out_of_range(&column.name))
                }
            }
            (AssignmentKind::Increment, ..) => Err(Error::validation(format!(
                "column `{}` holds no number, so it cannot be incremented",
                column.name
            ))),
        }
    }
}

fn out_of_range(column: &str) -> Error {
    Error::validation(format!(
        "the increment takes column `{column}` out of the range of its type; nothing was changed"
    ))
}
