use serde_json::json;

use super::*;
use crate::{
    column_type::ColumnType,
    filter::Comparison,
    json_path::{JsonPath, JsonTest, JsonType},
    test_table,
    value::Value,
};

/// `products` with JSON in `data`, and a list in `tags`.
fn products() -> TableDef {
    let mut table = (*test_table::definition()).clone();
    let mut column = table.columns[3].clone();
    for (name, column_type) in [
        ("data", ColumnType::Json),
        ("tags", ColumnType::TextList),
        ("blob", ColumnType::Bytes),
        ("small", ColumnType::U8),
    ] {
        column.name = name.into();
        column.column_type = column_type;
        table.columns.to_mut().push(column.clone());
    }
    table
}

const PRICE: usize = 2;
const NOTE: usize = 3;
const DATA: usize = 4;

#[expect(clippy::needless_pass_by_value, reason = "`read(json!(..))` reads well")]
fn read(document: Json) -> FilterTree {
    FilterTree::from_json(&products(), &document).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "`refused(json!(..))` reads well")]
fn refused(document: Json) -> String {
    FilterTree::from_json(&products(), &document).unwrap_err().to_string()
}

fn price(comparison: Comparison, value: f64) -> FilterTree {
    FilterTree::Compare { column: PRICE, comparison, value: Value::Float(value) }
}

fn at(path: &str, test: JsonTest) -> FilterTree {
    FilterTree::Json { column: DATA, path: path.into(), test }
}

#[test]
fn values_and_operators() {
    let less = price(Comparison::Less, 100.0);
    assert_eq!(read(json!({"price": {"value": 100, "operator": "<"}})), less);
    assert_eq!(read(json!({"price": {"operator": "lt", "value": 100.0}})), less);
    assert_eq!(read(json!({"price": {"<": 100}})), less);
    assert_eq!(read(json!({"price": {"$lt": 100}})), less);
    assert_eq!(read(json!({"price": 100})), price(Comparison::Equal, 100.0));
    assert_eq!(read(json!({"price": {"value": 100}})), price(Comparison::Equal, 100.0));
    assert_eq!(read(json!({})), FilterTree::all());
    let null = FilterTree::IsNull { column: NOTE };
    assert_eq!(read(json!({"note": null})), null);
    assert_eq!(read(json!({"note": {"operator": "is null"}})), null);
    assert_eq!(read(json!({"note": {"is null": true}})), null);
    assert_eq!(read(json!({"note": {"is not null": false}})), null);
    assert_eq!(read(json!({"note": {"!=": null}})), null.clone().negate());
    assert_eq!(read(json!({"note": {"operator": "is not null"}})), null.negate());
    let list = FilterTree::InList { column: 0, values: vec![Value::Int(1), Value::Int(2)] };
    assert_eq!(read(json!({"id": [1, 2]})), list);
    assert_eq!(read(json!({"id": {"not in": [1, 2]}})), list.negate());
    assert!(read(json!({"id": []})).is_none());
    let text = |document| read(json!({"note": document}));
    assert_eq!(
        text(json!({"starts with": "a"})),
        FilterTree::StartsWith { column: NOTE, prefix: "a".into() }
    );
    assert_eq!(text(json!({"like": "%"})), FilterTree::Like { column: NOTE, pattern: "%".into() });
    let bytes = Value::Bytes(vec![0, 1]);
    assert_eq!(
        read(json!({"blob": "AAE="})),
        FilterTree::Compare { column: 6, comparison: Comparison::Equal, value: bytes }
    );
}

#[test]
fn several_conditions_and_connectives() {
    let between = price(Comparison::GreaterOrEqual, 1.0).and(price(Comparison::LessOrEqual, 2.0));
    assert_eq!(
        read(json!({"price": {">=": 1, "<=": 2}})).to_string_in_order(),
        between.to_string_in_order()
    );
    assert_eq!(
        read(json!({"price": [{"operator": ">=", "value": 1}, {"operator": "<=", "value": 2}]})),
        between
    );
    assert_eq!(read(json!({"price": {"between": [1, 2]}})), between);
    let null = FilterTree::IsNull { column: NOTE };
    assert_eq!(
        read(json!({"$or": [{"note": null}, {"price": 1}]})),
        null.clone().or(price(Comparison::Equal, 1.0))
    );
    assert_eq!(read(json!({"$not": {"note": null}})), null.clone().negate());
    assert_eq!(
        read(json!({"$and": [{"note": null}, {"price": 1}]})),
        null.and(price(Comparison::Equal, 1.0))
    );
    assert!(read(json!({"$or": []})).is_none());
    assert!(read(json!({"$and": []})).is_all());
}

impl FilterTree {
    /// Members of an object come in any order.
    fn to_string_in_order(&self) -> Vec<String> {
        let Self::And(parts) = self else { return vec![format!("{self:?}")] };
        let mut parts: Vec<String> = parts.iter().map(|part| format!("{part:?}")).collect();
        parts.sort();
        parts
    }
}

#[test]
fn places_in_json_columns() {
    let compare =
        |read_as, value| JsonTest::Compare { read_as, comparison: Comparison::Greater, value };
    // A number is compared with every number, whole or not.
    assert_eq!(
        read(json!({"data.size.width": {">": 3}})),
        at("size.width", compare(JsonType::Number, Value::Float(3.0)))
    );
    let large = (1_i64 << 53) + 1;
    assert_eq!(
        read(json!({"data.id": {">": large}})),
        at("id", compare(JsonType::Integer, Value::Int(large)))
    );
    assert_eq!(
        read(json!({"data.id": {"operator": ">", "value": 3, "as": "integer"}})),
        at("id", compare(JsonType::Integer, Value::Int(3)))
    );
    assert_eq!(
        read(json!({"data[0][\"a.b\"]": {"exists": true}})),
        FilterTree::Json {
            column: DATA,
            path: JsonPath::root().index(0).key("a.b"),
            test: JsonTest::Exists
        }
    );
    assert_eq!(read(json!({"data.a": null})), at("a", JsonTest::IsNull));
    assert_eq!(read(json!({"data": null})), FilterTree::IsNull { column: DATA });
    assert_eq!(
        read(json!({"data.": null})),
        FilterTree::Json { column: DATA, path: JsonPath::root(), test: JsonTest::IsNull }
    );
    assert_eq!(
        read(json!({"data.a": ["x", "y"]})),
        at(
            "a",
            JsonTest::InList {
                read_as: JsonType::Text,
                values: vec![Value::Text("x".into()), Value::Text("y".into())]
            }
        )
    );
    assert_eq!(
        read(json!({"data.a": {"contains": "x"}})),
        at("a", JsonTest::Contains { part: "x".into() })
    );
}

#[test]
fn mistakes_say_what_to_write() {
    for (document, says) in [
        (json!(1), "a filter is an object"),
        (json!([]), "not an array"),
        (json!({"prize": 1}), "`products` has no column `prize`; did you mean `price`?"),
        (json!({"xyz": 1}), "it has `id`, `sku`, `price`"),
        (json!({"price": {"operator": "lk", "value": 1}}), "no operator `lk`"),
        (json!({"price": {"like": "a"}}), "holds f64 and has no operator `like`; it takes `=`"),
        (json!({"price": {"operator": "<"}}), "takes a value; write"),
        (json!({"price": {"operator": "<", "value": null}}), "use `is null`"),
        (json!({"price": {"operator": 1}}), "the operator of `price` is a string"),
        (json!({"price": {"vlaue": 1, "operator": "="}}), "did you mean `value`?"),
        (json!({"price": {}}), "without an operator"),
        (json!({"price": "secret"}), "column `price` takes a number, not a string"),
        (json!({"price": null}), "column `price` is never NULL"),
        (json!({"id": [1, null]}), "combine it with `is null` by `$or`"),
        (json!({"id": [1, {"=": 2}]}), "values and conditions in one list"),
        (json!({"id": {"in": 1}}), "takes an array of values, not a number"),
        (json!({"id": {"between": [1]}}), "an array of two values"),
        (json!({"small": 256}), "integers from 0 to 255"),
        (json!({"tags": "a"}), "holds Vec<String> and has no operator `=`; it takes `is null`"),
        (json!({"data": 1}), "name a place in it, such as `data.size`"),
        (json!({"data.a": {"like": 1}}), "takes a string, not a number"),
        (json!({"data.a": {"like": "a", "as": "integer"}}), "leave `as` out"),
        (json!({"data.a": [1, "a"]}), "values of several types"),
        (json!({"data.a": [1.5, 9_007_199_254_740_993_i64]}), "beyond 2^53"),
        (json!({"data.a": {"value": "x", "as": "number"}}), "takes a number, not a string"),
        (json!({"data.a": {"value": 1, "as": "float"}}), "`as` of `data.a` is"),
        (json!({"price": {"value": 1, "as": "number"}}), "leave it out"),
        (json!({"data..a": 1}), "empty name"),
        (json!({"price.a": 1}), "which no path leads into"),
        (json!({"$nor": []}), "did you mean `$or`?"),
        (json!({"$xyzzy": []}), "there are `$and`, `$or` and `$not`"),
        (json!({"$or": {}}), "takes an array of filters, not an object"),
        (json!({"$or": [1]}), "a filter is an object"),
        (json!({"note": {"is null": 3}}), "takes no value"),
        (json!({"note": {"like": "a\\"}}), "lone"),
        (json!({"note": "a\u{0}"}), "NUL"),
    ] {
        let message = refused(document.clone());
        assert!(message.contains(says), "{document}: {message}");
        assert!(!message.contains("secret"), "{message}");
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let mut deep = json!({});
    for _ in 0..=DEEPEST {
        deep = json!({"$not": deep});
    }
    assert!(refused(deep).contains("too deep"));
    let many = vec![json!({"price": 1}); MOST_CONDITIONS];
    assert!(refused(json!({"$or": many})).contains("too long"));
    let many = vec![json!({}); MOST_CONDITIONS + 1];
    assert!(refused(json!({"$and": many})).contains("too long"));
    let many: Vec<i64> = (0..=10_000).collect();
    assert!(refused(json!({"id": many})).contains("10000 values"));
    // A name that is very long makes no long message.
    let name = "x".repeat(100_000);
    assert!(refused(json!({name.as_str(): 1})).len() < 500);
    assert!(refused(json!({"price": {name.as_str(): 1}})).len() < 500);
}

/// Random filters are read as they were written.
#[test]
fn a_filter_comes_back_from_its_document() {
    let table = products();
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..2_000 {
        let filter = random_filter(&mut rng, 3);
        let document = filter.to_json(&table).unwrap();
        let text = document.to_string();
        let document: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(FilterTree::from_json(&table, &document).unwrap(), filter, "{text}");
    }
}

#[test]
fn what_has_no_form_in_json_is_refused() {
    let infinite = price(Comparison::Less, f64::INFINITY);
    assert!(infinite.to_json(&products()).unwrap_err().to_string().contains("infinite"));
    let other = FilterTree::IsNull { column: 99 };
    assert!(other.to_json(&products()).unwrap_err().to_string().contains("number 99"));
}

fn random_filter(rng: &mut fastrand::Rng, depth: u8) -> FilterTree {
    const COMPARISONS: [Comparison; 6] = [
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ];
    if depth > 0 && rng.bool() {
        let parts: Vec<_> = (0..rng.usize(..4)).map(|_| random_filter(rng, depth - 1)).collect();
        return match rng.u8(..3) {
            0 => parts.into_iter().fold(FilterTree::all(), FilterTree::and),
            1 => parts.into_iter().fold(FilterTree::Or(Vec::new()), FilterTree::or),
            _ => random_filter(rng, depth - 1).negate(),
        };
    }
    let comparison = COMPARISONS[rng.usize(..6)];
    let text = ["", "a", "%", "it's", "é\"", "\\%"][rng.usize(..6)].to_owned();
    let number = Value::Float([0.0, 0.1, -1e300, 5e-324, 3.0][rng.usize(..5)]);
    let integer = Value::Int([0, -1, i64::MAX, i64::MIN, 1 << 53][rng.usize(..5)]);
    let paths = ["a", "a.b", "[0]", "a[\"x.y\"][3]", "[\"\"]", "'--"];
    let path = match rng.usize(..7) {
        6 => JsonPath::root(),
        path => paths[path].into(),
    };
    let json_test = match rng.u8(..9) {
        0 => return FilterTree::IsNull { column: rng.usize(3..8) },
        1 => return FilterTree::Compare { column: PRICE, comparison, value: number },
        2 => return FilterTree::InList { column: 0, values: vec![integer, Value::Int(7)] },
        3 => return FilterTree::Like { column: NOTE, pattern: text },
        4 => JsonTest::Exists,
        5 => JsonTest::IsNull,
        6 => JsonTest::IsNullAs(JsonType::Bool),
        7 => JsonTest::StartsWith { prefix: text },
        _ => match rng.u8(..4) {
            0 => JsonTest::Compare { read_as: JsonType::Integer, comparison, value: integer },
            1 => JsonTest::Compare { read_as: JsonType::Number, comparison, value: number },
            2 => JsonTest::InList { read_as: JsonType::Text, values: vec![Value::Text(text)] },
            _ => JsonTest::Compare {
                read_as: JsonType::Bool,
                comparison,
                value: Value::Bool(rng.bool()),
            },
        },
    };
    FilterTree::Json { column: DATA, path, test: json_test }
}

/// Whatever a client sends, the answer is a filter or an error.
#[test]
fn random_documents_do_no_harm() {
    let table = products();
    let mut rng = fastrand::Rng::with_seed(11);
    let mut read = 0;
    for _ in 0..20_000 {
        let document = random_document(&mut rng, 4);
        match FilterTree::from_json(&table, &document) {
            Ok(filter) => {
                read += 1;
                filter.check(&table).unwrap();
                let again = filter.to_json(&table).unwrap();
                assert_eq!(FilterTree::from_json(&table, &again).unwrap(), filter, "{document}");
            }
            Err(error) => {
                assert!(matches!(error, Error::Validation { .. }), "{document}: {error:?}");
                assert!(error.to_string().len() < 1_000, "{error}");
            }
        }
    }
    assert!(read > 500, "only {read} documents were filters");
}

fn random_document(rng: &mut fastrand::Rng, depth: u8) -> Json {
    const NAMES: [&str; 30] = [
        "id", "sku", "price", "note", "data", "data.a", "data.", "data[0]", "data[", "tags",
        "blob", "small", "$and", "$or", "$not", "$", "operator", "value", "as", "<", "in",
        "between", "like", "is null", "exists", "", "prize", "not", "eq", "\u{0}",
    ];
    match rng.u8(..if depth == 0 { 8 } else { 16 }) {
        0 => Json::Null,
        1 => rng.bool().into(),
        2 => rng.i64(-3..300).into(),
        3 => [0.5, 1e300, -0.0][rng.usize(..3)].into(),
        4 => rng.u64(..).into(),
        5 => ["<", "=", "in", "like", "between", "exists", "integer"][rng.usize(..7)].into(),
        6 | 7 => NAMES[rng.usize(..NAMES.len())].into(),
        8..=10 => (0..rng.usize(..4)).map(|_| random_document(rng, depth - 1)).collect(),
        _ => {
            let member = |rng: &mut fastrand::Rng| {
                (NAMES[rng.usize(..NAMES.len())].to_owned(), random_document(rng, depth - 1))
            };
            Json::Object((0..rng.usize(..3)).map(|_| member(rng)).collect())
        }
    }
}
