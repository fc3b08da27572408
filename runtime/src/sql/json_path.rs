//! Tests of what lies at a path in a JSON column.
//!
//! On SQLite the path is looked up by functions of this project, since `json_extract` converts
//! what it finds and has no form for every name. On PostgreSQL the steps are operators, of which
//! each takes its name or place as a parameter; the value is found once for each row, and a type
//! that is not the one asked for gives NULL before anything is converted.

use storehouse_sql::Dialect;

use super::{parameter::Parameter, pattern::glob, pieces::Pieces};
use crate::json_path::{JsonPath, JsonTest, JsonType, PathSegment};

/// Writes the test, which may stand beside others without parentheses.
pub(super) fn write<'a>(
    column: usize,
    path: &'a JsonPath,
    test: &'a JsonTest,
    pieces: &mut impl Pieces<'a>,
) {
    match test {
        JsonTest::Exists if pieces.dialect() == Dialect::Sqlite => {
            call("storehouse_json_exists(", column, path, pieces);
        }
        JsonTest::Exists => {
            found(column, path, pieces);
            pieces.text(" IS NOT NULL");
        }
        JsonTest::IsNull if pieces.dialect() == Dialect::Sqlite => {
            call("storehouse_json_is_null(", column, path, pieces);
        }
        JsonTest::IsNull => {
            pieces.text("coalesce(");
            found(column, path, pieces);
            pieces.text(", 'null') = 'null'");
        }
        JsonTest::IsNullAs(read_as) => {
            read(*read_as, column, path, pieces);
            pieces.text(" IS NULL");
        }
        JsonTest::Compare { read_as, comparison, value } => {
            read(*read_as, column, path, pieces);
            pieces.text(" ");
            pieces.text(comparison.sql());
            pieces.text(" ");
            pieces.parameter(Parameter::Typed { column_type: read_as.column_type(), value });
        }
        JsonTest::InList { read_as, values } => {
            read(*read_as, column, path, pieces);
            pieces.parameter(Parameter::TypedList { column_type: read_as.column_type(), values });
        }
        JsonTest::Like { pattern } => {
            read(JsonType::Text, column, path, pieces);
            let (operator, pattern) = match pieces.dialect() {
                Dialect::Sqlite => (" GLOB ", glob(pattern).into()),
                _ => (" LIKE ", pattern.as_str().into()),
            };
            pieces.text(operator);
            pieces.parameter(Parameter::Text(pattern));
        }
        // No index serves a path, so a place is looked for and no range.
        JsonTest::StartsWith { prefix } => place_of(prefix, column, path, ") = 1", pieces),
        JsonTest::Contains { part } => place_of(part, column, path, ") > 0", pieces),
    }
}

/// Where a text has a part, counted from 1.
fn place_of<'a>(
    part: &'a str,
    column: usize,
    path: &'a JsonPath,
    end: &'static str,
    pieces: &mut impl Pieces<'a>,
) {
    pieces.text(match pieces.dialect() {
        Dialect::Sqlite => "instr(",
        _ => "strpos(",
    });
    read(JsonType::Text, column, path, pieces);
    pieces.text(", ");
    pieces.parameter(Parameter::Text(part.into()));
    pieces.text(end);
}

/// The value as that type, or NULL.
fn read<'a>(read_as: JsonType, column: usize, path: &'a JsonPath, pieces: &mut impl Pieces<'a>) {
    if pieces.dialect() == Dialect::Sqlite {
        let function = match read_as {
            JsonType::Integer => "storehouse_json_integer(",
            JsonType::Number => "storehouse_json_number(",
            JsonType::Text => "storehouse_json_text(",
            JsonType::Bool => "storehouse_json_boolean(",
        };
        return call(function, column, path, pieces);
    }
    // A cast inside of CASE is done only where the condition holds.
    pieces.text(match read_as {
        JsonType::Integer => {
            "(SELECT CASE WHEN jsonb_typeof(j) = 'number' THEN \
             CASE WHEN CAST(j AS numeric) BETWEEN -9223372036854775808 AND 9223372036854775807 \
             AND CAST(j AS numeric) = trunc(CAST(j AS numeric)) \
             THEN CAST(CAST(j AS numeric) AS bigint) END END FROM (SELECT "
        }
        JsonType::Number => {
            "(SELECT CASE WHEN jsonb_typeof(j) = 'number' THEN \
             CASE WHEN abs(CAST(j AS numeric)) <= 1.7976931348623157e308 \
             AND (CAST(j AS numeric) = 0 OR abs(CAST(j AS numeric)) >= 5e-324) \
             THEN CAST(CAST(j AS numeric) AS double precision) END END FROM (SELECT "
        }
        JsonType::Text => {
            "(SELECT CASE WHEN jsonb_typeof(j) = 'string' THEN j #>> '{}' END FROM (SELECT "
        }
        JsonType::Bool => {
            "(SELECT CASE WHEN jsonb_typeof(j) = 'boolean' THEN CAST(j AS boolean) END \
             FROM (SELECT "
        }
    });
    found(column, path, pieces);
    // Without OFFSET the planner writes what finds the value in each place of `j`.
    pieces.text(" AS j OFFSET 0) AS found)");
    if read_as == JsonType::Text {
        pieces.text(" COLLATE \"C\"");
    }
}

/// PostgreSQL's JSON value, or NULL.
fn found<'a>(column: usize, path: &'a JsonPath, pieces: &mut impl Pieces<'a>) {
    pieces.text("(");
    steps(column, path.segments(), pieces);
    pieces.text(")");
}

fn steps<'a>(column: usize, segments: &'a [PathSegment], pieces: &mut impl Pieces<'a>) {
    match segments.split_last() {
        None => pieces.column(column),
        Some((PathSegment::Key(name), before)) => {
            steps(column, before, pieces);
            pieces.text(" -> ");
            pieces.parameter(Parameter::Text(name.as_str().into()));
        }
        Some((PathSegment::Index(place), before)) => {
            // PostgreSQL takes a string or a number for an array of one element.
            pieces.text("(SELECT a -> CAST(");
            // No array has as many elements as would not fit.
            let place = i32::try_from(*place).unwrap_or(i32::MAX);
            pieces.parameter(Parameter::Integer(place.into()));
            pieces.text(" AS integer) FROM (SELECT ");
            steps(column, before, pieces);
            pieces.text(" AS a OFFSET 0) AS items WHERE jsonb_typeof(a) = 'array')");
        }
    }
}

fn call<'a>(
    function: &'static str,
    column: usize,
    path: &'a JsonPath,
    pieces: &mut impl Pieces<'a>,
) {
    pieces.text(function);
    pieces.column(column);
    pieces.text(", ");
    pieces.parameter(Parameter::Text(path.encode().into()));
    pieces.text(")");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        filter::{Comparison, FilterTree},
        sql::Command,
        storage::Statement,
        test_table,
        value::Value,
    };

    fn statement(dialect: Dialect, test: JsonTest, path: &str) -> Statement {
        let filter = FilterTree::Json { column: 3, path: path.into(), test };
        Command::Count(&filter).statement(dialect, &test_table::definition())
    }

    #[test]
    fn names_and_places_are_parameters() {
        let hostile = r#"["it's \" -- "][7]"#;
        let sqlite = statement(Dialect::Sqlite, JsonTest::Exists, hostile);
        assert_eq!(
            sqlite.sql,
            r#"SELECT count(*) FROM "products" WHERE storehouse_json_exists("note", ?)"#
        );
        assert_eq!(sqlite.parameters, [Value::Text(r#"["it's \" -- ",7]"#.into())]);
        let postgres = statement(Dialect::Postgres, JsonTest::Exists, hostile);
        assert_eq!(
            postgres.sql,
            "SELECT count(*) FROM \"products\" WHERE ((SELECT a -> CAST($1 AS integer) FROM \
             (SELECT \"note\" -> $2 AS a OFFSET 0) AS items WHERE jsonb_typeof(a) = 'array')) \
             IS NOT NULL"
        );
        assert_eq!(postgres.parameters, [Value::Int(7), Value::Text(r#"it's " -- "#.into())]);
    }

    #[test]
    fn a_value_is_read_as_a_type_and_compared() {
        let compare = JsonTest::Compare {
            read_as: JsonType::Integer,
            comparison: Comparison::Greater,
            value: Value::Int(3),
        };
        let sqlite = statement(Dialect::Sqlite, compare.clone(), "a");
        assert!(sqlite.sql.ends_with(r#"storehouse_json_integer("note", ?) > ?"#));
        let postgres = statement(Dialect::Postgres, compare, "a");
        assert!(
            postgres.sql.ends_with(r#"FROM (SELECT ("note" -> $1) AS j OFFSET 0) AS found) > $2"#)
        );
        let prefix = JsonTest::StartsWith { prefix: "x".into() };
        let postgres = statement(Dialect::Postgres, prefix, "a");
        assert!(postgres.sql.ends_with(r#" AS found) COLLATE "C", $2) = 1"#), "{}", postgres.sql);
    }
}
