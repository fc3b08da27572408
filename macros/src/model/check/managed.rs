//! Managed columns: what the store sets, nobody else can say too.

use crate::{
    errors::Errors,
    model::{Column, Known, Table},
    parse::ManagedKind,
};

/// What is wrong with one column as a managed one. `false` when so much is that nothing else need
/// be said.
pub fn check_column(column: &Column<'_>, errors: &Errors) -> bool {
    let mut written = column.written.managed.written();
    let Some((kind, name)) = written.next() else { return true };
    if let Some((_, second)) = written.next() {
        errors.at(second, format!("a column is managed in one way; remove `{name}` or `{second}`"));
        return false;
    }
    check_alone(column, kind, errors) && check_type(column, kind, errors)
}

/// What else is written contradicts that the store sets the column.
fn check_alone(column: &Column<'_>, kind: ManagedKind, errors: &Errors) -> bool {
    let written = &column.written;
    let name = kind.name();
    if let Some(key) = &written.key {
        errors.at(
            key,
            format!("a key stays what it is, and the store sets `{name}`; remove one of the two"),
        );
        return false;
    }
    let other = written.auto.as_ref().or(written.default.as_ref().map(|default| &default.name));
    if let Some(other) = other {
        errors.at(other, format!("the store sets the `{name}` column; remove `{other}`"));
        return false;
    }
    let content =
        column.content_attribute().or(written.text.as_ref()).or(written.metadata.as_ref());
    if let Some(content) = content {
        let what = if kind == ManagedKind::Version { "a number" } else { "a time" };
        errors.at(content, format!("the `{name}` column is {what}; remove `{content}`"));
        return false;
    }
    true
}

/// Times are times, versions are integers, and only what deletes a row can be NULL.
fn check_type(column: &Column<'_>, kind: ManagedKind, errors: &Errors) -> bool {
    let name = kind.name();
    let text = column.type_text();
    let problem = match kind {
        ManagedKind::SoftDelete if column.optional.is_none() => Some(format!(
            "the `{name}` column is NULL until the row is deleted; write `Option<DateTime<Utc>>`"
        )),
        ManagedKind::CreatedAt | ManagedKind::UpdatedAt | ManagedKind::Version
            if column.optional.is_some() =>
        {
            Some(format!("the `{name}` column is never NULL; remove the `Option`"))
        }
        ManagedKind::Version
            if !["i64", "i32", "u32"].contains(&&*text) && column.known != Known::Unknown =>
        {
            Some(format!("the `{name}` column counts writes; write `i64` instead of `{text}`"))
        }
        ManagedKind::Version => None,
        _ if !matches!(column.known, Known::DateTime | Known::Unknown) => {
            let right = if kind == ManagedKind::SoftDelete {
                "Option<DateTime<Utc>>"
            } else {
                "DateTime<Utc>"
            };
            Some(format!("the `{name}` column is a time; write `{right}` instead of `{text}`"))
        }
        _ => None,
    };
    if let Some(problem) = &problem {
        errors.at(column.ty(), problem);
    }
    problem.is_none()
}

/// A table has one column of each kind at most.
pub fn check_table(table: &Table<'_>, errors: &Errors) {
    for kind in ManagedKind::ALL {
        let of_kind = |column: &'_ &Column<'_>| {
            column.written.managed.written().any(|(other, _)| other == kind)
        };
        let mut columns = table.columns.iter().filter(of_kind);
        let Some(first) = columns.next() else { continue };
        for second in columns {
            let place = second.written.managed.written().find(|(other, _)| *other == kind);
            errors.at(
                place.map(|(_, name)| name),
                format!("`{}` is `{}` already; remove one of the two", first.ident, kind.name()),
            );
        }
    }
}
