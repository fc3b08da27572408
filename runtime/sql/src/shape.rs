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
    /// Columns that a put treats in a way of their own.
    pub managed: ManagedShape,
}

/// Which columns a put does not simply take from the row that is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ManagedShape {
    /// Keeps what is stored.
    pub created_at: Option<usize>,
    /// Counts the writes of the row.
    pub version: Option<usize>,
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
    /// A new row, or a new content for the row with that key. Where what is stored then may differ
    /// from what is given, it returns the managed columns.
    pub put: Cow<'static, str>,
    /// A new content for the row with that key and that version, where rows have one; like `put`
    /// it returns the managed columns. Its parameters are those of `put`, without the time at
    /// which the row was created.
    pub put_checked: Option<Cow<'static, str>>,
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
            put: format!("{insert}{}{}", self.put_tail(dialect), self.returning(dialect)).into(),
            put_checked: self.put_checked(dialect).map(Cow::Owned),
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
        if self.is_managed()
            || (self.schema.is_none() && self.table.eq_ignore_ascii_case("excluded"))
        {
            // In a put, `excluded` shall mean the new row, not the table of that name, and a
            // managed column has to say of which of the two rows it is.
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
        sql.push(')');
        if !self.push_contents(&mut sql, " DO UPDATE", dialect, |sql, column| {
            sql.push_str("excluded.");
            dialect.push_identifier(sql, self.columns[column]);
        }) {
            // A table of nothing but its key: the row that is there already is the row.
            sql.push_str(" DO NOTHING");
        }
        sql
    }

    /// What makes an insert leave alone whatever is in its way.
    pub const fn if_absent_tail() -> &'static str {
        " ON CONFLICT DO NOTHING"
    }

    /// `UPDATE .. SET` of every column outside the key, up to where the condition or the source of
    /// the values follows. `value` writes the new value of a column.
    fn update_contents(&self, dialect: Dialect, value: impl FnMut(&mut String, usize)) -> String {
        let mut sql = format!(r#"UPDATE {} AS "stored""#, self.table_name(dialect));
        self.push_contents(&mut sql, "", dialect, value);
        sql
    }

    /// The condition that the stored row has the key and the version that are given. `value`
    /// writes what is given for a column.
    fn push_is_read(
        &self,
        dialect: Dialect,
        sql: &mut String,
        mut value: impl FnMut(&mut String, usize),
    ) {
        for (position, &column) in self.key.iter().chain(&self.managed.version).enumerate() {
            sql.push_str(if position == 0 { " WHERE " } else { " AND " });
            self.push_stored(dialect, sql, column);
            sql.push_str(" = ");
            value(sql, column);
        }
    }

    /// What gives back the managed columns of a put whose row may differ from the one given; empty
    /// where it never does.
    pub fn returning(&self, dialect: Dialect) -> String {
        let mut sql = String::new();
        for (position, column) in self.returned().enumerate() {
            sql.push_str(if position == 0 { " RETURNING " } else { ", " });
            dialect.push_identifier(&mut sql, self.columns[column]);
        }
        sql
    }

    /// The columns that a put returns, in order.
    pub fn returned(&self) -> impl Iterator<Item = usize> + use<> {
        self.managed.created_at.into_iter().chain(self.managed.version)
    }

    /// Appends the stored value of a column, where the table is called `stored`.
    fn push_stored(&self, dialect: Dialect, sql: &mut String, column: usize) {
        sql.push_str(r#""stored"."#);
        dialect.push_identifier(sql, self.columns[column]);
    }

    /// A put of a row that was read: it replaces the row with its key and its version, or does
    /// nothing.
    fn put_checked(&self, dialect: Dialect) -> Option<String> {
        self.managed.version?;
        let mut placeholder = |sql: &mut String, column: usize| {
            let left_out = self.managed.created_at.is_some_and(|created_at| created_at < column);
            dialect.push_numbered(sql, column + 1 - usize::from(left_out));
        };
        let mut sql = self.update_contents(dialect, &mut placeholder);
        self.push_is_read(dialect, &mut sql, placeholder);
        sql.push_str(&self.returning(dialect));
        Some(sql)
    }

    const fn is_managed(&self) -> bool {
        self.managed.created_at.is_some() || self.managed.version.is_some()
    }

    /// Appends the new content of a row that is there, after `head` and ` SET`; `false` when there
    /// is none.
    fn push_contents(
        &self,
        sql: &mut String,
        head: &str,
        dialect: Dialect,
        mut value: impl FnMut(&mut String, usize),
    ) -> bool {
        let is_kept = |column: &usize| self.managed.created_at == Some(*column);
        let mut content: Vec<usize> = (0..self.columns.len())
            .filter(|column| !self.key.contains(column) && !is_kept(column))
            .collect();
        if content.is_empty() {
            // Nothing changes, but a row that is not written is not returned.
            content.extend(self.managed.created_at);
        }
        for (position, &column) in content.iter().enumerate() {
            if position == 0 {
                sql.push_str(head);
            }
            sql.push_str(if position == 0 { " SET " } else { ", " });
            dialect.push_identifier(sql, self.columns[column]);
            sql.push_str(" = ");
            if self.managed.version == Some(column) {
                self.push_stored(dialect, sql, column);
                sql.push_str(" + 1");
            } else if is_kept(&column) {
                self.push_stored(dialect, sql, column);
            } else {
                value(sql, column);
            }
        }
        !content.is_empty()
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
        managed: ManagedShape { created_at: None, version: None },
    };

    /// A table with each managed column that a put treats in a way of its own.
    const MANAGED: Shape<'static> = Shape {
        schema: None,
        table: "t",
        columns: &["id", "made", "name", "version"],
        key: &[0],
        managed: ManagedShape { created_at: Some(1), version: Some(3) },
    };

    #[test]
    fn a_put_keeps_when_a_row_was_created_and_counts_its_version() {
        let sql = MANAGED.crud(Dialect::Sqlite);
        assert_eq!(
            sql.put,
            r#"INSERT INTO "t" AS "stored" ("id", "made", "name", "version") VALUES (?, ?, ?, ?) ON CONFLICT ("id") DO UPDATE SET "name" = excluded."name", "version" = "stored"."version" + 1 RETURNING "made", "version""#
        );
        assert_eq!(
            sql.put_checked.as_deref(),
            Some(
                r#"UPDATE "t" AS "stored" SET "name" = ?2, "version" = "stored"."version" + 1 WHERE "stored"."id" = ?1 AND "stored"."version" = ?3 RETURNING "made", "version""#
            )
        );
        assert!(MANAGED.crud(Dialect::Postgres).put_checked.is_some_and(|sql| sql.contains("$3")));
    }

    #[test]
    fn a_put_of_nothing_but_the_time_of_creation_returns_it() {
        let managed = ManagedShape { version: None, ..MANAGED.managed };
        let shape = Shape { columns: &["id", "made"], managed, ..MANAGED };
        let sql = shape.crud(Dialect::Postgres);
        assert!(sql.put.ends_with(r#" DO UPDATE SET "made" = "stored"."made" RETURNING "made""#));
        assert_eq!(sql.put_checked, None);
    }

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
        let shape = Shape { schema: None, table: "Excluded", columns: &["a"], key: &[0], ..SHAPE };
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
        let shape = Shape { schema: None, columns: &["a", "b"], key: &[0], table: "t", ..SHAPE };
        assert_eq!(
            shape.insert_rows(Dialect::Sqlite, 2),
            r#"INSERT INTO "t" ("a", "b") VALUES (?, ?), (?, ?)"#
        );
    }
}
