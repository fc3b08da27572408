//! Tables in folders, as handles use them.

use std::{path::PathBuf, sync::Arc};

use storehouse_runtime::{
    Aggregation, Assignment, Capabilities, ChangeFeed, EncodedKey, EncodedRow, FilterTree, Result,
    RowSink, Selection, TableDef, TabularStorage, WriteMode,
};

use crate::{
    CAPABILITIES, NAME,
    changes::FileLog,
    options::FolderOptions,
    table::{FolderTable, Published},
};

/// A table in a folder, a file for each row; made by a store, or directly with
/// [`FolderTabularStorage::open`].
///
/// ```
/// use std::sync::Arc;
/// use storehouse::{ColumnType, TableDef, TabularStorage as _};
/// use storehouse_filesystem::{FolderOptions, FolderTabularStorage};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// let settings = TableDef::builder("settings")
///     .column("name", ColumnType::Text)
///     .column("value", ColumnType::I64)
///     .key(["name"])
///     .build()?;
/// // The options' path is that of the table itself here.
/// let options = FolderOptions::new(folder.path().join("settings"));
/// let storage = FolderTabularStorage::open(&options, settings);
/// storage.setup_database().await?;
/// assert!(folder.path().join("settings/.storehouse/definition.json").exists());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FolderTabularStorage {
    table: Arc<FolderTable>,
    /// The handle's own, which has the same columns, and may read their values in another way.
    definition: Arc<TableDef>,
}

impl std::fmt::Debug for FolderTabularStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FolderTabularStorage")
            .field("path", &self.table.folder.path)
            .finish_non_exhaustive()
    }
}

impl FolderTabularStorage {
    /// The table in the folder that the options name. Nothing is read before it is needed.
    pub fn open(options: &FolderOptions, definition: Arc<TableDef>) -> Self {
        let path: PathBuf = options.path.clone();
        let table = FolderTable::new(Arc::clone(&definition), path, options);
        Self { table: Arc::new(table), definition }
    }

    pub(crate) fn of(table: Arc<FolderTable>, definition: Arc<TableDef>) -> Self {
        Self { table, definition }
    }
}

/// Whether the columns are those of the key, whose file can be looked at by itself.
fn is_key(definition: &TableDef, columns: &[usize]) -> bool {
    definition.key.len() == columns.len()
        && definition.key.iter().all(|column| columns.contains(column))
}

impl TabularStorage for FolderTabularStorage {
    fn definition(&self) -> &Arc<TableDef> {
        &self.definition
    }

    fn backend(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn setup_database(&self) -> Result<()> {
        self.table.set_up(self.definition.changes).await
    }

    async fn get(&self, key: EncodedKey, rows: RowSink) -> Result<RowSink> {
        let published = self.table.read().await?;
        published.need(&self.table, &key)?;
        published.image.get(&key, rows)
    }

    async fn get_many(&self, keys: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink> {
        let published = self.table.read().await?;
        keys.iter().try_for_each(|key| published.need(&self.table, key))?;
        published.image.get_many(keys, rows)
    }

    async fn select(&self, selection: Selection, rows: RowSink) -> Result<RowSink> {
        let published = self.table.read().await?;
        published.need_all(&self.table)?;
        published.image.select(&selection, rows)
    }

    async fn aggregate(&self, aggregation: Aggregation, rows: RowSink) -> Result<RowSink> {
        let published = self.table.read().await?;
        published.need_all(&self.table)?;
        published.image.aggregate(&aggregation, rows)
    }

    async fn count(&self, filter: FilterTree) -> Result<u64> {
        let published = self.table.read().await?;
        published.need_all(&self.table)?;
        published.image.count(filter)
    }

    async fn write(
        &self,
        rows: Vec<EncodedRow>,
        mode: WriteMode,
    ) -> Result<Vec<Option<EncodedRow>>> {
        let auto = self.definition.auto_integer();
        let keys: Vec<EncodedKey> = (rows.iter())
            // A key that is to be generated is nobody's yet.
            .filter(|row| auto.is_none_or(|auto| !row.0[auto].is_null()))
            .map(|row| self.table.key_of(&row.0))
            .collect();
        self.table
            .change(
                move |before, table| keys.iter().try_for_each(|key| before.need(table, key)),
                move |image| image.write(rows, mode),
            )
            .await
    }

    async fn upsert(
        &self,
        row: EncodedRow,
        unique: Vec<usize>,
        assignments: Vec<Assignment>,
    ) -> Result<EncodedRow> {
        let key = self.table.key_of(&row.0);
        let by_key = is_key(&self.definition, &unique);
        self.table
            .change(
                move |before, table| {
                    if by_key { before.need(table, &key) } else { before.need_all(table) }
                },
                move |image| image.upsert(row, &unique, &assignments),
            )
            .await
    }

    async fn update(
        &self,
        key: EncodedKey,
        condition: FilterTree,
        assignments: Vec<Assignment>,
    ) -> Result<Option<EncodedRow>> {
        let needed = key.clone();
        self.table
            .change(
                move |before, table| before.need(table, &needed),
                move |image| image.update(key, &condition, &assignments),
            )
            .await
    }

    async fn update_where(&self, filter: FilterTree, assignments: Vec<Assignment>) -> Result<u64> {
        self.table
            .change(Published::need_all, move |image| image.update_where(filter, &assignments))
            .await
    }

    async fn delete(&self, key: EncodedKey, condition: FilterTree) -> Result<bool> {
        let needed = key.clone();
        self.table
            .change(
                move |before, table| before.need(table, &needed),
                move |image| Ok(image.delete(key, &condition)),
            )
            .await
    }

    async fn delete_search(&self, filter: FilterTree) -> Result<u64> {
        self.table.change(Published::need_all, move |image| image.delete_search(filter)).await
    }

    /// Deletes the files of all rows. What is no row stays, and is still told of.
    async fn delete_all(&self) -> Result<()> {
        self.table
            .change(
                |_, _| Ok(()),
                |image| {
                    image.delete_all();
                    Ok(())
                },
            )
            .await
    }

    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        Ok(self.table.changes.feed.get_or(|| FileLog::new(&self.table)))
    }

    async fn remove_change_log(&self) -> Result<()> {
        self.table.remove_change_log().await
    }

    async fn explain(&self, selection: Selection) -> Result<String> {
        let published = self.table.read().await?;
        published.need_all(&self.table)?;
        Ok(format!("in memory: {}", published.image.explain(&selection)))
    }
}
