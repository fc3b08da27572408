//! The table as it is in the database, and how it differs from its definition.

use std::collections::HashMap;

use rusqlite::{Connection, Result};
use storehouse_runtime::{ColumnDef, ColumnType, IndexDef, ReferenceDef, TableDef};

use super::{declared_type, leaves_out_nulls};

/// What SQLite tells about a table.
pub(crate) struct LiveTable {
    pub(crate) is_strict: bool,
    is_without_rowid: bool,
    pub(crate) columns: Vec<LiveColumn>,
    pub(crate) indexes: HashMap<String, LiveIndex>,
    references: Vec<LiveReference>,
}

pub(crate) struct LiveColumn {
    pub(crate) name: String,
    pub(crate) declared: String,
    is_not_null: bool,
    /// The place in the primary key, counted from 1; 0 outside of it.
    key_place: u32,
    pub(crate) is_autoincrement: bool,
    pub(crate) collation: String,
}

pub(crate) struct LiveIndex {
    /// `None` for an expression.
    pub(crate) columns: Vec<Option<String>>,
    pub(crate) is_unique: bool,
    pub(crate) is_partial: bool,
    /// Whether it belongs to the primary key.
    pub(crate) is_key: bool,
}

/// A foreign key of one column.
struct LiveReference {
    column: String,
    table: String,
    /// `None` for the key.
    referenced: Option<String>,
    on_update: String,
    on_delete: String,
}

impl LiveTable {
    pub(crate) fn read(connection: &Connection, name: &str) -> Result<Self> {
        let (is_without_rowid, is_strict) = connection.query_row(
            "SELECT wr, strict FROM pragma_table_list(?) WHERE schema = 'main'",
            [name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let mut columns = connection
            .prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?)")?
            .query_map([name], |row| {
                Ok(LiveColumn {
                    name: row.get(0)?,
                    declared: row.get(1)?,
                    is_not_null: row.get(2)?,
                    key_place: row.get(3)?,
                    is_autoincrement: false,
                    collation: String::new(),
                })
            })?
            .collect::<Result<Vec<_>>>()?;
        for column in &mut columns {
            let (_, collation, _, _, is_autoincrement) =
                connection.column_metadata(None, name, column.name.as_str())?;
            column.is_autoincrement = is_autoincrement;
            column.collation =
                collation.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        }
        let indexes = read_indexes(connection, name)?;
        let references = read_references(connection, name)?;
        Ok(Self { is_strict, is_without_rowid, columns, indexes, references })
    }

    pub(crate) fn has_index(&self, definition: &TableDef, index: &IndexDef) -> bool {
        self.indexes.contains_key(&full_name(definition, index))
    }

    /// Every difference that matters, in words.
    pub(crate) fn differences(&self, definition: &TableDef, indexes: &[IndexDef]) -> Vec<String> {
        let mut differences = Vec::new();
        for (position, column) in definition.columns.iter().enumerate() {
            match self.columns.iter().find(|live| live.name == column.name) {
                Some(live) => {
                    self.compare_column(definition, position, column, live, &mut differences);
                }
                None => differences.push(format!(
                    "column `{}` ({}) is missing",
                    column.name,
                    declared_type(column.column_type)
                )),
            }
        }
        for live in &self.columns {
            if definition.column(&live.name).is_none() {
                differences.push(format!("column `{}` is not in the definition", live.name));
            }
        }
        self.compare_key(definition, &mut differences);
        self.compare_indexes(definition, indexes, &mut differences);
        self.compare_references(definition, &mut differences);
        differences
    }

    fn compare_column(
        &self,
        definition: &TableDef,
        position: usize,
        column: &ColumnDef,
        live: &LiveColumn,
        differences: &mut Vec<String>,
    ) {
        let name = &column.name;
        if !fits(column.column_type, &live.declared, self.is_strict) {
            differences.push(format!(
                "column `{name}` has the type `{}`, not `{}`",
                live.declared,
                declared_type(column.column_type)
            ));
        }
        if declared_type(column.column_type) == "TEXT" && live.collation != "BINARY" {
            differences.push(format!(
                "column `{name}` compares text as `{}`, not by bytes",
                live.collation
            ));
        }
        let is_not_null = self.is_not_null(live);
        let is_wanted_not_null = !column.nullable || definition.key.contains(&position);
        if is_not_null != is_wanted_not_null {
            let verb = if is_not_null { "cannot" } else { "can" };
            differences.push(format!("column `{name}` {verb} be NULL"));
        }
        let is_wanted_autoincrement =
            definition.auto_integer() == Some(position) && definition.key.len() == 1;
        if live.is_autoincrement != is_wanted_autoincrement {
            let verb = if live.is_autoincrement { "is" } else { "is not" };
            differences.push(format!("column `{name}` {verb} AUTOINCREMENT"));
        }
    }

    /// Whether the column cannot be NULL.
    pub(crate) fn is_not_null(&self, live: &LiveColumn) -> bool {
        // The number of a row is never NULL, whether or not the table says so, and neither is the
        // key of a table without row numbers.
        let is_key = live.key_place > 0;
        let is_row_number = is_key && self.key_length() == 1 && is_integer(&live.declared);
        live.is_not_null || is_row_number || (is_key && self.is_without_rowid)
    }

    /// The columns of the key, in key order.
    pub(crate) fn key(&self) -> Vec<&str> {
        let mut key: Vec<_> = self.columns.iter().filter(|column| column.key_place > 0).collect();
        key.sort_by_key(|column| column.key_place);
        key.iter().map(|column| column.name.as_str()).collect()
    }

    fn key_length(&self) -> usize {
        self.columns.iter().filter(|column| column.key_place > 0).count()
    }

    fn compare_key(&self, definition: &TableDef, differences: &mut Vec<String>) {
        let live = self.key();
        let wanted = names(definition, &definition.key);
        if live != wanted {
            differences.push(format!(
                "the key is ({}), not ({})",
                live.join(", "),
                wanted.join(", ")
            ));
        }
    }

    /// A foreign key that the definition does not have is no difference: there are some that it
    /// cannot say, such as those of several columns.
    fn compare_references(&self, definition: &TableDef, differences: &mut Vec<String>) {
        for reference in &*definition.references {
            differences.extend(self.compare_reference(definition, reference));
        }
    }

    /// How the foreign key of a column differs from what the definition says of it, if it does.
    pub(crate) fn compare_reference(
        &self,
        definition: &TableDef,
        reference: &ReferenceDef,
    ) -> Vec<String> {
        let target = reference.target(definition);
        let column = &definition.columns[reference.column].name;
        let referenced = &target.columns[reference.referenced].name;
        let is_key = *target.key == [reference.referenced];
        let live = self.references.iter().find(|live| {
            live.column == *column
                && live.table.eq_ignore_ascii_case(&target.full_name())
                && live.referenced.as_ref().map_or(is_key, |live| live == referenced)
        });
        let Some(live) = live else {
            return vec![format!(
                "column `{column}` has no foreign key to `{referenced}` of table `{}`",
                target.full_name()
            )];
        };
        let actions = [
            ("DELETE", reference.on_delete.sql(), &live.on_delete),
            ("UPDATE", "NO ACTION", &live.on_update),
        ];
        (actions.into_iter())
            // The two differ only in when they look.
            .filter(|(_, wanted, live)| {
                wanted != live && (*wanted, &***live) != ("NO ACTION", "RESTRICT")
            })
            .map(|(when, wanted, live)| {
                format!("the foreign key of column `{column}` is ON {when} {live}, not {wanted}")
            })
            .collect()
    }

    /// An index that is missing is no difference, since it is created, and neither is one that
    /// only makes reads faster.
    fn compare_indexes(
        &self,
        definition: &TableDef,
        indexes: &[IndexDef],
        differences: &mut Vec<String>,
    ) {
        for index in indexes {
            let name = full_name(definition, index);
            let Some(live) = self.indexes.get(&name) else { continue };
            let wanted = names(definition, &index.columns);
            if !live.is_over(&wanted) {
                let wanted = wanted.join(", ");
                differences.push(format!("index `{name}` is not over ({wanted})"));
            }
            if live.is_unique != index.unique {
                let verb = if live.is_unique { "is" } else { "is not" };
                differences.push(format!("index `{name}` {verb} unique"));
            }
            if live.is_partial && !leaves_out_nulls(definition, index) {
                differences.push(format!("index `{name}` leaves rows out"));
            }
        }
        let mut unknown: Vec<&str> = (self.indexes.iter())
            .filter(|(_, live)| live.is_unique && !live.is_key)
            .filter(|(_, live)| {
                let is_same = |index: &IndexDef| {
                    index.unique && live.is_over(&names(definition, &index.columns))
                };
                !indexes.iter().any(is_same)
            })
            .map(|(name, _)| name.as_str())
            .filter(|name| !indexes.iter().any(|index| full_name(definition, index) == *name))
            .collect();
        unknown.sort_unstable();
        differences.extend(
            unknown.iter().map(|name| format!("unique index `{name}` is not in the definition")),
        );
    }
}

impl LiveIndex {
    fn is_over(&self, columns: &[&str]) -> bool {
        self.columns.iter().map(Option::as_deref).eq(columns.iter().map(|&name| Some(name)))
    }
}

fn read_indexes(connection: &Connection, table: &str) -> Result<HashMap<String, LiveIndex>> {
    let mut columns_of =
        connection.prepare("SELECT name FROM pragma_index_info(?) ORDER BY seqno")?;
    connection
        .prepare("SELECT name, \"unique\", partial, origin = 'pk' FROM pragma_index_list(?)")?
        .query_map([table], |row| {
            let name: String = row.get(0)?;
            let columns =
                columns_of.query_map([&name], |row| row.get(0))?.collect::<Result<_>>()?;
            let index = LiveIndex {
                columns,
                is_unique: row.get(1)?,
                is_partial: row.get(2)?,
                is_key: row.get(3)?,
            };
            Ok((name, index))
        })?
        .collect()
}

fn read_references(connection: &Connection, table: &str) -> Result<Vec<LiveReference>> {
    connection
        .prepare(
            "SELECT \"from\", \"table\", \"to\", on_update, on_delete \
             FROM pragma_foreign_key_list(?) GROUP BY id HAVING count(*) = 1 ORDER BY id",
        )?
        .query_map([table], |row| {
            Ok(LiveReference {
                column: row.get(0)?,
                table: row.get(1)?,
                referenced: row.get(2)?,
                on_update: row.get(3)?,
                on_delete: row.get(4)?,
            })
        })?
        .collect()
}

/// The index's name in the database, which has the schema's prefix as the table's name has.
pub(crate) fn full_name(definition: &TableDef, index: &IndexDef) -> String {
    match &definition.schema {
        Some(schema) => format!("{schema}.{}", index.name),
        None => index.name.to_string(),
    }
}

fn names<'a>(definition: &'a TableDef, columns: &[usize]) -> Vec<&'a str> {
    columns.iter().map(|&column| &*definition.columns[column].name).collect()
}

/// Whether a column that is declared so holds values of the type without changing them.
///
/// `REAL` is accepted for floats, since tables made elsewhere have it; there -0.0 becomes 0.0.
pub(crate) fn fits(column_type: ColumnType, declared: &str, is_strict: bool) -> bool {
    let declared = declared.to_ascii_uppercase();
    if is_strict {
        return match declared_type(column_type) {
            "ANY" => declared == "ANY" || declared == "REAL",
            "INTEGER" => is_integer(&declared) || declared == "INT",
            wanted => declared == wanted,
        };
    }
    // The rules of https://www.sqlite.org/datatype3.html#determination_of_column_affinity
    let has = |part: &str| declared.contains(part);
    let affinity = if has("INT") {
        "INTEGER"
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        "TEXT"
    } else if has("BLOB") || declared.is_empty() {
        "BLOB"
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        "REAL"
    } else {
        "NUMERIC"
    };
    match declared_type(column_type) {
        "ANY" => affinity == "REAL" || affinity == "BLOB",
        wanted => affinity == wanted,
    }
}

fn is_integer(declared: &str) -> bool {
    declared.eq_ignore_ascii_case("INTEGER")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_that_fit() {
        for (column_type, strict, loose) in [
            (ColumnType::I64, vec!["INTEGER", "INT"], vec!["BIGINT", "int", "UNSIGNED BIG INT"]),
            (ColumnType::F64, vec!["ANY", "REAL"], vec!["double precision", "FLOAT", "REAL", ""]),
            (ColumnType::Text, vec!["TEXT", "text"], vec!["VARCHAR(20)", "CLOB", "TEXT"]),
            (ColumnType::Uuid, vec!["BLOB"], vec!["BLOB", ""]),
        ] {
            for other in ["INTEGER", "INT", "ANY", "REAL", "TEXT", "text", "BLOB"] {
                assert_eq!(fits(column_type, other, true), strict.contains(&other), "{other}");
            }
            for other in [
                "BIGINT",
                "int",
                "UNSIGNED BIG INT",
                "double precision",
                "FLOAT",
                "VARCHAR(20)",
                "CLOB",
                "NUMERIC",
                "ANY",
                "BOOLEAN",
            ] {
                assert_eq!(fits(column_type, other, false), loose.contains(&other), "{other}");
            }
            for own in loose {
                assert!(fits(column_type, own, false), "{own}");
            }
        }
    }
}
