//! Random table definitions: every type of column, keys of one and of several columns, keys that
//! the store generates, plain and unique indexes, and names that engines trip over.

use std::{borrow::Cow, sync::Arc};

use fastrand::Rng;
use storehouse_runtime::{
    ColumnDef, ColumnRole, ColumnType, DerivedSql, IndexDef, ManagedColumns, Metric, TableDef,
    VectorElement, VectorType,
};

/// Reserved words, names that differ from their lower case, SQLite's names for the row's number,
/// and the longest name that every database can hold.
const NAMES: [&str; 24] = [
    "id",
    "order",
    "group",
    "select",
    "camelCase",
    "Upper",
    "rowid",
    "oid",
    "_rowid_",
    "key",
    "value",
    "index",
    "from",
    "where",
    "null",
    "default",
    "limit",
    "x",
    "y1",
    "_",
    "column",
    "excluded",
    "this_name_is_as_long_as_a_name_can_be_in_every_one_of_databases",
    "user",
];

const SCALARS: [ColumnType; 18] = [
    ColumnType::I64,
    ColumnType::Text,
    ColumnType::I32,
    ColumnType::Uuid,
    ColumnType::Bytes,
    ColumnType::Bool,
    ColumnType::I8,
    ColumnType::I16,
    ColumnType::U8,
    ColumnType::U16,
    ColumnType::U32,
    ColumnType::DateTime,
    ColumnType::LocalDateTime,
    ColumnType::Date,
    ColumnType::Time,
    ColumnType::Decimal,
    // Not in keys, so at the end.
    ColumnType::F64,
    ColumnType::F32,
];

const KEYS: usize = SCALARS.len() - 2;

const DOCUMENTS: [ColumnType; 8] = [
    ColumnType::Json,
    ColumnType::TextList,
    ColumnType::FloatList,
    ColumnType::F16List,
    ColumnType::I8List,
    vector(VectorElement::F32),
    vector(VectorElement::F16),
    vector(VectorElement::I8),
];

const fn vector(element: VectorElement) -> ColumnType {
    ColumnType::Vector(VectorType { dimension: 3, metric: Metric::Cosine, element })
}

/// Definitions of one to three tables with different names.
pub(super) fn random(rng: &mut Rng) -> Vec<Arc<TableDef>> {
    let count = rng.usize(1..=3);
    names(rng, count).into_iter().map(|name| Arc::new(table(rng, name))).collect()
}

fn table(rng: &mut Rng, name: &'static str) -> TableDef {
    let generated = rng.u8(..3) == 0;
    let key_columns = if rng.bool() { 1 } else { rng.usize(2..=3) };
    let others = if rng.u8(..8) == 0 { 0 } else { rng.usize(1..=6) };
    let names = names(rng, key_columns + others);
    let mut columns: Vec<ColumnDef> = (names.into_iter().enumerate())
        .map(|(position, name)| {
            let is_key = position < key_columns;
            let column_type = match (is_key, generated) {
                (true, _) if generated && position == 0 => {
                    [ColumnType::I64, ColumnType::I32, ColumnType::U32][rng.usize(..3)]
                }
                (true, _) => SCALARS[rng.usize(..KEYS)],
                (false, _) if rng.u8(..4) == 0 => DOCUMENTS[rng.usize(..DOCUMENTS.len())],
                // Most filters are about texts.
                (false, _) if rng.u8(..3) == 0 => ColumnType::Text,
                (false, _) => SCALARS[rng.usize(..SCALARS.len())],
            };
            column(name, column_type, !is_key && rng.bool())
        })
        .collect();
    // The key's columns stand anywhere, and in any order.
    let mut places: Vec<usize> = (0..columns.len()).collect();
    rng.shuffle(&mut places);
    columns = places.iter().map(|&place| columns[place].clone()).collect();
    let mut key: Vec<usize> =
        (0..places.len()).filter(|&position| places[position] < key_columns).collect();
    rng.shuffle(&mut key);
    let managed = managed(rng, &mut columns);
    let auto = places.iter().position(|&place| generated && place == 0);
    let indexes = indexes(rng, name, &columns, managed);
    TableDef {
        schema: (rng.u8(..6) == 0).then_some(Cow::Borrowed("shop")),
        name: name.into(),
        description: None,
        columns: columns.into(),
        key: key.into(),
        auto,
        indexes: indexes.into(),
        shard_by: None,
        references: Vec::new().into(),
        managed,
        rename_from: Vec::new().into(),
        changes: false,
        given_schema: None,
        sql: DerivedSql::default(),
    }
}

fn column(name: &'static str, column_type: ColumnType, nullable: bool) -> ColumnDef {
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

/// Appends columns that a put treats in a way of their own, now and then. Times are given by the
/// handle, so that engines know no more of them than that one is kept.
fn managed(rng: &mut Rng, columns: &mut Vec<ColumnDef>) -> ManagedColumns {
    let mut managed = ManagedColumns::NONE;
    if rng.u8(..4) == 0 {
        managed.created_at = Some(columns.len());
        columns.push(column("created", ColumnType::DateTime, false));
    }
    if rng.u8(..4) == 0 {
        managed.version = Some(columns.len());
        let counts = [ColumnType::I64, ColumnType::I32, ColumnType::U32];
        columns.push(column("version", counts[rng.usize(..3)], false));
    }
    managed
}

fn indexes(
    rng: &mut Rng,
    table: &str,
    columns: &[ColumnDef],
    managed: ManagedColumns,
) -> Vec<IndexDef> {
    let ordered: Vec<usize> = (0..columns.len())
        .filter(|&column| columns[column].column_type.is_ordered() && !managed.contains(column))
        .collect();
    let mut indexes: Vec<IndexDef> = Vec::new();
    for _ in 0..rng.usize(..4) {
        let unique = rng.u8(..3) == 0;
        let mut chosen = ordered.clone();
        rng.shuffle(&mut chosen);
        // Two rows seldom agree in three columns.
        chosen.truncate(if unique { rng.usize(1..=2) } else { rng.usize(1..=3) });
        if indexes.iter().any(|index| *index.columns == *chosen) {
            continue;
        }
        // The name is the number, so that it fits into 63 bytes with every table's name.
        let name = format!("{}_{}", &table[..table.len().min(50)], indexes.len());
        indexes.push(IndexDef { name: name.into(), columns: chosen.into(), unique });
    }
    indexes
}

fn names(rng: &mut Rng, count: usize) -> Vec<&'static str> {
    let mut names = NAMES.to_vec();
    rng.shuffle(&mut names);
    names.truncate(count);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_has_63_bytes() {
        assert_eq!(NAMES.iter().map(|name| name.len()).max(), Some(63));
    }

    #[test]
    fn every_kind_of_table_comes_up() {
        let mut rng = Rng::with_seed(1);
        let tables: Vec<TableDef> = (0..2_000).map(|_| table(&mut rng, "t")).collect();
        let any = |what: &dyn Fn(&TableDef) -> bool| assert!(tables.iter().any(what));
        any(&|table| table.managed.created_at.is_some() && table.managed.version.is_some());
        any(&|table| table.managed.version.is_some() && table.auto.is_some());
        any(&|table| table.key.len() == 3);
        any(&|table| table.key.len() == table.columns.len());
        any(&|table| table.auto_integer().is_some() && table.key.len() == 1);
        any(&|table| table.auto_integer().is_some() && table.key.len() > 1);
        any(&|table| table.key.len() > 1 && table.key.windows(2).any(|pair| pair[0] > pair[1]));
        any(&|table| table.indexes.iter().any(|index| index.unique && index.columns.len() > 1));
        for column_type in SCALARS.iter().chain(&DOCUMENTS) {
            for nullable in [false, true] {
                any(&|table| {
                    table.columns.iter().any(|column| {
                        column.column_type == *column_type && column.nullable == nullable
                    })
                });
            }
        }
        for table in &tables {
            assert!(table.key.iter().all(|&column| !table.columns[column].nullable));
        }
    }
}
