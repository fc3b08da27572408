//! What a column may be besides its type: JSON, a vector, full text, metadata, indexed.

use super::contradiction;
use crate::{
    errors::Errors,
    model::{Column, Content, Known, array_length, is_array},
    parse::{VECTOR_EXAMPLE, VectorAttribute},
};

/// What is wrong with a column's roles.
pub fn check(column: &Column<'_>, errors: &Errors) {
    if check_json(column, errors) {
        check_vector(column, errors);
        check_text(column, errors);
        check_metadata(column, errors);
    }
    check_index(column, errors);
}

/// `json` says how the whole column is kept, so nothing else can say it too.
fn check_json(column: &Column<'_>, errors: &Errors) -> bool {
    let written = &column.written;
    let Some(json) = &written.json else { return true };
    let other = (written.vector.as_ref().map(|vector| &vector.name)).or(written.text.as_ref());
    if let Some(other) = other {
        let message = format!(
            "`{}` keeps the column as JSON, so it cannot be `{other}` too; keep one",
            json.name
        );
        contradiction(other, &message, errors);
    }
    other.is_none()
}

/// Vectors are lists of numbers, and `dim` and `element` say nothing else than their type.
fn check_vector(column: &Column<'_>, errors: &Errors) {
    let written = &column.written;
    let Some(vector) = &written.vector else { return };
    if let Some(text) = &written.text {
        contradiction(text, "a vector has no text to search; remove `text`", errors);
    }
    if column.known == Known::Unknown {
        return;
    }
    let ty = column.type_text();
    let Some(element) = column.known.element() else {
        errors.at(
            column.ty(),
            format!("a vector is a `Vec<f32>`, not `{ty}`; write that, or remove `vector`"),
        );
        return;
    };
    check_dimension(column, vector, errors);
    check_element(column, vector, element, errors);
}

/// A name that is no element at all is reported where it is read.
fn check_element(column: &Column<'_>, vector: &VectorAttribute, element: &str, errors: &Errors) {
    let Some(written) = &vector.element else { return };
    let named = written.value();
    let instead = match &*named {
        "f32" | "i8" => &*named,
        "f16" => "half::f16",
        _ => return,
    };
    if named != element {
        errors.at(
            written,
            format!(
                "the elements of `{}` are `{element}`, not `{named}`; remove `element`, or give \
                 the field the type `Vec<{instead}>`",
                column.type_text()
            ),
        );
    }
}

/// An array says its length, a `Vec` does not.
fn check_dimension(column: &Column<'_>, vector: &VectorAttribute, errors: &Errors) {
    match (&vector.dimension, array_length(column.ty())) {
        (Some(dimension), Some(length))
            if dimension.base10_parse::<u64>().is_ok_and(|dimension| dimension != length) =>
        {
            errors.at(
                dimension,
                format!(
                    "`{}` has {length} dimensions, not {dimension}; remove `dim`, or write \
                     `dim = {length}`",
                    column.type_text()
                ),
            );
        }
        (None, Some(0)) => errors.at(
            column.ty(),
            "a vector has at least 1 dimension, and 4294967295 at most; write the length of yours",
        ),
        (None, None) if !vector.tried_dimension && !is_array(column.ty()) => errors.at(
            &vector.name,
            format!(
                "`vector` needs its dimension; write `{VECTOR_EXAMPLE}`, or make the field an array"
            ),
        ),
        _ => {}
    }
}

/// Full-text search needs text.
fn check_text(column: &Column<'_>, errors: &Errors) {
    let Some(text) = &column.written.text else { return };
    if column.written.vector.is_none() && !matches!(column.known, Known::Text | Known::Unknown) {
        errors.at(
            text,
            format!(
                "`text` searches words, so it needs a `String`, not `{}`; remove `text`",
                column.type_text()
            ),
        );
    }
}

/// Metadata is a JSON document.
fn check_metadata(column: &Column<'_>, errors: &Errors) {
    let Some(metadata) = &column.written.metadata else { return };
    let is_document = column.is_json() || matches!(column.known, Known::Json | Known::Unknown);
    if !is_document || column.written.vector.is_some() {
        errors.at(
            metadata,
            format!(
                "metadata is JSON; write `#[table(json, metadata)]`, or give the field the type \
                 `serde_json::Value` instead of `{}`",
                column.type_text()
            ),
        );
    }
}

/// An index on one field, written at the field.
fn check_index(column: &Column<'_>, errors: &Errors) {
    let written = &column.written;
    if let Some(attribute) = written.index.as_ref().or(written.unique.as_ref())
        && let Some(problem) = index_problem(column)
    {
        errors.at(attribute, problem);
    }
}

/// Why a column cannot be in an index; `None` when it can, as far as its tokens tell.
pub fn index_problem(column: &Column<'_>) -> Option<String> {
    let what = match (&column.content, column.known) {
        (Content::Vector(_), _) => {
            return Some(format!(
                "`{}` is a vector, which is searched by similarity; remove it from the index",
                column.ident
            ));
        }
        (Content::Embedded { .. }, _) => {
            return Some(format!(
                "`{0}` is several columns; write the one to index, `{0}.column`",
                column.ident
            ));
        }
        (Content::Json { .. }, _) | (_, Known::Json) => "JSON",
        (_, Known::TextList) => "a list",
        (_, known) if known.is_numbers() => "a list",
        _ => return None,
    };
    Some(format!(
        "`{}` is {what}, which has no order to index by; index another column, or keep the part \
         to look for in a column of its own",
        column.ident
    ))
}
