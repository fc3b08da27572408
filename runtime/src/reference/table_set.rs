//! Several tables that are set up together, those first that others refer to.

use std::sync::Arc;

use crate::{
    definition::TableDef,
    error::{Error, Result},
    table::Table,
};

/// Tables that [`Store::setup_database`](crate::Store::setup_database) sets up together: a tuple
/// of up to 16, in any order.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of tables",
    label = "not a tuple of tables",
    note = "write a tuple of tables, such as `(Customer, Order)`, or `(Customer,)` for one"
)]
pub trait TableSet {
    /// Adds the definitions of all tables.
    #[doc(hidden)]
    fn add_to(definitions: &mut Vec<&'static Arc<TableDef>>);
}

macro_rules! table_sets {
    ($first:ident $($rest:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<$first: Table, $($rest: Table),*> TableSet for ($first, $($rest,)*) {
            fn add_to(definitions: &mut Vec<&'static Arc<TableDef>>) {
                definitions.push($first::definition());
                $(definitions.push($rest::definition());)*
            }
        }
        table_sets! { $($rest)* }
    };
    () => {};
}

table_sets! { A B C D E F G H I J K L M N O P }

/// The definitions, each after those that it refers to.
pub(crate) fn in_order(mut waiting: Vec<&Arc<TableDef>>) -> Result<Vec<&Arc<TableDef>>> {
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_awaited =
            |target: &TableDef| waiting.iter().any(|other| other.full_name() == target.full_name());
        let next = waiting.iter().position(|table| {
            (table.references.iter()).all(|reference| {
                reference.is_to_itself(table) || !is_awaited(reference.target(table))
            })
        });
        let Some(next) = next else {
            let names: Vec<String> =
                waiting.iter().map(|table| format!("`{}`", table.full_name())).collect();
            return Err(Error::schema(format!(
                "some of the tables {} refer to each other in a circle, so none can be set up \
                 first; remove one of the references, and keep that link in a table of its own",
                names.join(", ")
            )));
        };
        ordered.push(waiting.remove(next));
    }
    Ok(ordered)
}
