//! Aggregations as SQL.
//!
//! What a database would do otherwise than the others is written so that it does the same:
//! PostgreSQL has no least truth value or UUID and adds `bigint` up to `numeric`; SQLite's own
//! `sum` fails or not depending on the order of rows, so its backend brings functions of its own.

use storehouse_sql::Dialect;

use super::{
    command::{direction, part, write_where},
    filter::{self, Place},
    parameter::Parameter,
    pieces::Pieces,
};
use crate::{
    aggregate::{AggregateOutput, AggregateTerm, Aggregation, is_integer},
    column_type::ColumnType,
    definition::TableDef,
    value::Value,
};

/// Writes the whole statement.
pub(super) fn write<'a>(
    definition: &TableDef,
    aggregation: &'a Aggregation,
    pieces: &mut impl Pieces<'a>,
) {
    let distinct = aggregation.aggregates.is_empty() && aggregation.having.is_all();
    pieces.text(if distinct { "SELECT DISTINCT " } else { "SELECT " });
    for (number, output) in aggregation.outputs().enumerate() {
        pieces.text(if number == 0 { "" } else { ", " });
        write_output(definition, output, pieces);
    }
    pieces.text(" FROM ");
    pieces.table();
    write_where(&aggregation.filter, pieces);
    if !distinct {
        for (number, &column) in aggregation.group_by.iter().enumerate() {
            pieces.text(if number == 0 { " GROUP BY " } else { ", " });
            pieces.column(column);
        }
    }
    if !aggregation.having.is_all() {
        pieces.text(" HAVING ");
        let mut outputs = Outputs { definition, aggregation, pieces };
        filter::write(&aggregation.having, Place::Alone, &mut outputs);
    }
    for (number, term) in aggregation.order.iter().enumerate() {
        pieces.text(if number == 0 { " ORDER BY " } else { ", " });
        let output = aggregation.output(term.column);
        write_output(definition, output, pieces);
        let nullable = match output {
            AggregateOutput::Group(column) => definition.columns[column].nullable,
            AggregateOutput::Aggregate(term) => term.is_nullable(),
        };
        direction(term.direction, nullable, pieces);
    }
    part(aggregation.limit, aggregation.offset, pieces);
}

fn write_output<'a>(definition: &TableDef, output: AggregateOutput, pieces: &mut impl Pieces<'a>) {
    match output {
        AggregateOutput::Group(column) => pieces.column(column),
        AggregateOutput::Aggregate(term) => write_term(definition, term, pieces),
    }
}

fn write_term<'a>(definition: &TableDef, term: AggregateTerm, pieces: &mut impl Pieces<'a>) {
    let is_postgres = pieces.dialect() == Dialect::Postgres;
    let mut around = |before: &'static str, column: usize, after: &'static str| {
        pieces.text(before);
        pieces.column(column);
        pieces.text(after);
    };
    match term {
        AggregateTerm::Rows => pieces.text("count(*)"),
        AggregateTerm::Count(column) => around("count(", column, ")"),
        AggregateTerm::CountDistinct(column) => around("count(DISTINCT ", column, ")"),
        AggregateTerm::Sum(column) if !is_postgres => around("storehouse_sum(", column, ")"),
        AggregateTerm::Average(column) if !is_postgres => around("storehouse_avg(", column, ")"),
        AggregateTerm::Sum(column) if is_integer(definition, column) => {
            around("sum(", column, ")::bigint");
        }
        AggregateTerm::Sum(column) if is_decimal(definition, column) => {
            around("sum(", column, ")");
        }
        AggregateTerm::Sum(column) => around("sum(", column, "::double precision)"),
        AggregateTerm::Average(column) => {
            if is_integer(definition, column) || is_decimal(definition, column) {
                around("(sum(", column, ")::double precision / count(");
            } else {
                around("(sum(", column, "::double precision) / count(");
            }
            pieces.column(column);
            pieces.text("))");
        }
        AggregateTerm::Minimum(column) => {
            let column_type = definition.columns[column].column_type;
            match column_type {
                ColumnType::Bool if is_postgres => around("bool_and(", column, ")"),
                ColumnType::Uuid if is_postgres => around(MIN_TEXT, column, UUID_OF_TEXT),
                ColumnType::Bytes if is_postgres => around(MIN_HEX, column, BYTES_OF_HEX),
                _ => around("min(", column, ")"),
            }
        }
        AggregateTerm::Maximum(column) => {
            let column_type = definition.columns[column].column_type;
            match column_type {
                ColumnType::Bool if is_postgres => around("bool_or(", column, ")"),
                ColumnType::Uuid if is_postgres => around(MAX_TEXT, column, UUID_OF_TEXT),
                ColumnType::Bytes if is_postgres => around(MAX_HEX, column, BYTES_OF_HEX),
                _ => around("max(", column, ")"),
            }
        }
    }
}

fn is_decimal(definition: &TableDef, column: usize) -> bool {
    definition.columns[column].column_type == ColumnType::Decimal
}

// The hexadecimal digits of bytes are in the order of the bytes.
const MIN_TEXT: &str = "min(";
const MAX_TEXT: &str = "max(";
const UUID_OF_TEXT: &str = r#"::text COLLATE "C")::uuid"#;
const MIN_HEX: &str = "decode(min(encode(";
const MAX_HEX: &str = "decode(max(encode(";
const BYTES_OF_HEX: &str = r#", 'hex') COLLATE "C"), 'hex')"#;

/// Takes columns for those of the answer.
struct Outputs<'p, 'a, P> {
    definition: &'p TableDef,
    aggregation: &'a Aggregation,
    pieces: &'p mut P,
}

impl<'a, P: Pieces<'a>> Pieces<'a> for Outputs<'_, 'a, P> {
    fn dialect(&self) -> Dialect {
        self.pieces.dialect()
    }

    fn text(&mut self, text: &'static str) {
        self.pieces.text(text);
    }

    fn table(&mut self) {
        self.pieces.table();
    }

    fn column(&mut self, number: usize) {
        write_output(self.definition, self.aggregation.output(number), self.pieces);
    }

    fn parameter(&mut self, parameter: Parameter<'a>) {
        let Parameter::Value { column: number, value } = parameter else {
            return self.pieces.parameter(parameter);
        };
        let parameter = match (self.aggregation.output(number), value) {
            (
                AggregateOutput::Group(column)
                | AggregateOutput::Aggregate(
                    AggregateTerm::Minimum(column) | AggregateTerm::Maximum(column),
                ),
                value,
            )
            | (AggregateOutput::Aggregate(AggregateTerm::Sum(column)), value @ Value::Decimal(_)) => {
                Parameter::Value { column, value }
            }
            (_, Value::Int(integer)) => Parameter::Integer(*integer),
            (_, Value::Float(number)) => Parameter::Float(*number),
            // Nothing else is compared with a count, a sum or an average.
            _ => parameter,
        };
        self.pieces.parameter(parameter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        filter::{Comparison, FilterTree},
        order::{Direction, OrderTerm},
        sql::Command,
        storage::Statement,
        test_table,
    };

    const ID: usize = 0;
    const SKU: usize = 1;
    const PRICE: usize = 2;
    /// The only column that can be NULL.
    const NOTE: usize = 3;

    fn aggregation(group_by: &[usize], aggregates: &[AggregateTerm]) -> Aggregation {
        Aggregation {
            filter: FilterTree::all(),
            group_by: group_by.to_vec(),
            aggregates: aggregates.to_vec(),
            having: FilterTree::all(),
            order: Vec::new(),
            limit: None,
            offset: 0,
        }
    }

    fn statement(dialect: Dialect, aggregation: &Aggregation) -> Statement {
        Command::Aggregate(aggregation).statement(dialect, &test_table::definition())
    }

    fn both(aggregation: &Aggregation) -> [String; 2] {
        [Dialect::Sqlite, Dialect::Postgres].map(|dialect| statement(dialect, aggregation).sql)
    }

    #[test]
    fn of_all_rows() {
        let all = [
            AggregateTerm::Rows,
            AggregateTerm::Count(NOTE),
            AggregateTerm::CountDistinct(NOTE),
            AggregateTerm::Sum(ID),
            AggregateTerm::Sum(PRICE),
            AggregateTerm::Average(ID),
            AggregateTerm::Average(PRICE),
            AggregateTerm::Minimum(SKU),
            AggregateTerm::Maximum(SKU),
        ];
        let [sqlite, postgres] = both(&aggregation(&[], &all));
        assert_eq!(
            sqlite,
            r#"SELECT count(*), count("note"), count(DISTINCT "note"), storehouse_sum("id"), storehouse_sum("price"), storehouse_avg("id"), storehouse_avg("price"), min("sku"), max("sku") FROM "products""#
        );
        assert_eq!(
            postgres,
            r#"SELECT count(*), count("note"), count(DISTINCT "note"), sum("id")::bigint, sum("price"::double precision), (sum("id")::double precision / count("id")), (sum("price"::double precision) / count("price")), min("sku"), max("sku") FROM "products""#
        );
    }

    #[test]
    fn of_groups_with_all_their_parts() {
        let mut groups =
            aggregation(&[NOTE], &[AggregateTerm::Rows, AggregateTerm::Maximum(PRICE)]);
        groups.filter = FilterTree::IsNull { column: SKU };
        let compare =
            |column, value| FilterTree::Compare { column, comparison: Comparison::Greater, value };
        groups.having = compare(1, Value::Int(3)).and(compare(2, Value::Float(0.5)).negate());
        groups.order = vec![
            OrderTerm { column: 1, direction: Direction::Descending },
            OrderTerm { column: 0, direction: Direction::Descending },
        ];
        groups.limit = Some(10);
        let sqlite = statement(Dialect::Sqlite, &groups);
        assert_eq!(
            sqlite.sql,
            r#"SELECT "note", count(*), max("price") FROM "products" WHERE "sku" IS NULL GROUP BY "note" HAVING count(*) > ? AND NOT (max("price") > ?) ORDER BY count(*) DESC, "note" DESC LIMIT ?"#
        );
        assert_eq!(sqlite.parameters, [Value::Int(3), Value::Float(0.5), Value::Int(10)]);
        let postgres = statement(Dialect::Postgres, &groups).sql;
        assert!(
            postgres.ends_with(r#" ORDER BY count(*) DESC, "note" DESC NULLS LAST LIMIT $3"#),
            "{postgres}"
        );
    }

    #[test]
    fn different_values() {
        let mut distinct = aggregation(&[SKU, NOTE], &[]);
        let [sqlite, _] = both(&distinct);
        assert_eq!(sqlite, r#"SELECT DISTINCT "sku", "note" FROM "products""#);
        // What is there more than once.
        distinct.aggregates = vec![AggregateTerm::Rows];
        let [sqlite, _] = both(&distinct);
        assert_eq!(
            sqlite,
            r#"SELECT "sku", "note", count(*) FROM "products" GROUP BY "sku", "note""#
        );
    }

    #[test]
    fn postgres_has_no_least_uuid_or_truth() {
        let mut definition = (*test_table::definition()).clone();
        definition.columns.to_mut()[NOTE].column_type = ColumnType::Uuid;
        definition.columns.to_mut()[SKU].column_type = ColumnType::Bool;
        definition.columns.to_mut()[PRICE].column_type = ColumnType::Bytes;
        let least = [NOTE, SKU, PRICE].map(AggregateTerm::Minimum);
        let aggregation = aggregation(&[], &least);
        let sql = Command::Aggregate(&aggregation).statement(Dialect::Postgres, &definition).sql;
        assert_eq!(
            sql,
            r#"SELECT min("note"::text COLLATE "C")::uuid, bool_and("sku"), decode(min(encode("price", 'hex') COLLATE "C"), 'hex') FROM "products""#
        );
    }
}
