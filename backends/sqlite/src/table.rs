//! A table as the engine works with it: its definition and everything that follows from it.

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, Weak},
};

use storehouse_runtime::{DecodeError, Error, FeedSlot, TableDef, WriteMode, sql::StatementCache};
use storehouse_sql::{CrudSql, Dialect};

use crate::{changes::Pruning, ids::Ids, lock::lock, query::LongQueries};

/// How many parameters a statement that writes several rows has. Measured with tables of 5
/// columns: 20 to 40 rows at once cost a quarter less than one by one, 64 and more cost more
/// again, since the bound values then leave the processor's nearest cache.
const BLOCK_PARAMETERS: usize = 160;
/// Fewer rows than this at once bring nothing.
const SMALLEST_BLOCK: usize = 4;

/// A table with its statements.
pub(crate) struct Table {
    pub(crate) definition: Arc<TableDef>,
    /// The name in the database, without quotes: that of the schema is a prefix of it.
    pub(crate) name: String,
    pub(crate) crud: Cow<'static, CrudSql>,
    pub(crate) statements: StatementCache,
    pub(crate) long_queries: LongQueries,
    pub(crate) ids: Ids,
    /// What all who follow the table share.
    pub(crate) feed: FeedSlot,
    pub(crate) pruning: Pruning,
    /// Writes several rows at once.
    put_block: OnceLock<String>,
    insert_block: OnceLock<String>,
}

impl Table {
    fn new(definition: &Arc<TableDef>) -> Self {
        Self {
            name: definition.full_name().into_owned(),
            crud: definition.crud(Dialect::Sqlite),
            statements: StatementCache::new(Dialect::Sqlite),
            long_queries: LongQueries::default(),
            ids: Ids::of(definition),
            feed: FeedSlot::default(),
            pruning: Pruning::default(),
            put_block: OnceLock::new(),
            insert_block: OnceLock::new(),
            definition: Arc::clone(definition),
        }
    }

    /// The statement that writes several rows at once, and how many; none where rows are best
    /// written one by one.
    pub(crate) fn block(&self, mode: WriteMode) -> Option<(usize, &str)> {
        let rows = BLOCK_PARAMETERS / self.definition.columns.len();
        let text = match mode {
            _ if rows < SMALLEST_BLOCK => return None,
            WriteMode::Put => &self.put_block,
            WriteMode::Insert => &self.insert_block,
            // Which of the rows were left out would not be known.
            WriteMode::InsertIfAbsent => return None,
        };
        let sql = text.get_or_init(|| {
            self.definition.with_shape(|shape| {
                let mut sql = shape.insert_rows(Dialect::Sqlite, rows);
                if mode == WriteMode::Put {
                    sql.push_str(&shape.put_tail(Dialect::Sqlite));
                }
                sql
            })
        });
        Some((rows, sql))
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
        error.into_error(&self.definition)
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
        let mut tables = lock(&self.0);
        if let Some(table) = tables.get(&address).and_then(Weak::upgrade) {
            return table;
        }
        tables.retain(|_, table| table.strong_count() > 0);
        let table = Arc::new(Table::new(definition));
        tables.insert(address, Arc::downgrade(&table));
        table
    }
}

#[cfg(test)]
mod tests {
    use storehouse_runtime::{ColumnDef, ColumnRole, ColumnType, DerivedSql, ManagedColumns};

    use super::*;

    fn definition(columns: usize) -> Arc<TableDef> {
        let column = |number| ColumnDef {
            name: format!("c{number}").into(),
            column_type: ColumnType::I64,
            nullable: false,
            description: None,
            default: None,
            role: ColumnRole::Plain,
            json_schema: None,
            rename_from: Vec::new().into(),
        };
        Arc::new(TableDef {
            schema: None,
            name: "t".into(),
            description: None,
            columns: (0..columns).map(column).collect(),
            key: vec![0].into(),
            auto: None,
            indexes: Vec::new().into(),
            shard_by: None,
            references: Vec::new().into(),
            managed: ManagedColumns::NONE,
            rename_from: Vec::new().into(),
            changes: false,
            given_schema: None,
            sql: DerivedSql::default(),
        })
    }

    #[test]
    fn blocks_have_some_dozens_of_rows_and_a_bounded_number_of_parameters() {
        for (columns, rows) in [(2, 80), (5, 32), (40, 4)] {
            let table = Table::new(&definition(columns));
            let (insert_rows, insert) = table.block(WriteMode::Insert).unwrap();
            let (put_rows, put) = table.block(WriteMode::Put).unwrap();
            assert_eq!((insert_rows, put_rows), (rows, rows));
            assert_eq!(insert.matches('?').count(), rows * columns);
            let tail = put.strip_prefix(insert).unwrap();
            assert!(tail.starts_with(" ON CONFLICT"), "{tail}");
            assert!(table.block(WriteMode::InsertIfAbsent).is_none());
        }
        assert!(Table::new(&definition(41)).block(WriteMode::Put).is_none());
    }

    #[test]
    fn a_table_is_shared_while_it_is_in_use_and_forgotten_afterwards() {
        let tables = Tables::default();
        let (first, second) = (definition(2), definition(2));
        let table = tables.get(&first);
        assert!(Arc::ptr_eq(&table, &tables.get(&first)));
        // Another definition is another table, whatever it says.
        let other = tables.get(&second);
        assert!(!Arc::ptr_eq(&table, &other));
        assert_eq!(tables.0.lock().unwrap().len(), 2);
        drop(other);
        let third = definition(3);
        let _table = tables.get(&third);
        assert_eq!(tables.0.lock().unwrap().len(), 2);
        assert!(Arc::ptr_eq(&table, &tables.get(&first)));
    }
}
