//! From one type to another without loss.

use storehouse_runtime::{ColumnType, VectorElement};

/// How a column's values become those of another type.
pub(super) struct Conversion {
    /// The value, of a column's quoted name.
    pub(super) using: fn(&str, &str) -> String,
    /// Which values would be changed by it, of the name that the column has now; none where none
    /// can.
    pub(super) lossy: Option<String>,
    /// What such values are, in words.
    pub(super) why: &'static str,
}

/// A whole number that is written as PostgreSQL writes it.
const WHOLE: &str = "^(0|-?[1-9][0-9]{0,17})$";
const UUID: &str = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";
const EXACT_F64: i64 = 9_007_199_254_740_992;
const EXACT_F32: i64 = 16_777_216;

/// How a column that is declared as `live` becomes one of `wanted`, where it can.
pub(super) fn conversion(live: &str, wanted: ColumnType, column: &str) -> Option<Conversion> {
    let is_integer = matches!(live, "smallint" | "integer" | "bigint");
    let is_text = live == "text" || live.starts_with("character varying");
    let is_float = matches!(live, "real" | "double precision");
    let sure = |using| Some(Conversion { using, lossy: None, why: "" });
    let unless = |using, lossy, why| Some(Conversion { using, lossy: Some(lossy), why });
    let as_declared: fn(&str, &str) -> String = |column, declared| format!("{column}::{declared}");
    match wanted {
        ColumnType::Text if is_integer || live == "uuid" => {
            sure(|column, _| format!("{column}::text"))
        }
        // Only how it compares is another.
        ColumnType::Text if is_text => sure(as_declared),
        ColumnType::Bytes if is_text => sure(|column, _| format!("convert_to({column}, 'UTF8')")),
        ColumnType::Uuid if is_text => {
            unless(as_declared, format!("{column} !~ '{UUID}'"), "are not UUIDs in lower case")
        }
        ColumnType::F64 if live == "real" => sure(as_declared),
        ColumnType::F32 | ColumnType::F64 if is_integer => {
            let exact = if wanted == ColumnType::F32 { EXACT_F32 } else { EXACT_F64 };
            unless(
                as_declared,
                format!("{column} NOT BETWEEN -{exact} AND {exact}"),
                "are larger than a floating-point number holds exactly",
            )
        }
        ColumnType::Bool if is_integer => unless(
            |column, _| format!("({column} <> 0)"),
            format!("{column} NOT IN (0, 1)"),
            "are neither 0 nor 1",
        ),
        ColumnType::DateTime if live == "timestamp without time zone" => {
            sure(|column, _| format!("{column} AT TIME ZONE 'UTC'"))
        }
        ColumnType::LocalDateTime if live == "timestamp with time zone" => {
            sure(|column, _| format!("{column} AT TIME ZONE 'UTC'"))
        }
        ColumnType::Decimal if is_integer => sure(as_declared),
        // What a table without the extension, or with an older one, keeps them as.
        ColumnType::Vector(vector) if vector.element == VectorElement::I8 => {
            (live == "smallint[]").then_some(())?;
            unless(
                |column, declared| format!("{column}::real[]::{declared}"),
                format!(
                    "(cardinality({column}) <> {} OR NOT (-128 <= ALL ({column}) AND 127 >= ALL \
                     ({column})))",
                    vector.dimension
                ),
                "have another length, or numbers that are no 8-bit integers",
            )
        }
        ColumnType::Vector(vector) if vector.element == VectorElement::F16 => {
            (live == "real[]").then_some(())?;
            unless(
                as_declared,
                format!(
                    "CASE WHEN cardinality({column}) <> {} OR NOT (-65504 <= ALL ({column}) AND \
                     65504 >= ALL ({column})) THEN true ELSE {column}::halfvec::real[] <> {column} \
                     END",
                    vector.dimension
                ),
                "have another length, or numbers that half precision would round",
            )
        }
        ColumnType::Vector(vector) if live == "real[]" => unless(
            as_declared,
            format!("cardinality({column}) <> {}", vector.dimension),
            "have another length",
        ),
        ColumnType::FloatList | ColumnType::Vector(_) if live.starts_with("vector") => {
            (wanted == ColumnType::FloatList).then_some(())?;
            sure(as_declared)
        }
        _ => {
            let (least, greatest) = wanted.integer_range()?;
            if is_integer {
                // From a narrower type; a wider one is left as it is.
                sure(as_declared)
            } else if live == "boolean" {
                sure(|column, declared| format!("{column}::integer::{declared}"))
            } else if is_float {
                let (least, greatest) = (least.max(-EXACT_F64), greatest.min(EXACT_F64));
                unless(
                    as_declared,
                    format!(
                        "({column} <> trunc({column}) OR {column} NOT BETWEEN {least} AND {greatest})"
                    ),
                    "are not whole numbers of that type",
                )
            } else if is_text {
                unless(
                    as_declared,
                    format!(
                        "CASE WHEN {column} ~ '{WHOLE}' THEN {column}::bigint NOT BETWEEN {least} \
                         AND {greatest} ELSE {column} IS NOT NULL END"
                    ),
                    "are not whole numbers of that type",
                )
            } else {
                None
            }
        }
    }
}
