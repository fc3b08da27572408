//! The statements that are put together at run time.

use storehouse_sql::Dialect;

use super::{
    aggregate, assign,
    filter::{self, Place},
    keyset,
    parameter::Parameter,
    pieces::{Pieces, Portable, Text},
};
use crate::{
    aggregate::Aggregation,
    definition::TableDef,
    filter::FilterTree,
    order::Direction,
    patch::Assignment,
    selection::Selection,
    storage::Statement,
    value::{EncodedKey, EncodedRow, Value},
};

/// What a statement is to do; it borrows the values that will be bound.
#[derive(Clone, Copy, Debug)]
pub enum Command<'a> {
    /// Reads the selected rows, in order: the columns that are asked for.
    Select(&'a Selection),
    /// Groups rows, and finds out about each group what is asked for.
    Aggregate(&'a Aggregation),
    /// Counts the rows that match.
    Count(&'a FilterTree),
    /// Deletes the rows that match.
    Delete(&'a FilterTree),
    /// Deletes the row with that key, if it matches.
    DeleteOne {
        /// The key's values, in key order.
        key: &'a EncodedKey,
        /// What the row has to match.
        condition: &'a FilterTree,
    },
    /// Changes columns of the row with that key, if it matches, and returns every column of it.
    Update {
        /// The key's values, in key order.
        key: &'a EncodedKey,
        /// What the row has to match.
        condition: &'a FilterTree,
        /// What becomes of its columns; at least one.
        assignments: &'a [Assignment],
    },
    /// Inserts a row, or changes columns of the one that has its values in the `unique` columns,
    /// and returns every column of it. What is NULL in the key is left to the database.
    Upsert {
        /// The row to insert.
        row: &'a EncodedRow,
        /// The columns of the key or of a unique index.
        unique: &'a [usize],
        /// What becomes of the columns of a row that is there.
        assignments: &'a [Assignment],
    },
    /// Changes columns of the rows that match.
    UpdateWhere {
        /// Which rows.
        filter: &'a FilterTree,
        /// What becomes of their columns; at least one.
        assignments: &'a [Assignment],
    },
}

impl<'a> Command<'a> {
    /// The statement as a person can run it, with every value in its place.
    ///
    /// It differs from what a [`StatementCache`](super::StatementCache) gives in one thing: the
    /// values of a list each have a placeholder.
    ///
    /// ```
    /// use storehouse_runtime::{FilterTree, TableDef, sql::Command};
    /// use storehouse_sql::Dialect;
    ///
    /// # fn show(products: &TableDef) {
    /// let filter = FilterTree::IsNull { column: 2 };
    /// let statement = Command::Count(&filter).statement(Dialect::Sqlite, products);
    /// assert_eq!(statement.sql, r#"SELECT count(*) FROM "products" WHERE "retired_at" IS NULL"#);
    /// # }
    /// ```
    pub fn statement(self, dialect: Dialect, definition: &TableDef) -> Statement {
        let mut portable = Portable::new(dialect, definition);
        self.walk(definition, &mut portable);
        portable.into_statement()
    }

    /// The text that is prepared.
    pub(super) fn sql(self, dialect: Dialect, definition: &TableDef) -> String {
        let mut text = Text::new(dialect, definition);
        self.walk(definition, &mut text);
        text.into_sql()
    }

    /// Gives off the statement, piece by piece.
    pub(super) fn walk(self, definition: &TableDef, pieces: &mut impl Pieces<'a>) {
        match self {
            Self::Select(selection) => select(definition, selection, pieces),
            Self::Aggregate(aggregation) => aggregate::write(definition, aggregation, pieces),
            Self::Count(matching) => {
                pieces.text("SELECT count(*) FROM ");
                pieces.table();
                write_where(matching, pieces);
            }
            Self::Delete(matching) => {
                pieces.text("DELETE FROM ");
                pieces.table();
                write_where(matching, pieces);
            }
            Self::DeleteOne { key, condition } => {
                pieces.text("DELETE FROM ");
                pieces.table();
                write_where_one(definition, key, condition, pieces);
            }
            Self::Update { key, condition, assignments } => {
                pieces.text("UPDATE ");
                pieces.table();
                pieces.text(" SET ");
                assign::write(definition, assignments, "", pieces);
                write_where_one(definition, key, condition, pieces);
                pieces.text(" RETURNING ");
                every_column(definition, pieces);
            }
            Self::Upsert { row, unique, assignments } => {
                upsert(definition, row, unique, assignments, pieces);
            }
            Self::UpdateWhere { filter, assignments } => {
                pieces.text("UPDATE ");
                pieces.table();
                pieces.text(" SET ");
                assign::write(definition, assignments, "", pieces);
                write_where(filter, pieces);
            }
        }
    }
}

fn select<'a>(definition: &TableDef, selection: &'a Selection, pieces: &mut impl Pieces<'a>) {
    pieces.text("SELECT ");
    match &selection.columns {
        Some(some) => columns(some.iter().copied(), pieces),
        None => every_column(definition, pieces),
    }
    pieces.text(" FROM ");
    pieces.table();
    write_where(&selection.filter, pieces);
    if let Some(after) = &selection.after {
        pieces.text(if selection.filter.is_all() { " WHERE " } else { " AND " });
        keyset::write(definition, &selection.order, after, pieces);
    }
    for (position, term) in selection.order.iter().enumerate() {
        pieces.text(if position == 0 { " ORDER BY " } else { ", " });
        pieces.column(term.column);
        direction(term.direction, definition.columns[term.column].nullable, pieces);
    }
    part(selection.limit, selection.offset, pieces);
    if let Some(lock) = selection.lock
        && pieces.dialect() == Dialect::Postgres
    {
        // A transaction of SQLite that writes has the whole database to itself.
        pieces.text(lock.sql());
    }
}

/// Which end of the term before comes first, and where NULL stands.
pub(super) fn direction<'a>(direction: Direction, nullable: bool, pieces: &mut impl Pieces<'a>) {
    pieces.text(" ");
    pieces.text(direction.sql());
    if pieces.dialect() == Dialect::Postgres && nullable {
        // PostgreSQL takes NULL for the greatest value; here it is the smallest.
        pieces.text(match direction {
            Direction::Ascending => " NULLS FIRST",
            Direction::Descending => " NULLS LAST",
        });
    }
}

/// Which part of the rows.
pub(super) fn part<'a>(limit: Option<u64>, offset: u64, pieces: &mut impl Pieces<'a>) {
    match (limit, offset) {
        (None, 0) => {}
        (Some(limit), _) => {
            pieces.text(" LIMIT ");
            pieces.parameter(number(limit));
        }
        // SQLite has no offset without a limit; a negative one is none.
        (None, _) if pieces.dialect() == Dialect::Sqlite => pieces.text(" LIMIT -1"),
        (None, _) => {}
    }
    if offset > 0 {
        pieces.text(" OFFSET ");
        pieces.parameter(number(offset));
    }
}

/// The condition that a row has the key, and matches.
fn write_where_one<'a>(
    definition: &TableDef,
    key: &'a EncodedKey,
    condition: &'a FilterTree,
    pieces: &mut impl Pieces<'a>,
) {
    for (position, (&column, value)) in definition.key.iter().zip(key.values()).enumerate() {
        pieces.text(if position == 0 { " WHERE " } else { " AND " });
        equals(column, value, pieces);
    }
    if !condition.is_all() {
        pieces.text(" AND ");
        filter::write(condition, Place::And, pieces);
    }
}

fn upsert<'a>(
    definition: &TableDef,
    row: &'a EncodedRow,
    unique: &[usize],
    assignments: &'a [Assignment],
    pieces: &mut impl Pieces<'a>,
) {
    // By this name the row that is there can be told from the new one.
    const STORED: &str = r#""stored"."#;
    let is_given =
        |(column, value): &(usize, &Value)| !(definition.key.contains(column) && value.is_null());
    let given = || row.0.iter().enumerate().filter(is_given);
    pieces.text("INSERT INTO ");
    pieces.table();
    pieces.text(r#" AS "stored" ("#);
    columns(given().map(|(column, _)| column), pieces);
    if given().next().is_none() {
        // A table of nothing but its generated key: a list of columns is never empty.
        columns(definition.key.iter().copied(), pieces);
    }
    pieces.text(") VALUES (");
    if given().next().is_none() {
        let is_postgres = pieces.dialect() == Dialect::Postgres;
        pieces.text(if is_postgres { "DEFAULT" } else { "NULL" });
    }
    for (position, (column, value)) in given().enumerate() {
        pieces.text(if position > 0 { ", " } else { "" });
        pieces.parameter(Parameter::Value { column, value });
    }
    pieces.text(") ON CONFLICT (");
    columns(unique.iter().copied(), pieces);
    pieces.text(") DO UPDATE SET ");
    if let (true, Some(&column)) = (assignments.is_empty(), unique.first()) {
        // With nothing to change, the row would not be returned.
        pieces.column(column);
        pieces.text(" = ");
        pieces.text(STORED);
        pieces.column(column);
    }
    assign::write(definition, assignments, STORED, pieces);
    pieces.text(" RETURNING ");
    every_column(definition, pieces);
}

/// The condition, unless every row matches. It may be followed by ` AND ` and more.
pub(super) fn write_where<'a>(matching: &'a FilterTree, pieces: &mut impl Pieces<'a>) {
    if !matching.is_all() {
        pieces.text(" WHERE ");
        filter::write(matching, Place::And, pieces);
    }
}

fn every_column<'a>(definition: &TableDef, pieces: &mut impl Pieces<'a>) {
    columns(0..definition.columns.len(), pieces);
}

fn columns<'a>(columns: impl Iterator<Item = usize>, pieces: &mut impl Pieces<'a>) {
    for (position, column) in columns.enumerate() {
        pieces.text(if position > 0 { ", " } else { "" });
        pieces.column(column);
    }
}

fn equals<'a>(column: usize, value: &'a Value, pieces: &mut impl Pieces<'a>) {
    pieces.column(column);
    pieces.text(" = ");
    pieces.parameter(Parameter::Value { column, value });
}

/// A count of rows; no table has more than SQL can express.
fn number<'a>(count: u64) -> Parameter<'a> {
    Parameter::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        order::{Direction, OrderTerm},
        row_lock::RowLock,
        test_table,
    };

    const COLUMNS: &str = r#""id", "sku", "price", "note""#;

    fn statement(command: Command<'_>) -> Statement {
        command.statement(Dialect::Sqlite, &test_table::definition())
    }

    fn selection() -> Selection {
        Selection {
            filter: FilterTree::all(),
            order: Vec::new(),
            after: None,
            limit: None,
            offset: 0,
            lock: None,
            columns: None,
        }
    }

    fn order(columns: &[usize]) -> Vec<OrderTerm> {
        let direction = Direction::Ascending;
        columns.iter().map(|&column| OrderTerm { column, direction }).collect()
    }

    fn is_null(column: usize) -> FilterTree {
        FilterTree::IsNull { column }
    }

    #[test]
    fn an_upsert_into_a_table_of_nothing_but_a_generated_key() {
        let mut definition = TableDef::clone(&test_table::definition());
        definition.columns.to_mut().truncate(1);
        definition.indexes = Vec::new().into();
        let row = EncodedRow(vec![Value::Null]);
        let upsert = Command::Upsert { row: &row, unique: &[0], assignments: &[] };
        for (dialect, value) in [(Dialect::Postgres, "DEFAULT"), (Dialect::Sqlite, "NULL")] {
            assert_eq!(
                upsert.statement(dialect, &definition).sql,
                format!(
                    r#"INSERT INTO "products" AS "stored" ("id") VALUES ({value}) ON CONFLICT ("id") DO UPDATE SET "id" = "stored"."id" RETURNING "id""#
                )
            );
        }
    }

    #[test]
    fn a_query_of_everything() {
        let statement = statement(Command::Select(&selection()));
        assert_eq!(statement.sql, format!(r#"SELECT {COLUMNS} FROM "products""#));
        assert_eq!(statement.parameters, []);
    }

    #[test]
    fn a_query_with_all_its_parts() {
        let mut order = order(&[2, 0]);
        order[0].direction = Direction::Descending;
        order[1].direction = Direction::Descending;
        let selection = Selection {
            filter: is_null(1).or(is_null(3)),
            order,
            after: Some(vec![Value::Float(0.5), Value::Int(7)]),
            limit: Some(10),
            offset: 20,
            lock: Some(RowLock::for_update().skip_locked()),
            columns: None,
        };
        let statement = statement(Command::Select(&selection));
        assert_eq!(
            statement.sql,
            format!(
                r#"SELECT {COLUMNS} FROM "products" WHERE ("sku" IS NULL OR "note" IS NULL) AND ("price", "id") < (?, ?) ORDER BY "price" DESC, "id" DESC LIMIT ? OFFSET ?"#
            )
        );
        let expected = [Value::Float(0.5), Value::Int(7), Value::Int(10), Value::Int(20)];
        assert_eq!(statement.parameters, expected);
        let definition = test_table::definition();
        let postgres = Command::Select(&selection).statement(Dialect::Postgres, &definition);
        assert!(postgres.sql.ends_with(" LIMIT $3 OFFSET $4 FOR UPDATE SKIP LOCKED"));
    }

    #[test]
    fn conditions_stand_after_where_and_are_joined_by_and() {
        let head = format!(r#"SELECT {COLUMNS} FROM "products""#);
        let filter = is_null(1).and(is_null(3));
        let filtered = Selection { filter, order: order(&[0]), ..selection() };
        let sql = statement(Command::Select(&filtered)).sql;
        assert_eq!(
            sql,
            format!(r#"{head} WHERE "sku" IS NULL AND "note" IS NULL ORDER BY "id" ASC"#)
        );
        let after = Some(vec![Value::Int(1)]);
        let continued = Selection { order: order(&[0]), after, ..selection() };
        let sql = statement(Command::Select(&continued)).sql;
        assert_eq!(sql, format!(r#"{head} WHERE "id" > ? ORDER BY "id" ASC"#));
    }

    #[test]
    fn limits_and_offsets() {
        let head = format!(r#"SELECT {COLUMNS} FROM "products""#);
        let limit = Selection { limit: Some(0), ..selection() };
        let limit = statement(Command::Select(&limit));
        assert_eq!(limit.sql, format!("{head} LIMIT ?"));
        assert_eq!(limit.parameters, [Value::Int(0)]);
        let offset = Selection { offset: u64::MAX, ..selection() };
        let offset = statement(Command::Select(&offset));
        assert_eq!(offset.sql, format!("{head} LIMIT -1 OFFSET ?"));
        assert_eq!(offset.parameters, [Value::Int(i64::MAX)]);
    }

    #[test]
    fn counts_and_deletions() {
        assert_eq!(
            statement(Command::Count(&FilterTree::all())).sql,
            r#"SELECT count(*) FROM "products""#
        );
        assert_eq!(
            statement(Command::Count(&is_null(3))).sql,
            r#"SELECT count(*) FROM "products" WHERE "note" IS NULL"#
        );
        assert_eq!(
            statement(Command::Delete(&is_null(3).or(is_null(1)))).sql,
            r#"DELETE FROM "products" WHERE ("note" IS NULL OR "sku" IS NULL)"#
        );
        let nothing = FilterTree::all().negate();
        assert_eq!(
            statement(Command::Delete(&nothing)).sql,
            r#"DELETE FROM "products" WHERE FALSE"#
        );
    }

    #[test]
    fn an_update_returns_the_whole_row() {
        let assignments =
            [Assignment::set(3, Value::Null), Assignment::set(1, Value::Text("A1".into()))];
        let key = EncodedKey::single(Value::Int(7));
        let all = FilterTree::all();
        let update = Command::Update { key: &key, condition: &all, assignments: &assignments };
        let one_key = statement(update);
        assert_eq!(
            one_key.sql,
            format!(
                r#"UPDATE "products" SET "note" = ?, "sku" = ? WHERE "id" = ? RETURNING {COLUMNS}"#
            )
        );
        let expected = [Value::Null, Value::Text("A1".into()), Value::Int(7)];
        assert_eq!(one_key.parameters, expected);

        let mut compound = TableDef::clone(&test_table::definition());
        compound.schema = Some("shop".into());
        compound.key = vec![1, 0].into();
        let key = EncodedKey::from(vec![Value::Text("A1".into()), Value::Int(7)]);
        let condition = is_null(3).or(is_null(2));
        let assignments = &assignments[..1];
        let update = Command::Update { key: &key, condition: &condition, assignments };
        assert_eq!(
            update.statement(Dialect::Sqlite, &compound).sql,
            format!(
                r#"UPDATE "shop.products" SET "note" = ? WHERE "sku" = ? AND "id" = ? AND ("note" IS NULL OR "price" IS NULL) RETURNING {COLUMNS}"#
            )
        );
        let delete = Command::DeleteOne { key: &key, condition: &is_null(3) };
        assert_eq!(
            delete.statement(Dialect::Sqlite, &compound).sql,
            r#"DELETE FROM "shop.products" WHERE "sku" = ? AND "id" = ? AND "note" IS NULL"#
        );
    }
}
