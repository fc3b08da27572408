//! A table's JSON Schema (draft 2020-12), built from its definition.
//!
//! It describes a row as JSON. The keywords that begin with `x-` and the formats of vector and
//! metadata columns tell tools what JSON Schema itself has no word for.

use serde_json::{Map, Value as Json, json};

use super::{
    ColumnDef, ColumnRole, TableDef,
    from_json_schema::{type_of, without_null},
};
use crate::column_type::{ColumnType, VectorElement};

impl TableDef {
    /// The JSON Schema of one row.
    pub fn json_schema(&self) -> Json {
        let mut properties = Map::new();
        let mut required = Vec::new();
        let given = self.given_schema.as_ref().and_then(|given| given.get("$defs"));
        let mut definitions = given.and_then(Json::as_object).cloned().unwrap_or_default();
        for (position, column) in self.columns.iter().enumerate() {
            let mut property = match self.given(&column.name) {
                Some(given) => column.complete(given),
                None => column.json_schema(),
            };
            if let Json::Object(property) = &mut property {
                // References begin at the document's root, so that is where they must lead.
                if let Some(Json::Object(own)) = property.remove("$defs") {
                    definitions.extend(own);
                }
                if self.key.contains(&position) {
                    property.insert("x-primary-key".into(), true.into());
                }
                if self.auto == Some(position) {
                    property.insert("x-auto-generated".into(), true.into());
                }
                if self.managed.contains(position) {
                    property.insert("readOnly".into(), true.into());
                }
            }
            properties.insert(column.name.to_string(), property);
            if !column.nullable {
                required.push(Json::from(&*column.name));
            }
        }
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name,
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        if let Some(description) = &self.description {
            schema["description"] = Json::from(&**description);
        }
        if self.key.len() > 1 {
            // The properties do not tell in which order their columns make the key.
            let names = self.key.iter().map(|&column| Json::from(&*self.columns[column].name));
            schema["x-primary-key"] = names.collect();
        }
        if !definitions.is_empty() {
            schema["$defs"] = definitions.into();
        }
        schema
    }

    /// What the schema that the definition was read from says of a column, but for what the
    /// definition itself says.
    fn given(&self, column: &str) -> Option<Json> {
        let mut property = self.given_schema.as_ref()?.get("properties")?.get(column)?.clone();
        if let Json::Object(property) = &mut property {
            property.remove("x-primary-key");
            property.remove("x-auto-generated");
        }
        Some(property)
    }
}

impl ColumnDef {
    /// The JSON Schema of one value of this column.
    fn json_schema(&self) -> Json {
        let mut schema = match self.json_schema {
            Some(schema) => schema.json_schema(self.column_type),
            None => type_schema(self.column_type),
        };
        if self.column_type == ColumnType::Json
            && let Json::Object(schema) = &mut schema
            && type_of(&without_null(schema).0) != ColumnType::Json
        {
            // Without this word it would be read as a column of another type.
            schema.insert("x-column-type".into(), "json".into());
        }
        self.complete(schema)
    }

    /// Adds to the schema of the column's type what the column is beyond it.
    fn complete(&self, mut schema: Json) -> Json {
        // A document that may be anything is `true`; words about it need an object.
        let has_words = self.description.is_some() || self.role == ColumnRole::Metadata;
        if schema == Json::Bool(true) && has_words {
            schema = json!({});
        }
        if let Json::Object(schema) = &mut schema {
            if let Some(description) = &self.description {
                schema.insert("description".into(), Json::from(&**description));
            }
            match self.role {
                ColumnRole::Metadata => {
                    schema.insert("format".into(), "metadata".into());
                }
                ColumnRole::Text => {
                    schema.insert("x-full-text".into(), true.into());
                }
                ColumnRole::Plain => {}
            }
            if self.nullable {
                make_nullable(schema);
            }
        }
        schema
    }
}

/// Lets a schema accept `null` too. One without a `type` accepts it already, unless it refers to
/// or chooses between others.
fn make_nullable(schema: &mut Map<String, Json>) {
    if let Some(kind) = schema.get_mut("type") {
        if kind.is_string() {
            *kind = json!([kind.take(), "null"]);
        }
        if let Some(Json::Array(values)) = schema.get_mut("enum") {
            values.push(Json::Null);
        }
    } else if schema.contains_key("$ref") || schema.contains_key("oneOf") {
        let definitions = schema.remove("$defs");
        let inner = Json::Object(std::mem::take(schema));
        schema.insert("anyOf".into(), json!([inner, {"type": "null"}]));
        if let Some(definitions) = definitions {
            schema.insert("$defs".into(), definitions);
        }
    }
}

pub(super) fn type_schema(column_type: ColumnType) -> Json {
    if let Some((least, greatest)) = column_type.integer_range() {
        return json!({"type": "integer", "minimum": least, "maximum": greatest});
    }
    match column_type {
        ColumnType::Bool => json!({"type": "boolean"}),
        ColumnType::F32 => json!({"type": "number", "format": "float"}),
        ColumnType::F64 => json!({"type": "number", "format": "double"}),
        ColumnType::Decimal => json!({"type": "string", "format": "decimal"}),
        ColumnType::Text => json!({"type": "string"}),
        ColumnType::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        ColumnType::Uuid => json!({"type": "string", "format": "uuid"}),
        ColumnType::DateTime => json!({"type": "string", "format": "date-time"}),
        ColumnType::LocalDateTime => json!({"type": "string", "format": "partial-date-time"}),
        ColumnType::Date => json!({"type": "string", "format": "date"}),
        ColumnType::Time => json!({"type": "string", "format": "partial-time"}),
        ColumnType::TextList => json!({"type": "array", "items": {"type": "string"}}),
        ColumnType::FloatList => json!({"type": "array", "items": {"type": "number"}}),
        ColumnType::F16List => {
            json!({"type": "array", "items": {"type": "number"}, "x-element": "f16"})
        }
        ColumnType::I8List => json!({"type": "array", "items": small_integer()}),
        ColumnType::Vector(vector) => json!({
            "type": "array",
            "items": match vector.element {
                VectorElement::F32 | VectorElement::F16 => json!({"type": "number"}),
                VectorElement::I8 => small_integer(),
            },
            "minItems": vector.dimension,
            "maxItems": vector.dimension,
            "format": "vector",
            "x-metric": vector.metric.name(),
            "x-element": vector.element.name(),
        }),
        _ => Json::Bool(true),
    }
}

/// An element of a list of `i8`.
pub(super) fn small_integer() -> Json {
    json!({"type": "integer", "minimum": i8::MIN, "maximum": i8::MAX})
}

/// The schema of a `json(schema)` column's type, as schemars writes it.
pub fn of_type<T: schemars::JsonSchema>() -> Json {
    // Inlined, since two columns may have different types of one name; a recursive type keeps its
    // references.
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("$schema");
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        column_type::{Metric, VectorElement, VectorType},
        definition::ValueSchema,
        test_table,
    };

    #[test]
    fn a_table() {
        let schema = test_table::definition().json_schema();
        assert_eq!(schema["title"], "products");
        assert_eq!(schema["required"], json!(["id", "sku", "price"]));
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["id"]["x-primary-key"], true);
        assert_eq!(schema["properties"]["id"]["x-auto-generated"], true);
        assert_eq!(schema["properties"]["note"], json!({"type": ["string", "null"]}));
        assert_eq!(schema["properties"]["sku"], json!({"type": "string"}));
    }

    #[test]
    fn vectors_metadata_and_words() {
        let mut column = test_table::definition().columns[3].clone();
        column.column_type = ColumnType::Vector(VectorType {
            dimension: 3,
            metric: Metric::Dot,
            element: VectorElement::F32,
        });
        let schema = column.json_schema();
        assert_eq!(schema["format"], "vector");
        assert_eq!(schema["minItems"], 3);
        assert_eq!(schema["x-metric"], "dot");

        column.column_type = ColumnType::Vector(VectorType {
            dimension: 3,
            metric: Metric::Dot,
            element: VectorElement::I8,
        });
        let schema = column.json_schema();
        assert_eq!(schema["items"], json!({"type": "integer", "minimum": -128, "maximum": 127}));
        assert_eq!(schema["x-element"], "i8");

        column.column_type = ColumnType::Decimal;
        let decimal = json!({"type": ["string", "null"], "format": "decimal"});
        assert_eq!(column.json_schema(), decimal);

        column.column_type = ColumnType::Json;
        assert_eq!(column.json_schema(), true);
        column.role = ColumnRole::Metadata;
        assert_eq!(column.json_schema(), json!({"format": "metadata"}));
        column.role = ColumnRole::Text;
        column.column_type = ColumnType::Text;
        column.description = Some("words".into());
        assert_eq!(
            column.json_schema(),
            json!({"type": ["string", "null"], "x-full-text": true, "description": "words"})
        );
    }

    #[test]
    fn definitions_move_to_the_root() {
        let mut table = (*test_table::definition()).clone();
        table.columns.to_mut()[3].json_schema = Some(ValueSchema::Document(
            || json!({"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}}),
        ));
        let schema = table.json_schema();
        assert_eq!(schema["$defs"], json!({"A": {"type": "string"}}));
        assert_eq!(of_type::<Vec<u8>>()["type"], "array");
    }

    #[test]
    fn a_reference_can_be_null_too() {
        let mut column = test_table::definition().columns[3].clone();
        column.json_schema = Some(ValueSchema::Document(|| json!({"$ref": "#/$defs/A"})));
        assert_eq!(
            column.json_schema(),
            json!({"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]})
        );
        column.json_schema = Some(ValueSchema::Document(|| json!({"oneOf": []})));
        assert_eq!(column.json_schema(), json!({"anyOf": [{"oneOf": []}, {"type": "null"}]}));
        column.nullable = false;
        assert_eq!(column.json_schema(), json!({"oneOf": []}));
    }
}
