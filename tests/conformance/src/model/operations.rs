//! Random operations. They speak of rows by place ("the key of the third row there is"), so that
//! a list of them still makes sense when some are taken out to make it shorter.

use fastrand::Rng;
use storehouse_runtime::{
    Aggregation, Assignment, Comparison, Direction, EncodedKey, EncodedRow, FilterTree, JsonPath,
    JsonTest, JsonType, OrderTerm, TableDef, Value, WriteMode,
};

use super::{aggregates, values};

/// One operation on one of the tables.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) table: usize,
    /// Whether a read is made beside an open transaction, where it must not see what that did.
    pub(super) beside: bool,
    pub(super) action: Action,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    SetUp,
    Get(Key),
    GetMany(Vec<Key>),
    Select(Select),
    Aggregate(Aggregation),
    Count(FilterTree),
    Write(Vec<Row>, WriteMode),
    Upsert { row: Row, unique: usize, assignments: Vec<Assignment> },
    Update(Key, FilterTree, Vec<Assignment>, Option<Twin>),
    UpdateWhere(FilterTree, Vec<Assignment>, Option<Twin>),
    Delete(Key, FilterTree),
    DeleteSearch(FilterTree),
    DeleteAll,
    Begin,
    Commit,
    RollBack,
    DropTransaction,
    Savepoint,
    ReleaseSavepoint,
    RollBackSavepoint,
    Reopen,
}

/// A key, given or taken from a row that is there.
#[derive(Clone, Debug)]
pub(super) enum Key {
    Given(EncodedKey),
    OfRow(usize),
}

/// A row to write. Its key may be that of a row that is there, and so may its unique values.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) values: EncodedRow,
    pub(super) key_of: Option<usize>,
    pub(super) twin: Option<Twin>,
}

/// A row whose unique values are taken from the row at this place, so that they clash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Twin(pub(super) usize);

/// A query. Where it continues after a row that is there, the place is taken from that row.
#[derive(Clone, Debug)]
pub(super) struct Select {
    pub(super) filter: FilterTree,
    pub(super) order: Vec<OrderTerm>,
    pub(super) after: Option<After>,
    pub(super) limit: Option<u64>,
    pub(super) offset: u64,
    /// Only these columns.
    pub(super) columns: Option<Vec<usize>>,
    /// The receiver wants no more after so many rows.
    pub(super) stop_after: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum After {
    Row(usize),
    Values(Vec<Value>),
}

/// A list of operations on tables of these definitions.
pub(super) fn random<'a>(
    rng: &mut Rng,
    tables: impl IntoIterator<Item = &'a TableDef>,
    count: usize,
) -> Vec<Operation> {
    let tables: Vec<&TableDef> = tables.into_iter().collect();
    // Most tables are set up from the start; the others show what happens before.
    let mut operations: Vec<Operation> = (0..tables.len())
        .filter(|_| rng.u8(..5) > 0)
        .map(|table| Operation { table, beside: false, action: Action::SetUp })
        .collect();
    while operations.len() < count {
        let table = rng.usize(..tables.len());
        let action = action(rng, tables[table]);
        operations.push(Operation { table, beside: rng.u8(..6) == 0, action });
    }
    operations
}

fn action(rng: &mut Rng, table: &TableDef) -> Action {
    match rng.u8(..100) {
        0..=7 => Action::Get(key(rng, table)),
        8..=11 => Action::GetMany((0..rng.usize(1..6)).map(|_| key(rng, table)).collect()),
        12..=26 => Action::Select(select(rng, table)),
        27..=31 => Action::Aggregate(aggregates::random(rng, table)),
        32..=35 => Action::Count(filter(rng, table, 3)),
        36..=39 => {
            let row = Row { twin: twin(rng, 2), ..row(rng, table, WriteMode::Insert) };
            let assignments = assignments(rng, table);
            Action::Upsert { row, unique: rng.usize(..8), assignments }
        }
        40..=67 => {
            let mode = match rng.u8(..4) {
                0 => WriteMode::Insert,
                1 => WriteMode::InsertIfAbsent,
                _ => WriteMode::Put,
            };
            let rows = if rng.bool() { 1 } else { rng.usize(1..7) };
            Action::Write((0..rows).map(|_| row(rng, table, mode)).collect(), mode)
        }
        68..=76 => match assignments(rng, table) {
            // A table of nothing but its key has nothing to update.
            assignments if assignments.is_empty() => Action::Get(key(rng, table)),
            assignments if rng.u8(..4) == 0 => {
                // Twins are for one row; of several they would nearly always clash.
                Action::UpdateWhere(filter(rng, table, 2), assignments, twin(rng, 12))
            }
            assignments => {
                Action::Update(key(rng, table), of_one(rng, table), assignments, twin(rng, 2))
            }
        },
        77..=78 => Action::Delete(key(rng, table), of_one(rng, table)),
        79 => match filter(rng, table, 2) {
            // The handle refuses to empty a table by a filter, so an engine never sees it.
            filter if filter.is_all() => Action::Count(filter),
            filter => Action::DeleteSearch(filter),
        },
        80 if rng.u8(..3) == 0 => Action::DeleteAll,
        80..=82 => Action::SetUp,
        83..=89 => Action::Begin,
        90..=91 => Action::Commit,
        92 => Action::RollBack,
        93 => Action::DropTransaction,
        94..=95 => Action::Savepoint,
        96 => Action::ReleaseSavepoint,
        97..=98 => Action::RollBackSavepoint,
        _ => Action::Reopen,
    }
}

fn key(rng: &mut Rng, table: &TableDef) -> Key {
    if rng.u8(..4) > 0 {
        return Key::OfRow(rng.usize(..64));
    }
    let values = table.key.iter().map(|&column| values::for_column(rng, table, column));
    Key::Given(values.collect())
}

fn row(rng: &mut Rng, table: &TableDef, mode: WriteMode) -> Row {
    let values = (0..table.columns.len())
        .map(|column| {
            if table.managed.version == Some(column) {
                return match (mode, rng.u8(..3)) {
                    // The rows that are there were written a few times.
                    (WriteMode::Put, 0) => Value::Null,
                    (WriteMode::Put, _) => Value::Int(rng.i64(0..4)),
                    _ => Value::Int(1),
                };
            }
            if table.auto_integer() != Some(column) {
                return values::for_column(rng, table, column);
            }
            // The greatest integers would leave no key to generate; the suite looks at those.
            match rng.u8(..4) {
                0 => Value::Int(rng.i64(0..40)),
                _ => Value::Null,
            }
        })
        .collect();
    let mut values = EncodedRow(values);
    if let (Some(auto), Some(version)) = (table.auto_integer(), table.managed.version)
        && mode == WriteMode::Put
        && values.0[auto].is_null()
    {
        // Handles see to that: a row without a key was not read.
        values.0[version] = Value::Null;
    }
    let key_of = (rng.u8(..4) == 0).then(|| rng.usize(..64));
    Row { values, key_of, twin: twin(rng, 8) }
}

/// What a row has to match besides having the key: mostly anything.
fn of_one(rng: &mut Rng, table: &TableDef) -> FilterTree {
    if rng.u8(..4) == 0 { filter(rng, table, 1) } else { FilterTree::all() }
}

fn twin(rng: &mut Rng, one_in: u8) -> Option<Twin> {
    (rng.u8(..one_in) == 0).then(|| Twin(rng.usize(..64)))
}

fn assignments(rng: &mut Rng, table: &TableDef) -> Vec<Assignment> {
    let mut columns: Vec<usize> = (0..table.columns.len())
        .filter(|column| !table.key.contains(column) && !table.managed.contains(*column))
        .collect();
    rng.shuffle(&mut columns);
    columns.truncate(rng.usize(1..=3));
    let increments = rng.u8(..5) == 0;
    if increments {
        // Whether a sum out of range or a clash is reported first is up to the engine.
        columns.retain(|column| !is_unique(table, *column));
    }
    (columns.into_iter())
        .map(|column| {
            let step = increments.then(|| values::step(rng, table.columns[column].column_type));
            match step.flatten() {
                Some(step) => Assignment::increment(column, step),
                None => Assignment::set(column, values::for_column(rng, table, column)),
            }
        })
        .collect()
}

fn is_unique(table: &TableDef, column: usize) -> bool {
    table.indexes.iter().any(|index| index.unique && index.columns.contains(&column))
}

fn select(rng: &mut Rng, table: &TableDef) -> Select {
    let order = order(rng, table);
    let after = match rng.u8(..6) {
        0 | 1 => Some(After::Row(rng.usize(..64))),
        2 => Some(After::Values(
            (order.iter()).map(|term| values::for_column(rng, table, term.column)).collect(),
        )),
        _ => None,
    };
    let limit = match rng.u8(..8) {
        0 => Some(0),
        1..=3 => Some(rng.u64(1..6)),
        4 => Some(u64::MAX),
        _ => None,
    };
    let offset = match rng.u8(..8) {
        0 | 1 => rng.u64(1..6),
        2 if rng.bool() => [u64::MAX, i64::MAX as u64][rng.usize(..2)],
        _ => 0,
    };
    let stop_after = (rng.u8(..8) == 0).then(|| rng.usize(1..4));
    // Every other query is about all rows, so that ordering and paging have something to do.
    let filter = if rng.bool() { FilterTree::all() } else { filter(rng, table, 3) };
    let columns = (rng.u8(..4) == 0)
        .then(|| (0..rng.usize(1..4)).map(|_| rng.usize(..table.columns.len())).collect());
    Select { filter, order, after, limit, offset, columns, stop_after }
}

/// A total ordering: some columns, and those of the key that are not among them.
fn order(rng: &mut Rng, table: &TableDef) -> Vec<OrderTerm> {
    let mut columns = ordered(table);
    rng.shuffle(&mut columns);
    columns.truncate(rng.usize(..4));
    for &column in table.key.iter() {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    // Mixed directions are rare in practice, and where engines go wrong.
    let mixed = rng.bool();
    let direction = |rng: &mut Rng| {
        if rng.bool() { Direction::Ascending } else { Direction::Descending }
    };
    let common = direction(rng);
    (columns.into_iter())
        .map(|column| OrderTerm { column, direction: if mixed { direction(rng) } else { common } })
        .collect()
}

pub(super) fn ordered(table: &TableDef) -> Vec<usize> {
    (0..table.columns.len())
        .filter(|&column| table.columns[column].column_type.is_ordered())
        .collect()
}

pub(super) fn filter(rng: &mut Rng, table: &TableDef, depth: u8) -> FilterTree {
    if rng.u8(..6) == 0 {
        return FilterTree::all();
    }
    if depth == 0 || rng.bool() {
        let condition = condition(rng, table);
        // Where NULL is stored, the opposite of a condition is not what the condition leaves.
        return if rng.u8(..3) == 0 { condition.negate() } else { condition };
    }
    let parts = rng.usize(2..=3);
    match rng.u8(..3) {
        0 => (0..parts).fold(FilterTree::all(), |all, _| all.and(filter(rng, table, depth - 1))),
        1 => {
            let none = FilterTree::all().negate();
            (0..parts).fold(none, |any, _| any.or(filter(rng, table, depth - 1)))
        }
        _ => filter(rng, table, depth - 1).negate(),
    }
}

fn condition(rng: &mut Rng, table: &TableDef) -> FilterTree {
    let column = rng.usize(..table.columns.len());
    let column_type = table.columns[column].column_type;
    if matches!(column_type, storehouse_runtime::ColumnType::Json) && rng.u8(..8) > 0 {
        return json_condition(rng, column);
    }
    if !column_type.is_ordered() || rng.u8(..8) == 0 {
        return FilterTree::IsNull { column };
    }
    if matches!(column_type, storehouse_runtime::ColumnType::Text) && rng.bool() {
        return match rng.u8(..3) {
            0 => FilterTree::Like { column, pattern: values::pattern(rng) },
            1 => FilterTree::StartsWith { column, prefix: values::part(rng) },
            _ => FilterTree::Contains { column, part: values::part(rng) },
        };
    }
    if rng.u8(..4) == 0 {
        let values = (0..rng.usize(1..5)).map(|_| values::of_type(rng, column_type)).collect();
        return FilterTree::InList { column, values };
    }
    let comparison = comparison(rng);
    FilterTree::Compare { column, comparison, value: values::of_type(rng, column_type) }
}

fn comparison(rng: &mut Rng) -> Comparison {
    [
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ][rng.usize(..6)]
}

/// A test of what lies at a path, which leads somewhere often enough since documents and paths
/// are made of the same names.
fn json_condition(rng: &mut Rng, column: usize) -> FilterTree {
    let mut path = JsonPath::root();
    for _ in 0..rng.usize(..3) {
        path = if rng.bool() { path.key(values::text(rng)) } else { path.index(rng.u32(..3)) };
    }
    let types = [JsonType::Integer, JsonType::Number, JsonType::Text, JsonType::Bool];
    let read_as = types[rng.usize(..types.len())];
    let value = |rng: &mut Rng| values::of_type(rng, read_as.column_type());
    let test = match rng.u8(..12) {
        0 => JsonTest::Exists,
        1 => JsonTest::IsNull,
        2 => JsonTest::IsNullAs(read_as),
        3 => {
            JsonTest::InList { read_as, values: (0..rng.usize(1..5)).map(|_| value(rng)).collect() }
        }
        4 => JsonTest::Like { pattern: values::pattern(rng) },
        5 => JsonTest::StartsWith { prefix: values::part(rng) },
        6 => JsonTest::Contains { part: values::part(rng) },
        _ => JsonTest::Compare { read_as, comparison: comparison(rng), value: value(rng) },
    };
    FilterTree::Json { column, path, test }
}
