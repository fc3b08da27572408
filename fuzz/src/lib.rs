//! What must hold for any input: of names of files, of tokens that come from outside, and of what is
//! in a folder's files.

use std::{
    fs,
    path::Path,
    sync::{Arc, OnceLock},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use futures::executor::block_on;
use storehouse::{
    ChangeCursor, ColumnType, Cursor, EncodedKey, Page, Value,
    filesystem::{
        FolderBackend, FolderOptions,
        names::{decode, encode, key_from_name, key_from_path, key_name, key_path},
    },
    kv::Kv,
    prelude::*,
};
use uuid::Uuid;

/// As a key the input has a name of its own and comes back from it; as a name it is one key's or
/// nobody's.
pub fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let name = encode(&text);
    assert_eq!(decode(&name).as_deref(), Some(&*text));
    let path = key_path(&text);
    assert_eq!(key_from_path(&path).as_deref(), Some(&*text));
    let key = EncodedKey::single(Value::Text(text.clone().into_owned()));
    let parts = [name.len().min(140), key_name(&key).len()];
    assert!(parts.into_iter().chain(path.split('/').map(str::len)).all(|length| length <= 140));
    for part in path.split('/').chain([name.as_str(), key_name(&key).as_str()]) {
        assert!(!part.is_empty() && !part.starts_with('.'), "{part}");
        assert!(!part.contains(['/', '\\', '\0', ':']), "{part}");
    }
    // Keys of two columns, one of which can be empty.
    for middle in [0, text.len() / 2] {
        let middle = (0..=middle).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
        let (one, other) = text.split_at(middle);
        let name =
            key_name(&[one, other].map(|text| Value::Text(text.into())).into_iter().collect());
        assert!(name.len() <= 128 && name.contains([',', '~']), "{name}");
    }
    if let Some(key) = decode(&text) {
        assert_eq!(encode(&key), text);
    }
    if let Some(key) = key_from_path(&text) {
        assert_eq!(key_path(&key), text);
    }
    for key_type in [ColumnType::Text, ColumnType::I64, ColumnType::Uuid, ColumnType::Bool] {
        if let Some(key) = key_from_name(&text, key_type) {
            assert_eq!(key_name(&key), text);
        }
    }
}

/// A cursor of a change is read from its token, and written as the same token, or refused.
pub fn change_cursor(data: &[u8]) {
    for token in [String::from_utf8_lossy(data).into_owned(), BASE64_URL_SAFE_NO_PAD.encode(data)] {
        match token.parse::<ChangeCursor>() {
            Ok(cursor) => {
                assert_eq!(cursor.to_string(), token);
                assert_eq!(token.parse::<ChangeCursor>().ok(), Some(cursor));
            }
            Err(error) => assert!(matches!(error, storehouse::Error::Validation { .. })),
        }
    }
}

/// A page goes on behind any cursor, or the cursor is refused: with the right fingerprint before
/// the input, and without.
pub fn page_cursor(data: &[u8]) {
    let (table, head) = pages();
    let with_head = [head.as_slice(), data].concat();
    let tokens = [
        String::from_utf8_lossy(data).into_owned(),
        BASE64_URL_SAFE_NO_PAD.encode(data),
        BASE64_URL_SAFE_NO_PAD.encode(with_head),
    ];
    for token in tokens {
        let cursor: Cursor = match token.parse() {
            Ok(cursor) => cursor,
            Err(never) => match never {},
        };
        match page(table, Some(&cursor)) {
            Ok(page) => assert!(page.rows.len() <= 1),
            Err(error) => assert!(matches!(error, storehouse::Error::Validation { .. }), "{error}"),
        }
    }
}

/// A row with a column of each type that has an order.
#[derive(Table, Clone, Debug)]
struct Ordered {
    #[table(key)]
    id: i64,
    flag: Option<bool>,
    number: Option<f64>,
    text: Option<String>,
    bytes: Option<Vec<u8>>,
    uuid: Option<Uuid>,
    at: Option<DateTime<Utc>>,
    date: Option<NaiveDate>,
    time: Option<NaiveTime>,
    small: Option<i8>,
}

fn page(table: &Tabular<Ordered>, after: Option<&Cursor>) -> storehouse::Result<Page<Ordered>> {
    let query = table
        .query(Filter::all())
        .order_by(Ordered::FLAG.asc())
        .order_by(Ordered::NUMBER.asc())
        .order_by(Ordered::TEXT.desc())
        .order_by(Ordered::BYTES.asc())
        .order_by(Ordered::UUID.asc())
        .order_by(Ordered::AT.desc())
        .order_by(Ordered::DATE.asc())
        .order_by(Ordered::TIME.asc())
        .order_by(Ordered::SMALL.asc())
        .limit(1);
    block_on(match after {
        Some(cursor) => query.after(cursor).page(),
        None => query.page(),
    })
}

/// A table, and how each cursor of its pages begins.
fn pages() -> &'static (Tabular<Ordered>, Vec<u8>) {
    static PAGES: OnceLock<(Tabular<Ordered>, Vec<u8>)> = OnceLock::new();
    PAGES.get_or_init(|| {
        let set_up = async {
            let table: Tabular<Ordered> = storehouse::open("memory:").await?.tabular().await?;
            table.setup_database().await?;
            let row = |id| Ordered {
                id,
                flag: None,
                number: None,
                text: None,
                bytes: None,
                uuid: None,
                at: None,
                date: None,
                time: None,
                small: None,
            };
            table.put_bulk([row(1), row(2)]).await?;
            Ok::<_, storehouse::Error>(table)
        };
        let table = block_on(set_up).expect("a table in memory");
        let first = page(&table, None).expect("a page");
        let cursor = first.next.expect("a second page");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor.as_str()).expect("base64");
        // The version and the fingerprint of the query.
        (table, bytes[..9].to_vec())
    })
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(changes)]
struct Note {
    #[table(key, auto)]
    id: i64,
    #[table(unique)]
    text: String,
}

/// The files that a store reads. Each may come from somebody else.
const FILES: [&str; 9] = [
    "note/2.json",
    "note/.storehouse/journal.json",
    "note/.storehouse/ids.json",
    "note/.storehouse/definition.json",
    "note/.storehouse/changes/log.json",
    "note/.storehouse/changes/00000000000000000002.json",
    "settings/a.json",
    "settings/.storehouse/journal.json",
    "settings/.storehouse/changes/00000000000000000001.json",
];

/// Whatever is in one of a folder's files, it is read, or told of; nothing panics, and nothing outside
/// of the folder is touched. The first byte says which file.
pub fn folder(data: &[u8]) {
    let Some((which, data)) = data.split_first() else { return };
    let outside = tempfile::tempdir().expect("there is room for it");
    let path = outside.path().join("data");
    let errors = block_on(use_folder(&path)).expect("the folder's path is fine");
    assert!(errors.is_empty(), "nothing is wrong with it yet: {errors:?}");
    let file = path.join(FILES[usize::from(*which) % FILES.len()]);
    fs::write(file, data).expect("its folder is there");
    for error in block_on(use_folder(&path)).expect("the folder's path is fine") {
        assert!(!error.to_string().contains("panicked"), "{error}");
    }
    let names = |path: &Path| fs::read_dir(path).map_or(0, Iterator::count);
    assert_eq!((names(outside.path()), names(&path)), (1, 2));
}

/// Goes on after errors, and gives all of them.
async fn use_folder(path: &Path) -> storehouse::Result<Vec<storehouse::Error>> {
    let options = FolderOptions::new(path).durable(false);
    let store = Store::from_backend(Arc::new(FolderBackend::open_with(options)?));
    let notes = store.tabular::<Note>().await?;
    let settings: Kv<String, i64> = store.kv_logged("settings").await?;
    let set_up = [notes.setup_database().await, settings.setup_database().await];
    let since = notes.changes(Since::Snapshot).await.map(drop);
    let text = |text: &str| NoteInsert { text: text.into() };
    let all = [
        since,
        notes.get_all().await.map(drop),
        notes.get(&2).await.map(drop),
        notes.put(text("a")).await.map(drop),
        notes.put(text("b")).await.map(drop),
        notes.delete_all().await,
        settings.get("a").await.map(drop),
        settings.put("a", 1).await,
        settings.increment("a", 1).await.map(drop),
        settings.get_all().await.map(drop),
        settings.size().await.map(drop),
        settings.changes(Since::Now).await.map(drop),
    ];
    Ok(set_up.into_iter().chain(all).filter_map(Result::err).collect())
}
