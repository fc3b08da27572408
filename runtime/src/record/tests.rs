use serde_json::json;

use super::*;
use crate::test_table;

fn refused<T: fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn values_are_read_as_what_they_are() {
    let definition = test_table::definition();
    let record = Record::new(&definition).with("id", 7_i64).unwrap().with("price", 1.5).unwrap();
    assert_eq!(record.get::<i64>("id").unwrap(), 7);
    assert_eq!(record.get::<u8>("id").unwrap(), 7);
    assert_eq!(record.get::<Option<f64>>("price").unwrap(), Some(1.5));
    assert_eq!(record.get::<Option<String>>("note").unwrap(), None);
    assert_eq!(record.value_of("price"), Some(&Value::Float(1.5)));
    assert_eq!(record.value_of("sku"), None);
    assert_eq!(record.key().unwrap().values(), [Value::Int(7)]);
    assert!(refused(record.get::<f64>("prize")).contains("did you mean `price`?"));
    assert!(
        refused(record.get::<String>("price")).contains("holds f64; it cannot be read as String")
    );
    assert!(refused(record.get::<String>("sku")).contains("was left out"));
    let record = record.with("id", 300_i64).unwrap().with("note", None::<String>).unwrap();
    assert!(refused(record.get::<u8>("id")).contains("300 does not fit u8"));
    assert!(refused(record.get::<String>("note")).contains("read it as `Option<String>`"));
    assert!(refused(Record::new(&definition).key()).contains("`id` of the key was left out"));
}

#[test]
fn values_are_checked_when_they_are_set() {
    let mut record = Record::new(&test_table::definition());
    assert!(refused(record.set("prise", 1.0)).contains("did you mean `price`?"));
    assert!(refused(record.set("price", 1)).contains("holds f64, not an integer"));
    assert!(refused(record.set("price", f64::NAN)).contains("NaN"));
    assert!(refused(record.set("sku", None::<String>)).contains("cannot be NULL"));
    record.set("sku", "A1").unwrap();
    assert_eq!(format!("{record:?}"), "{\"sku\": Text(\"A1\")}");
}

#[test]
fn json_and_back() {
    let definition = test_table::definition();
    let json = json!({"id": 1, "sku": "A1", "price": 2.5, "note": null});
    let record = Record::from_json(&definition, &json).unwrap();
    assert_eq!(record.to_json().unwrap(), json);
    assert_eq!(serde_json::to_value(&record).unwrap(), json);
    // What may be left out stays left out.
    let short = json!({"sku": "A1", "price": 2.5});
    let record = Record::from_json(&definition, &short).unwrap();
    assert_eq!(record.to_json().unwrap(), short);
    let read = |json| refused(Record::from_json(&definition, &json));
    assert!(read(json!([])).contains("is an object, not an array"));
    assert!(read(json!({"skuu": "A1"})).contains("did you mean `sku`?"));
    assert!(read(json!({"id": 1})).contains("has to have `sku` and `price`"));
    let message = read(json!({"sku": "A1", "price": "hunter2"}));
    assert!(message.contains("column `price` takes a number"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
    let infinite = record.with("price", f64::INFINITY).unwrap();
    assert!(refused(infinite.to_json()).contains("infinite"));
    assert!(serde_json::to_value(&infinite).is_err());
}

#[test]
fn patches_are_checked() {
    let definition = test_table::definition();
    let assigned = |patch: RecordPatch| patch.into_assignments(&definition);
    let patch = RecordPatch::new().set("price", 1.0).set("note", "x").set("price", 2.0);
    assert_eq!(
        assigned(patch).unwrap(),
        [
            crate::Assignment::set(3, Value::Text("x".into())),
            crate::Assignment::set(2, Value::Float(2.0)),
        ]
    );
    assert_eq!(
        assigned(RecordPatch::new().increment("price", 0.5)).unwrap(),
        [crate::Assignment::increment(2, Value::Float(0.5))]
    );
    assert!(refused(assigned(RecordPatch::new().increment("sku", 1))).contains("incremented"));
    assert!(refused(assigned(RecordPatch::new().set("prcie", 1.0))).contains("did you mean"));
    assert!(refused(assigned(RecordPatch::new().set("id", 1_i64))).contains("in the key"));
    assert!(refused(assigned(RecordPatch::new().set("price", "x"))).contains("holds f64"));
    let json = RecordPatch::from_json(&definition, &json!({"price": 3})).unwrap();
    assert_eq!(json, RecordPatch::new().set("price", 3.0));
    assert!(refused(RecordPatch::from_json(&definition, &json!({"pric": 3}))).contains("`price`"));
}

#[test]
fn columns_by_name_are_checked() {
    let definition = test_table::definition();
    assert_eq!(definition.column_handle::<f64>("price").unwrap().position(), 2);
    assert_eq!(definition.column_handle::<Option<String>>("note").unwrap().position(), 3);
    assert_eq!(definition.column_handle::<String>("note").unwrap().position(), 3);
    assert_eq!(definition.column_handle::<u8>("id").unwrap().position(), 0);
    assert!(refused(definition.column_handle::<f32>("price")).contains("cannot be used as f32"));
    assert!(refused(definition.column_handle::<Option<f64>>("price")).contains("never NULL"));
    assert!(refused(definition.column_handle::<f64>("prize")).contains("did you mean `price`?"));
    let filter = definition.filter_from_json(&json!({"price": {"<": 3}})).unwrap();
    assert_eq!(filter.tree(), definition.column_handle::<f64>("price").unwrap().lt(3.0).tree());
}
