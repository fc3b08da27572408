//! The statements themselves, written from the names of a table.

use std::borrow::Cow;

use crate::Dialect;

/// The names that a table's statements are made of.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// The schema that the table lives in, if it names one.
    pub schema: Option<&'a str>,
    /// The table's name.
    pub table: &'a str,
    /// Every column, in the order in which rows are encoded and decoded.
    pub columns: &'a [&'a str],
    /// Positions in `columns` of the primary key's columns.
    pub key: &'a [usize],
}

/// The statements of one table in one dialect.
///
/// Parameters are bound in column order, or in key order where only a key is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrudSql {
    /// Every column of every row: the head of each query.
    pub select: Cow<'static, str>,
    /// One row by its key.
    pub get: Cow<'static, str>,
    /// A new row; fails when the key or a unique column is taken.
    pub insert: Cow<'static, str>,
    /// A new row, or a new content for the row with that key.
    pub put: Cow<'static, str>,
    /// A new row, or nothing when the key or a unique column is taken.
    pub insert_if_absent: Cow<'static, str>,
    /// Removes one row by its key.
    pub delete: Cow<'static, str>,
    /// Removes every row.
    pub delete_all: Cow<'static, str>,
    /// Counts every row.
    pub size: Cow<'static, str>,
}

impl Shape<'_> {
    /// Writes every statement of the table.
    pub fn crud(&self, dialect: Dialect) -> CrudSql {
        let table = self.table_name(dialect);
        let mut columns = String::new();
        self.push_columns(dialect, &mut columns);
        let select = format!("SELECT {columns} FROM {table}");
        let mut by_key = String::from(" WHERE ");
        for (position, &column) in self.key.iter().enumerate() {
            if position > 0 {
                by_key.push_str(" AND ");
            }
            dialect.push_identifier(&mut by_key, self.columns[column]);
            by_key.push_str(" = ");
            dialect.push_placeholder(&mut by_key, position + 1);
        }
        let insert = self.insert_rows(dialect, 1);
        CrudSql {
            get: format!("{select}{by_key}").into(),
            put: format!("{insert}{}", self.put_tail(dialect)).into(),
            insert_if_absent: format!("{insert}{}", Self::if_absent_tail()).into(),
            insert: insert.into(),
            delete: format!("DELETE FROM {table}{by_key}").into(),
            delete_all: format!("DELETE FROM {table}").into(),
            size: format!("SELECT count(*) FROM {table}").into(),
            select: select.into(),
        }
    }

    /// The quoted name of the table.
    pub fn table_name(&self, dialect: Dialect) -> String {
        let mut name = String::new();
        dialect.push_table(&mut name, self.schema, self.table);
        name
    }

    /// `INSERT INTO ..` with the names of every column, up to where the rows follow.
    pub fn insert_into(&self, dialect: Dialect) -> String {
        let mut sql = format!("INSERT INTO {}", self.table_name(dialect));
        if self.schema.is_none() && self.table.eq_ignore_ascii_case("excluded") {
            // In a put, `excluded` shall mean the new row, not the table of that name.
            sql.push_str(r#" AS "stored""#);
        }
        sql.push_str(" (");
        self.push_columns(dialect, &mut sql);
        sql.push(')');
        sql
    }

    /// `INSERT INTO .. VALUES` with places for `rows` rows of every column.
    pub fn insert_rows(&self, dialect: Dialect, rows: usize) -> String {
        let mut sql = self.insert_into(dialect);
        sql.push_str(" VALUES ");
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..self.columns.len() {
                if column > 0 {
                    sql.push_str(", ");
                }
                dialect.push_placeholder(&mut sql, row * self.columns.len() + column + 1);
            }
            sql.push(')');
        }
        sql
    }

    /// What turns an insert into a put: replace the content of the row that has the key.
    ///
    /// Only a clash on the key is resolved; a clash on another unique column stays an error, so
    /// that a put never removes another row.
    pub fn put_tail(&self, dialect: Dialect) -> String {
        let mut sql = String::from(" ON CONFLICT (");
        for (position, &column) in self.key.iter().enumerate() {
            if position > 0 {
                sql.push_str(", ");
            }
            dialect.push_identifier(&mut sql, self.columns[column]);
        }
        let content = (0..self.columns.len()).filter(|column| !self.key.contains(column));
        let mut tail = ") DO UPDATE SET ";
        for column in content {
            sql.push_str(tail);
            dialect.push_identifier(&mut sql, self.columns[column]);
            sql.push_str(" = excluded.");
            dialect.push_identifier(&mut sql, self.columns[column]);
            tail = ", ";
        }
        if tail != ", " {
            // A table of nothing but its key: the row that is there already is the row.
            sql.push_str(") DO NOTHING");
        }
        sql
    }

    /// What makes an insert leave alone whatever is in its way.
    pub const fn if_absent_tail() -> &'static str {
        " ON CONFLICT DO NOTHING"
    }

    fn push_columns(&self, dialect: Dialect, sql: &mut String) {
        for (position, column) in self.columns.iter().enumerate() {
            if position > 0 {
                sql.push_str(", ");
            }
            dialect.push_identifier(sql, column);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape<'static> = Shape {
        schema: Some("shop"),
        table: "lines",
        columns: &["order", "line", "sku"],
        key: &[0, 1],
    };

    #[test]
    fn every_statement_of_a_table_with_a_compound_key() {
        let sql = SHAPE.crud(Dialect::Sqlite);
        assert_eq!(sql.select, r#"SELECT "order", "line", "sku" FROM "shop.lines""#);
        assert_eq!(
            sql.get,
            r#"SELECT "order", "line", "sku" FROM "shop.lines" WHERE "order" = ? AND "line" = ?"#
        );
        assert_eq!(
            sql.insert,
            r#"INSERT INTO "shop.lines" ("order", "line", "sku") VALUES (?, ?, ?)"#
        );
        assert_eq!(
            sql.put,
            r#"INSERT INTO "shop.lines" ("order", "line", "sku") VALUES (?, ?, ?) ON CONFLICT ("order", "line") DO UPDATE SET "sku" = excluded."sku""#
        );
        assert!(sql.insert_if_absent.ends_with(" VALUES (?, ?, ?) ON CONFLICT DO NOTHING"));
        assert_eq!(sql.delete, r#"DELETE FROM "shop.lines" WHERE "order" = ? AND "line" = ?"#);
        assert_eq!(sql.delete_all, r#"DELETE FROM "shop.lines""#);
        assert_eq!(sql.size, r#"SELECT count(*) FROM "shop.lines""#);
    }

    #[test]
    fn a_table_of_keys_only_can_be_put_twice() {
        let shape = Shape { columns: &["order", "line"], ..SHAPE };
        assert!(shape.put_tail(Dialect::Sqlite).ends_with(") DO NOTHING"));
    }

    #[test]
    fn a_table_may_be_called_excluded() {
        let shape = Shape { schema: None, table: "Excluded", columns: &["a"], key: &[0] };
        assert_eq!(
            shape.insert_rows(Dialect::Sqlite, 1),
            r#"INSERT INTO "Excluded" AS "stored" ("a") VALUES (?)"#
        );
        let other = Shape { schema: Some("s"), ..shape };
        assert_eq!(
            other.insert_rows(Dialect::Sqlite, 1),
            r#"INSERT INTO "s.Excluded" ("a") VALUES (?)"#
        );
    }

    #[test]
    fn two_content_columns_are_separated() {
        let shape = Shape { key: &[0], ..SHAPE };
        assert_eq!(
            shape.put_tail(Dialect::Sqlite),
            r#" ON CONFLICT ("order") DO UPDATE SET "line" = excluded."line", "sku" = excluded."sku""#
        );
    }

    #[test]
    fn many_rows_in_one_statement() {
        let shape = Shape { schema: None, columns: &["a", "b"], key: &[0], table: "t" };
        assert_eq!(
            shape.insert_rows(Dialect::Sqlite, 2),
            r#"INSERT INTO "t" ("a", "b") VALUES (?, ?), (?, ?)"#
        );
    }
}
