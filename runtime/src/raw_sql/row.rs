//! What a row of a statement can be read as.

use std::sync::Arc;

use crate::{
    codec::{ColumnSource, ColumnValue, DecodeError, mapped::Mapped},
    definition::TableDef,
    error::{Error, Result},
    maybe_send::MaybeSend,
    table::Table,
};

/// What a row of SQL of the program's own can be read as: a tuple of up to twelve values, by
/// position, or a table or a projection of one, by the names of the columns.
#[diagnostic::on_unimplemented(
    message = "rows of SQL cannot be read as `{Self}`",
    label = "neither a tuple of values nor a table",
    note = "one column is `(String,)`, with a comma; a struct needs `#[derive(Table)]`, or `#[derive(Projection)]` for some columns of a table"
)]
pub trait RawRow: Sized + MaybeSend + 'static {
    /// Where in a row each value stands, found out once for each statement.
    ///
    /// Fails with [`Error::Validation`] when the statement has other columns.
    fn plan(columns: &[&str]) -> Result<Vec<usize>>;

    /// Reads a row.
    fn read(source: &mut dyn ColumnSource, plan: &[usize]) -> Result<Self, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Table> RawRow for T {
    fn plan(columns: &[&str]) -> Result<Vec<usize>> {
        let definition = T::definition();
        plan_by_name(definition, 0..definition.columns.len(), columns)
    }

    fn read(source: &mut dyn ColumnSource, plan: &[usize]) -> Result<Self, DecodeError> {
        T::decode(T::definition(), &mut Mapped { source, columns: plan })
            .map_err(|error| error.mapped(plan))
    }
}

/// Finds columns of a table by name among those of a statement.
#[doc(hidden)]
pub fn plan_by_name(
    definition: &Arc<TableDef>,
    wanted: impl IntoIterator<Item = usize>,
    columns: &[&str],
) -> Result<Vec<usize>> {
    let find = |column: usize| {
        let name = &*definition.columns[column].name;
        let mut found = columns.iter().enumerate().filter(|(_, column)| **column == name);
        match (found.next(), found.next()) {
            (Some((place, _)), None) => Ok(place),
            (Some(_), Some(_)) => Err(Error::validation(format!(
                "the statement has two columns called `{name}`; give one of them another name \
                 with AS"
            ))),
            (None, _) => Err(Error::validation(format!(
                "the statement has no column `{name}`, which `{}` has; add it, or name one so \
                 with AS (there are: {})",
                definition.name,
                columns.join(", ")
            ))),
        }
    };
    wanted.into_iter().map(find).collect()
}

macro_rules! tuples {
    ($($width:literal: $($value:ident $place:tt),*;)*) => {$(
        impl<$($value: ColumnValue + MaybeSend + 'static),*> RawRow for ($($value,)*) {
            fn plan(columns: &[&str]) -> Result<Vec<usize>> {
                if columns.len() == $width {
                    return Ok(Vec::new());
                }
                Err(Error::validation(format!(
                    "the statement has {} columns, and a tuple of {} was asked for \
                     (there are: {}); ask for a value for each",
                    columns.len(),
                    $width,
                    columns.join(", ")
                )))
            }

            fn read(source: &mut dyn ColumnSource, _: &[usize]) -> Result<Self, DecodeError> {
                Ok(($($value::decode(source, $place)?,)*))
            }
        }
    )*};
}

tuples! {
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
    6: A 0, B 1, C 2, D 3, E 4, F 5;
    7: A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
    9: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8;
    10: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9;
    11: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10;
    12: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11;
}
