//! Random tables with random rows become other random tables: the plan leads there, a second plan
//! finds nothing to do, and what was kept is as it was.

use std::{collections::BTreeMap, env, sync::Arc};

use fastrand::Rng;
use storehouse_conformance::native::block_on;
use storehouse_postgres::{PostgresBackend, PostgresOptions};
use storehouse_runtime::{
    ColumnDef, ColumnRole, ColumnSource, ColumnType, DecodeError, DerivedSql, DynBackend,
    EncodedRow, FilterTree, IndexDef, ManagedColumns, RowReceiver, Selection, Store, TableDef,
    Value, WriteMode,
};
use storehouse_sqlite::{SqliteBackend, SqliteOptions};
use storehouse_test_postgres::Database;

/// So many pairs of tables on each backend; more by the variable.
const ROUNDS: u64 = 40;
const VARIABLE: &str = "STOREHOUSE_MIGRATION_ROUNDS";

/// The types, and what each may become without loss.
const WIDENINGS: [(ColumnType, &[ColumnType]); 5] = [
    (ColumnType::I16, &[ColumnType::I32, ColumnType::I64, ColumnType::Text, ColumnType::F64]),
    (ColumnType::U8, &[ColumnType::I16, ColumnType::I32, ColumnType::Text]),
    (ColumnType::I32, &[ColumnType::I64, ColumnType::Text, ColumnType::F64]),
    (ColumnType::I64, &[ColumnType::Text]),
    (ColumnType::Text, &[ColumnType::Bytes]),
];
const OTHERS: [ColumnType; 4] =
    [ColumnType::Bool, ColumnType::F64, ColumnType::Bytes, ColumnType::Uuid];

fn any_type(rng: &mut Rng) -> ColumnType {
    let widening = rng.choice(WIDENINGS).map(|(column_type, _)| column_type);
    let other = rng.choice(OTHERS);
    if rng.bool() { widening } else { other }.unwrap_or(ColumnType::I64)
}

fn value(column_type: ColumnType, rng: &mut Rng) -> Value {
    match column_type {
        ColumnType::Bool => Value::Bool(rng.bool()),
        ColumnType::F64 => Value::Float(f64::from(rng.i32(..)) / 4.0),
        ColumnType::Text => {
            Value::Text(["", "é", "it's", "a;b--c", "\\x\"y"][rng.usize(..5)].into())
        }
        ColumnType::Bytes => Value::Bytes((0..rng.usize(..4)).map(|_| rng.u8(..)).collect()),
        ColumnType::Uuid => Value::Uuid(uuid::Uuid::from_u128(rng.u128(..))),
        integer => {
            let (least, greatest) = integer.integer_range().unwrap();
            Value::Int(rng.i64(least..=greatest))
        }
    }
}

/// The value as the wider type has it.
fn widened(value: &Value, to: ColumnType) -> Value {
    match (value, to) {
        (Value::Int(number), ColumnType::Text) => Value::Text(number.to_string()),
        #[expect(clippy::cast_precision_loss, reason = "of 32 bits at most")]
        (Value::Int(number), ColumnType::F64) => Value::Float(*number as f64),
        (Value::Text(text), ColumnType::Bytes) => Value::Bytes(text.clone().into_bytes()),
        (value, _) => value.clone(),
    }
}

fn default_of(column_type: ColumnType) -> fn() -> Value {
    match column_type {
        ColumnType::Bool => || Value::Bool(true),
        ColumnType::F64 => || Value::Float(-2.5),
        ColumnType::Text => || Value::Text("it's new".into()),
        ColumnType::Bytes => || Value::Bytes(vec![0, 39, 255]),
        ColumnType::Uuid => || Value::Uuid(uuid::Uuid::from_u128(7)),
        _ => || Value::Int(7),
    }
}

fn column(name: String, column_type: ColumnType, nullable: bool) -> ColumnDef {
    ColumnDef {
        name: name.into(),
        column_type,
        nullable,
        description: None,
        default: None,
        role: ColumnRole::Plain,
        json_schema: None,
        rename_from: Vec::new().into(),
    }
}

fn table(name: &str, columns: Vec<ColumnDef>, auto: bool) -> TableDef {
    TableDef {
        schema: None,
        name: name.to_owned().into(),
        description: None,
        columns: columns.into(),
        key: vec![0].into(),
        auto: auto.then_some(0),
        indexes: Vec::new().into(),
        shard_by: None,
        references: Vec::new().into(),
        managed: ManagedColumns::NONE,
        rename_from: Vec::new().into(),
        changes: false,
        given_schema: None,
        sql: DerivedSql::default(),
    }
}

/// Some indexes over the columns after the key. Values repeat, so none is unique.
fn with_indexes(mut table: TableDef, rng: &mut Rng) -> TableDef {
    let mut indexes = Vec::new();
    for position in 1..table.columns.len() {
        if rng.u8(..3) == 0 {
            let name = format!("{}_{}_idx", table.name, table.columns[position].name);
            let columns = vec![position].into();
            indexes.push(IndexDef { name: name.into(), columns, unique: false });
        }
    }
    table.indexes = indexes.into();
    table
}

/// A table, and what becomes of it: for each column of the second that of the first, if any.
struct Case {
    before: TableDef,
    after: TableDef,
    from: Vec<Option<usize>>,
}

fn case(rng: &mut Rng) -> Case {
    let mut columns = vec![column("id".into(), ColumnType::I64, false)];
    for number in 0..rng.usize(1..6) {
        columns.push(column(format!("a{number}"), any_type(rng), rng.bool()));
    }
    let before = with_indexes(table("first", columns, rng.bool()), rng);

    let (mut columns, mut from) = (vec![before.columns[0].clone()], vec![Some(0)]);
    for (position, earlier) in before.columns.iter().enumerate().skip(1) {
        if rng.u8(..5) == 0 {
            continue; // It is dropped.
        }
        let mut later = earlier.clone();
        if rng.u8(..3) == 0 {
            later.name = format!("b{position}").into();
            later.rename_from = vec!["never".into(), earlier.name.clone()].into();
        }
        let wider = WIDENINGS.iter().find(|(narrow, _)| *narrow == earlier.column_type);
        if let Some((_, wider)) = wider
            && rng.bool()
        {
            later.column_type = *rng.choice(*wider).unwrap();
        }
        later.nullable |= rng.u8(..3) == 0;
        columns.push(later);
        from.push(Some(position));
    }
    for number in 0..rng.usize(..3) {
        let column_type = any_type(rng);
        let mut new = column(format!("c{number}"), column_type, rng.bool());
        if !new.nullable || rng.bool() {
            new.default = Some(default_of(column_type));
        }
        let place = rng.usize(1..=columns.len());
        columns.insert(place, new);
        from.insert(place, None);
    }
    let is_renamed = rng.bool();
    let mut after = table(if is_renamed { "second" } else { "first" }, columns, rng.bool());
    if is_renamed {
        after.rename_from = vec!["first".into()].into();
    }
    Case { before, after: with_indexes(after, rng), from }
}

/// Gathers rows as values, by their key.
struct Gather(Arc<TableDef>, BTreeMap<i64, EncodedRow>);

impl RowReceiver for Gather {
    fn receive(
        &mut self,
        _position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<std::ops::ControlFlow<()>, DecodeError> {
        let mut row = Vec::new();
        for (position, column) in self.0.columns.iter().enumerate() {
            row.push(if source.is_null(position) {
                Value::Null
            } else {
                match column.column_type {
                    ColumnType::Bool => Value::Bool(source.read_bool(position)?),
                    ColumnType::F64 => Value::Float(source.read_float(position)?),
                    ColumnType::Text => Value::Text(source.read_text(position)?),
                    ColumnType::Bytes => Value::Bytes(source.read_bytes(position)?),
                    ColumnType::Uuid => Value::Uuid(source.read_uuid(position)?),
                    _ => Value::Int(source.read_int(position)?),
                }
            });
        }
        let Value::Int(id) = row[0] else { panic!("the key is an integer") };
        self.1.insert(id, EncodedRow(row));
        Ok(std::ops::ControlFlow::Continue(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any> {
        self
    }
}

async fn rows(
    backend: &Arc<dyn DynBackend>,
    definition: &Arc<TableDef>,
) -> BTreeMap<i64, EncodedRow> {
    let gather = Box::new(Gather(Arc::clone(definition), BTreeMap::new()));
    let all = Selection {
        filter: FilterTree::And(Vec::new()),
        order: Vec::new(),
        after: None,
        limit: None,
        offset: 0,
        lock: None,
        columns: None,
    };
    let gathered = backend.tabular(definition).unwrap().select(all, gather).await.unwrap();
    gathered.into_any().downcast::<Gather>().unwrap().1
}

/// Fills the table of before, migrates, and compares.
async fn check(backend: &Arc<dyn DynBackend>, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let Case { before, after, from } = case(&mut rng);
    let (before, after) = (Arc::new(before), Arc::new(after));
    let store = Store::from_backend(Arc::clone(backend));
    let first = backend.tabular(&before).unwrap();
    first.setup_database().await.unwrap();
    let given: Vec<EncodedRow> = (1..=rng.i64(0..20))
        .map(|id| {
            let rest = before.columns.iter().skip(1).map(|column| {
                if column.nullable && rng.u8(..3) == 0 {
                    Value::Null
                } else {
                    value(column.column_type, &mut rng)
                }
            });
            EncodedRow(std::iter::once(Value::Int(id)).chain(rest).collect())
        })
        .collect();
    first.write(given, WriteMode::Insert).await.unwrap();
    let was = rows(backend, &before).await;

    let plan = || store.migration().definition(&after).allow_destructive().plan();
    let planned = plan().await.unwrap();
    planned.apply().await.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{planned:#}"));
    let rest = plan().await.unwrap();
    assert!(rest.is_empty(), "seed {seed}: after\n{planned:#}\nis left\n{rest:#}");
    store.migration().definition(&after).verify().await.unwrap();
    backend.tabular(&after).unwrap().setup_database().await.unwrap();

    let is = rows(backend, &after).await;
    assert_eq!(is.len(), was.len(), "seed {seed}\n{planned:#}");
    for (id, row) in &was {
        for (position, column) in after.columns.iter().enumerate() {
            let expected = match from[position] {
                Some(earlier) => widened(&row.0[earlier], column.column_type),
                None => column.default.map_or(Value::Null, |default| default()),
            };
            let found = &is[id].0[position];
            assert_eq!(*found, expected, "seed {seed}, `{}` of {id}\n{planned:#}", column.name);
        }
    }
}

fn rounds() -> u64 {
    env::var(VARIABLE).ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS)
}

#[test]
fn any_table_becomes_another_on_sqlite() {
    block_on(async {
        for seed in 0..rounds() {
            let backend = SqliteBackend::open(SqliteOptions::in_memory()).await.unwrap();
            let backend: Arc<dyn DynBackend> = Arc::new(backend);
            check(&backend, seed).await;
        }
    });
}

#[test]
fn any_table_becomes_another_on_postgres() {
    block_on(async {
        let database = Database::create().await;
        let options = PostgresOptions::from_url(database.url()).unwrap();
        let backend = PostgresBackend::open(options).await.unwrap();
        let backend: Arc<dyn DynBackend> = Arc::new(backend);
        for seed in 0..rounds() {
            database.run("DROP TABLE IF EXISTS first, second").await;
            check(&backend, seed).await;
        }
    });
}
