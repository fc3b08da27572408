//! What a column's values are, where that is more than its type says: one variant of an enum, what
//! passes a check, a document with a schema of its own.
//!
//! It is data beside the column, so that a value is held to it wherever it comes from: a row, a
//! patch, a filter, a document.

use serde_json::{Value as Json, json};

use super::json_schema;
use crate::{
    codec::{ColumnSource, DecodeError},
    column_type::ColumnType,
    value::Value,
};

/// How many variants a message lists.
const LISTED: usize = 16;
/// How many characters of a stored text a message shows.
const SHOWN: usize = 40;
/// How alike two names must be for one to be taken for a misspelling of the other.
const ALIKE: f64 = 0.8;

/// A schema of a column's values that says more than the column's type.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ValueSchema {
    /// A document, described by a JSON Schema.
    Document(fn() -> serde_json::Value),
    /// A variant of an enum that derives `TableEnum`.
    Enum(&'static Variants),
    /// A value of a type that derives `TableNewtype` with `validate`.
    Checked {
        /// Why a value that is not NULL is not one of them.
        check: fn(&Value) -> Result<(), String>,
        /// The schema of the type inside.
        inner: &'static Option<ValueSchema>,
    },
}

impl ValueSchema {
    /// Why `value` cannot be written; it has the column's type and is not NULL.
    pub(super) fn problem(&self, value: &Value) -> Option<String> {
        match self {
            Self::Checked { check, inner } => {
                let within = inner.and_then(|inner| inner.problem(value));
                within.or_else(|| check(value).err())
            }
            _ => self.unknown_variant(value),
        }
    }

    /// Why `value` cannot be compared with: it names no variant. What a check would refuse can
    /// still be a bound of a range.
    pub(super) fn unknown_variant(&self, value: &Value) -> Option<String> {
        match self {
            Self::Document(_) => None,
            Self::Enum(variants) => variants.problem(value),
            Self::Checked { inner, .. } => inner.and_then(|inner| inner.unknown_variant(value)),
        }
    }

    /// The variants, where the values are those of an enum.
    pub(super) fn variants(&self) -> Option<&'static Variants> {
        match self {
            Self::Document(_) => None,
            Self::Enum(variants) => Some(variants),
            Self::Checked { inner, .. } => inner.and_then(|inner| inner.variants()),
        }
    }

    /// The JSON Schema of one value.
    pub(super) fn json_schema(&self, column_type: ColumnType) -> Json {
        match self {
            Self::Document(describe) => describe(),
            Self::Enum(variants) => variants.json_schema(),
            Self::Checked { inner: Some(inner), .. } => inner.json_schema(column_type),
            Self::Checked { inner: None, .. } => json_schema::type_schema(column_type),
        }
    }
}

/// The variants of an enum that is a column, by position.
#[derive(Debug)]
pub struct Variants {
    type_name: &'static str,
    names: &'static [&'static str],
    /// The discriminants, where these are stored and not the names.
    numbers: Option<&'static [i128]>,
}

impl Variants {
    /// Variants that are stored by name. The derive calls this.
    pub const fn text(type_name: &'static str, names: &'static [&'static str]) -> Self {
        Self { type_name, names, numbers: None }
    }

    /// Variants that are stored as their discriminants. The derive calls this.
    pub const fn integers(
        type_name: &'static str,
        names: &'static [&'static str],
        numbers: &'static [i128],
    ) -> Self {
        Self { type_name, names, numbers: Some(numbers) }
    }

    /// The names, in the order of the variants.
    pub const fn names(&self) -> &'static [&'static str] {
        self.names
    }

    /// The column's type: text, or the smallest integer that holds every discriminant.
    #[track_caller]
    pub const fn column_type(&self) -> ColumnType {
        const INTEGERS: [ColumnType; 7] = [
            ColumnType::U8,
            ColumnType::I8,
            ColumnType::U16,
            ColumnType::I16,
            ColumnType::U32,
            ColumnType::I32,
            ColumnType::I64,
        ];
        let Some(numbers) = self.numbers else { return ColumnType::Text };
        let (mut least, mut greatest) = (0, 0);
        let mut position = 0;
        while position < numbers.len() {
            let number = numbers[position];
            least = if number < least { number } else { least };
            greatest = if number > greatest { number } else { greatest };
            position += 1;
        }
        let mut position = 0;
        while position < INTEGERS.len() {
            if let Some((from, to)) = INTEGERS[position].integer_range()
                && from as i128 <= least
                && greatest <= to as i128
            {
                return INTEGERS[position];
            }
            position += 1;
        }
        panic!(
            "a discriminant does not fit 64 bits with a sign; give a smaller one, or remove \
             `integer` to store the variants by name"
        )
    }

    /// What is stored for the variant at `position`.
    pub fn value(&self, position: usize) -> Value {
        match self.numbers {
            // `column_type` holds them to 64 bits when the table is compiled.
            Some(numbers) => Value::Int(i64::try_from(numbers[position]).unwrap_or_default()),
            None => Value::Text(self.names[position].to_owned()),
        }
    }

    /// Reads the position of the variant that is stored.
    pub fn decode(
        &self,
        source: &mut dyn ColumnSource,
        column: usize,
    ) -> Result<usize, DecodeError> {
        let stored = match self.numbers {
            Some(_) => Value::Int(source.read_int(column)?),
            None => Value::Text(source.read_text(column)?),
        };
        self.position(&stored).ok_or_else(|| DecodeError::new(column, self.message(&stored)))
    }

    fn position(&self, value: &Value) -> Option<usize> {
        match (self.numbers, value) {
            (Some(numbers), &Value::Int(stored)) => {
                numbers.iter().position(|&number| number == i128::from(stored))
            }
            (None, Value::Text(stored)) => self.names.iter().position(|name| name == stored),
            _ => None,
        }
    }

    fn problem(&self, value: &Value) -> Option<String> {
        self.position(value).is_none().then(|| self.message(value))
    }

    /// Whether a stored value is that of a variant.
    pub(super) fn has(&self, value: &Value) -> bool {
        self.position(value).is_some()
    }

    /// `there are "Draft", "Active"`.
    pub(super) fn there_are(&self) -> String {
        let mut there_are: Vec<String> = match self.numbers {
            Some(numbers) => (numbers.iter().zip(self.names))
                .map(|(number, name)| format!("{number} ({name})"))
                .collect(),
            None => self.names.iter().map(|name| format!("{name:?}")).collect(),
        };
        let more = there_are.len().saturating_sub(LISTED);
        there_are.truncate(LISTED);
        let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("there are {}{and_more}", there_are.join(", "))
    }

    /// `"Drft" is no variant of `Status`; did you mean "Draft"? There are "Draft", "Active"`.
    fn message(&self, value: &Value) -> String {
        let there_are = self.there_are();
        let (shown, likely) = match value {
            Value::Text(text) => (shorten(text), self.most_alike(text)),
            Value::Int(number) => (number.to_string(), None),
            other => (other.kind().to_owned(), None),
        };
        let did_you_mean =
            likely.map_or_else(String::new, |name| format!(" did you mean {name:?}?"));
        format!("{shown} is no variant of `{}`;{did_you_mean} {there_are}", self.type_name)
    }

    fn most_alike(&self, text: &str) -> Option<&'static str> {
        let text = text.to_lowercase();
        (self.names.iter())
            .map(|name| (strsim::jaro_winkler(&text, &name.to_lowercase()), *name))
            .filter(|(likeness, _)| *likeness > ALIKE)
            .max_by(|(left, _), (right, _)| left.total_cmp(right))
            .map(|(_, name)| name)
    }

    fn json_schema(&self) -> Json {
        match self.numbers {
            // The names under the keyword that generators of clients read.
            Some(numbers) => json!({
                "type": "integer",
                "enum": (numbers.iter())
                    .map(|&number| i64::try_from(number).unwrap_or_default())
                    .collect::<Vec<_>>(),
                "x-enum-varnames": self.names,
            }),
            None => json!({"type": "string", "enum": self.names}),
        }
    }
}

/// The text in quotes, its beginning if it is long.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}..", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::EncodedRow;

    static STATUS: Variants = Variants::text("Status", &["draft", "in_review", "published"]);
    static LEVEL: Variants = Variants::integers("Level", &["Low", "High"], &[-1, 300]);

    fn decoded(variants: &Variants, value: Value) -> Result<usize, String> {
        let decoded = variants.decode(&mut EncodedRow(vec![value]), 0);
        decoded.map_err(|error| error.into_message().into_owned())
    }

    #[test]
    fn a_variant_comes_back() {
        for position in 0..3 {
            assert_eq!(decoded(&STATUS, STATUS.value(position)), Ok(position));
        }
        assert_eq!(decoded(&LEVEL, LEVEL.value(1)), Ok(1));
        assert_eq!(LEVEL.value(0), Value::Int(-1));
    }

    #[test]
    fn what_names_no_variant_is_told_what_there_is() {
        static MANY: Variants = Variants::text("Many", &["x"; 40]);
        assert_eq!(
            decoded(&STATUS, Value::Text("Publishd".into())).unwrap_err(),
            "\"Publishd\" is no variant of `Status`; did you mean \"published\"? there are \
             \"draft\", \"in_review\", \"published\""
        );
        assert_eq!(
            decoded(&LEVEL, Value::Int(7)).unwrap_err(),
            "7 is no variant of `Level`; there are -1 (Low), 300 (High)"
        );
        let long = decoded(&STATUS, Value::Text("é".repeat(100))).unwrap_err();
        assert!(long.starts_with(&format!("\"{}\"..", "é".repeat(40))), "{long}");
        let many = decoded(&MANY, Value::Text("y".into())).unwrap_err();
        assert!(many.ends_with("\"x\" and 24 more"), "{many}");
    }

    #[test]
    fn the_smallest_integer_is_found() {
        fn of(numbers: &'static [i128]) -> ColumnType {
            Variants::integers("E", &[], numbers).column_type()
        }
        assert_eq!(of(&[0, 255]), ColumnType::U8);
        assert_eq!(of(&[-1, 127]), ColumnType::I8);
        assert_eq!(of(&[-1, 128]), ColumnType::I16);
        assert_eq!(of(&[256, 65_535]), ColumnType::U16);
        assert_eq!(of(&[65_536]), ColumnType::U32);
        assert_eq!(of(&[-1, 65_536]), ColumnType::I32);
        assert_eq!(of(&[(1 << 63) - 1]), ColumnType::I64);
        assert_eq!(STATUS.column_type(), ColumnType::Text);
    }

    #[test]
    #[should_panic(expected = "does not fit 64 bits")]
    fn a_discriminant_that_is_too_great_is_refused() {
        Variants::integers("E", &["A"], &[1 << 63]).column_type();
    }

    #[test]
    fn a_check_is_made_after_that_of_the_type_inside() {
        static INNER: Option<ValueSchema> = Some(ValueSchema::Enum(&STATUS));
        let schema = ValueSchema::Checked { check: |_| Err("never".into()), inner: &INNER };
        let unknown = Value::Text("x".into());
        assert!(schema.problem(&unknown).unwrap().contains("no variant"));
        assert!(schema.unknown_variant(&unknown).is_some());
        let draft = Value::Text("draft".into());
        assert_eq!(schema.problem(&draft).as_deref(), Some("never"));
        assert_eq!(schema.unknown_variant(&draft), None);
        assert_eq!(schema.json_schema(ColumnType::Text)["enum"][0], "draft");
    }
}
