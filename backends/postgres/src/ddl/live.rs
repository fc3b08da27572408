//! The table as it is in the database, and how it differs from its definition.

use std::collections::HashMap;

use sqlx::PgConnection;
use storehouse_runtime::{ColumnDef, ColumnType, IndexDef, TableDef};

use super::{index_name, references::LiveReference};
use crate::{
    pool::Failure,
    types::{Pgvector, declared},
};

/// What PostgreSQL tells about a table.
pub(crate) struct LiveTable {
    /// Its number in the catalogue.
    pub(crate) oid: i64,
    pub(crate) columns: Vec<LiveColumn>,
    pub(crate) indexes: HashMap<String, LiveIndex>,
    /// The key's columns, in key order.
    pub(crate) key: Vec<String>,
    pub(crate) references: Vec<LiveReference>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct LiveColumn {
    pub(crate) name: String,
    pub(crate) declared: String,
    pub(crate) is_not_null: bool,
    has_sequence: bool,
    collation: Option<String>,
}

pub(crate) struct LiveIndex {
    /// `None` for an expression.
    pub(crate) columns: Vec<Option<String>>,
    pub(crate) is_unique: bool,
    pub(crate) is_partial: bool,
    pub(crate) is_ready: bool,
}

pub(super) const TABLE: &str = "SELECT c.oid::bigint FROM pg_class AS c \
    JOIN pg_namespace AS n ON n.oid = c.relnamespace \
    WHERE n.nspname = coalesce($1, current_schema()) AND c.relname = $2 AND c.relkind IN ('r', 'p')";

const COLUMNS: &str = "SELECT a.attname::text AS name, \
    format_type(a.atttypid, a.atttypmod) AS declared, a.attnotnull AS is_not_null, \
    pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) IS NOT NULL AS has_sequence, \
    (SELECT o.collname::text FROM pg_collation AS o WHERE o.oid = a.attcollation) AS collation \
    FROM pg_attribute AS a \
    WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

const INDEXES: &str = "SELECT i.relname::text, x.indisunique, x.indisprimary, \
    x.indpred IS NOT NULL, x.indisvalid, \
    (SELECT array_agg(a.attname::text ORDER BY k.place) \
     FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k(attnum, place) \
     LEFT JOIN pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = k.attnum \
     WHERE k.place <= x.indnkeyatts) \
    FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid \
    WHERE x.indrelid = $1::bigint::oid";

type IndexRow = (String, bool, bool, bool, bool, Vec<Option<String>>);

impl LiveTable {
    /// The table, if there is one.
    pub(crate) async fn read(
        connection: &mut PgConnection,
        schema: Option<&str>,
        name: &str,
    ) -> Result<Option<Self>, Failure> {
        let table: Option<i64> = sqlx::query_scalar(TABLE)
            .bind(schema)
            .bind(name)
            .persistent(false)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(table) = table else { return Ok(None) };
        let columns = sqlx::query_as(COLUMNS)
            .bind(table)
            .persistent(false)
            .fetch_all(&mut *connection)
            .await?;
        let rows: Vec<IndexRow> = sqlx::query_as(INDEXES)
            .bind(table)
            .persistent(false)
            .fetch_all(&mut *connection)
            .await?;
        let references = super::references::read(connection, table).await?;
        let mut live =
            Self { oid: table, columns, indexes: HashMap::new(), key: Vec::new(), references };
        for (name, is_unique, is_key, is_partial, is_ready, columns) in rows {
            if is_key {
                live.key = columns.into_iter().flatten().collect();
            } else {
                let index = LiveIndex { columns, is_unique, is_partial, is_ready };
                live.indexes.insert(name, index);
            }
        }
        Ok(Some(live))
    }

    pub(super) fn has_index(&self, index: &IndexDef) -> bool {
        self.indexes.contains_key(&index_name(&index.name))
    }

    /// Every difference that matters, in words.
    pub(super) fn differences(&self, definition: &TableDef, pgvector: Pgvector) -> Vec<String> {
        let mut differences = Vec::new();
        for (position, column) in definition.columns.iter().enumerate() {
            let Some(live) = self.columns.iter().find(|live| live.name == column.name) else {
                let declared = declared(column.column_type, pgvector);
                differences.push(format!("column `{}` ({declared}) is missing", column.name));
                continue;
            };
            let is_key = definition.key.contains(&position);
            let is_auto = definition.auto_integer() == Some(position);
            compare_column(column, is_key, is_auto, pgvector, live, &mut differences);
        }
        for live in &self.columns {
            if definition.column(&live.name).is_none() {
                differences.push(format!("column `{}` is not in the definition", live.name));
            }
        }
        let key = names(definition, &definition.key);
        if self.key != key {
            let (live, wanted) = (self.key.join(", "), key.join(", "));
            differences.push(format!("the key is ({live}), not ({wanted})"));
        }
        self.compare_indexes(definition, &mut differences);
        super::references::compare(&self.references, definition, &mut differences);
        differences
    }

    /// An index that is missing is no difference, since it is created, and neither is one that
    /// only makes reads faster.
    fn compare_indexes(&self, definition: &TableDef, differences: &mut Vec<String>) {
        for index in &*definition.indexes {
            let name = index_name(&index.name);
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
            if live.is_partial {
                differences.push(format!("index `{name}` leaves rows out"));
            }
            if !live.is_ready {
                differences.push(format!("index `{name}` was never finished; drop it"));
            }
        }
        let is_known = |name: &str, live: &LiveIndex| {
            definition.indexes.iter().any(|index| {
                index_name(&index.name) == name
                    || (index.unique && live.is_over(&names(definition, &index.columns)))
            })
        };
        let mut unknown: Vec<&str> = (self.indexes.iter())
            .filter(|(name, live)| live.is_unique && !is_known(name, live))
            .map(|(name, _)| name.as_str())
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

fn compare_column(
    column: &ColumnDef,
    is_key: bool,
    is_auto: bool,
    pgvector: Pgvector,
    live: &LiveColumn,
    differences: &mut Vec<String>,
) {
    let name = &column.name;
    let wanted = declared(column.column_type, pgvector);
    if !fits(column.column_type, &wanted, &live.declared) {
        differences
            .push(format!("column `{name}` has the type `{}`, not `{wanted}`", live.declared));
    }
    if let Some(collation) = other_collation(column, live) {
        differences.push(format!("column `{name}` compares text as `{collation}`, not by bytes"));
    }
    let is_wanted_not_null = is_key || !column.nullable;
    if live.is_not_null != is_wanted_not_null {
        let verb = if live.is_not_null { "cannot" } else { "can" };
        differences.push(format!("column `{name}` {verb} be NULL"));
    }
    if is_auto && !live.has_sequence {
        differences.push(format!("column `{name}` generates no ids"));
    }
}

/// How a text column is compared, where it is not by bytes.
pub(crate) fn other_collation(column: &ColumnDef, live: &LiveColumn) -> Option<String> {
    let collation = live.collation.as_deref().unwrap_or("default");
    let is_by_bytes = matches!(collation, "C" | "POSIX" | "ucs_basic");
    (column.column_type == ColumnType::Text && !is_by_bytes).then(|| collation.to_owned())
}

fn names<'a>(definition: &'a TableDef, columns: &[usize]) -> Vec<&'a str> {
    columns.iter().map(|&column| &*definition.columns[column].name).collect()
}

/// Whether a column that is declared so holds values of the type without changing them. A table
/// made elsewhere may have wider integers, and text of a limited length.
pub(crate) fn fits(column_type: ColumnType, wanted: &str, live: &str) -> bool {
    match column_type {
        ColumnType::Text => live == "text" || live.starts_with("character varying"),
        ColumnType::I8 | ColumnType::I16 | ColumnType::U8 => {
            matches!(live, "smallint" | "integer" | "bigint")
        }
        ColumnType::U16 | ColumnType::I32 => matches!(live, "integer" | "bigint"),
        _ => live == wanted,
    }
}
