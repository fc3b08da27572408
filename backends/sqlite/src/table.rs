//! A table as the engine works with it: its definition and everything that follows from it.

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use storehouse_runtime::{DecodeError, Error, TableDef, WriteMode, sql::StatementCache};
use storehouse_sql::{CrudSql, Dialect};

use crate::ids::Ids;

/// How many rows the larger and the smaller block of a bulk write have. Measured: beyond some
/// dozens of rows a statement brings no more.
const BLOCKS: [usize; 2] = [64, 8];
/// How many parameters SQLite allows in a statement.
const MOST_PARAMETERS: usize = 32_766;

/// A table with its statements.
pub(crate) struct Table {
    pub(crate) definition: Arc<TableDef>,
    /// The name in the database, without quotes: that of the schema is a prefix of it.
    pub(crate) name: String,
    pub(crate) crud: Cow<'static, CrudSql>,
    pub(crate) statements: StatementCache,
    pub(crate) ids: Ids,
    blocks: [Block; 2],
}

/// A number of rows, and the statements that write as many.
struct Block {
    rows: usize,
    put: OnceLock<String>,
    insert: OnceLock<String>,
}

impl Table {
    fn new(definition: &Arc<TableDef>) -> Self {
        let fit = (MOST_PARAMETERS / definition.columns.len().max(1)).max(1);
        Self {
            name: definition.full_name().into_owned(),
            crud: definition.crud(Dialect::Sqlite),
            statements: StatementCache::new(Dialect::Sqlite),
            ids: Ids::of(definition),
            blocks: BLOCKS.map(|rows| Block {
                rows: rows.min(fit),
                put: OnceLock::new(),
                insert: OnceLock::new(),
            }),
            definition: Arc::clone(definition),
        }
    }

    /// The largest block that `left` rows fill, and its statement; none when the rows are best
    /// written one by one.
    pub(crate) fn block(&self, left: usize, mode: WriteMode) -> Option<(usize, &str)> {
        let block = self.blocks.iter().find(|block| block.rows > 1 && block.rows <= left)?;
        let text = match mode {
            WriteMode::Put => &block.put,
            WriteMode::Insert => &block.insert,
            // Which of the rows were left out would not be known.
            WriteMode::InsertIfAbsent => return None,
        };
        let sql = text.get_or_init(|| {
            self.definition.with_shape(|shape| {
                let mut sql = shape.insert_rows(Dialect::Sqlite, block.rows);
                if mode == WriteMode::Put {
                    sql.push_str(&shape.put_tail(Dialect::Sqlite));
                }
                sql
            })
        });
        Some((block.rows, sql))
    }

    /// The statement that writes one row.
    pub(crate) fn one(&self, mode: WriteMode) -> &str {
        match mode {
            WriteMode::Put => &self.crud.put,
            WriteMode::Insert => &self.crud.insert,
            WriteMode::InsertIfAbsent => &self.crud.insert_if_absent,
        }
    }

    /// A stored value that does not fit its column.
    pub(crate) fn decode_error(&self, error: DecodeError) -> Error {
        let column = self.definition.columns.get(error.column);
        Error::decode(column.map_or("?", |column| &column.name), error.message)
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The tables of a database that are in use, so that every handle and every transaction shares
/// the statements of a table.
///
/// A definition is known by its address, which stays its own while its table holds it.
#[derive(Default)]
pub(crate) struct Tables(Mutex<HashMap<usize, Weak<Table>>>);

impl Tables {
    pub(crate) fn get(&self, definition: &Arc<TableDef>) -> Arc<Table> {
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
