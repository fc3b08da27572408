//! What changes say of the rows: their keys, their values, and which of them a handle sees.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use storehouse::{Change, ChangeKind, Changes, PatchField::Set, Since, Table};
use storehouse_runtime::{Result, Store};

use super::changes::next;
use crate::{behaviour::Outcome, expect::set_up};

/// A column of each type that there is.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "everything", changes)]
struct Everything {
    #[table(key)]
    id: uuid::Uuid,
    truth: bool,
    small: i8,
    large: i64,
    single: f32,
    double: f64,
    text: String,
    bytes: Vec<u8>,
    at: DateTime<Utc>,
    local: chrono::NaiveDateTime,
    day: chrono::NaiveDate,
    time: chrono::NaiveTime,
    document: serde_json::Value,
    unsigned: u32,
    numbers: Vec<f32>,
    pair: [f32; 2],
    small_numbers: Vec<i8>,
    #[table(vector(dim = 3))]
    vector: Vec<f32>,
    #[table(vector(metric = "dot"))]
    small_vector: Option<[i8; 2]>,
    texts: Vec<String>,
    nothing: Option<serde_json::Value>,
}

pub(crate) async fn carry_every_value_to_the_bit(store: &Store) -> Outcome {
    let table = set_up::<Everything>(store).await?;
    let at = DateTime::from_timestamp_micros(-1).unwrap_or_default();
    let zero = Everything {
        id: uuid::Uuid::from_u128(1),
        truth: true,
        small: i8::MIN,
        large: i64::MAX,
        single: -0.0,
        double: -0.0,
        text: "é'\"\\\n,(){}".into(),
        bytes: vec![0, 255, 92],
        at,
        local: at.naive_utc(),
        day: chrono::NaiveDate::MIN
            .max(chrono::NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default()),
        time: chrono::NaiveTime::MIN,
        document: json!(null),
        unsigned: u32::MAX,
        numbers: vec![0.1, -0.0],
        pair: [f32::MAX, -0.0],
        small_numbers: vec![i8::MIN, 0, i8::MAX],
        vector: vec![0.1, -0.0, f32::MIN_POSITIVE],
        small_vector: Some([i8::MIN, i8::MAX]),
        texts: vec![String::new(), "a,\"b\"".into()],
        nothing: None,
    };
    let other = Everything {
        truth: false,
        single: f32::MIN_POSITIVE,
        double: 1.0 / 3.0,
        text: String::new(),
        bytes: Vec::new(),
        document: json!({"a": [1, null, 9_007_199_254_740_993_i64, 0.1]}),
        numbers: Vec::new(),
        small_numbers: Vec::new(),
        small_vector: None,
        texts: Vec::new(),
        nothing: Some(json!("x")),
        ..zero.clone()
    };
    let mut changes = table.changes(Since::Now).await?;
    table.put(zero.clone()).await?;
    table.put(other.clone()).await?;
    table.delete(&zero.id).await?;
    let shown = |row: &Option<Everything>| format!("{row:?}");
    let (zero, other) = (shown(&Some(zero)), shown(&Some(other)));
    assert_eq!(shown(&next(&mut changes).await?.new), zero);
    let update = next(&mut changes).await?;
    assert_eq!((shown(&update.old), shown(&update.new)), (zero, other.clone()));
    assert_eq!(shown(&next(&mut changes).await?.old), other);
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "places", schema = "warehouse", changes)]
struct Place {
    #[table(key)]
    shelf: String,
    #[table(key)]
    number: i32,
    sku: Option<String>,
}

pub(crate) async fn follow_compound_keys_and_schemas(store: &Store) -> Outcome {
    let places = set_up::<Place>(store).await?;
    let mut changes = places.changes(Since::Now).await?;
    let place = |number, sku: &str| Place { shelf: "it's".into(), number, sku: Some(sku.into()) };
    places.put_bulk([place(1, "a"), place(2, "b")]).await?;
    places.update_where(Place::SHELF.eq("it's"), PlacePatch { sku: Set(None) }).await?;
    let mut keys = BTreeMap::new();
    for _ in 0..4 {
        let change = next(&mut changes).await?;
        let Some(key) = change.key else { panic!("a change has a key") };
        assert_eq!(key.shelf, "it's");
        if let (Some(old), Some(new)) = (&change.old, &change.new) {
            // The old and the new row are of one key.
            assert_eq!((old.number, new.number, &new.sku), (key.number, key.number, &None));
        }
        *keys.entry((key.number, change.kind == ChangeKind::Update)).or_insert(0) += 1;
    }
    let once = [((1, false), 1), ((1, true), 1), ((2, false), 1), ((2, true), 1)];
    assert_eq!(keys, once.into());
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "folders", changes)]
struct Folder {
    #[table(key)]
    id: i64,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "files", changes)]
struct File {
    #[table(key)]
    id: i64,
    #[table(references(Folder::id, on_delete = "cascade"))]
    folder: i64,
    #[table(references(Folder::id, on_delete = "set null"))]
    backup: Option<i64>,
}

pub(crate) async fn tell_of_rows_that_went_with_others(store: &Store) -> Outcome {
    store.setup_database::<(Folder, File)>().await?;
    let (folders, files) = (store.tabular::<Folder>().await?, store.tabular::<File>().await?);
    folders.put_bulk([Folder { id: 1 }, Folder { id: 2 }]).await?;
    files.put(File { id: 1, folder: 1, backup: Some(2) }).await?;
    let mut changes = files.changes(Since::Now).await?;
    folders.delete(&2).await?;
    store.transaction(async |tx| folders.in_tx(tx).delete(&1).await).await?;
    let update = next(&mut changes).await?;
    assert_eq!(update.kind, ChangeKind::Update);
    assert_eq!(update.new, Some(File { id: 1, folder: 1, backup: None }));
    let delete = next(&mut changes).await?;
    assert_eq!((delete.kind, delete.key), (ChangeKind::Delete, Some(1)));
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "letters", changes)]
struct Letter {
    #[table(key)]
    id: i64,
    pages: i64,
    #[table(version)]
    version: i64,
    #[table(soft_delete)]
    deleted_at: Option<DateTime<Utc>>,
}

/// The next changes, in short: what happened, the pages before and after, and which version.
async fn seen(changes: &mut Changes<Letter>, count: usize) -> Result<Vec<String>> {
    let mut shown = Vec::new();
    for _ in 0..count {
        let Change { kind, key, old, new, .. } = next(changes).await?;
        let known = new.as_ref().or(old.as_ref()).map(|letter| letter.id);
        assert_eq!(key, known);
        let show = |letter: Option<Letter>| {
            letter.map_or_else(String::new, |letter| {
                let Letter { pages, version, deleted_at, .. } = letter;
                format!(" {pages}v{version}{}", if deleted_at.is_some() { " deleted" } else { "" })
            })
        };
        shown.push(format!("{kind:?}{} ->{}", show(old), show(new)));
    }
    Ok(shown)
}

pub(crate) async fn are_those_of_the_rows_that_a_handle_sees(store: &Store) -> Outcome {
    let letters = set_up::<Letter>(store).await?;
    letters.put(LetterInsert { id: 7, pages: 7 }).await?;
    letters.delete(&7).await?;
    let mut visible = letters.changes(Since::Snapshot).await?;
    let mut all = letters.with_deleted().changes(Since::Snapshot).await?;
    assert_eq!(seen(&mut visible, 1).await?, ["SnapshotEnd ->"]);
    assert_eq!(seen(&mut all, 2).await?, ["Current -> 7v2 deleted", "SnapshotEnd ->"]);

    letters.put(LetterInsert { id: 1, pages: 1 }).await?;
    letters.put(LetterInsert { id: 1, pages: 2 }).await?;
    letters.delete(&1).await?;
    letters.restore(&1).await?;
    letters.delete_search(Letter::ID.eq(1)).await?;
    letters.put(LetterInsert { id: 1, pages: 3 }).await?;
    letters.delete_all().await?;
    letters.purge(&1).await?;
    // Of what was not hidden, a purge is a delete.
    letters.put(LetterInsert { id: 2, pages: 4 }).await?;
    letters.purge(&2).await?;
    let expected = [
        "Insert -> 1v1",
        "Update 1v1 -> 2v2",
        "Delete 2v2 ->",
        "Insert -> 2v4",
        "Delete 2v4 ->",
        "Insert -> 3v6",
        "Delete 3v6 ->",
        "Insert -> 4v1",
        "Delete 4v1 ->",
    ];
    assert_eq!(seen(&mut visible, expected.len()).await?, expected);
    let expected = [
        "Insert -> 1v1",
        "Update 1v1 -> 2v2",
        "Update 2v2 -> 2v3 deleted",
        "Update 2v3 deleted -> 2v4",
        "Update 2v4 -> 2v5 deleted",
        "Update 2v5 deleted -> 3v6",
        "Update 3v6 -> 3v7 deleted",
        "Delete 3v7 deleted ->",
        "Insert -> 4v1",
        "Delete 4v1 ->",
    ];
    assert_eq!(seen(&mut all, expected.len()).await?, expected);
    Ok(())
}

pub(crate) async fn of_hidden_rows_pass_a_filter_as_those_do(store: &Store) -> Outcome {
    let letters = set_up::<Letter>(store).await?;
    let long = Letter::PAGES.gt(5);
    let mut changes = letters.changes(Since::Now).filter(long.clone()).await?;
    let mut live = letters.query(long).live().await?;
    assert!(live.try_next().await?.is_some_and(|rows| rows.is_empty()));
    letters.put(LetterInsert { id: 1, pages: 9 }).await?;
    assert_eq!(live.try_next().await?.map(|rows| rows.len()), Some(1));
    letters.delete(&1).await?;
    assert_eq!(live.try_next().await?.map(|rows| rows.len()), Some(0));
    // Back, but too short to be asked for; then too short, and gone.
    letters.put(LetterInsert { id: 1, pages: 1 }).await?;
    letters.delete(&1).await?;
    letters.put(LetterInsert { id: 2, pages: 8 }).await?;
    let expected = ["Insert -> 9v1", "Delete 9v1 ->", "Insert -> 8v1"];
    assert_eq!(seen(&mut changes, 3).await?, expected);
    Ok(())
}
