//! What a folder says about itself: the kind of store that it is, its columns and its key.
//!
//! It is written when the folder is set up, and compared whenever it is opened, so that two programs
//! never take the same files for different things. Only what the files depend on is in it: indexes
//! that are not unique can come and go.

use serde_json::{Value as Json, json};
use storehouse_runtime::{ColumnType, TableDef, kv::KvDef};

/// The layout's version. A folder of a later one is refused.
const VERSION: u64 = 1;

/// What a folder's files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A row each.
    Table,
    /// An entry each, as JSON.
    JsonKv,
    /// A value's bytes each.
    RawKv,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::JsonKv => "key-value store",
            Self::RawKv => "raw files",
        }
    }
}

/// What the definition of a folder has to say.
pub(crate) fn of_table(definition: &TableDef) -> Json {
    let name = |&column: &usize| definition.columns[column].name.as_ref();
    let columns: Vec<Json> = (definition.columns.iter())
        .map(|column| {
            json!({
                "name": column.name,
                "type": type_name(column.column_type),
                "nullable": column.nullable,
            })
        })
        .collect();
    let key: Vec<&str> = definition.key.iter().map(name).collect();
    let mut unique: Vec<Vec<&str>> = (definition.indexes.iter())
        .filter(|index| index.unique)
        .map(|index| index.columns.iter().map(name).collect())
        .collect();
    unique.sort();
    let managed = &definition.managed;
    let named = |column: Option<usize>| column.as_ref().map(name);
    json!({
        "version": VERSION,
        "kind": Kind::Table.name(),
        "columns": columns,
        "key": key,
        "generated": definition.auto.as_ref().map(name),
        "unique": unique,
        "managed": {
            "created_at": named(managed.created_at),
            "updated_at": named(managed.updated_at),
            "version": named(managed.version),
            "soft_delete": named(managed.soft_delete),
        },
    })
}

/// The same for a key-value store.
pub(crate) fn of_kv(definition: &KvDef, kind: Kind) -> Json {
    json!({
        "version": VERSION,
        "kind": kind.name(),
        "key": type_name(definition.key_type()),
        "value": type_name(definition.value_type()),
    })
}

/// In which respect two definitions differ, in words.
pub(crate) fn difference(found: &Json, wanted: &Json) -> Option<String> {
    if found == wanted {
        return None;
    }
    let version = found.get("version").and_then(Json::as_u64).unwrap_or_default();
    if version > VERSION {
        return Some(format!(
            "its layout is version {version}, and this program knows {VERSION}; use a newer one"
        ));
    }
    if found.get("kind") != wanted.get("kind") {
        let kind = found.get("kind").and_then(Json::as_str).unwrap_or("something else");
        return Some(format!("it is a {kind}"));
    }
    let differing = ["columns", "key", "value", "generated", "unique", "managed"]
        .into_iter()
        .filter(|part| found.get(part) != wanted.get(part));
    let differing: Vec<&str> = differing.collect();
    Some(format!("it was set up with other {}", differing.join(", ")))
}

/// A type as it is written, which stays the same in every version of the program.
fn type_name(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Bool => "bool".into(),
        ColumnType::I8 => "i8".into(),
        ColumnType::I16 => "i16".into(),
        ColumnType::I32 => "i32".into(),
        ColumnType::I64 => "i64".into(),
        ColumnType::U8 => "u8".into(),
        ColumnType::U16 => "u16".into(),
        ColumnType::U32 => "u32".into(),
        ColumnType::F32 => "f32".into(),
        ColumnType::F64 => "f64".into(),
        ColumnType::Decimal => "decimal".into(),
        ColumnType::Text => "text".into(),
        ColumnType::Bytes => "bytes".into(),
        ColumnType::Uuid => "uuid".into(),
        ColumnType::DateTime => "date-time".into(),
        ColumnType::LocalDateTime => "local date-time".into(),
        ColumnType::Date => "date".into(),
        ColumnType::Time => "time".into(),
        ColumnType::Json => "json".into(),
        ColumnType::TextList => "text list".into(),
        ColumnType::FloatList => "f32 list".into(),
        ColumnType::F16List => "f16 list".into(),
        ColumnType::I8List => "i8 list".into(),
        ColumnType::Vector(vector) => format!(
            "{} vector of {}, {}",
            vector.element.name(),
            vector.dimension,
            vector.metric.name()
        ),
        other => other.rust_name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named() {
        let table = |other: &str, index: bool| {
            let builder = TableDef::builder("t").column("id", ColumnType::I64);
            let builder = builder.column(other.to_owned(), ColumnType::Text).key(["id"]);
            let builder = if index { builder.index([other.to_owned()]) } else { builder };
            of_table(&builder.build().unwrap())
        };
        assert_eq!(difference(&table("a", false), &table("a", true)), None);
        assert!(difference(&table("a", false), &table("b", false)).unwrap().contains("columns"));
        let kv = KvDef::new("k", ColumnType::Text, ColumnType::Bytes).unwrap();
        let (raw, entries) = (of_kv(&kv, Kind::RawKv), of_kv(&kv, Kind::JsonKv));
        assert!(difference(&raw, &entries).unwrap().contains("raw files"));
        assert!(difference(&json!({"version": 9}), &entries).unwrap().contains("newer"));
    }
}
