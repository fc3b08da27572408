//! What the tests share: definitions by hand, and a receiver that keeps rows as they come.
#![allow(dead_code, reason = "each test file is a program of its own and uses a part of this")]

use std::{any::Any, ops::ControlFlow, sync::Arc};

use storehouse_runtime::{
    AggregateTerm, Aggregation, ColumnDef, ColumnRole, ColumnSource, ColumnType, DecodeError,
    DerivedSql, Direction, EncodedKey, EncodedRow, FilterTree, IndexDef, ManagedColumns, OrderTerm,
    Result, RowReceiver, RowSink, Selection, TableDef, TabularStorage, Value, VectorElement,
    VectorType, WriteMode,
};
use storehouse_sqlite::{SqliteBackend, SqliteOptions, SqliteTabularStorage};

/// A column that is never NULL.
pub fn column(name: &'static str, column_type: ColumnType) -> ColumnDef {
    ColumnDef {
        name: name.into(),
        column_type,
        nullable: false,
        description: None,
        default: None,
        role: ColumnRole::Plain,
        json_schema: None,
        rename_from: Vec::new().into(),
    }
}

pub fn nullable(name: &'static str, column_type: ColumnType) -> ColumnDef {
    ColumnDef { nullable: true, ..column(name, column_type) }
}

pub fn index(name: &'static str, columns: &[usize], unique: bool) -> IndexDef {
    IndexDef { name: name.into(), columns: columns.to_vec().into(), unique }
}

/// A table with the key in the first column.
pub fn table(name: &'static str, columns: Vec<ColumnDef>) -> TableDef {
    TableDef {
        schema: None,
        name: name.into(),
        description: None,
        columns: columns.into(),
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
    }
}

/// `products(id i64 auto key, sku text unique, price f64 indexed, note text null)`.
pub fn products() -> TableDef {
    let columns = vec![
        column("id", ColumnType::I64),
        column("sku", ColumnType::Text),
        column("price", ColumnType::F64),
        nullable("note", ColumnType::Text),
    ];
    TableDef {
        auto: Some(0),
        indexes: vec![index("products_sku", &[1], true), index("products_price", &[2], false)]
            .into(),
        ..table("products", columns)
    }
}

pub fn text(text: &str) -> Value {
    Value::Text(text.into())
}

/// A product without a note; without an id where it is 0.
pub fn product(id: i64, sku: &str, price: f64) -> EncodedRow {
    let id = if id == 0 { Value::Null } else { Value::Int(id) };
    EncodedRow(vec![id, text(sku), Value::Float(price), Value::Null])
}

pub async fn in_memory() -> SqliteBackend {
    SqliteBackend::open(SqliteOptions::in_memory()).await.unwrap()
}

/// A storage of a table that is set up.
pub async fn storage(backend: &SqliteBackend, definition: TableDef) -> SqliteTabularStorage {
    let storage = SqliteTabularStorage::new(backend, &Arc::new(definition));
    storage.setup_database().await.unwrap();
    storage
}

pub fn key(id: i64) -> EncodedKey {
    EncodedKey::single(Value::Int(id))
}

/// Puts one row and gives it as stored.
pub async fn put(storage: &SqliteTabularStorage, row: EncodedRow) -> Result<EncodedRow> {
    let stored = storage.write(vec![row], WriteMode::Put).await?;
    Ok(stored.into_iter().next().flatten().unwrap())
}

pub async fn get(storage: &SqliteTabularStorage, key: EncodedKey) -> Result<Option<EncodedRow>> {
    let sink = storage.get(key, Rows::sink(storage.definition())).await?;
    Ok(Rows::take(sink).pop().map(|(_, row)| row))
}

/// The whole table in the order of its key.
pub async fn everything(storage: &SqliteTabularStorage) -> Result<Vec<EncodedRow>> {
    let order: Vec<_> = (storage.definition().key.iter())
        .map(|&column| OrderTerm { column, direction: Direction::Ascending })
        .collect();
    let selection = Selection {
        filter: FilterTree::all(),
        order,
        after: None,
        limit: None,
        offset: 0,
        lock: None,
        columns: None,
    };
    select(storage, selection).await
}

pub async fn select(
    storage: &SqliteTabularStorage,
    selection: Selection,
) -> Result<Vec<EncodedRow>> {
    let sink = storage.select(selection, Rows::sink(storage.definition())).await?;
    Ok(Rows::take(sink).into_iter().map(|(_, row)| row).collect())
}

/// How many rows match, as one row.
pub fn counting(filter: FilterTree) -> Aggregation {
    Aggregation {
        filter,
        group_by: Vec::new(),
        aggregates: vec![AggregateTerm::Rows],
        having: FilterTree::all(),
        order: Vec::new(),
        limit: None,
        offset: 0,
    }
}

/// A receiver that panics at the first row.
pub struct Panics;

impl RowReceiver for Panics {
    fn receive(
        &mut self,
        _position: usize,
        _source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        panic!("as planned")
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Keeps every row with its position.
pub struct Rows {
    definition: Arc<TableDef>,
    rows: Vec<(usize, EncodedRow)>,
}

impl Rows {
    pub fn sink(definition: &Arc<TableDef>) -> RowSink {
        Box::new(Self { definition: Arc::clone(definition), rows: Vec::new() })
    }

    pub fn take(sink: RowSink) -> Vec<(usize, EncodedRow)> {
        sink.into_any().downcast::<Self>().unwrap().rows
    }
}

impl RowReceiver for Rows {
    fn receive(
        &mut self,
        position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        let mut row = Vec::new();
        for (column, definition) in self.definition.columns.iter().enumerate() {
            row.push(if source.is_null(column) {
                Value::Null
            } else {
                read(source, column, definition.column_type)?
            });
        }
        self.rows.push((position, EncodedRow(row)));
        Ok(ControlFlow::Continue(()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

fn read(
    source: &mut dyn ColumnSource,
    column: usize,
    column_type: ColumnType,
) -> Result<Value, DecodeError> {
    Ok(match column_type {
        ColumnType::Bool => Value::Bool(source.read_bool(column)?),
        ColumnType::F32 | ColumnType::F64 => Value::Float(source.read_float(column)?),
        ColumnType::Decimal => Value::Decimal(source.read_decimal(column)?),
        ColumnType::Text => Value::Text(source.read_text(column)?),
        ColumnType::Bytes => Value::Bytes(source.read_bytes(column)?),
        ColumnType::Uuid => Value::Uuid(source.read_uuid(column)?),
        ColumnType::DateTime | ColumnType::LocalDateTime => {
            Value::DateTime(source.read_date_time(column)?)
        }
        ColumnType::Date => Value::Date(source.read_date(column)?),
        ColumnType::Time => Value::Time(source.read_time(column)?),
        ColumnType::Json => Value::Json(source.read_json(column)?.deserialize().unwrap()),
        ColumnType::TextList => Value::TextList(source.read_text_list(column)?),
        ColumnType::F16List
        | ColumnType::Vector(VectorType { element: VectorElement::F16, .. }) => {
            Value::F16List(source.read_f16_list(column)?)
        }
        ColumnType::I8List | ColumnType::Vector(VectorType { element: VectorElement::I8, .. }) => {
            Value::I8List(source.read_i8_list(column)?)
        }
        ColumnType::FloatList | ColumnType::Vector(_) => {
            Value::FloatList(source.read_float_list(column)?)
        }
        _ => Value::Int(source.read_int(column)?),
    })
}
