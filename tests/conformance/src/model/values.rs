//! Random values for each type of column: half of them from a small pool, so that keys, unique
//! columns and filters meet, and half from the edges where engines differ.

use fastrand::Rng;
use storehouse_runtime::{ColumnType, DecimalValue, TableDef, Value, VectorElement, VectorType};
use uuid::Uuid;

/// What texts, patterns and JSON documents are put together from: quotes, wildcards of several
/// languages, escapes, separators, and characters of one to four bytes, composed, of no width, and
/// at the edges of what there is.
const FRAGMENTS: [&str; 36] = [
    "a",
    "b",
    "A",
    "B",
    "ab",
    " ",
    "'",
    "\"",
    "''",
    ";",
    "--",
    "\\",
    "%",
    "_",
    "*",
    "?",
    "[",
    "]",
    "\n",
    "\t",
    "\u{7f}",
    "é",
    "e\u{301}",
    "ß",
    "ẞ",
    "Å",
    "日本",
    "🦀",
    "\u{200b}",
    "\u{feff}",
    "\u{d7ff}",
    "\u{ffff}",
    "\u{10ffff}",
    "/*",
    "NULL",
    "0",
];

/// Texts that differ in case, in what a pattern language makes of them, or in their end.
const POOL: [&str; 16] =
    ["", "a", "A", "b", "ab", "aB", "%", "a%", "_b", "\\", "a\\b", "*", "a?", "[a]", "é", "日本"];

/// So many characters go into an index at most.
const LONGEST_INDEXED: usize = 100;

/// The first and the last microsecond of the years 1 to 9999.
const EARLIEST: i64 = -62_135_596_800_000_000;
const LATEST: i64 = 253_402_300_799_999_999;
const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

/// A value for a column: NULL now and then where it may be.
pub(super) fn for_column(rng: &mut Rng, table: &TableDef, column: usize) -> Value {
    let definition = &table.columns[column];
    if definition.nullable && rng.u8(..4) == 0 {
        return Value::Null;
    }
    let value = of_type(rng, definition.column_type);
    match value {
        // An engine may take only so much into an index: PostgreSQL a third of a page.
        Value::Text(text) if is_indexed(table, column) => {
            Value::Text(text.chars().take(LONGEST_INDEXED).collect())
        }
        value => value,
    }
}

fn is_indexed(table: &TableDef, column: usize) -> bool {
    table.key.contains(&column) || table.indexes.iter().any(|index| index.columns.contains(&column))
}

/// A value of a type, never NULL.
pub(super) fn of_type(rng: &mut Rng, column_type: ColumnType) -> Value {
    if let Some((least, greatest)) = column_type.integer_range() {
        return Value::Int(integer(rng, least, greatest));
    }
    match column_type {
        ColumnType::Bool => Value::Bool(rng.bool()),
        ColumnType::F32 => Value::Float(f64::from(float32(rng))),
        ColumnType::F64 => Value::Float(float64(rng)),
        ColumnType::Decimal => Value::Decimal(decimal(rng)),
        ColumnType::Text => Value::Text(text(rng)),
        ColumnType::Bytes => Value::Bytes(bytes(rng)),
        ColumnType::Uuid => Value::Uuid(Uuid::from_u128(if rng.bool() {
            u128::from(rng.u8(..6)) << 120
        } else {
            rng.u128(..)
        })),
        ColumnType::DateTime | ColumnType::LocalDateTime => {
            Value::DateTime(integer(rng, EARLIEST, LATEST))
        }
        ColumnType::Date => {
            let day = |microseconds: i64| microseconds.div_euclid(MICROSECONDS_PER_DAY);
            let date = integer(rng, day(EARLIEST), day(LATEST));
            Value::Date(i32::try_from(date).expect("the years 1 to 9999 are few days"))
        }
        ColumnType::Time => Value::Time(integer(rng, 0, MICROSECONDS_PER_DAY - 1)),
        ColumnType::Json => Value::Json(json(rng, 3)),
        ColumnType::TextList => Value::TextList((0..rng.usize(..4)).map(|_| text(rng)).collect()),
        ColumnType::FloatList => {
            Value::FloatList((0..rng.usize(..6)).map(|_| float32(rng)).collect())
        }
        ColumnType::F16List => Value::F16List((0..rng.usize(..6)).map(|_| float16(rng)).collect()),
        ColumnType::I8List => Value::I8List((0..rng.usize(..6)).map(|_| rng.i8(..)).collect()),
        ColumnType::Vector(VectorType { element: VectorElement::F16, dimension, .. }) => {
            let finite = |rng: &mut Rng| Some(float16(rng)).filter(|n| n & 0x7C00 != 0x7C00);
            Value::F16List((0..dimension).map(|_| finite(rng).unwrap_or(0x3800)).collect())
        }
        ColumnType::Vector(VectorType { element: VectorElement::I8, dimension, .. }) => {
            Value::I8List((0..dimension).map(|_| rng.i8(..)).collect())
        }
        ColumnType::Vector(vector) => {
            // Nothing is near to a vector with an infinite element, so it is refused.
            let finite =
                |rng: &mut Rng| Some(float32(rng)).filter(|n| n.is_finite()).unwrap_or(0.5);
            Value::FloatList((0..vector.dimension).map(|_| finite(rng)).collect())
        }
        other => panic!("the model has no values for {other:?}"),
    }
}

/// What a column of that type is incremented by, if it can be.
pub(super) fn step(rng: &mut Rng, column_type: ColumnType) -> Option<Value> {
    if column_type.integer_range().is_some() {
        return Some(Value::Int(integer(rng, i64::MIN, i64::MAX)));
    }
    let finite = |number: f64| if number.is_finite() { number } else { 0.5 };
    (column_type == ColumnType::F64).then(|| Value::Float(finite(float64(rng))))
}

/// A text without NUL. Most are from a small pool, so that texts are equal, begin alike and match
/// patterns often enough.
pub(super) fn text(rng: &mut Rng) -> String {
    let pieces = match rng.u8(..100) {
        0 => 4_000,
        1..=59 => return POOL[rng.usize(..POOL.len())].to_owned(),
        _ => rng.usize(1..6),
    };
    (0..pieces).map(|_| FRAGMENTS[rng.usize(..FRAGMENTS.len())]).collect()
}

/// A text that others begin with or contain, often enough.
pub(super) fn part(rng: &mut Rng) -> String {
    let length = rng.usize(..3);
    text(rng).chars().take(length).collect()
}

/// A well-formed `like` pattern: a text in which some characters became wildcards, and some lost
/// what meaning they had.
pub(super) fn pattern(rng: &mut Rng) -> String {
    let mut pattern = String::new();
    for character in POOL[rng.usize(..POOL.len())].chars() {
        match rng.u8(..8) {
            0 => pattern.push('%'),
            1 => pattern.push('_'),
            2 => pattern.extend(['\\', character]),
            _ if "%_\\".contains(character) && rng.bool() => pattern.extend(['\\', character]),
            // A backslash would take the meaning of what comes next, or stand alone at the end.
            _ if character == '\\' => pattern.push('%'),
            _ => pattern.push(character),
        }
    }
    if rng.u8(..4) == 0 {
        pattern.push('%');
    }
    pattern
}

fn integer(rng: &mut Rng, least: i64, greatest: i64) -> i64 {
    match rng.u8(..10) {
        0 => least,
        1 => greatest,
        2..=6 => rng.i64(-2..6).clamp(least, greatest),
        _ => rng.i64(least..=greatest),
    }
}

fn float64(rng: &mut Rng) -> f64 {
    const EDGES: [f64; 14] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        0.5,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        5e-324,
        f64::INFINITY,
        f64::NEG_INFINITY,
        9_007_199_254_740_993.0,
        9.223_372_036_854_776e18,
    ];
    if rng.u8(..3) > 0 {
        return EDGES[rng.usize(..EDGES.len())];
    }
    let any = f64::from_bits(rng.u64(..));
    if any.is_nan() { 0.3 } else { any }
}

fn float32(rng: &mut Rng) -> f32 {
    const EDGES: [f32; 11] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        1e-45,
        f32::INFINITY,
        f32::NEG_INFINITY,
    ];
    if rng.u8(..3) > 0 {
        return EDGES[rng.usize(..EDGES.len())];
    }
    let any = f32::from_bits(rng.u32(..));
    if any.is_nan() { 0.3 } else { any }
}

/// The bits of a half-precision number.
fn float16(rng: &mut Rng) -> u16 {
    // Both zeros, both ones, the greatest, the smallest, and both infinities.
    const EDGES: [u16; 8] = [0, 0x8000, 0x3C00, 0xBC00, 0x7BFF, 1, 0x7C00, 0xFC00];
    if rng.u8(..3) > 0 {
        return EDGES[rng.usize(..EDGES.len())];
    }
    let any = rng.u16(..);
    if any & 0x7FFF > 0x7C00 { 0x34CD } else { any }
}

/// Most are small, so that they are equal often enough, also with other zeros at their end.
fn decimal(rng: &mut Rng) -> DecimalValue {
    const GREATEST: i128 = (1 << 96) - 1;
    let (mantissa, scale) = match rng.u8(..10) {
        0 => (GREATEST, rng.u32(..=28)),
        1 => (-GREATEST, rng.u32(..=28)),
        2 => (rng.i128(-1..=1), 28),
        3..=7 => (rng.i128(-3..4) * [1, 5, 10, 100, 10_000][rng.usize(..5)], rng.u32(..5)),
        _ => (rng.i128(-GREATEST..=GREATEST) >> rng.u32(..96), rng.u32(..=28)),
    };
    DecimalValue::new(mantissa, scale).expect("96 bits and 28 digits")
}

fn bytes(rng: &mut Rng) -> Vec<u8> {
    const EDGES: [&[u8]; 5] = [b"", b"\0", b"\xff", b"a", b"a\0"];
    match rng.u8(..10) {
        0..=6 => EDGES[rng.usize(..EDGES.len())].to_vec(),
        _ => (0..rng.usize(..40)).map(|_| rng.u8(..)).collect(),
    }
}

fn json(rng: &mut Rng, depth: u8) -> serde_json::Value {
    use serde_json::Value as Json;
    let kinds = if depth == 0 { 6 } else { 8 };
    match rng.u8(..kinds) {
        0 => Json::Null,
        1 => rng.bool().into(),
        2 => rng.i64(..).into(),
        3 => rng.u64(..).into(),
        // JSON has no infinity, and not every engine keeps the sign of its zero.
        4 => Json::from(Some(float64(rng)).filter(|number| number.is_finite() && *number != 0.0)),
        5 => text(rng).into(),
        6 => (0..rng.usize(..4)).map(|_| json(rng, depth - 1)).collect::<Vec<_>>().into(),
        _ => Json::Object((0..rng.usize(..4)).map(|_| (text(rng), json(rng, depth - 1))).collect()),
    }
}

/// The dates of the constants above are what they are said to be.
#[cfg(test)]
#[test]
fn the_earliest_and_the_latest_moment() {
    use chrono::{NaiveDate, NaiveTime};

    let first = NaiveDate::from_ymd_opt(1, 1, 1).unwrap().and_time(NaiveTime::MIN);
    assert_eq!(first.and_utc().timestamp_micros(), EARLIEST);
    let last = NaiveDate::from_ymd_opt(10_000, 1, 1).unwrap().and_time(NaiveTime::MIN);
    assert_eq!(last.and_utc().timestamp_micros() - 1, LATEST);
}
