//! A folder as a database: a folder in it for each table and each key-value store.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use storehouse_runtime::{
    Backend, BoxFuture, Capabilities, Connector, DynBackend, DynTabularStorage, EngineId, Error,
    Result, TableDef,
    kv::{DynKvStorage, KvDef},
};

use crate::{
    CAPABILITIES, NAME,
    kv::{FolderJsonKvStorage, FolderKvStorage, Form, KvFolder},
    names,
    options::FolderOptions,
    storage::FolderTabularStorage,
    table::FolderTable,
};

/// A folder that is opened as a database. Cheap to clone; clones share what is in memory.
///
/// ```
/// use std::sync::Arc;
/// use storehouse::{Environment, Store, kv::Kv};
/// use storehouse_filesystem::FolderBackend;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// let backend = FolderBackend::open(folder.path())?;
///
/// // A key-value store whose values are whole files, and whose keys are their paths.
/// let files = Arc::new(backend.raw_kv("files")?);
/// let files: Kv<String, Vec<u8>> = Kv::from_storage(files, Environment::default())?;
/// files.setup_database().await?;
/// files.put("notes/hello.txt", b"hello".to_vec()).await?;
/// assert_eq!(std::fs::read(folder.path().join("files/notes/hello.txt")).unwrap(), b"hello");
///
/// let store = Store::from_backend(Arc::new(backend));
/// assert_eq!(store.backend(), "filesystem");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FolderBackend {
    options: FolderOptions,
    engine: EngineId,
    /// By the name of the folder; several where definitions differ in what they index.
    tables: Shared<FolderTable>,
    kv_stores: Shared<KvFolder>,
}

/// What all handles share, by the name of the folder.
type Shared<T> = Arc<Mutex<BTreeMap<String, Vec<Arc<T>>>>>;

/// The one that serves, or a new one.
fn get_or_insert<T>(
    shared: &Shared<T>,
    name: String,
    serves: impl Fn(&T) -> bool,
    new: impl FnOnce() -> T,
) -> Arc<T> {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let stores = shared.entry(name).or_default();
    if let Some(store) = stores.iter().find(|store| serves(store)) {
        return Arc::clone(store);
    }
    let store = Arc::new(new());
    stores.push(Arc::clone(&store));
    store
}

impl std::fmt::Debug for FolderBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FolderBackend").field("path", &self.options.path).finish_non_exhaustive()
    }
}

impl FolderBackend {
    /// Opens a folder with the usual options. It is made when a table is set up, if it is missing.
    ///
    /// Fails with [`Error::Validation`] when there is a file of that name.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(FolderOptions::new(path))
    }

    /// Opens a folder. It is made when a table is set up, if it is missing.
    ///
    /// Fails with [`Error::Validation`] when there is a file of that name.
    pub fn open_with(mut options: FolderOptions) -> Result<Self> {
        // It stays where it is when the program goes to another folder.
        options.path = std::path::absolute(&options.path).map_err(|error| {
            Error::backend("the folder's path cannot be made absolute", Some(error.into()))
        })?;
        if fs::metadata(&options.path).is_ok_and(|metadata| !metadata.is_dir()) {
            return Err(Error::validation(format!(
                "`{}` is a file; name the folder that holds the tables",
                options.path.display()
            )));
        }
        Ok(Self {
            options,
            engine: EngineId::new(),
            tables: Arc::default(),
            kv_stores: Arc::default(),
        })
    }

    /// A key-value store of raw files, in a folder of that name.
    pub fn raw_kv(&self, name: &str) -> Result<FolderKvStorage> {
        let definition = FolderKvStorage::definition_of(name)?;
        Ok(FolderKvStorage::of(self.kv_folder(&definition, Form::Raw), definition))
    }

    fn kv_folder(&self, definition: &Arc<KvDef>, form: Form) -> Arc<KvFolder> {
        let name = names::encode(definition.name());
        let options = self.options_for(name.clone());
        // One of other types says so when it is used.
        let serves = |store: &KvFolder| store.is_for(definition, form);
        let new = || KvFolder::new(Arc::clone(definition), form, &options);
        get_or_insert(&self.kv_stores, name, serves, new)
    }

    fn options_for(&self, name: String) -> FolderOptions {
        FolderOptions { path: self.options.path.join(name), ..self.options.clone() }
    }

    /// The name of a table's folder.
    fn folder_of(definition: &TableDef) -> String {
        match &definition.schema {
            // Neither name has a dot.
            Some(schema) => {
                format!("{}.{}", names::encode(schema), names::encode(&definition.name))
            }
            None => names::encode(&definition.name),
        }
    }

    fn table(&self, definition: &Arc<TableDef>) -> Arc<FolderTable> {
        let name = Self::folder_of(definition);
        let options = self.options_for(name.clone());
        let new = || FolderTable::new(Arc::clone(definition), options.path.clone(), &options);
        get_or_insert(&self.tables, name, |table| table.is_for(definition), new)
    }
}

impl Backend for FolderBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn engine(&self) -> EngineId {
        self.engine
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn tabular(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        let table = self.table(definition);
        Ok(Arc::new(FolderTabularStorage::of(table, Arc::clone(definition))))
    }

    fn kv(&self, definition: &Arc<KvDef>) -> Result<Arc<dyn DynKvStorage>> {
        let store = self.kv_folder(definition, Form::Json);
        Ok(Arc::new(FolderJsonKvStorage::of(store, Arc::clone(definition))))
    }
}

/// Opens `fs:` URLs; see [`FolderOptions::from_url`] for how they are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct FolderConnector;

impl Connector for FolderConnector {
    fn schemes(&self) -> &'static [&'static str] {
        &["fs"]
    }

    fn open<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Arc<dyn DynBackend>>> {
        Box::pin(async move {
            let backend = FolderBackend::open_with(FolderOptions::from_url(url)?)?;
            Ok(Arc::new(backend) as Arc<dyn DynBackend>)
        })
    }
}
