//! Files that others wrote, tore or changed: seen, told of, and left alone.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::float_cmp, reason = "what is read back is the same number")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::TryStreamExt as _;
use storehouse::{Environment, Error, kv::Kv, prelude::*};
use storehouse_filesystem::{FolderBackend, FolderOptions, Noticing};
use tempfile::TempDir;

#[derive(Table, Clone, Debug, PartialEq)]
struct Product {
    #[table(key)]
    sku: String,
    #[table(unique)]
    name: String,
    price: f64,
    note: Option<String>,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Numbered {
    #[table(key, auto)]
    id: i64,
    text: String,
}

fn product(sku: &str, price: f64) -> Product {
    Product { sku: sku.into(), name: format!("name of {sku}"), price, note: None }
}

struct Shop {
    folder: TempDir,
    store: Store,
    products: Tabular<Product>,
}

impl Shop {
    async fn new(noticing: Noticing) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = FolderOptions::new(folder.path()).noticing(noticing);
        let store = Store::from_backend(Arc::new(FolderBackend::open_with(options).unwrap()));
        let products = store.tabular::<Product>().await.unwrap();
        products.setup_database().await.unwrap();
        Self { folder, store, products }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("product").join(name)
    }
}

fn names(path: &Path) -> Vec<String> {
    let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[track_caller]
fn tells<R: std::fmt::Debug>(result: storehouse::Result<R>, words: &[&str]) {
    let error = result.unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}

#[tokio::test]
async fn a_row_is_a_file_that_is_pleasant_to_read() {
    let shop = Shop::new(Noticing::Auto).await;
    shop.products.put(product("A/1", 9.5)).await.unwrap();
    let text = fs::read_to_string(shop.file("+a%2f1.json")).unwrap();
    assert_eq!(
        text,
        "{\n  \"sku\": \"A/1\",\n  \"name\": \"name of A/1\",\n  \"price\": 9.5,\n  \"note\": null\n}\n"
    );
    assert_eq!(names(&shop.file("")), ["+a%2f1.json", ".storehouse"]);
    // Nothing is left that is not finished, and the rest need not be kept.
    assert_eq!(names(&shop.file(".storehouse/temporary")), Vec::<String>::new());
    let ignored = fs::read_to_string(shop.file(".storehouse/.gitignore")).unwrap();
    assert!(ignored.contains("lock") && !ignored.contains("definition"));
}

#[tokio::test]
async fn a_write_of_the_same_row_leaves_no_trace() {
    let shop = Shop::new(Noticing::Auto).await;
    let row = product("a", 1.0);
    shop.products.put(row.clone()).await.unwrap();
    let before = fs::read(shop.file("a.json")).unwrap();
    shop.products.put(row).await.unwrap();
    assert_eq!(fs::read(shop.file("a.json")).unwrap(), before);
}

async fn hand_edits_are_seen(noticing: Noticing) {
    let shop = Shop::new(noticing).await;
    let products = &shop.products;
    products.put_bulk([product("a", 1.0), product("b", 2.0)]).await.unwrap();
    assert_eq!(products.size().await.unwrap(), 2);
    // As an editor does that writes a new file, in another layout and without what can be NULL.
    let text = "{\"price\": 3, \"sku\": \"a\", \"name\": \"A\"}";
    fs::write(shop.folder.path().join("edited"), text).unwrap();
    fs::rename(shop.folder.path().join("edited"), shop.file("a.json")).unwrap();
    let a = products.get("a").await.unwrap().unwrap();
    assert_eq!((a.price, &*a.name, a.note), (3.0, "A", None));
    // As `git checkout` does: files go, and files come.
    fs::remove_file(shop.file("b.json")).unwrap();
    fs::write(shop.file("c.json"), text.replace("\"a\"", "\"c\"").replace("\"A\"", "\"C\""))
        .unwrap();
    let all = products.query(Product::PRICE.eq(3.0)).await.unwrap();
    assert_eq!(all.iter().map(|row| &*row.sku).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(products.get("b").await.unwrap(), None);
    // The unique index goes with them.
    let taken = Product { name: "C".into(), ..product("d", 1.0) };
    assert!(matches!(products.put(taken).await, Err(Error::Conflict { .. })));
    // A row that was edited is changed as it is, not as it was.
    let patch = ProductPatch { note: Set(Some("n".into())), ..Default::default() };
    let a = products.update("a", patch).await.unwrap().unwrap();
    assert_eq!((a.price, &*a.name), (3.0, "A"));
}

#[tokio::test]
async fn hand_edits_are_seen_by_inotify() {
    hand_edits_are_seen(Noticing::Auto).await;
}

#[tokio::test]
async fn hand_edits_are_seen_by_looking() {
    hand_edits_are_seen(Noticing::Scan).await;
}

/// In place, of the same length, within one tick of the clock: what a look at the file cannot tell.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_edit_in_place_is_seen() {
    let shop = Shop::new(Noticing::Auto).await;
    shop.products.put(product("a", 1.0)).await.unwrap();
    for price in [2, 3, 4, 5] {
        let text = format!("{{\"sku\": \"a\", \"name\": \"a\", \"price\": {price}}}");
        fs::write(shop.file("a.json"), text).unwrap();
        assert_eq!(shop.products.get("a").await.unwrap().unwrap().price, f64::from(price));
    }
}

#[tokio::test]
async fn a_file_that_is_no_row_is_told_of_and_left_alone() {
    for (name, text, words) in [
        ("b.json", "", &["b.json", "empty", "mend it"][..]),
        ("b.json", "{\"sku\": \"b\", \"na", &["b.json", "no JSON"]),
        ("b.json", "<<<<<<< HEAD\n{}", &["b.json", "no JSON"]),
        ("b.json", "[]", &["b.json", "no object"]),
        ("b.json", "{\"sku\": \"b\", \"name\": \"b\"}", &["b.json", "`price` is missing"]),
        ("b.json", "{\"sku\": \"x\", \"name\": \"b\", \"price\": 1}", &["b.json", "`x.json`"]),
        (
            "b.json",
            "{\"sku\": \"b\", \"name\": \"name of a\", \"price\": 1}",
            &["b.json", "same value of name"],
        ),
        ("b.json", "{\"sku\": \"b\", \"name\": \"b\", \"price\": \"1\"}", &["b.json", "price"]),
        ("B.json", "{\"sku\": \"b\", \"name\": \"b\", \"price\": 1}", &["B.json", "`b.json`"]),
    ] {
        let shop = Shop::new(Noticing::Auto).await;
        let products = &shop.products;
        products.put(product("a", 1.0)).await.unwrap();
        fs::write(shop.file(name), text).unwrap();
        // What needs every row says so; what needs one goes on.
        tells(products.get_all().await, words);
        tells(products.size().await, words);
        tells(products.delete_search(Product::PRICE.eq(1.0)).await, words);
        assert_eq!(products.get("a").await.unwrap(), Some(product("a", 1.0)));
        products.put(product("c", 3.0)).await.unwrap();
        assert!(products.delete("c").await.unwrap());
        if name == "b.json" {
            tells(products.get("b").await, words);
            tells(products.put(product("b", 2.0)).await, words);
            tells(products.put_bulk([product("d", 2.0), product("b", 2.0)]).await, words);
            tells(products.delete("b").await, words);
            tells(
                products.update("b", ProductPatch { price: Set(1.0), ..Default::default() }).await,
                words,
            );
        }
        products.delete_all().await.unwrap();
        assert_eq!(fs::read_to_string(shop.file(name)).unwrap(), text, "it is as it was");
        assert!(!shop.file("a.json").exists() && !shop.file("d.json").exists());
        // Mended, it is a row.
        fs::remove_file(shop.file(name)).unwrap();
        let good = "{\"sku\": \"b\", \"name\": \"name of a\", \"price\": 7}";
        fs::write(shop.file("b.json"), good).unwrap();
        assert_eq!(products.get("b").await.unwrap().unwrap().price, 7.0);
    }
}

#[tokio::test]
async fn what_is_no_row_at_all_is_nobodys_business() {
    let shop = Shop::new(Noticing::Auto).await;
    shop.products.put(product("a", 1.0)).await.unwrap();
    for name in ["README.md", ".gitignore", "a.json~", ".a.json.swp", "picture.png", ".hidden.json"]
    {
        fs::write(shop.file(name), "x").unwrap();
    }
    fs::create_dir(shop.file("drafts")).unwrap();
    fs::write(shop.file("drafts/b.json"), "x").unwrap();
    assert_eq!(shop.products.size().await.unwrap(), 1);
    shop.products.delete_all().await.unwrap();
    assert_eq!(shop.products.size().await.unwrap(), 0);
    for name in ["README.md", "a.json~", ".hidden.json", "drafts/b.json"] {
        assert!(shop.file(name).exists(), "{name}");
    }
}

#[tokio::test]
async fn a_folder_that_is_gone_is_no_empty_table() {
    let shop = Shop::new(Noticing::Auto).await;
    shop.products.put(product("a", 1.0)).await.unwrap();
    fs::rename(shop.file(""), shop.folder.path().join("away")).unwrap();
    assert!(matches!(shop.products.get("a").await, Err(Error::Schema { .. })));
    assert!(matches!(shop.products.put(product("a", 1.0)).await, Err(Error::Schema { .. })));
    fs::rename(shop.folder.path().join("away"), shop.file("")).unwrap();
    assert_eq!(shop.products.get("a").await.unwrap(), Some(product("a", 1.0)));
    // Another in its place is another.
    fs::remove_dir_all(shop.file("")).unwrap();
    shop.products.setup_database().await.unwrap();
    assert_eq!(shop.products.size().await.unwrap(), 0);
    shop.products.put(product("b", 1.0)).await.unwrap();
}

/// Version control keeps none of what `.gitignore` names, nor empty folders.
#[tokio::test]
async fn a_copy_of_what_is_to_be_kept_can_be_written_to() {
    let shop = Shop::new(Noticing::Auto).await;
    shop.products.put(product("a", 1.0)).await.unwrap();
    let settings = shop.store.kv::<String, i64>("settings").await.unwrap();
    settings.setup_database().await.unwrap();
    for store in ["product", "settings"] {
        let own = shop.folder.path().join(store).join(".storehouse");
        let ignored = fs::read_to_string(own.join(".gitignore")).unwrap();
        for name in ignored.lines().filter(|line| !line.starts_with('#')) {
            let path = own.join(name.trim_end_matches('/'));
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
        assert_eq!(names(&own), [".gitignore", "definition.json"]);
    }
    // By those who had it open, and by those who open it.
    shop.products.put(product("b", 2.0)).await.unwrap();
    settings.put_with_time_to_live("a", 1, std::time::Duration::from_hours(1)).await.unwrap();
    let store = storehouse::open(&format!("fs:{}", shop.folder.path().display())).await.unwrap();
    let products = store.tabular::<Product>().await.unwrap();
    products.setup_database().await.unwrap();
    products.put_bulk([product("c", 3.0), product("d", 4.0)]).await.unwrap();
    assert_eq!(products.size().await.unwrap(), 4);
}

#[tokio::test]
async fn generated_keys_outlive_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || {
        let store = Store::from_backend(Arc::new(FolderBackend::open(folder.path()).unwrap()));
        let rows = store.tabular::<Numbered>().await.unwrap();
        rows.setup_database().await.unwrap();
        rows
    };
    let put = async |rows: &Tabular<Numbered>| {
        rows.put(NumberedInsert { text: String::new() }).await.unwrap().id
    };
    let rows = open().await;
    assert_eq!(put(&rows).await, 1);
    rows.put(Numbered { id: 40, text: String::new() }).await.unwrap();
    assert!(rows.delete(&40).await.unwrap());
    let rows = open().await;
    assert_eq!(put(&rows).await, 41);
    rows.delete_all().await.unwrap();
    assert_eq!(put(&open().await).await, 42);
    // Removed by hand, while somebody looks.
    let rows = open().await;
    assert_eq!(rows.size().await.unwrap(), 1);
    fs::remove_file(folder.path().join("numbered/42.json")).unwrap();
    assert_eq!(put(&rows).await, 43);
    rows.delete(&43).await.unwrap();
    assert_eq!(put(&open().await).await, 44);
}

#[tokio::test]
async fn a_folder_of_another_kind_or_definition_is_refused() {
    let shop = Shop::new(Noticing::Auto).await;
    let kv = shop.store.kv::<String, i64>("product").await.unwrap();
    let refused = kv.setup_database().await.unwrap_err();
    assert!(matches!(refused, Error::Schema { .. }) && refused.to_string().contains("is a table"));
    let definition = shop.file(".storehouse/definition.json");
    let text = fs::read_to_string(&definition).unwrap().replace("\"f64\"", "\"f32\"");
    fs::write(&definition, text).unwrap();
    let other = Store::from_backend(Arc::new(FolderBackend::open(shop.folder.path()).unwrap()));
    let products = other.tabular::<Product>().await.unwrap();
    tells(products.size().await, &["other columns"]);
    tells(products.setup_database().await, &["other columns"]);
}

#[tokio::test]
async fn entries_of_a_store_are_files_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = storehouse::open(&format!("fs:{}", folder.path().display())).await.unwrap();
    let settings: Kv<String, Vec<u16>> = store.kv("settings").await.unwrap();
    settings.setup_database().await.unwrap();
    settings.put("Widths", vec![80, 120]).await.unwrap();
    let file = folder.path().join("settings/+widths.json");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text, "{\n  \"key\": \"Widths\",\n  \"value\": [\n    80,\n    120\n  ]\n}\n");
    fs::write(&file, text.replace("80", "90")).unwrap();
    assert_eq!(settings.get("Widths").await.unwrap(), Some(vec![90, 120]));
    // What is no entry is not taken for one, nor for nothing, and is not written over.
    for text in ["", "{\"key\": \"Other\", \"value\": []}", "{\"name\": \"package\"}"] {
        fs::write(&file, text).unwrap();
        tells(settings.get("Widths").await, &["+widths.json"]);
        tells(settings.put("Widths", vec![]).await, &["+widths.json"]);
        tells(settings.delete("Widths").await, &["+widths.json"]);
        tells(settings.get_all().await, &["+widths.json"]);
        settings.put("other", vec![1]).await.unwrap();
        settings.delete_all().await.unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
        assert!(!folder.path().join("settings/other.json").exists());
    }
}

async fn raw(folder: &TempDir) -> Kv<String, Vec<u8>> {
    let files = FolderBackend::open(folder.path()).unwrap().raw_kv("files").unwrap();
    let files = Kv::from_storage(Arc::new(files), Environment::default()).unwrap();
    files.setup_database().await.unwrap();
    files
}

#[tokio::test]
async fn raw_files_hold_every_key_and_every_byte() {
    let folder = tempfile::tempdir().unwrap();
    let files = raw(&folder).await;
    let long = ["x".repeat(300), "A/".repeat(200)];
    let mut keys: Vec<String> = [
        "",
        " ",
        ".",
        "..",
        "../up",
        "/root",
        "a",
        "a/b",
        "a/b/c",
        "A",
        "a.txt",
        "a.bin",
        "a..b",
        "a_b",
        "con",
        "ü",
        "u\u{308}",
        "%",
        "a\\b",
        "a/",
        ".git/config",
        "notes/read me.md",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(long)
    .collect();
    let value = |key: &str| format!(" {key}\r\n\0").into_bytes();
    for key in &keys {
        files.put(key.clone(), value(key)).await.unwrap();
    }
    for key in &keys {
        assert_eq!(files.get(&**key).await.unwrap(), Some(value(key)), "{key:?}");
    }
    keys.sort();
    let all: Vec<_> = files.entries().map_ok(|entry| entry.key).try_collect().await.unwrap();
    assert_eq!(all, keys);
    assert_eq!(files.size().await.unwrap(), keys.len() as u64);
    let found: Vec<_> = files.scan("a/").map_ok(|entry| entry.key).try_collect().await.unwrap();
    assert_eq!(found, ["a/", "a/b", "a/b/c"]);
    assert_eq!(names(folder.path()), ["files"], "nothing leads out of the folder");
    assert_eq!(
        fs::read(folder.path().join("files/notes/read me.md")).unwrap(),
        value("notes/read me.md")
    );
    // Deleted one by one, nothing stays, no folder either.
    for key in &keys {
        assert!(files.delete(&**key).await.unwrap() && !files.delete(&**key).await.unwrap());
    }
    assert_eq!(names(&folder.path().join("files")), [".storehouse"]);
    assert_eq!(files.get("a").await.unwrap(), None);
}

#[tokio::test]
async fn raw_files_swap_and_keep_what_is_foreign() {
    let folder = tempfile::tempdir().unwrap();
    let files = raw(&folder).await;
    let bytes = |text: &str| text.as_bytes().to_vec();
    assert!(files.compare_and_swap("a", None, Some(bytes("1"))).await.unwrap());
    assert!(!files.compare_and_swap("a", Some(&bytes("2")), Some(bytes("3"))).await.unwrap());
    assert!(files.compare_and_swap("a", Some(&bytes("1")), Some(bytes("3"))).await.unwrap());
    files.put_bulk([("a", bytes("4")), ("b/c", bytes("5")), ("a", bytes("6"))]).await.unwrap();
    assert_eq!(
        files.get_many(["a", "b/c", "d"]).await.unwrap(),
        [Some(bytes("6")), Some(bytes("5")), None]
    );
    let brief = std::time::Duration::from_secs(1);
    let refused = files.put_with_time_to_live("a", bytes("7"), brief).await;
    assert!(matches!(refused, Err(Error::Unsupported { .. })));
    // A name that no key has is told of, and hidden files are not.
    let path = folder.path().join("files");
    fs::write(path.join(".DS_Store"), "").unwrap();
    assert_eq!(files.size().await.unwrap(), 2);
    fs::write(path.join("Upper.TXT"), "x").unwrap();
    tells(files.get_all().await, &["Upper.TXT", "+upper.+t+x+t"]);
    files.delete_all().await.unwrap();
    assert_eq!(names(&path), [".DS_Store", ".storehouse", "Upper.TXT"]);
}

/// Reads of one key take no lock. What one of them saw of a bulk, the next does not see undone.
async fn single_reads_see_no_part_of_a_bulk(noticing: Noticing) {
    const KEYS: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let open = async || {
        let options = FolderOptions::new(folder.path()).noticing(noticing);
        let store = Store::from_backend(Arc::new(FolderBackend::open_with(options).unwrap()));
        let kv: Kv<String, Option<u64>> = store.kv("kept").await.unwrap();
        kv.setup_database().await.unwrap();
        kv
    };
    let (writer, reader) = (open().await, open().await);
    let writing = tokio::spawn(async move {
        for generation in 0..150 {
            let bulk = (0..KEYS).map(|key| (key.to_string(), Some(generation)));
            writer.put_bulk(bulk).await.unwrap();
        }
    });
    let mut seen = 0;
    while !writing.is_finished() {
        for key in (0..KEYS).chain((0..KEYS).rev()) {
            let found = reader.get(&key.to_string()).await.unwrap().flatten();
            let found = found.unwrap_or_default();
            assert!(found >= seen, "after {seen} of one key {found} of another");
            seen = found;
            tokio::task::yield_now().await;
        }
    }
    writing.await.unwrap();
    assert_eq!(reader.get("0").await.unwrap(), Some(Some(149)));
}

#[tokio::test(flavor = "multi_thread")]
async fn single_reads_see_no_part_of_a_bulk_by_inotify() {
    single_reads_see_no_part_of_a_bulk(Noticing::Auto).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn single_reads_see_no_part_of_a_bulk_by_looking() {
    single_reads_see_no_part_of_a_bulk(Noticing::Scan).await;
}
