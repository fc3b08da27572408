//! References to other tables. The other struct cannot be seen from here: that the field is
//! there, unique and of the same type is asked of rustc.

use syn::{Ident, LitStr, Path, ext::IdentExt as _};

use super::{Column, Known, Table, case, index};
use crate::{
    errors::{Errors, did_you_mean},
    parse::ReferencesAttribute,
};

/// What `on_delete` can be, with the variant of `OnDelete`.
const CHOICES: [(&str, &str); 3] =
    [("restrict", "Restrict"), ("cascade", "Cascade"), ("set null", "SetNull")];

/// A column that refers to another table.
pub struct Reference {
    /// Position of the column.
    pub column: usize,
    /// The other struct.
    pub table: Path,
    /// The other field, as it was written.
    pub field: Ident,
    /// The name of the other field's column constant.
    pub referenced: Ident,
    /// The name of this reference's constant, `CUSTOMER_ID_REFERENCE`.
    pub constant: Ident,
    /// The variant's name in `OnDelete`.
    pub on_delete: &'static str,
}

/// The table's references, and an index for each whose column begins none.
pub fn references(table: &mut Table<'_>, errors: &Errors) -> Vec<Reference> {
    let mut references = Vec::new();
    for (position, column) in table.positioned() {
        let Some(written) = &column.written.references else { continue };
        if !check_content(column, written, errors) {
            continue;
        }
        let constant = format!("{}_REFERENCE", column.constant);
        if let Some(twin) = table.columns.iter().find(|twin| twin.constant == constant) {
            errors.at(
                twin.ident,
                format!(
                    "`{}` and the reference of `{}` would both have the constant `{constant}`; \
                     rename one of the fields",
                    twin.ident, column.ident
                ),
            );
            continue;
        }
        let target = case::screaming_snake_case(&written.field.unraw().to_string());
        references.push(Reference {
            column: position,
            table: if written.table.is_ident("Self") {
                Path::from(table.ident().clone())
            } else {
                written.table.clone()
            },
            field: written.field.clone(),
            referenced: Ident::new(&target, written.field.span()),
            constant: Ident::new(&constant, column.ident.span()),
            on_delete: on_delete(column, written.on_delete.as_ref(), errors),
        });
    }
    let begins_one: Vec<usize> = (table.indexes.iter())
        .map(|index| &*index.columns)
        .chain([&*table.key])
        .filter_map(|columns| columns.first().copied())
        .collect();
    for reference in &references {
        if !begins_one.contains(&reference.column) {
            index::add_for_reference(table, reference.column);
        }
    }
    references
}

/// A reference needs exact equality. What may be an alias is left to the trait `RefersTo`.
fn check_content(column: &Column<'_>, written: &ReferencesAttribute, errors: &Errors) -> bool {
    let what = match (column.content_attribute(), column.known) {
        (Some(attribute), _) => format!("a `{attribute}` column"),
        (None, Known::Float | Known::TextList | Known::Json) => {
            format!("`{}`", column.type_text())
        }
        (None, known) if known.is_numbers() => format!("`{}`", column.type_text()),
        _ => return true,
    };
    errors.at(
        &written.name,
        format!(
            "{what} has no exact equality, so it cannot refer to a row; give the field the type \
             of `{}`, or remove `{}`",
            written.field, written.name
        ),
    );
    false
}

fn on_delete(column: &Column<'_>, written: Option<&LitStr>, errors: &Errors) -> &'static str {
    let Some(written) = written else { return CHOICES[0].1 };
    let name = written.value();
    let Some((_, variant)) = CHOICES.iter().find(|(choice, _)| *choice == name) else {
        let similar = name.to_ascii_lowercase().replace(['_', '-'], " ");
        let choices = CHOICES.map(|(choice, _)| choice);
        let rest = did_you_mean(&similar, choices, || {
            "; write \"restrict\", \"cascade\" or \"set null\"".to_owned()
        });
        errors.at(written, format!("there is no `on_delete` \"{name}\"{rest}"));
        return CHOICES[0].1;
    };
    if *variant == "SetNull" && column.optional.is_none() {
        errors.at(
            written,
            format!(
                "`{}` cannot become NULL; write `Option<{}>`, or choose \"cascade\"",
                column.ident,
                column.type_text()
            ),
        );
    }
    variant
}
