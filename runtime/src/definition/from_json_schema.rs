//! A definition from a JSON Schema: the way back from [`TableDef::json_schema`], and a way in for
//! schemas that others wrote.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::{ColumnDef, ColumnRole, TableBuilder, TableDef, from_json::kind, json_schema};
use crate::{
    column_type::{ColumnType, Metric, VectorElement, VectorType},
    error::{Error, Result},
    suggest::{did_you_mean, shortened},
};

impl TableDef {
    /// The definition of a table whose rows a JSON Schema describes.
    ///
    /// It reads what [`TableDef::json_schema`] writes, and schemas that others wrote: every property
    /// is a column, `string`, `integer`, `number` and `boolean` by their formats, lists of strings
    /// and of numbers, and everything else is a JSON column. What is not required can be NULL. The
    /// key is what has `x-primary-key`, or else the property `id`. Constraints such as `minLength`
    /// are kept in the schema, and not checked. [`TableBuilder::from_json_schema`] adds indexes.
    ///
    /// ```
    /// use serde_json::json;
    /// use storehouse::TableDef;
    ///
    /// let cities = TableDef::from_json_schema("cities", &json!({
    ///     "type": "object",
    ///     "properties": {
    ///         "id": {"type": "integer", "x-primary-key": true, "x-auto-generated": true},
    ///         "name": {"type": "string"},
    ///         "population": {"type": "integer"},
    ///     },
    ///     "required": ["id", "name"],
    /// }))?;
    /// assert!(cities.columns[cities.column("population").unwrap()].nullable);
    /// # Ok::<_, storehouse::Error>(())
    /// ```
    ///
    /// Fails with [`Error::Validation`] when it is not the schema of an object, when a property
    /// cannot be a column, and when there is no key.
    pub fn from_json_schema(name: impl Into<String>, schema: &Json) -> Result<Arc<Self>> {
        TableBuilder::from_json_schema(name, schema)?.build()
    }
}

impl TableBuilder {
    /// Begins with what a JSON Schema describes; see [`TableDef::from_json_schema`].
    pub fn from_json_schema(name: impl Into<String>, schema: &Json) -> Result<Self> {
        let mut builder = TableDef::builder(name);
        let Some(properties) = schema.get("properties").and_then(Json::as_object) else {
            return Err(Error::validation(
                "a table's schema is that of an object: \
                 {\"type\": \"object\", \"properties\": {..}}",
            ));
        };
        if let Some(other) = schema.get("type").filter(|found| *found != "object") {
            return Err(Error::validation(format!(
                "a table's schema has the type \"object\", not {}",
                shortened(&other.to_string())
            )));
        }
        if let Some(description) = schema.get("description").and_then(Json::as_str) {
            builder = builder.description(description);
        }
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Json::as_array)
            .map(|names| names.iter().filter_map(Json::as_str).collect())
            .unwrap_or_default();
        if let Some(unknown) = required.iter().find(|name| !properties.contains_key(**name)) {
            return Err(Error::validation(format!(
                "`required` names `{}`, which is no property{}",
                shortened(unknown),
                did_you_mean(unknown, properties.keys().map(String::as_str), String::new)
            )));
        }
        let mut key = Vec::new();
        // The properties of an object have no order; what is required has one.
        let place = |name: &str| required.iter().position(|other| *other == name);
        let mut ordered: Vec<_> = properties.iter().collect();
        ordered.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
        for (name, property) in ordered {
            let is_required = place(name).is_some();
            let column = column(name, property, is_required)?;
            if is_true(property, "x-primary-key") {
                key.push(name.clone());
            }
            if is_true(property, "x-auto-generated") {
                builder = builder.auto(name);
            }
            builder.columns.push(column);
        }
        // The order of a key of several columns stands beside the properties, which have none.
        if let Some(ordered) = schema.get("x-primary-key").and_then(Json::as_array) {
            let names: Vec<String> =
                ordered.iter().filter_map(Json::as_str).map(str::to_owned).collect();
            if !key.iter().all(|name| names.contains(name)) {
                return Err(Error::validation(
                    "`x-primary-key` beside the properties lists every column of the key, in order",
                ));
            }
            key = names;
        }
        if key.is_empty() && properties.contains_key("id") {
            key.push("id".to_owned());
        }
        if key.is_empty() {
            return Err(Error::validation(
                "the schema has no key; write \"x-primary-key\": true into a required property",
            ));
        }
        builder.given_schema = Some(Arc::new(schema.clone()));
        Ok(builder.key(key))
    }
}

fn is_true(property: &Json, keyword: &str) -> bool {
    property.get(keyword) == Some(&Json::Bool(true))
}

fn column(name: &str, property: &Json, is_required: bool) -> Result<ColumnDef> {
    let nothing = Map::new();
    let own = match property {
        Json::Bool(true) => &nothing,
        Json::Object(own) => own,
        other => {
            let found = if other == false { "`false`, which no value fits" } else { kind(other) };
            return Err(Error::validation(format!(
                "the schema of `{}` is {found}; write an object such as {{\"type\": \"string\"}}",
                shortened(name)
            )));
        }
    };
    let (core, accepts_null) = without_null(own);
    let mut column = ColumnDef::new(name, column_type(name, &core)?);
    // A JSON column that has to be given may hold the document `null`.
    let can_be_null = accepts_null && column.column_type != ColumnType::Json;
    column.nullable = can_be_null || !is_required;
    column.description = (own.get("description").and_then(Json::as_str))
        .map(|description| description.to_owned().into());
    if column.column_type == ColumnType::Json && core.get("format") == Some(&"metadata".into()) {
        column.role = ColumnRole::Metadata;
    }
    if column.column_type == ColumnType::Text && core.get("x-full-text") == Some(&true.into()) {
        column.role = ColumnRole::Text;
    }
    Ok(column)
}

/// The schema without `null`, and whether it had it.
pub(super) fn without_null(schema: &Map<String, Json>) -> (Map<String, Json>, bool) {
    let mut core = schema.clone();
    if let Some(Json::Array(types)) = schema.get("type") {
        let others: Vec<&Json> = types.iter().filter(|found| **found != "null").collect();
        if others.len() < types.len() {
            match others.as_slice() {
                [one] => core.insert("type".into(), (*one).clone()),
                _ => core.insert("type".into(), others.into_iter().cloned().collect()),
            };
            return (core, true);
        }
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(Json::Array(choices)) = schema.get(keyword) {
            let is_null = |choice: &&Json| choice.get("type").is_some_and(|found| found == "null");
            let others: Vec<&Json> = choices.iter().filter(|choice| !is_null(choice)).collect();
            if others.len() < choices.len() {
                if let [Json::Object(one)] = others.as_slice() {
                    core.remove(keyword);
                    core.extend(one.clone());
                }
                return (core, true);
            }
        }
    }
    (core, false)
}

fn column_type(name: &str, schema: &Map<String, Json>) -> Result<ColumnType> {
    const TYPES: [&str; 6] = ["string", "integer", "number", "boolean", "array", "object"];
    match schema.get("type") {
        Some(Json::String(found)) if found == "null" => Err(Error::validation(format!(
            "`{}` can be nothing but null; give it a type, or leave it out",
            shortened(name)
        ))),
        Some(Json::String(found)) if !TYPES.contains(&found.as_str()) => {
            Err(Error::validation(format!(
                "`{}` has the type `{}`, which JSON Schema does not have{}",
                shortened(name),
                shortened(found),
                did_you_mean(found, TYPES, || "; it has \"string\", \"integer\", \"number\", \
                     \"boolean\", \"array\" and \"object\""
                    .to_owned())
            )))
        }
        _ if schema.get("format") == Some(&"vector".into()) => vector(name, schema),
        _ => Ok(type_of(schema)),
    }
}

/// The column type that a schema says; JSON where it says none that there is.
pub(super) fn type_of(schema: &Map<String, Json>) -> ColumnType {
    let word = |keyword: &str| schema.get(keyword).and_then(Json::as_str);
    if word("x-column-type") == Some("json") {
        return ColumnType::Json;
    }
    match word("type") {
        Some("string") if word("contentEncoding") == Some("base64") => ColumnType::Bytes,
        Some("string") => match word("format") {
            Some("uuid") => ColumnType::Uuid,
            Some("decimal") => ColumnType::Decimal,
            Some("date-time") => ColumnType::DateTime,
            Some("partial-date-time") => ColumnType::LocalDateTime,
            Some("date") => ColumnType::Date,
            Some("partial-time") => ColumnType::Time,
            _ => ColumnType::Text,
        },
        Some("integer") => integer(schema),
        Some("number") if word("format") == Some("float") => ColumnType::F32,
        Some("number") => ColumnType::F64,
        Some("boolean") => ColumnType::Bool,
        Some("array") => match schema.get("items").and_then(|items| items.get("type")) {
            Some(Json::String(items)) if items == "string" => ColumnType::TextList,
            Some(Json::String(items)) if items == "number" => match word("x-element") {
                Some("f16") => ColumnType::F16List,
                _ => ColumnType::FloatList,
            },
            Some(Json::String(_)) if schema.get("items") == Some(&json_schema::small_integer()) => {
                ColumnType::I8List
            }
            _ => ColumnType::Json,
        },
        None => match schema.get("enum") {
            Some(Json::Array(values))
                if !values.is_empty() && values.iter().all(Json::is_string) =>
            {
                ColumnType::Text
            }
            _ => ColumnType::Json,
        },
        _ => ColumnType::Json,
    }
}

/// The integers, in the order in which the derive chooses one for an enum.
const SMALLEST_FIRST: [ColumnType; 7] = [
    ColumnType::U8,
    ColumnType::I8,
    ColumnType::U16,
    ColumnType::I16,
    ColumnType::U32,
    ColumnType::I32,
    ColumnType::I64,
];

/// The integer type with exactly these bounds; 64 bits where there is none. Where there are
/// variants with names instead, the smallest type that holds them.
fn integer(schema: &Map<String, Json>) -> ColumnType {
    if let (Some(Json::Array(values)), true) =
        (schema.get("enum"), schema.contains_key("x-enum-varnames"))
    {
        let holds = |known: &ColumnType| {
            known.integer_range().is_some_and(|(least, greatest)| {
                let fits = |value: &Json| {
                    value.as_i64().is_some_and(|value| (least..=greatest).contains(&value))
                };
                values.iter().all(fits)
            })
        };
        return SMALLEST_FIRST.into_iter().find(holds).unwrap_or(ColumnType::I64);
    }
    let bound = |keyword: &str| schema.get(keyword).and_then(Json::as_i64);
    let (Some(least), Some(greatest)) = (bound("minimum"), bound("maximum")) else {
        return ColumnType::I64;
    };
    let found =
        SMALLEST_FIRST.into_iter().find(|known| known.integer_range() == Some((least, greatest)));
    found.unwrap_or(ColumnType::I64)
}

fn vector(name: &str, schema: &Map<String, Json>) -> Result<ColumnType> {
    let wrong = |what: &str| Error::validation(format!("the vector `{}` {what}", shortened(name)));
    let count = |keyword: &str| schema.get(keyword).and_then(Json::as_u64);
    let dimension = (count("minItems"))
        .filter(|least| count("maxItems") == Some(*least) && *least > 0)
        .and_then(|dimension| u32::try_from(dimension).ok())
        .ok_or_else(|| wrong("has no dimension; write it as both `minItems` and `maxItems`"))?;
    let metric = match schema.get("x-metric") {
        None => Metric::default(),
        Some(found) => [Metric::Cosine, Metric::L2, Metric::Dot]
            .into_iter()
            .find(|metric| found == metric.name())
            .ok_or_else(|| wrong("has an unknown `x-metric`; there are cosine, l2 and dot"))?,
    };
    let element = match schema.get("x-element") {
        None => VectorElement::default(),
        Some(found) => [VectorElement::F32, VectorElement::F16, VectorElement::I8]
            .into_iter()
            .find(|element| found == element.name())
            .ok_or_else(|| wrong("has an unknown `x-element`; there are f32, f16 and i8"))?,
    };
    Ok(ColumnType::Vector(VectorType { dimension, metric, element }))
}

#[cfg(test)]
#[path = "from_json_schema_tests.rs"]
mod tests;
