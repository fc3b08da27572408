//! Types that cannot be a column, told from their tokens so that the message can name the way
//! out. All other types are checked by the trait `ColumnValue`.

use syn::Type;

use crate::{
    errors::Errors,
    model::{
        Column, Known,
        type_name::{last_segment, option_inner, transparent},
    },
};

/// Whether the type may be that of a column.
pub fn check(column: &Column<'_>, errors: &Errors) -> bool {
    check_borrowed(column, errors)
        && (column.is_json() || (check_option(column, errors) && check_width(column, errors)))
}

/// A row outlives what it was read from, so it owns its values.
fn check_borrowed(column: &Column<'_>, errors: &Errors) -> bool {
    let ty = column.document();
    let Type::Reference(reference) = transparent(ty) else { return true };
    // A lifetime parameter is reported where it is declared.
    if reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident != "static") {
        return false;
    }
    let instead = match transparent(&reference.elem) {
        Type::Slice(_) => "Vec<u8>",
        _ if last_segment(&reference.elem).is_some_and(|name| name.ident == "str") => "String",
        _ => "the type without `&`",
    };
    let instead = if instead.contains(' ') { instead.to_owned() } else { format!("`{instead}`") };
    errors.at(ty, format!("a row owns its values; write {instead}"));
    false
}

/// A column has one NULL, so one `Option` is all it can hold.
fn check_option(column: &Column<'_>, errors: &Errors) -> bool {
    let twice = column.optional.is_some_and(|inner| option_inner(inner).is_some());
    if twice {
        errors.at(
            column.ty(),
            "a column has one NULL, so one `Option` is all it can hold; \
             write a single `Option`, or keep both with `#[table(json)]`",
        );
    }
    !twice
}

/// Integers come back to the bit from every backend, and most databases stop at 64 signed bits.
fn check_width(column: &Column<'_>, errors: &Errors) -> bool {
    let problem = too_wide(column.document());
    if let Some(problem) = &problem {
        errors.at(column.ty(), problem);
    }
    problem.is_none()
}

/// Why an integer type cannot be a column; `None` when it can, as far as its tokens tell.
pub fn too_wide(ty: &Type) -> Option<String> {
    if Known::of(ty) != Known::TooWide {
        return None;
    }
    let name = last_segment(ty).map(|name| name.ident.to_string());
    let name = name.unwrap_or_default();
    let (why, instead) = match name.as_str() {
        "usize" | "isize" => {
            ("its size is not the same on every machine", "`i64`, `String` or `#[table(json)]`")
        }
        "u64" => ("databases hold 64 bits with a sign", "`i64`, `String` or `#[table(json)]`"),
        _ => ("databases hold 64 bits with a sign", "`i64` or `String`"),
    };
    Some(format!("`{name}` cannot be a column: {why}; use {instead}"))
}
