//! Every layer forwards every method: a storage that writes down what it is asked is asked
//! everything through each of them.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex},
    time::Duration,
};

use storehouse::kv::{DynKvStorage, KvDef, KvEntry, KvScan, KvStorage};
use storehouse_conformance::native::block_on;
use storehouse_runtime::{
    Aggregation, Assignment, BoxFuture, Capabilities, ChangeFeed, ColumnSource, ColumnType,
    DecodeError, DynTabularStorage, EncodedKey, EncodedRow, Endpoint, Error, FilterTree, Result,
    RowReceiver, RowSink, Selection, Statement, TableDef, TabularStorage, Value, WriteMode,
    layers::{
        Cached, Chaos, ConcurrencyLimit, Layer, LayerScope, Log, ReadOnly, Retry, Telemetry,
        Timeout,
    },
};

/// Writes down the methods that are called.
#[derive(Clone)]
struct Recorder {
    asked: Arc<Mutex<Vec<&'static str>>>,
    table: Arc<TableDef>,
    kv: Arc<KvDef>,
}

impl Recorder {
    fn new() -> Self {
        let table = TableDef::builder("items").column("id", ColumnType::I64).key(["id"]).build();
        let kv = KvDef::new("entries", ColumnType::Text, ColumnType::I64);
        Self { asked: Arc::default(), table: table.unwrap(), kv: kv.unwrap() }
    }

    fn note(&self, name: &'static str) {
        self.asked.lock().unwrap().push(name);
    }

    fn asked(&self) -> Vec<&'static str> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.sort_unstable();
        asked.dedup();
        asked
    }
}

fn sorted(names: &[&'static str]) -> Vec<&'static str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names
}

fn refused<R>() -> Result<R> {
    Err(Error::unsupported("this", "recorder", "do not"))
}

impl TabularStorage for Recorder {
    fn definition(&self) -> &Arc<TableDef> {
        self.note("definition");
        &self.table
    }

    fn backend(&self) -> &'static str {
        self.note("backend");
        "recorder"
    }

    fn capabilities(&self) -> Capabilities {
        self.note("capabilities");
        Capabilities::NONE
    }

    fn endpoint(&self) -> Endpoint {
        self.note("endpoint");
        Endpoint::of("recorder")
    }

    async fn setup_database(&self) -> Result<()> {
        self.note("setup_database");
        Ok(())
    }

    async fn get(&self, _: EncodedKey, rows: RowSink) -> Result<RowSink> {
        self.note("get");
        Ok(rows)
    }

    async fn get_many(&self, _: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink> {
        self.note("get_many");
        Ok(rows)
    }

    async fn select(&self, _: Selection, rows: RowSink) -> Result<RowSink> {
        self.note("select");
        Ok(rows)
    }

    async fn aggregate(&self, _: Aggregation, rows: RowSink) -> Result<RowSink> {
        self.note("aggregate");
        Ok(rows)
    }

    async fn count(&self, _: FilterTree) -> Result<u64> {
        self.note("count");
        Ok(0)
    }

    async fn write(&self, _: Vec<EncodedRow>, _: WriteMode) -> Result<Vec<Option<EncodedRow>>> {
        self.note("write");
        Ok(Vec::new())
    }

    async fn upsert(
        &self,
        row: EncodedRow,
        _: Vec<usize>,
        _: Vec<Assignment>,
    ) -> Result<EncodedRow> {
        self.note("upsert");
        Ok(row)
    }

    async fn update(
        &self,
        _: EncodedKey,
        _: FilterTree,
        _: Vec<Assignment>,
    ) -> Result<Option<EncodedRow>> {
        self.note("update");
        Ok(None)
    }

    async fn update_where(&self, _: FilterTree, _: Vec<Assignment>) -> Result<u64> {
        self.note("update_where");
        Ok(0)
    }

    async fn delete(&self, _: EncodedKey, _: FilterTree) -> Result<bool> {
        self.note("delete");
        Ok(false)
    }

    async fn delete_search(&self, _: FilterTree) -> Result<u64> {
        self.note("delete_search");
        Ok(0)
    }

    async fn delete_all(&self) -> Result<()> {
        self.note("delete_all");
        Ok(())
    }

    fn to_sql(&self, _: &Selection) -> Result<Statement> {
        self.note("to_sql");
        refused()
    }

    fn aggregate_to_sql(&self, _: &Aggregation) -> Result<Statement> {
        self.note("aggregate_to_sql");
        refused()
    }

    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        self.note("change_feed");
        refused()
    }

    async fn remove_change_log(&self) -> Result<()> {
        self.note("remove_change_log");
        Ok(())
    }

    async fn explain(&self, _: Selection) -> Result<String> {
        self.note("explain");
        Ok(String::new())
    }
}

/// The same for key-value stores: both traits cannot be told apart on one type.
struct KvRecorder(Recorder);

impl KvStorage for KvRecorder {
    fn definition(&self) -> &Arc<KvDef> {
        self.0.note("definition");
        &self.0.kv
    }

    fn backend(&self) -> &'static str {
        self.0.note("backend");
        "recorder"
    }

    fn capabilities(&self) -> Capabilities {
        self.0.note("capabilities");
        Capabilities::NONE
    }

    fn endpoint(&self) -> Endpoint {
        self.0.note("endpoint");
        Endpoint::of("recorder")
    }

    async fn setup_database(&self) -> Result<()> {
        self.0.note("setup_database");
        Ok(())
    }

    async fn get(&self, _: EncodedKey, rows: RowSink) -> Result<RowSink> {
        self.0.note("get");
        Ok(rows)
    }

    async fn get_many(&self, _: Vec<EncodedKey>, rows: RowSink) -> Result<RowSink> {
        self.0.note("get_many");
        Ok(rows)
    }

    fn change_feed(&self) -> Result<Arc<ChangeFeed>> {
        self.0.note("change_feed");
        refused()
    }

    async fn remove_change_log(&self) -> Result<()> {
        self.0.note("remove_change_log");
        Ok(())
    }

    async fn scan(&self, _: KvScan, _: i64, rows: RowSink) -> Result<RowSink> {
        self.0.note("scan");
        Ok(rows)
    }

    async fn size(&self, _: i64) -> Result<u64> {
        self.0.note("size");
        Ok(0)
    }

    async fn put(&self, _: Vec<KvEntry>) -> Result<()> {
        self.0.note("put");
        Ok(())
    }

    async fn put_if(&self, _: KvEntry, _: Option<Value>, _: i64) -> Result<bool> {
        self.0.note("put_if");
        Ok(false)
    }

    async fn delete_if(&self, _: EncodedKey, _: Option<Value>, _: i64) -> Result<bool> {
        self.0.note("delete_if");
        Ok(false)
    }

    async fn increment(&self, _: EncodedKey, by: i64, _: i64) -> Result<i64> {
        self.0.note("increment");
        Ok(by)
    }

    async fn expire(&self, _: EncodedKey, _: Option<i64>, _: i64) -> Result<bool> {
        self.0.note("expire");
        Ok(false)
    }

    async fn delete_all(&self) -> Result<()> {
        self.0.note("delete_all");
        Ok(())
    }

    async fn purge_expired(&self, _: i64) -> Result<u64> {
        self.0.note("purge_expired");
        Ok(0)
    }
}

struct Nothing;

impl RowReceiver for Nothing {
    fn receive(
        &mut self,
        _position: usize,
        _source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        Ok(ControlFlow::Continue(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any> {
        self
    }
}

fn key() -> EncodedKey {
    EncodedKey::single(Value::Int(1))
}

fn text_key() -> EncodedKey {
    EncodedKey::single(Value::Text("a".into()))
}

fn row() -> EncodedRow {
    EncodedRow(vec![Value::Int(1)])
}

fn entry() -> KvEntry {
    KvEntry { key: text_key(), value: Value::Int(1), expires_at: None }
}

fn selection() -> Selection {
    Selection {
        filter: FilterTree::all(),
        order: Vec::new(),
        after: None,
        limit: None,
        offset: 0,
        lock: None,
        columns: None,
    }
}

fn aggregation() -> Aggregation {
    Aggregation {
        filter: FilterTree::all(),
        group_by: Vec::new(),
        aggregates: Vec::new(),
        having: FilterTree::all(),
        order: Vec::new(),
        limit: None,
        offset: 0,
    }
}

type Answers = Vec<(&'static str, Result<()>)>;

/// Calls every method of a table's storage that does something.
async fn ask(storage: &dyn DynTabularStorage) -> Answers {
    let rows = || Box::new(Nothing) as RowSink;
    storage.definition();
    storage.backend();
    storage.capabilities();
    storage.endpoint();
    let _ = storage.to_sql(&selection());
    let _ = storage.aggregate_to_sql(&aggregation());
    let _ = storage.change_feed();
    vec![
        ("setup_database", storage.setup_database().await),
        ("get", storage.get(key(), rows()).await.map(drop)),
        ("get_many", storage.get_many(vec![key()], rows()).await.map(drop)),
        (
            "get_many",
            storage.get_many(vec![EncodedKey::single(Value::Int(2))], rows()).await.map(drop),
        ),
        ("select", storage.select(selection(), rows()).await.map(drop)),
        ("aggregate", storage.aggregate(aggregation(), rows()).await.map(drop)),
        ("count", storage.count(FilterTree::all()).await.map(drop)),
        ("write", storage.write(vec![row()], WriteMode::Put).await.map(drop)),
        ("upsert", storage.upsert(row(), vec![0], Vec::new()).await.map(drop)),
        ("update", storage.update(key(), FilterTree::all(), Vec::new()).await.map(drop)),
        ("update_where", storage.update_where(FilterTree::all(), Vec::new()).await.map(drop)),
        ("delete", storage.delete(key(), FilterTree::all()).await.map(drop)),
        ("delete_search", storage.delete_search(FilterTree::all()).await.map(drop)),
        ("delete_all", storage.delete_all().await),
        ("remove_change_log", storage.remove_change_log().await),
        ("explain", storage.explain(selection()).await.map(drop)),
    ]
}

/// Calls every method of a key-value store that does something.
async fn ask_kv(storage: &dyn DynKvStorage) -> Answers {
    let rows = || Box::new(Nothing) as RowSink;
    storage.definition();
    storage.backend();
    storage.capabilities();
    storage.endpoint();
    let _ = storage.change_feed();
    let other = EncodedKey::single(Value::Text("b".into()));
    vec![
        ("setup_database", storage.setup_database().await),
        ("remove_change_log", storage.remove_change_log().await),
        ("get", storage.get(text_key(), rows()).await.map(drop)),
        ("get_many", storage.get_many(vec![other], rows()).await.map(drop)),
        ("scan", storage.scan(KvScan::default(), 0, rows()).await.map(drop)),
        ("size", storage.size(0).await.map(drop)),
        ("put", storage.put(vec![entry()]).await),
        ("put_if", storage.put_if(entry(), None, 0).await.map(drop)),
        ("delete_if", storage.delete_if(text_key(), None, 0).await.map(drop)),
        ("increment", storage.increment(text_key(), 1, 0).await.map(drop)),
        ("expire", storage.expire(text_key(), None, 0).await.map(drop)),
        ("delete_all", storage.delete_all().await),
        ("purge_expired", storage.purge_expired(0).await.map(drop)),
    ]
}

fn every_layer() -> Vec<(&'static str, Box<dyn Layer>)> {
    vec![
        ("telemetry", Box::new(Telemetry::new())),
        ("cached", Box::new(Cached::new())),
        ("retry", Box::new(Retry::new())),
        ("timeout", Box::new(Timeout::new(Duration::from_mins(1)))),
        ("concurrency limit", Box::new(ConcurrencyLimit::new(1))),
        ("log", Box::new(Log::new())),
        ("chaos", Box::new(Chaos::new(1))),
    ]
}

#[test]
fn every_method_of_a_table_is_forwarded() {
    for (name, layer) in every_layer() {
        let recorder = Recorder::new();
        let wrapped = layer.tabular(Arc::new(recorder.clone()), &LayerScope::default());
        recorder.asked();
        let answers = block_on(ask(&*wrapped));
        assert!(answers.iter().all(|(_, answer)| answer.is_ok()), "{name}: {answers:?}");
        assert_eq!(recorder.asked(), sorted(<dyn DynTabularStorage>::METHODS), "{name}");
    }
}

#[test]
fn every_method_of_a_key_value_store_is_forwarded() {
    for (name, layer) in every_layer() {
        let recorder = Recorder::new();
        let storage = Arc::new(KvRecorder(recorder.clone()));
        let wrapped = layer.kv(storage, &recorder.kv, &LayerScope::default());
        recorder.asked();
        let answers = block_on(ask_kv(&*wrapped));
        assert!(answers.iter().all(|(_, answer)| answer.is_ok()), "{name}: {answers:?}");
        // `get_at_once` may be refused, and then `get` is asked.
        let mut methods = sorted(<dyn DynKvStorage>::METHODS);
        methods.retain(|name| *name != "get_at_once");
        assert_eq!(recorder.asked(), methods, "{name}");
    }
}

#[test]
fn read_only_refuses_exactly_what_writes() {
    let recorder = Recorder::new();
    let scope = LayerScope::default();
    let reads = ["get", "get_many", "select", "aggregate", "count", "explain", "scan", "size"];
    let table = ReadOnly.tabular(Arc::new(recorder.clone()), &scope);
    let definition = Arc::clone(&recorder.kv);
    let entries = ReadOnly.kv(Arc::new(KvRecorder(recorder)), &definition, &scope);
    let ask: BoxFuture<'_, _> = Box::pin(async {
        let mut answers = ask(&*table).await;
        answers.extend(ask_kv(&*entries).await);
        answers
    });
    for (name, answer) in block_on(ask) {
        if reads.contains(&name) {
            assert!(answer.is_ok(), "{name}: {answer:?}");
        } else {
            assert!(matches!(answer, Err(Error::Unsupported { .. })), "{name}: {answer:?}");
        }
    }
}
