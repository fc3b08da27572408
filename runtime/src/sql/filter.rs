//! Filters as the condition after `WHERE`.

use storehouse_sql::Dialect;

use super::{
    json_path,
    parameter::Parameter,
    pattern::{after_prefix, glob},
    pieces::Pieces,
};
use crate::filter::FilterTree;

/// How many conditions stand side by side. More are grouped, since SQLite limits how deep an
/// expression is, and a row of a thousand conditions is a thousand deep.
const WIDTH: usize = 64;

/// What stands around a condition, which decides whether it needs parentheses.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// Nothing.
    Alone,
    /// Conditions joined by `AND`.
    And,
    /// Conditions joined by `OR`.
    Or,
}

/// Writes the condition under which `filter` matches.
pub(super) fn write<'a>(filter: &'a FilterTree, place: Place, pieces: &mut impl Pieces<'a>) {
    match filter {
        FilterTree::And(parts) => connect(parts, &AND, place, pieces),
        FilterTree::Or(parts) => connect(parts, &OR, place, pieces),
        FilterTree::Not(part) => {
            pieces.text("NOT (");
            write(part, Place::Alone, pieces);
            pieces.text(")");
        }
        FilterTree::Compare { column, comparison, value } => {
            pieces.column(*column);
            pieces.text(" ");
            pieces.text(comparison.sql());
            pieces.text(" ");
            pieces.parameter(Parameter::Value { column: *column, value });
        }
        FilterTree::InList { column, values } => {
            pieces.column(*column);
            pieces.parameter(Parameter::List { column: *column, values });
        }
        FilterTree::IsNull { column } => {
            pieces.column(*column);
            pieces.text(" IS NULL");
        }
        FilterTree::Like { column, pattern } => {
            pieces.column(*column);
            let (operator, pattern) = match pieces.dialect() {
                Dialect::Sqlite => (" GLOB ", glob(pattern).into()),
                // Columns have the collation "C", by which LIKE compares bytes.
                _ => (" LIKE ", pattern.as_str().into()),
            };
            pieces.text(operator);
            pieces.parameter(Parameter::Text(pattern));
        }
        FilterTree::StartsWith { column, prefix } => starts_with(*column, prefix, pieces),
        FilterTree::Contains { column, part } => {
            pieces.text(match pieces.dialect() {
                Dialect::Sqlite => "instr(",
                _ => "strpos(",
            });
            pieces.column(*column);
            pieces.text(", ");
            pieces.parameter(Parameter::Text(part.as_str().into()));
            pieces.text(") > 0");
        }
        FilterTree::Json { column, path, test } => json_path::write(*column, path, test, pieces),
    }
}

/// `AND` or `OR`.
struct Connective {
    word: &'static str,
    /// What it means to connect nothing.
    empty: &'static str,
    place: Place,
}

const AND: Connective = Connective { word: " AND ", empty: "TRUE", place: Place::And };
const OR: Connective = Connective { word: " OR ", empty: "FALSE", place: Place::Or };

fn connect<'a>(
    parts: &'a [FilterTree],
    connective: &Connective,
    place: Place,
    pieces: &mut impl Pieces<'a>,
) {
    match parts {
        [] => pieces.text(connective.empty),
        [part] => write(part, place, pieces),
        parts if place == Place::Alone || place == connective.place => {
            join(parts, connective, pieces);
        }
        parts => {
            pieces.text("(");
            join(parts, connective, pieces);
            pieces.text(")");
        }
    }
}

fn join<'a>(parts: &'a [FilterTree], connective: &Connective, pieces: &mut impl Pieces<'a>) {
    if parts.len() <= WIDTH {
        for (position, part) in parts.iter().enumerate() {
            if position > 0 {
                pieces.text(connective.word);
            }
            write(part, connective.place, pieces);
        }
        return;
    }
    let group = parts.len().div_ceil(WIDTH);
    for (position, group) in parts.chunks(group).enumerate() {
        pieces.text(if position > 0 { connective.word } else { "" });
        pieces.text("(");
        join(group, connective, pieces);
        pieces.text(")");
    }
}

/// A range, which any index can serve.
fn starts_with<'a>(column: usize, prefix: &'a str, pieces: &mut impl Pieces<'a>) {
    let after = after_prefix(prefix);
    if after.is_some() {
        pieces.text("(");
    }
    pieces.column(column);
    pieces.text(" >= ");
    pieces.parameter(Parameter::Text(prefix.into()));
    if let Some(after) = after {
        pieces.text(" AND ");
        pieces.column(column);
        pieces.text(" < ");
        pieces.parameter(Parameter::Text(after.into()));
        pieces.text(")");
    }
}

#[cfg(test)]
mod tests {
    use storehouse_sql::Dialect;

    use super::*;
    use crate::{
        filter::Comparison,
        sql::pieces::{Portable, Text},
        test_table,
        value::Value,
    };

    fn sql(filter: &FilterTree) -> String {
        let definition = test_table::definition();
        let mut text = Text::new(Dialect::Sqlite, &definition);
        write(filter, Place::Alone, &mut text);
        text.into_sql()
    }

    fn parameters(filter: &FilterTree) -> Vec<Value> {
        let definition = test_table::definition();
        let mut portable = Portable::new(Dialect::Sqlite, &definition);
        write(filter, Place::Alone, &mut portable);
        portable.into_statement().parameters
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn is_null(column: usize) -> FilterTree {
        FilterTree::IsNull { column }
    }

    #[test]
    fn comparisons() {
        for (comparison, operator) in [
            (Comparison::Equal, "="),
            (Comparison::NotEqual, "<>"),
            (Comparison::Less, "<"),
            (Comparison::LessOrEqual, "<="),
            (Comparison::Greater, ">"),
            (Comparison::GreaterOrEqual, ">="),
        ] {
            let filter = FilterTree::Compare { column: 2, comparison, value: Value::Float(1.5) };
            assert_eq!(sql(&filter), format!(r#""price" {operator} ?"#));
            assert_eq!(parameters(&filter), [Value::Float(1.5)]);
        }
        assert_eq!(sql(&is_null(3)), r#""note" IS NULL"#);
        let values = vec![Value::Int(1), Value::Int(2)];
        let list = FilterTree::InList { column: 0, values: values.clone() };
        assert_eq!(sql(&list), r#""id" IN rarray(?)"#);
        assert_eq!(parameters(&list), values);
    }

    #[test]
    fn tests_of_text() {
        let like = FilterTree::Like { column: 1, pattern: "a%*".into() };
        assert_eq!(sql(&like), r#""sku" GLOB ?"#);
        assert_eq!(parameters(&like), [text("a*[*]")]);

        let contains = FilterTree::Contains { column: 1, part: "%".into() };
        assert_eq!(sql(&contains), r#"instr("sku", ?) > 0"#);
        assert_eq!(parameters(&contains), [text("%")]);

        let prefix = |prefix: &str| FilterTree::StartsWith { column: 1, prefix: prefix.into() };
        assert_eq!(sql(&prefix("ab")), r#"("sku" >= ? AND "sku" < ?)"#);
        assert_eq!(parameters(&prefix("ab")), [text("ab"), text("ac")]);
        assert_eq!(sql(&prefix("")), r#""sku" >= ?"#);
        assert_eq!(parameters(&prefix("")), [text("")]);
        assert_eq!(sql(&prefix("\u{10ffff}")), r#""sku" >= ?"#);
    }

    #[test]
    fn parentheses_stand_where_they_are_needed() {
        let and = is_null(0).and(is_null(1));
        let or = is_null(2).or(is_null(3));
        assert_eq!(sql(&and), r#""id" IS NULL AND "sku" IS NULL"#);
        assert_eq!(sql(&or), r#""price" IS NULL OR "note" IS NULL"#);
        assert_eq!(
            sql(&and.clone().and(or.clone())),
            r#""id" IS NULL AND "sku" IS NULL AND ("price" IS NULL OR "note" IS NULL)"#
        );
        assert_eq!(
            sql(&and.clone().or(or.clone())),
            r#"("id" IS NULL AND "sku" IS NULL) OR "price" IS NULL OR "note" IS NULL"#
        );
        assert_eq!(sql(&or.clone().negate()), r#"NOT ("price" IS NULL OR "note" IS NULL)"#);
        assert_eq!(
            sql(&and.clone().negate().or(is_null(3))),
            r#"NOT ("id" IS NULL AND "sku" IS NULL) OR "note" IS NULL"#
        );
        // Trees that the constructors would have simplified.
        let nested = FilterTree::And(vec![and.clone(), FilterTree::Or(vec![or.clone()])]);
        assert_eq!(
            sql(&nested),
            r#""id" IS NULL AND "sku" IS NULL AND ("price" IS NULL OR "note" IS NULL)"#
        );
        let nested = FilterTree::Or(vec![FilterTree::And(vec![or]), FilterTree::Or(Vec::new())]);
        assert_eq!(sql(&nested), r#""price" IS NULL OR "note" IS NULL OR FALSE"#);
        assert_eq!(sql(&FilterTree::all()), "TRUE");
        assert_eq!(sql(&FilterTree::Or(Vec::new())), "FALSE");
    }

    #[test]
    fn many_conditions_are_grouped() {
        let many = |count: usize| FilterTree::Or((0..count).map(|_| is_null(0)).collect());
        let row = |count: usize| vec![r#""id" IS NULL"#; count].join(" OR ");
        assert_eq!(sql(&many(WIDTH)), row(WIDTH));
        let groups = vec![format!("({})", row(2)); 32].join(" OR ");
        assert_eq!(sql(&many(WIDTH + 1)), format!("{groups} OR ({})", row(1)));
    }
}
