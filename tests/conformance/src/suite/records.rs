//! Tables that are known only at run time: the same operations, checked at run time.

use std::sync::Arc;

use futures::TryStreamExt as _;
use serde_json::json;
use storehouse::{
    ClientKeys, ColumnType, EventKind, Record, RecordKey, RecordPatch, Store, TableDef, Tabular,
    TabularEvent,
};
use storehouse_runtime::Error;

use super::tables::{Product, product};
use crate::{
    behaviour::Outcome,
    expect::{conflicts, fails, is_refused, set_up},
};

/// Products as the derived ones are, but from their schema.
fn definition() -> Result<Arc<TableDef>, Error> {
    let schema = <Product as storehouse::Table>::json_schema();
    storehouse::TableBuilder::from_json_schema("products", &schema)?
        .index(["category", "price"])
        .unique(["sku"])
        .build()
}

async fn products(store: &Store) -> Result<Tabular<Record>, Error> {
    let products = store.tabular_of(&definition()?).await?;
    products.setup_database().await?;
    Ok(products)
}

fn record(products: &Tabular<Record>, sku: &str, price: f64) -> Result<Record, Error> {
    let record = Record::new(products.definition());
    record.with("sku", sku)?.with("category", "tools")?.with("price", price)
}

pub(crate) async fn do_what_typed_rows_do(store: &Store) -> Outcome {
    let products = products(store).await?;
    let saved = products.put(record(&products, "A1", 9.5)?).await?;
    assert_eq!(saved.get::<Option<f64>>("price")?, Some(9.5));
    assert_eq!(saved.get::<Option<String>>("note")?, None);
    let id: i64 = saved.get("id")?;
    assert_eq!(products.get(&id).await?, Some(saved.clone()));
    assert_eq!(products.get(&saved.key()?).await?, Some(saved.clone()));
    assert_eq!(products.get(&(id + 1)).await?, None);

    conflicts(&["sku"], products.insert(record(&products, "A1", 1.0)?).await);
    assert_eq!(products.insert_if_absent(record(&products, "A1", 1.0)?).await?, None);
    let patch = RecordPatch::new().set("price", 8.5).set("note", "on sale");
    let updated = products.update(&id, patch).await?.expect("it is there");
    assert_eq!(updated.get::<Option<f64>>("price")?, Some(8.5));
    assert_eq!(updated.get::<String>("note")?, "on sale");
    assert_eq!(updated.get::<String>("sku")?, "A1");
    let again = products.update(&id, RecordPatch::new()).await?;
    assert_eq!(again.as_ref(), Some(&updated));
    assert_eq!(products.update(&(id + 1), RecordPatch::new().set("price", 1.0)).await?, None);

    let filter = products.definition().filter_from_json(&json!({"sku": "A1"}))?;
    let patch = RecordPatch::new().increment("price", 0.5);
    assert_eq!(products.update_where(filter, patch).await?, 1);
    let raised = products.get(&id).await?.expect("it is there");
    assert_eq!(raised.get::<Option<f64>>("price")?, Some(9.0));

    let replaced = products.put(saved.with("price", 7.0)?).await?;
    assert_eq!(replaced.get::<i64>("id")?, id);
    let rows = vec![record(&products, "B1", 2.0)?, record(&products, "B2", 1.0)?];
    assert_eq!(products.put_bulk(rows).await?.len(), 2);
    assert_eq!(products.size().await?, 3);
    assert!(products.delete(&replaced).await?);
    assert!(!products.delete(&id).await?);
    products.delete_all().await?;
    assert_eq!(products.size().await?, 0);
    Ok(())
}

pub(crate) async fn are_found_by_columns_of_a_name(store: &Store) -> Outcome {
    let products = products(store).await?;
    for (sku, price) in [("A1", 1.0), ("A2", 2.0), ("A3", 3.0), ("A4", 4.0)] {
        products.put(record(&products, sku, price)?).await?;
    }
    let definition = products.definition();
    let price = definition.column_handle::<f64>("price")?;
    let sku = definition.column_handle::<String>("sku")?;
    let note = definition.column_handle::<Option<String>>("note")?;
    let skus = |records: Vec<Record>| -> Result<Vec<String>, Error> {
        records.iter().map(|record| record.get("sku")).collect()
    };
    let query = || products.query(price.gt(1.0) & note.is_null()).order_by(price.desc());
    assert_eq!(skus(query().await?)?, ["A4", "A3", "A2"]);
    let page = query().limit(2).page().await?;
    assert_eq!(skus(page.rows)?, ["A4", "A3"]);
    let next = page.next.expect("there is more");
    assert_eq!(skus(query().after(&next).await?)?, ["A2"]);
    let streamed: Vec<Record> = products.records(3).try_collect().await?;
    assert_eq!(skus(streamed)?, ["A1", "A2", "A3", "A4"]);
    let filter = definition.filter_from_json(&json!({"sku": ["A1", "A9"], "price": {"<": 2}}))?;
    assert_eq!(products.count(filter).await?, 1);
    assert_eq!(products.delete_search(sku.starts_with("A")).await?, 4);
    Ok(())
}

pub(crate) async fn share_a_table_with_typed_rows(store: &Store) -> Outcome {
    let typed = set_up::<Product>(store).await?;
    // A schema keeps the order of what is required, and so gives the same table.
    let records = store.tabular_of(&definition()?).await?;
    records.setup_database().await?;
    let saved = typed.put(product("A1", "tools", 9.5)).await?;
    let record = records.get(&saved.id).await?.expect("it was put");
    assert_eq!(record.get::<String>("sku")?, "A1");
    records.put(record.with("price", 7.5)?).await?;
    assert_eq!(typed.get(&saved.id).await?.map(|row| row.price), Some(7.5));
    Ok(())
}

pub(crate) async fn can_have_compound_keys(store: &Store) -> Outcome {
    let lines = TableDef::builder("lines")
        .column("amount", ColumnType::I64)
        .column("number", ColumnType::I32)
        .column("invoice", ColumnType::Text)
        .key(["invoice", "number"])
        .build()?;
    let lines = store.tabular_of(&lines).await?;
    lines.setup_database().await?;
    for (invoice, number) in [("b", 1), ("a", 2), ("a", 1)] {
        let line = Record::new(lines.definition()).with("invoice", invoice)?;
        lines.put(line.with("number", number)?.with("amount", 1_i64)?).await?;
    }
    let keys: Vec<RecordKey> =
        lines.get_all().await?.iter().map(Record::key).collect::<Result<_, _>>()?;
    let key = |invoice: &str, number: i32| RecordKey::from((invoice.to_owned(), number));
    assert_eq!(keys, [key("a", 1), key("a", 2), key("b", 1)]);
    assert!(lines.get(&key("a", 2)).await?.is_some());
    assert!(lines.get(&key("b", 2)).await?.is_none());
    assert!(lines.delete(&key("a", 2)).await?);
    is_refused("has 2 columns", lines.get("a").await);
    let swapped = RecordKey::from((1_i32, "a".to_owned()));
    is_refused("`invoice` holds String", lines.get(&swapped).await);
    Ok(())
}

pub(crate) async fn have_generated_keys_of_each_kind(store: &Store) -> Outcome {
    for (name, column_type) in
        [("a", ColumnType::I64), ("b", ColumnType::Uuid), ("c", ColumnType::Text)]
    {
        let definition =
            TableDef::builder(name).column("id", column_type).key(["id"]).auto("id").build()?;
        let table = store.tabular_of(&definition).await?;
        table.setup_database().await?;
        let first = table.put(Record::new(&definition)).await?;
        let second = table.put(Record::new(&definition)).await?;
        assert_ne!(first.key()?, second.key()?);
        assert_eq!(table.get(&second.key()?).await?, Some(second));
        let strict = table.with_client_keys(ClientKeys::Always);
        is_refused("`id` was left out", strict.put(Record::new(&definition)).await);
    }
    Ok(())
}

pub(crate) async fn hold_every_type_and_come_back_from_json(store: &Store) -> Outcome {
    let types = [
        ("flag", ColumnType::Bool, json!(true)),
        ("tiny", ColumnType::I8, json!(-128)),
        ("wide", ColumnType::I64, json!(i64::MIN)),
        ("count", ColumnType::U32, json!(4_294_967_295_u32)),
        ("ratio", ColumnType::F64, json!(0.1)),
        ("single", ColumnType::F32, json!(0.5)),
        ("word", ColumnType::Text, json!("é'\"\\")),
        ("blob", ColumnType::Bytes, json!("AP8=")),
        ("uuid", ColumnType::Uuid, json!("00000000-0000-0000-0000-000000000007")),
        ("moment", ColumnType::DateTime, json!("2026-01-31T12:00:00.000001Z")),
        ("local", ColumnType::LocalDateTime, json!("2026-01-31T12:00:00.500")),
        ("day", ColumnType::Date, json!("2026-01-31")),
        ("time", ColumnType::Time, json!("23:59:59.999999")),
        ("document", ColumnType::Json, json!({"a": [1, 1.0, null]})),
        ("words", ColumnType::TextList, json!(["a", ""])),
        ("numbers", ColumnType::FloatList, json!([0.5, -1.0])),
    ];
    let mut builder = TableDef::builder("everything").column("id", ColumnType::I64).key(["id"]);
    for (name, column_type, _) in &types {
        builder = builder.column(*name, *column_type).nullable(format!("{name}_0"), *column_type);
    }
    let definition = builder.build()?;
    let table = store.tabular_of(&definition).await?;
    table.setup_database().await?;
    let mut full = json!({"id": 1});
    let mut sparse = json!({"id": 2});
    for (name, _, value) in types {
        for object in [&mut full, &mut sparse] {
            object[name] = value.clone();
            object[format!("{name}_0")] = json!(null);
        }
        full[format!("{name}_0")] = value;
    }
    for json in [full, sparse] {
        let stored = table.put(Record::from_json(&definition, &json)?).await?;
        assert_eq!(stored.to_json()?, json);
        let read = table.get(&stored.key()?).await?.expect("it was put");
        assert_eq!(read.to_json()?, json);
        assert_eq!(read, stored);
    }
    Ok(())
}

pub(crate) async fn are_checked_as_typed_rows_are(store: &Store) -> Outcome {
    let products = products(store).await?;
    let definition = products.definition();
    let from = |json| Record::from_json(definition, &json);
    is_refused("did you mean `sku`?", from(json!({"skuu": "A1"})));
    is_refused("has to have `sku`, `category` and `price`", from(json!({})));
    is_refused("takes a number, not a string", from(json!({"price": "hunter2"})));
    // What was left out is refused when it is put, too.
    let lacking = Record::new(definition).with("sku", "A1")?;
    is_refused("`category` cannot be NULL", products.put(lacking).await);
    let update = |patch| products.update(&1_i64, patch);
    is_refused("did you mean `price`?", update(RecordPatch::new().set("prize", 1.0)).await);
    is_refused("in the key", update(RecordPatch::new().set("id", 2_i64)).await);
    is_refused("holds f64", update(RecordPatch::new().set("price", "1")).await);
    is_refused("`id` holds i64", products.get("A1").await);
    // A record of another table has its values in other places.
    let other = TableDef::builder("other").column("id", ColumnType::I64).key(["id"]).build()?;
    let stray = Record::new(&other).with("id", 1_i64)?;
    is_refused("another definition", products.put(stray).await);
    assert_eq!(products.size().await?, 0);

    let twice = TableDef { key: vec![].into(), ..TableDef::clone(definition) };
    is_refused("no key", store.tabular_of(&Arc::new(twice)).await);
    Ok(())
}

pub(crate) async fn of_another_definition_are_a_schema_error(store: &Store) -> Outcome {
    let first = TableDef::builder("things").column("id", ColumnType::I64).key(["id"]).build()?;
    store.tabular_of(&first).await?.setup_database().await?;
    let other = TableDef::builder("things")
        .column("id", ColumnType::I64)
        .column("word", ColumnType::Text)
        .key(["id"])
        .build()?;
    let opened = match store.tabular_of(&other).await {
        Ok(things) => things.setup_database().await,
        Err(error) => Err(error),
    };
    fails("Schema", opened);
    Ok(())
}

pub(crate) async fn come_with_events(store: &Store) -> Outcome {
    let products = products(store).await?;
    let put = products.events().wait_on(EventKind::Put);
    let delete = products.events().wait_on(EventKind::Delete);
    let saved = products.put(record(&products, "A1", 1.0)?).await?;
    products.delete(&saved).await?;
    let TabularEvent::Put { row } = put.await? else { panic!("a put was waited for") };
    assert_eq!(row, saved);
    let TabularEvent::Delete { key } = delete.await? else { panic!("a delete was waited for") };
    assert_eq!(key, saved.key()?);
    Ok(())
}

pub(crate) async fn go_with_transactions(store: &Store) -> Outcome {
    let products = products(store).await?;
    let failed = store
        .transaction(async |tx| {
            let products = products.in_tx(tx);
            products.put(record_in(&products, "A1")?).await?;
            Err::<(), _>(Error::application("no"))
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(products.size().await?, 0);
    store
        .transaction(async |tx| {
            let products = products.in_tx(tx);
            let saved = products.put(record_in(&products, "A1")?).await?;
            let patch = RecordPatch::new().set("price", 2.0);
            products.update(&saved.key()?, patch).await
        })
        .await?;
    let price = products.definition().column_handle::<f64>("price")?;
    assert_eq!(products.count(price.eq(2.0)).await?, 1);
    Ok(())
}

fn record_in<S>(products: &Tabular<Record, S>, sku: &str) -> Result<Record, Error> {
    let record = Record::new(products.definition()).with("sku", sku)?;
    record.with("category", "tools")?.with("price", 1.0)
}

pub(crate) async fn look_inside_of_json(store: &Store) -> Outcome {
    let definition = TableDef::from_json_schema(
        "parts",
        &json!({
            "type": "object",
            "properties": {
                "id": {"type": "integer"},
                "data": {"type": "object", "properties": {"size": {"type": "number"}}},
            },
            "required": ["id", "data"],
        }),
    )?;
    let parts = store.tabular_of(&definition).await?;
    parts.setup_database().await?;
    for (id, size) in [(1, 3.5), (2, 4.0)] {
        let json = json!({"id": id, "data": {"size": size}});
        parts.put(Record::from_json(&definition, &json)?).await?;
    }
    let data = definition.column_handle::<serde_json::Value>("data")?;
    assert_eq!(parts.count(data.path("size").as_f64().gt(3.0)).await?, 2);
    assert_eq!(parts.count(data.path("size").as_i64().eq(4)).await?, 1);
    let filter = definition.filter_from_json(&json!({"data.size": {"<": 4}}))?;
    let found = parts.query(filter).await?;
    assert_eq!(found[0].get::<i64>("id")?, 1);
    assert_eq!(found.len(), 1);
    Ok(())
}
