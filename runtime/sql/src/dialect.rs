//! What differs between the SQL engines in the text this crate writes.

use std::fmt::Write as _;

/// An SQL engine's way of writing names and parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite: parameters are `?`, and a schema becomes a prefix of the table's name, because
    /// SQLite has none.
    Sqlite,
    /// PostgreSQL: parameters are `$1`, `$2` and so on, and a list is bound as one array.
    Postgres,
}

impl Dialect {
    /// Appends `name` as a quoted identifier; a quote inside the name is doubled.
    ///
    /// ```
    /// let mut sql = String::new();
    /// storehouse_sql::Dialect::Sqlite.push_identifier(&mut sql, "or\"der");
    /// assert_eq!(sql, r#""or""der""#);
    /// ```
    pub fn push_identifier(self, sql: &mut String, name: &str) {
        sql.push('"');
        for character in name.chars() {
            if character == '"' {
                sql.push('"');
            }
            sql.push(character);
        }
        sql.push('"');
    }

    /// Appends the placeholder of parameter number `position`, counted from 1.
    pub fn push_placeholder(self, sql: &mut String, position: usize) {
        match self {
            Self::Sqlite => sql.push('?'),
            Self::Postgres => {
                let _ = write!(sql, "${position}");
            }
        }
    }

    /// Appends a placeholder that names parameter number `position`, counted from 1: for
    /// statements that do not take their parameters in order.
    pub fn push_numbered(self, sql: &mut String, position: usize) {
        let _ = match self {
            Self::Sqlite => write!(sql, "?{position}"),
            Self::Postgres => write!(sql, "${position}"),
        };
    }

    /// Appends the table's full name.
    ///
    /// SQLite has no schemas of its own, so `shop` and `products` give `"shop.products"`: one
    /// table, whose name cannot clash with that of a table without a schema. PostgreSQL gets
    /// `"shop"."products"`.
    pub fn push_table(self, sql: &mut String, schema: Option<&str>, table: &str) {
        match (self, schema) {
            (Self::Sqlite, Some(schema)) => {
                let mut name = String::with_capacity(schema.len() + table.len() + 1);
                let _ = write!(name, "{schema}.{table}");
                self.push_identifier(sql, &name);
            }
            (Self::Postgres, Some(schema)) => {
                self.push_identifier(sql, schema);
                sql.push('.');
                self.push_identifier(sql, table);
            }
            (_, None) => self.push_identifier(sql, table),
        }
    }
}
