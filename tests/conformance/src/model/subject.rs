//! The backend under test: opened, called, and its answers brought into the model's form.

use std::{any::Any, ops::ControlFlow, sync::Arc};

use storehouse_runtime::{
    AggregateOutput, ColumnSource, ColumnType, DecodeError, DynBackend, DynBackendTransaction,
    DynTabularStorage, Error, Result, RowReceiver, RowSink, TableDef, Value, VectorElement,
    VectorType,
};

use super::call::{Answer, Call, Refusal};

/// A database, its tables, and the transaction that is open.
pub(super) struct Subject {
    backend: Arc<dyn DynBackend>,
    tables: Vec<Arc<dyn DynTabularStorage>>,
    transaction: Option<Joined>,
}

/// A transaction and the tables as it sees them.
struct Joined {
    transaction: Arc<dyn DynBackendTransaction>,
    tables: Vec<Arc<dyn DynTabularStorage>>,
}

impl Subject {
    pub(super) fn new(backend: Arc<dyn DynBackend>, definitions: &[Arc<TableDef>]) -> Result<Self> {
        let tables = definitions
            .iter()
            .map(|definition| backend.tabular(definition))
            .collect::<Result<_>>()?;
        Ok(Self { backend, tables, transaction: None })
    }

    pub(super) async fn answer(&mut self, table: usize, beside: bool, call: Call) -> Answer {
        match self.call(table, beside, call).await {
            Ok(answer) => answer,
            Err(error) => Answer::Failed(Refusal::actual(&error)),
        }
    }

    async fn call(&mut self, table: usize, beside: bool, call: Call) -> Result<Answer> {
        match call {
            Call::Begin => {
                let transaction = self.backend.begin().await?;
                let tables = (self.tables.iter())
                    .map(|table| transaction.tabular(table.definition()))
                    .collect::<Result<_>>()?;
                self.transaction = Some(Joined { transaction, tables });
            }
            Call::Commit => self.end()?.transaction.commit().await?,
            Call::RollBack => self.end()?.transaction.rollback().await?,
            Call::DropTransaction => drop(self.end()?),
            Call::Savepoint => self.open()?.transaction.savepoint().await?,
            Call::ReleaseSavepoint => self.open()?.transaction.release_savepoint().await?,
            Call::RollBackSavepoint => self.open()?.transaction.rollback_savepoint(),
            call => {
                let table = match &self.transaction {
                    Some(joined) if !beside => &joined.tables[table],
                    _ => &self.tables[table],
                };
                return call_table(&**table, call).await;
            }
        }
        Ok(Answer::Done)
    }

    fn open(&self) -> Result<&Joined> {
        self.transaction.as_ref().ok_or_else(|| Error::closed("no transaction is open"))
    }

    fn end(&mut self) -> Result<Joined> {
        self.transaction.take().ok_or_else(|| Error::closed("no transaction is open"))
    }
}

async fn call_table(table: &dyn DynTabularStorage, call: Call) -> Result<Answer> {
    let collect = |stop_after: Option<usize>| {
        let columns = table.definition().columns.iter();
        Collect::sink(columns.map(|column| (column.column_type, column.nullable)), stop_after)
    };
    Ok(match call {
        Call::SetUp => {
            table.setup_database().await?;
            Answer::Done
        }
        Call::Get(key) => rows(table.get(key, collect(None)).await?),
        Call::GetMany(keys) => {
            let mut rows = rows(table.get_many(keys, collect(None)).await?);
            // They may come in any order, each with the place of its key.
            if let Answer::Rows(rows) = &mut rows {
                rows.sort_by_key(|(place, _)| *place);
            }
            rows
        }
        Call::Select { selection, stop_after } => {
            // What a backend says of a query is its own; that it can say it is not.
            table.explain(selection.clone()).await?;
            match table.to_sql(&selection) {
                Ok(_) if table.capabilities().sql => {}
                Err(Error::Unsupported { .. }) if !table.capabilities().sql => {}
                other => return other.map(|_| Answer::Done),
            }
            let sink = match &selection.columns {
                Some(columns) => {
                    let columns = columns.iter().map(|&column| &table.definition().columns[column]);
                    let types = columns.map(|column| (column.column_type, column.nullable));
                    Collect::sink(types, stop_after)
                }
                None => collect(stop_after),
            };
            rows(table.select(selection, sink).await?)
        }
        Call::Aggregate(aggregation) => {
            match table.aggregate_to_sql(&aggregation) {
                Ok(_) if table.capabilities().sql => {}
                Err(Error::Unsupported { .. }) if !table.capabilities().sql => {}
                other => return other.map(|_| Answer::Done),
            }
            let definition = table.definition();
            let types = aggregation.outputs().map(|output| match output {
                AggregateOutput::Group(column) => {
                    let column = &definition.columns[column];
                    (column.column_type, column.nullable)
                }
                AggregateOutput::Aggregate(term) => {
                    (term.result_type(definition), term.is_nullable())
                }
            });
            let sink = Collect::sink(types, None);
            let Answer::Rows(rows) = rows(table.aggregate(aggregation, sink).await?) else {
                unreachable!("a receiver of rows gives rows");
            };
            Answer::Groups(rows.into_iter().map(|(_, row)| row).collect())
        }
        Call::Count(filter) => Answer::Count(table.count(filter).await?),
        Call::Write(rows, mode) => Answer::Stored(table.write(rows, mode).await?),
        Call::Upsert(row, unique, assignments) => {
            Answer::Stored(vec![Some(table.upsert(row, unique, assignments).await?)])
        }
        Call::Update(key, condition, assignments) => {
            Answer::Stored(vec![table.update(key, condition, assignments).await?])
        }
        Call::UpdateWhere(filter, assignments) => {
            Answer::Count(table.update_where(filter, assignments).await?)
        }
        Call::Delete(key, condition) => Answer::Truth(table.delete(key, condition).await?),
        Call::DeleteSearch(filter) => Answer::Count(table.delete_search(filter).await?),
        Call::DeleteAll => {
            table.delete_all().await?;
            Answer::Done
        }
        other => panic!("`{}` is not a call to a table", other.name()),
    })
}

fn rows(sink: RowSink) -> Answer {
    let collected = sink.into_any().downcast::<Collect>();
    Answer::Rows(collected.expect("the receiver that was given comes back").rows)
}

/// Takes rows apart, column by column.
struct Collect {
    /// The columns' types, and whether they can be NULL.
    columns: Vec<(ColumnType, bool)>,
    stop_after: usize,
    rows: Vec<(usize, Vec<Value>)>,
}

impl Collect {
    fn sink(
        columns: impl Iterator<Item = (ColumnType, bool)>,
        stop_after: Option<usize>,
    ) -> RowSink {
        Box::new(Self {
            columns: columns.collect(),
            stop_after: stop_after.unwrap_or(usize::MAX),
            rows: Vec::new(),
        })
    }
}

impl RowReceiver for Collect {
    fn receive(
        &mut self,
        position: usize,
        source: &mut dyn ColumnSource,
    ) -> Result<ControlFlow<()>, DecodeError> {
        let mut row = Vec::with_capacity(self.columns.len());
        for (place, &(column_type, nullable)) in self.columns.iter().enumerate() {
            row.push(if nullable && source.is_null(place) {
                Value::Null
            } else {
                read(source, place, column_type)?
            });
        }
        self.rows.push((position, row));
        Ok(if self.rows.len() >= self.stop_after {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
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
    if column_type.integer_range().is_some() {
        return source.read_int(column).map(Value::Int);
    }
    match column_type {
        ColumnType::Bool => source.read_bool(column).map(Value::Bool),
        ColumnType::F32 | ColumnType::F64 => source.read_float(column).map(Value::Float),
        ColumnType::Decimal => source.read_decimal(column).map(Value::Decimal),
        ColumnType::Text => source.read_text(column).map(Value::Text),
        ColumnType::Bytes => source.read_bytes(column).map(Value::Bytes),
        ColumnType::Uuid => source.read_uuid(column).map(Value::Uuid),
        ColumnType::DateTime | ColumnType::LocalDateTime => {
            source.read_date_time(column).map(Value::DateTime)
        }
        ColumnType::Date => source.read_date(column).map(Value::Date),
        ColumnType::Time => source.read_time(column).map(Value::Time),
        ColumnType::Json => {
            let document = source.read_json(column)?.deserialize();
            document.map(Value::Json).map_err(|error| DecodeError::new(column, error.to_string()))
        }
        ColumnType::TextList => source.read_text_list(column).map(Value::TextList),
        ColumnType::F16List
        | ColumnType::Vector(VectorType { element: VectorElement::F16, .. }) => {
            source.read_f16_list(column).map(Value::F16List)
        }
        ColumnType::I8List | ColumnType::Vector(VectorType { element: VectorElement::I8, .. }) => {
            source.read_i8_list(column).map(Value::I8List)
        }
        ColumnType::FloatList | ColumnType::Vector(_) => {
            source.read_float_list(column).map(Value::FloatList)
        }
        other => panic!("the model cannot read {other:?}"),
    }
}
