//! What is known of a table before anything is asked: its texts, and what waits to share a round
//! trip.

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt::Write as _,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use storehouse_runtime::{
    DecodeError, Error, FeedSlot, PruneClock, Result, TableDef, WriteMode, sql::StatementCache,
};
use storehouse_sql::{CrudSql, Dialect, Shape};

use crate::{
    coalesce::{ReadRequest, WriteRequest},
    error,
    lanes::Lanes,
    pool::Failure,
    types::{self, Pgvector, is_list},
};

/// One table, shared by all its handles.
pub(crate) struct Table {
    pub(crate) definition: Arc<TableDef>,
    pub(crate) crud: Cow<'static, CrudSql>,
    pub(crate) statements: StatementCache,
    pub(crate) get_many: Arc<str>,
    pub(crate) reads: Lanes<ReadRequest>,
    pub(crate) writes: Lanes<WriteRequest>,
    /// What all who follow the table share.
    pub(crate) feed: FeedSlot,
    pub(crate) pruning: PruneClock,
    /// Whether an operation outside a transaction has found the table.
    pub(crate) is_there: AtomicBool,
    /// The greatest id that the sequence is known to have passed.
    pub(crate) passed: AtomicI64,
    /// Whether the last large load replaced rows.
    pub(crate) replaced: AtomicBool,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.definition.full_name())
    }
}

impl Table {
    fn new(definition: &Arc<TableDef>) -> Self {
        Self {
            crud: definition.crud(Dialect::Postgres),
            statements: StatementCache::new(Dialect::Postgres),
            get_many: definition.with_shape(|shape| get_many(shape, definition)).into(),
            reads: Lanes::default(),
            writes: Lanes::default(),
            feed: FeedSlot::default(),
            pruning: PruneClock::default(),
            is_there: AtomicBool::new(false),
            passed: AtomicI64::new(0),
            replaced: AtomicBool::new(false),
            definition: Arc::clone(definition),
        }
    }

    /// What became of an operation outside a transaction.
    pub(crate) fn answer<R>(&self, result: Result<R, Failure>) -> Result<R> {
        match result {
            Ok(answer) => {
                if !self.is_there.load(Ordering::Relaxed) {
                    self.is_there.store(true, Ordering::Relaxed);
                }
                Ok(answer)
            }
            Err(failure) => Err(error::of_table(failure, &self.definition)),
        }
    }

    pub(crate) fn decode_error(&self, error: DecodeError) -> Error {
        error.into_error(&self.definition)
    }

    /// Writes many rows, given as one array for each column. Generated ids come from the
    /// sequence, and such a row is always a new one.
    pub(crate) fn write_many(
        &self,
        mode: WriteMode,
        generated: bool,
        pgvector: Pgvector,
    ) -> String {
        let definition = &*self.definition;
        definition.with_shape(|shape| {
            let mut sql = shape.insert_into(Dialect::Postgres);
            sql.push_str(" SELECT ");
            for position in 0..definition.columns.len() {
                sql.push_str(separator(position));
                if generated && definition.auto_integer() == Some(position) {
                    // Asked for once, not for each row.
                    sql.push_str("nextval((SELECT ");
                    push_sequence(&mut sql, definition, position);
                    sql.push_str("::regclass))");
                    continue;
                }
                self.push_given(&mut sql, position, pgvector);
            }
            // Ids, and what a put gives back, have to be in the order of the rows. Where there is
            // neither the server is spared the sorting.
            let is_ordered =
                generated || (mode == WriteMode::Put && definition.managed.changes_puts());
            self.push_from_arrays(&mut sql, is_ordered, pgvector);
            if is_ordered {
                sql.push_str(" ORDER BY k.n");
            }
            if mode == WriteMode::Put && !generated {
                sql.push_str(&shape.put_tail(Dialect::Postgres));
                sql.push_str(&shape.returning(Dialect::Postgres));
            }
            if let Some(column) = definition.auto_integer().filter(|_| generated) {
                sql.push_str(" RETURNING ");
                Dialect::Postgres.push_identifier(&mut sql, &definition.columns[column].name);
            }
            sql
        })
    }

    /// One column of rows that are given as arrays.
    pub(crate) fn push_given(&self, sql: &mut String, column: usize, pgvector: Pgvector) {
        let _ = write!(sql, "k.c{column}");
        let column_type = self.definition.columns[column].column_type;
        if is_list(column_type) {
            sql.push_str(&types::casts(column_type, pgvector));
        }
    }

    /// Rows that are given as one array for each column, and the place of each among them as
    /// `k.n`, where order matters.
    ///
    /// Each array is unnested in a list of results, which hands on row after row. In `FROM` the
    /// server would first store all elements of each array, and then read them back together.
    pub(crate) fn push_from_arrays(&self, sql: &mut String, is_ordered: bool, pgvector: Pgvector) {
        sql.push_str(" FROM (SELECT ");
        for (position, column) in self.definition.columns.iter().enumerate() {
            let element = if is_list(column.column_type) {
                "text".into()
            } else {
                types::declared(column.column_type, pgvector)
            };
            let (separator, number) = (separator(position), position + 1);
            let _ = write!(sql, "{separator}UNNEST(${number}::{element}[]) AS c{position}");
        }
        if is_ordered {
            sql.push_str(", generate_subscripts($1, 1) AS n");
        }
        sql.push_str(") AS k");
    }

    /// Begins a copy of rows into the table.
    pub(crate) fn copy_in(&self) -> String {
        let definition = &*self.definition;
        let mut sql = String::from("COPY ");
        Dialect::Postgres.push_table(&mut sql, definition.schema.as_deref(), &definition.name);
        sql.push_str(" (");
        for (position, column) in definition.columns.iter().enumerate() {
            sql.push_str(separator(position));
            Dialect::Postgres.push_identifier(&mut sql, &column.name);
        }
        sql.push_str(") FROM STDIN (FORMAT binary)");
        sql
    }

    /// Takes `$1` ids from the sequence.
    pub(crate) fn draw_ids(&self, column: usize) -> String {
        let mut sql = String::from("SELECT nextval(s.id) FROM (SELECT ");
        push_sequence(&mut sql, &self.definition, column);
        sql.push_str("::regclass AS id) AS s, generate_series(1, $1)");
        sql
    }

    /// Takes the sequence past the id `$1`, unless it is already.
    pub(crate) fn pass_id(&self, column: usize) -> String {
        let mut sql = String::from("SELECT setval(s.id, $1) FROM (SELECT ");
        push_sequence(&mut sql, &self.definition, column);
        sql.push_str("::regclass AS id) AS s WHERE coalesce(pg_sequence_last_value(s.id), 0) < $1");
        sql
    }
}

/// The sequence behind an identity column.
fn push_sequence(sql: &mut String, definition: &TableDef, column: usize) {
    let mut table = String::new();
    Dialect::Postgres.push_table(&mut table, definition.schema.as_deref(), &definition.name);
    // Names are checked to be plain, so neither text has a quote in it.
    let column = &definition.columns[column].name;
    let _ = write!(sql, "pg_get_serial_sequence('{table}', '{column}')");
}

/// The rows that have one of many keys, given as one array for each column of the key.
fn get_many(shape: &Shape<'_>, definition: &TableDef) -> String {
    let mut sql = String::from("SELECT ");
    for (position, name) in shape.columns.iter().enumerate() {
        sql.push_str(separator(position));
        sql.push_str("t.");
        Dialect::Postgres.push_identifier(&mut sql, name);
    }
    let _ = write!(sql, " FROM {} AS t", shape.table_name(Dialect::Postgres));
    if let [column] = *shape.key {
        sql.push_str(" WHERE t.");
        Dialect::Postgres.push_identifier(&mut sql, shape.columns[column]);
        sql.push_str(" = ANY($1)");
        return sql;
    }
    sql.push_str(" JOIN UNNEST(");
    for (position, &column) in shape.key.iter().enumerate() {
        let declared = types::declared(definition.columns[column].column_type, Pgvector::default());
        let _ = write!(sql, "{}${}::{declared}[]", separator(position), position + 1);
    }
    sql.push_str(") AS k(");
    for position in 0..shape.key.len() {
        let _ = write!(sql, "{}c{position}", separator(position));
    }
    sql.push_str(") ON ");
    for (position, &column) in shape.key.iter().enumerate() {
        sql.push_str(if position > 0 { " AND t." } else { "t." });
        Dialect::Postgres.push_identifier(&mut sql, shape.columns[column]);
        let _ = write!(sql, " = k.c{position}");
    }
    sql
}

pub(crate) const fn separator(position: usize) -> &'static str {
    if position > 0 { ", " } else { "" }
}

/// The tables that are in use, so that all handles of one share what waits.
#[derive(Debug, Default)]
pub(crate) struct Tables(Mutex<HashMap<usize, Weak<Table>>>);

impl Tables {
    pub(crate) fn get(&self, definition: &Arc<TableDef>) -> Arc<Table> {
        // A definition that is alive has an address of its own, and a table keeps its alive.
        let address = Arc::as_ptr(definition).addr();
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = tables.get(&address).and_then(Weak::upgrade) {
            return table;
        }
        tables.retain(|_, table| table.strong_count() > 0);
        let table = Arc::new(Table::new(definition));
        tables.insert(address, Arc::downgrade(&table));
        table
    }
}
