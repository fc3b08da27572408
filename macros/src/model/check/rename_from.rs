//! The names that columns and the table had before: each is a name, and leads to one thing only.

use crate::{
    errors::Errors,
    model::{Table, name},
    parse::PreviousNames,
};

/// Every rule about the previous names of columns and of the table.
pub fn check(table: &Table<'_>, errors: &Errors) {
    if let Some(previous) = &table.rename_from {
        check_names("table", &table.name, previous, errors);
    }
    for (position, column) in table.positioned() {
        let Some(previous) = &column.written.rename_from else { continue };
        check_names("column", &column.name, previous, errors);
        for previous in &previous.names {
            let value = previous.value();
            let is_same = |name: &str| name.eq_ignore_ascii_case(&value);
            let others = || table.positioned().filter(|(other, _)| *other != position);
            if let Some((_, present)) = others().find(|(_, other)| is_same(&other.name)) {
                errors.at(
                    previous,
                    format!(
                        "`{value}` is the column of the field `{}` now, so `{}` cannot be renamed \
                         from it; write another name, or remove `rename_from`",
                        present.ident, column.ident
                    ),
                );
            }
            let twin = table.columns[..position].iter().find(|earlier| {
                let names = earlier.written.rename_from.iter().flat_map(|names| &names.names);
                names.into_iter().any(|name| is_same(&name.value()))
            });
            if let Some(twin) = twin {
                errors.at(
                    previous,
                    format!(
                        "`{}` is renamed from `{value}` already, and a column becomes one column; \
                         remove one of the two",
                        twin.ident
                    ),
                );
            }
        }
    }
}

/// What is wrong with the names by themselves.
fn check_names(what: &str, now: &str, previous: &PreviousNames, errors: &Errors) {
    for (position, previous_name) in previous.names.iter().enumerate() {
        let value = previous_name.value();
        let earlier = &previous.names[..position];
        if let Some(problem) = name::problem(what, &value) {
            errors.at(previous_name, problem);
        } else if value.eq_ignore_ascii_case(now) {
            errors.at(
                previous_name,
                format!(
                    "the {what} is called `{now}` now; write the name that it had before, \
                     or remove `rename_from`"
                ),
            );
        } else if earlier.iter().any(|other| other.value().eq_ignore_ascii_case(&value)) {
            errors.at(previous_name, format!("`{value}` is given twice; keep one of them"));
        }
    }
}
