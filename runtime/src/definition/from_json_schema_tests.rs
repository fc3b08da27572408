use serde_json::json;

use super::*;
use crate::{
    definition::{ValueSchema, Variants},
    test_table,
};

fn read(schema: &Json) -> Arc<TableDef> {
    TableDef::from_json_schema("t", schema).unwrap()
}

/// A table with every type of column, each once required and once not.
fn everything() -> TableDef {
    static STATUS: Variants = Variants::text("Status", &["draft", "done"]);
    static LEVEL: Variants = Variants::integers("Level", &["Low", "High"], &[-1, 300]);
    let mut table = (*test_table::definition()).clone();
    table.name = "t".into();
    table.description = Some("all of it".into());
    let vector = VectorType { dimension: 3, metric: Metric::Dot, element: VectorElement::F32 };
    let types = [
        ColumnType::Bool,
        ColumnType::I8,
        ColumnType::I16,
        ColumnType::I32,
        ColumnType::I64,
        ColumnType::U8,
        ColumnType::U16,
        ColumnType::U32,
        ColumnType::F32,
        ColumnType::F64,
        ColumnType::Decimal,
        ColumnType::Text,
        ColumnType::Bytes,
        ColumnType::Uuid,
        ColumnType::DateTime,
        ColumnType::LocalDateTime,
        ColumnType::Date,
        ColumnType::Time,
        ColumnType::Json,
        ColumnType::TextList,
        ColumnType::FloatList,
        ColumnType::F16List,
        ColumnType::I8List,
        ColumnType::Vector(vector),
        ColumnType::Vector(VectorType { element: VectorElement::F16, ..vector }),
        ColumnType::Vector(VectorType { element: VectorElement::I8, ..vector }),
    ];
    let columns = table.columns.to_mut();
    for (position, column_type) in types.into_iter().enumerate() {
        for nullable in [false, true] {
            let mut column = ColumnDef::new(format!("c{position}_{nullable}"), column_type);
            column.nullable = nullable;
            columns.push(column.clone());
            column.name = format!("d{position}_{nullable}").into();
            column.description = Some("words".into());
            column.role = match column_type {
                ColumnType::Text => ColumnRole::Text,
                ColumnType::Json => ColumnRole::Metadata,
                _ => ColumnRole::Plain,
            };
            columns.push(column);
        }
    }
    let schemas: [fn() -> Json; 6] = [
        || json!({"type": "integer", "format": "uint64", "minimum": 0}),
        || json!({"type": "object", "properties": {"a": {"type": "string"}}}),
        || json!({"$ref": "#/$defs/A", "$defs": {"A": {"type": "object"}}}),
        || json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
        || json!({"type": "array", "items": {"type": "string"}}),
        || json!({"type": ["string", "null"]}),
    ];
    for (position, schema) in schemas.into_iter().enumerate() {
        for nullable in [false, true] {
            let name = format!("e{position}_{nullable}");
            let mut column = ColumnDef::new(name, ColumnType::Json);
            column.nullable = nullable;
            column.json_schema = Some(ValueSchema::Document(schema));
            columns.push(column);
        }
    }
    for (name, variants) in [("f0", &STATUS), ("f1", &LEVEL)] {
        let mut column = ColumnDef::new(name, variants.column_type());
        column.json_schema = Some(ValueSchema::Enum(variants));
        columns.push(column);
    }
    table
}

#[test]
fn a_definition_comes_back_from_its_schema() {
    let table = everything();
    let schema = table.json_schema();
    let again = read(&schema);
    let schema_again = again.json_schema();
    for (name, property) in schema["properties"].as_object().unwrap() {
        assert_eq!(&schema_again["properties"][name], property, "{name}");
    }
    assert_eq!(schema_again, schema);
    for column in table.columns.iter() {
        let position = again.column(&column.name).unwrap();
        let found = &again.columns[position];
        assert_eq!(found.column_type, column.column_type, "{}", column.name);
        assert_eq!(found.role, column.role, "{}", column.name);
        assert_eq!(found.nullable, column.nullable, "{}", column.name);
    }
    assert_eq!(again.auto, again.column("id"));
    assert_eq!(again.description.as_deref(), Some("all of it"));
}

#[test]
fn the_order_of_a_key_is_kept() {
    let table = TableDef::builder("t")
        .column("a", ColumnType::I64)
        .column("b", ColumnType::Text)
        .key(["b", "a"])
        .build()
        .unwrap();
    let again = read(&table.json_schema());
    let names: Vec<_> = again.key.iter().map(|&column| &*again.columns[column].name).collect();
    assert_eq!(names, ["b", "a"]);
    assert_eq!(again.json_schema(), table.json_schema());
}

#[test]
fn schemas_that_others_wrote() {
    let table = read(&json!({
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "email": {"type": "string", "format": "email", "minLength": 3},
            "age": {"type": "integer", "minimum": 0},
            "kind": {"enum": ["a", "b"]},
            "address": {"type": "object", "properties": {"city": {"type": "string"}}},
            "anything": true,
            "score": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "either": {"type": ["string", "integer"]},
            "friends": {"type": "array", "items": {"type": "integer"}},
            "at": {"type": ["null", "string"], "format": "date-time"},
        },
        "required": ["id", "email", "score", "address"],
    }));
    let column = |name: &str| &table.columns[table.column(name).unwrap()];
    for (name, column_type, nullable) in [
        ("id", ColumnType::Uuid, false),
        ("email", ColumnType::Text, false),
        ("age", ColumnType::I64, true),
        ("kind", ColumnType::Text, true),
        ("address", ColumnType::Json, false),
        ("anything", ColumnType::Json, true),
        ("score", ColumnType::F64, true),
        ("either", ColumnType::Json, true),
        ("friends", ColumnType::Json, true),
        ("at", ColumnType::DateTime, true),
    ] {
        assert_eq!(column(name).column_type, column_type, "{name}");
        assert_eq!(column(name).nullable, nullable, "{name}");
    }
    assert_eq!(*table.key, [table.column("id").unwrap()]);
    // What the type does not say is kept.
    let schema = table.json_schema();
    assert_eq!(schema["properties"]["email"]["minLength"], 3);
    assert_eq!(schema["properties"]["age"]["minimum"], 0);
    // What is read from there on stays as it is.
    assert_eq!(read(&schema).json_schema(), schema);
}

#[test]
fn what_is_no_table_is_refused() {
    let refused = |schema: Json| TableDef::from_json_schema("t", &schema).unwrap_err().to_string();
    let property = |property: Json| {
        refused(
            json!({"properties": {"id": {"type": "integer"}, "x": property}, "required": ["id"]}),
        )
    };
    assert!(refused(json!(true)).contains("an object"));
    assert!(refused(json!({"type": "array", "properties": {}})).contains("not \"array\""));
    assert!(refused(json!({"properties": {"a": {}}})).contains("no key"));
    assert!(refused(json!({"properties": {"id": {"type": "integer"}}})).contains("cannot be NULL"));
    let misspelled = json!({"properties": {"id": {"type": "integer"}}, "required": ["idd"]});
    assert!(refused(misspelled).contains("did you mean `id`?"));
    assert!(property(json!({"type": "strin"})).contains("did you mean `string`?"));
    assert!(property(json!({"type": "null"})).contains("nothing but null"));
    assert!(property(json!(false)).contains("no value fits"));
    assert!(property(json!(3)).contains("a number"));
    assert!(property(json!({"type": "array", "format": "vector"})).contains("no dimension"));
    let metric = json!({"format": "vector", "minItems": 2, "maxItems": 2, "x-metric": "l3"});
    assert!(property(metric).contains("`x-metric`"));
    let hyphen = json!({"properties": {"a-b": {"x-primary-key": true, "type": "string"}}, "required": ["a-b"]});
    assert!(refused(hyphen).contains("a column's name"));
}
