//! Checks a value against its column before anything is written, so that every backend refuses
//! the same values with the same words.

use super::{ColumnDef, TableDef};
use crate::{
    column_type::{ColumnType, VectorElement, VectorType},
    error::{Error, Result},
    value::{EncodedKey, EncodedRow, Value},
};

impl TableDef {
    /// Fails with [`Error::Validation`] when a value does not fit its column.
    ///
    /// A generated integer key and a version may still be NULL here: the engine fills them in.
    pub fn check_row(&self, row: &EncodedRow) -> Result<()> {
        if row.0.len() != self.columns.len() {
            return Err(Error::validation(format!(
                "a row of `{}` has {} columns, {} values were given",
                self.name,
                self.columns.len(),
                row.0.len()
            )));
        }
        let generated = self.auto_integer();
        for (position, (column, value)) in self.columns.iter().zip(&row.0).enumerate() {
            let is_filled_in =
                generated == Some(position) || self.managed.version == Some(position);
            if value.is_null() && is_filled_in {
                continue;
            }
            column.check(value)?;
        }
        Ok(())
    }

    /// Fails with [`Error::Validation`] when a value does not fit its key column.
    pub fn check_key(&self, key: &EncodedKey) -> Result<()> {
        if key.0.len() != self.key.len() {
            return Err(Error::validation(format!(
                "the key of `{}` has {} columns, {} values were given",
                self.name,
                self.key.len(),
                key.0.len()
            )));
        }
        self.key
            .iter()
            .zip(&key.0)
            .try_for_each(|(&column, value)| self.columns[column].check(value))
    }
}

impl ColumnDef {
    /// Fails with [`Error::Validation`] when `value` does not fit this column.
    pub fn check(&self, value: &Value) -> Result<()> {
        if value.is_null() {
            return if self.nullable {
                Ok(())
            } else {
                self.refuse("cannot be NULL; give it a value, or make the field an `Option`")
            };
        }
        self.check_operand(value)?;
        match self.json_schema.and_then(|schema| schema.problem(value)) {
            Some(problem) => self.refuse(&format!("cannot hold this value: {problem}")),
            None => Ok(()),
        }
    }

    /// As [`ColumnDef::check_operand`], for a whole value and not a part of a text: it can be one
    /// that the column has.
    pub fn check_compared(&self, value: &Value) -> Result<()> {
        self.check_operand(value)?;
        match self.json_schema.and_then(|schema| schema.unknown_variant(value)) {
            Some(problem) => self.refuse(&format!("never has this value: {problem}")),
            None => Ok(()),
        }
    }

    /// As [`ColumnDef::check`], for a value that is only compared with: never NULL.
    pub fn check_operand(&self, value: &Value) -> Result<()> {
        match (self.column_type, value) {
            (ColumnType::Bool, Value::Bool(_))
            | (ColumnType::I64, Value::Int(_))
            | (ColumnType::Bytes, Value::Bytes(_))
            | (ColumnType::Uuid, Value::Uuid(_))
            | (ColumnType::Date, Value::Date(_))
            | (ColumnType::Decimal, Value::Decimal(_))
            | (ColumnType::I8List, Value::I8List(_))
            | (ColumnType::Time, Value::Time(_)) => Ok(()),
            (ColumnType::DateTime | ColumnType::LocalDateTime, Value::DateTime(value)) => {
                // What a type of more years becomes on its way in, and no date that chrono has.
                if matches!(*value, i64::MIN | i64::MAX) { self.refuse(TOO_FAR) } else { Ok(()) }
            }
            (column_type, &Value::Int(value)) => match column_type.integer_range() {
                Some((least, greatest)) if (least..=greatest).contains(&value) => Ok(()),
                Some((least, greatest)) => self.refuse(&format!(
                    "holds {least} to {greatest}, {value} is outside; use a wider integer type"
                )),
                None => self.refuse_kind(&Value::Int(value)),
            },
            (ColumnType::F32 | ColumnType::F64, Value::Float(value)) => {
                if value.is_nan() {
                    self.refuse(NAN)
                } else {
                    Ok(())
                }
            }
            (ColumnType::Text, Value::Text(text)) => self.check_text(text),
            (ColumnType::TextList, Value::TextList(list)) => {
                list.iter().try_for_each(|text| self.check_text(text))
            }
            (ColumnType::Json, Value::Json(document)) => self.check_json(document),
            (ColumnType::FloatList, Value::FloatList(list)) => self.check_floats(list),
            (ColumnType::F16List, Value::F16List(list)) => self.check_halves(list),
            (ColumnType::Vector(vector), Value::I8List(list))
                if vector.element == VectorElement::I8 =>
            {
                self.check_dimension(vector, list.len())
            }
            (ColumnType::Vector(vector), Value::F16List(list))
                if vector.element == VectorElement::F16 =>
            {
                if list.iter().any(|bits| bits & 0x7FFF == 0x7C00) {
                    return self.refuse(INFINITE);
                }
                self.check_dimension(vector, list.len())?;
                self.check_halves(list)
            }
            (ColumnType::Vector(vector), Value::FloatList(list))
                if vector.element == VectorElement::F32 =>
            {
                if list.iter().any(|number| number.is_infinite()) {
                    return self.refuse(INFINITE);
                }
                self.check_dimension(vector, list.len())?;
                self.check_floats(list)
            }
            (_, value) => self.refuse_kind(value),
        }
    }

    fn check_text(&self, text: &str) -> Result<()> {
        if text.contains('\0') { self.refuse(NUL) } else { Ok(()) }
    }

    fn check_floats(&self, list: &[f32]) -> Result<()> {
        if list.iter().any(|number| number.is_nan()) { self.refuse(NAN) } else { Ok(()) }
    }

    /// NaN has every bit of the exponent and one of the fraction.
    fn check_halves(&self, list: &[u16]) -> Result<()> {
        if list.iter().any(|bits| bits & 0x7FFF > 0x7C00) { self.refuse(NAN) } else { Ok(()) }
    }

    fn check_dimension(&self, vector: VectorType, length: usize) -> Result<()> {
        if length == vector.dimension as usize {
            return Ok(());
        }
        self.refuse(&format!(
            "holds vectors of {} dimensions, this one has {length}",
            vector.dimension
        ))
    }

    fn check_json(&self, document: &serde_json::Value) -> Result<()> {
        match document {
            serde_json::Value::String(text) => self.check_text(text),
            serde_json::Value::Array(items) => {
                items.iter().try_for_each(|item| self.check_json(item))
            }
            serde_json::Value::Object(members) => members.iter().try_for_each(|(name, member)| {
                self.check_text(name)?;
                self.check_json(member)
            }),
            _ => Ok(()),
        }
    }

    fn refuse_kind<T>(&self, value: &Value) -> Result<T> {
        self.refuse(&format!("holds {}, not {}", self.column_type.rust_name(), value.kind()))
    }

    fn refuse<T>(&self, why: &str) -> Result<T> {
        Err(Error::validation(format!("column `{}` {why}", self.name)))
    }
}

const NAN: &str = "cannot hold NaN, which equals nothing, not even itself; store NULL instead";
const INFINITE: &str = "cannot hold an infinite number, since it has no direction and no distance \
                        to another vector; clamp it, or scale the vector to length 1";
const TOO_FAR: &str = "cannot hold a date-time so far from 1970, since 64 bits do not count its \
                       microseconds; keep it as text or as a number";
const NUL: &str = "cannot hold the NUL character, which some databases end a text at; \
                   use a `Vec<u8>` column for binary data";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{column_type::Metric, definition::ColumnRole};

    fn column(column_type: ColumnType) -> ColumnDef {
        ColumnDef {
            name: "c".into(),
            column_type,
            nullable: false,
            description: None,
            default: None,
            role: ColumnRole::Plain,
            json_schema: None,
            rename_from: Vec::new().into(),
        }
    }

    fn refused(column_type: ColumnType, value: &Value) -> String {
        column(column_type).check(value).unwrap_err().to_string()
    }

    #[test]
    fn what_no_backend_can_hold_is_refused_with_the_way_out() {
        assert!(refused(ColumnType::F64, &Value::Float(f64::NAN)).contains("NaN"));
        assert!(refused(ColumnType::Text, &Value::Text("a\0b".into())).contains("NUL"));
        assert!(refused(ColumnType::TextList, &Value::TextList(vec!["\0".into()])).contains("NUL"));
        let nested = serde_json::json!({"a": [{"b\0": 1}]});
        assert!(refused(ColumnType::Json, &Value::Json(nested)).contains("NUL"));
        let nested = serde_json::json!(["\0"]);
        assert!(refused(ColumnType::Json, &Value::Json(nested)).contains("NUL"));
        assert!(refused(ColumnType::FloatList, &Value::FloatList(vec![f32::NAN])).contains("NaN"));
        assert!(refused(ColumnType::U8, &Value::Int(256)).contains("0 to 255"));
        assert!(refused(ColumnType::I64, &Value::Null).contains("cannot be NULL"));
        assert!(refused(ColumnType::Text, &Value::Int(1)).contains("holds String"));
    }

    #[test]
    fn a_vector_must_have_its_dimension() {
        let vector = ColumnType::Vector(VectorType {
            dimension: 2,
            metric: Metric::Cosine,
            element: VectorElement::F32,
        });
        assert!(refused(vector, &Value::FloatList(vec![1.0])).contains("2 dimensions"));
        assert!(refused(vector, &Value::FloatList(vec![1.0, f32::NAN])).contains("NaN"));
        let infinite = Value::FloatList(vec![1.0, f32::NEG_INFINITY]);
        assert!(refused(vector, &infinite).contains("infinite"));
        column(vector).check(&Value::FloatList(vec![1.0, 2.0])).unwrap();
    }

    #[test]
    fn a_vector_must_have_its_elements() {
        let vector = |element| {
            ColumnType::Vector(VectorType { dimension: 2, metric: Metric::Cosine, element })
        };
        let [floats, halves, integers] =
            [VectorElement::F32, VectorElement::F16, VectorElement::I8].map(vector);
        let float_list = Value::FloatList(vec![1.0, 2.0]);
        assert!(refused(halves, &float_list).contains("holds Vec<f16>, not a list of numbers"));
        assert!(refused(integers, &float_list).contains("holds Vec<i8>"));
        assert!(refused(floats, &Value::I8List(vec![1, 2])).contains("holds Vec<f32>"));

        column(integers).check(&Value::I8List(vec![-128, 127])).unwrap();
        assert!(refused(integers, &Value::I8List(vec![1])).contains("2 dimensions"));

        // The greatest and the smallest number, then infinity, NaN, and too few.
        column(halves).check(&Value::F16List(vec![0x7BFF, 0x8001])).unwrap();
        assert!(refused(halves, &Value::F16List(vec![0, 0xFC00])).contains("infinite"));
        assert!(refused(halves, &Value::F16List(vec![0x7C01, 0])).contains("NaN"));
        assert!(refused(halves, &Value::F16List(vec![0])).contains("2 dimensions"));
        column(ColumnType::F16List).check(&Value::F16List(vec![0x7C00])).unwrap();
        assert!(refused(ColumnType::F16List, &Value::F16List(vec![0xFE00])).contains("NaN"));
    }

    #[test]
    fn a_date_time_that_cannot_be_counted_is_refused() {
        for end in [i64::MIN, i64::MAX] {
            assert!(refused(ColumnType::DateTime, &Value::DateTime(end)).contains("so far"));
        }
        column(ColumnType::LocalDateTime).check(&Value::DateTime(i64::MAX - 1)).unwrap();
    }

    #[test]
    fn the_ends_of_a_range_fit() {
        column(ColumnType::I8).check(&Value::Int(-128)).unwrap();
        column(ColumnType::I8).check(&Value::Int(127)).unwrap();
        refused(ColumnType::I8, &Value::Int(128));
        refused(ColumnType::I8, &Value::Int(-129));
        column(ColumnType::U32).check(&Value::Int(4_294_967_295)).unwrap();
    }
}
