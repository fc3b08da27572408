//! Links, pipes and folders where files should be, and folders that others take the place of: what a
//! folder can hold that no program of ours has put there.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use storehouse::{Environment, Error, kv::Kv, prelude::*};
use storehouse_filesystem::{FolderBackend, FolderOptions, Noticing};

#[derive(Table, Clone, Debug, PartialEq)]
struct Page {
    #[table(key)]
    name: String,
    #[table(unique)]
    title: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Numbered {
    #[table(key, auto)]
    id: i64,
    text: String,
}

fn page(name: &str, title: &str) -> Page {
    Page { name: name.into(), title: title.into() }
}

const BOTH: [Noticing; 2] = [Noticing::Auto, Noticing::Scan];

fn store(path: &Path, noticing: Noticing) -> Store {
    let options = FolderOptions::new(path).noticing(noticing);
    Store::from_backend(Arc::new(FolderBackend::open_with(options).unwrap()))
}

async fn pages(path: &Path, noticing: Noticing) -> Tabular<Page> {
    let pages = store(path, noticing).tabular().await.unwrap();
    pages.setup_database().await.unwrap();
    pages
}

async fn raw(path: &Path) -> Kv<String, Vec<u8>> {
    let files = FolderBackend::open(path).unwrap().raw_kv("files").unwrap();
    let files = Kv::from_storage(Arc::new(files), Environment::default()).unwrap();
    files.setup_database().await.unwrap();
    files
}

fn text_of(page: &Page) -> String {
    serde_json::to_string(&serde_json::json!({ "name": page.name, "title": page.title })).unwrap()
}

#[track_caller]
fn tells<R: std::fmt::Debug>(result: storehouse::Result<R>, words: &[&str]) {
    let error = result.unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}

fn make_pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// Puts something at a path; the other path is that of a file elsewhere.
type Make = fn(&Path, &Path);

/// Each would do harm if it were read: it leads elsewhere, waits for ever, or is no file.
#[tokio::test]
async fn what_is_there_instead_of_a_file_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let pages = pages(&folder.path().join("site"), Noticing::Auto).await;
    let settings = store(&folder.path().join("site"), Noticing::Auto);
    let settings: Kv<String, i64> = settings.kv("settings").await.unwrap();
    settings.setup_database().await.unwrap();
    let files = raw(&folder.path().join("site")).await;
    pages.put(page("a", "A")).await.unwrap();
    settings.put("a", 1).await.unwrap();
    files.put("a.txt", b"a".to_vec()).await.unwrap();
    let elsewhere = folder.path().join("elsewhere.json");
    fs::write(&elsewhere, text_of(&page("b", "B"))).unwrap();

    let all: [(&str, Make); 5] = [
        ("it is a link", |path, elsewhere| symlink(elsewhere, path).unwrap()),
        ("it is a link", |path, _| symlink("nothing is here", path).unwrap()),
        ("it is a folder", |path, _| fs::create_dir(path).unwrap()),
        ("it is a pipe", |path, _| make_pipe(path)),
        ("it is a pipe", |path, _| drop(UnixListener::bind(path).unwrap())),
    ];
    for (what, make) in all {
        let site = folder.path().join("site");
        for place in ["page/b.json", "settings/b.json", "files/b.txt"] {
            make(&site.join(place), &elsewhere);
        }
        tells(pages.get("b").await, &["page/b.json", what]);
        tells(pages.get_all().await, &["page/b.json", what]);
        tells(pages.put(page("b", "B")).await, &["page/b.json", what]);
        tells(pages.put_bulk([page("b", "B"), page("c", "C")]).await, &["page/b.json", what]);
        assert_eq!(pages.get("a").await.unwrap(), Some(page("a", "A")));
        // As a link made by `ln`: whole from the first, and never written.
        if what == "it is a folder" {
            let (from, to) = (folder.path().join("elsewhere.json"), site.join("page/b.json"));
            fs::remove_dir(&to).unwrap();
            fs::hard_link(from, &to).unwrap();
            assert_eq!(pages.get("b").await.unwrap(), Some(page("b", "B")));
            fs::remove_file(&to).unwrap();
            fs::write(folder.path().join("torn"), "{").unwrap();
            fs::hard_link(folder.path().join("torn"), &to).unwrap();
            tells(pages.get("b").await, &["page/b.json", "no JSON"]);
            fs::remove_file(&to).unwrap();
            fs::create_dir(&to).unwrap();
        }
        tells(settings.get("b").await, &["settings/b.json", what]);
        tells(settings.put("b", 1).await, &["settings/b.json", what]);
        tells(settings.get_all().await, &["settings/b.json", what]);
        assert_eq!(settings.get("a").await.unwrap(), Some(1));
        if what != "it is a folder" {
            // In a raw store a folder may have any name.
            tells(files.get("b.txt").await, &["files/b.txt", what]);
            tells(files.put("b.txt", vec![1]).await, &["files/b.txt", what]);
        }
        for place in ["page/b.json", "settings/b.json", "files/b.txt"] {
            let place = site.join(place);
            if what == "it is a folder" {
                fs::remove_dir(place).unwrap();
            } else {
                fs::remove_file(place).unwrap();
            }
        }
        assert_eq!(pages.get("b").await.unwrap(), None);
        assert_eq!(settings.get("b").await.unwrap(), None);
    }
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), text_of(&page("b", "B")));
}

/// A folder may come from somebody else, with links in it that lead anywhere.
#[tokio::test]
async fn nothing_is_read_or_written_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret.txt"), "secret").unwrap();
    let files = raw(&folder.path().join("site")).await;
    symlink(&outside, folder.path().join("site/files/docs")).unwrap();
    let words = ["files/docs", "it is a link"];
    tells(files.get("docs/secret.txt").await, &words);
    tells(files.put("docs/new.txt", vec![1]).await, &words);
    tells(files.put_bulk([("a", vec![1]), ("docs/new.txt", vec![1])]).await, &words);
    tells(files.delete("docs/secret.txt").await, &words);
    tells(files.get_all().await, &words);
    assert_eq!(files.get("a").await.unwrap(), None);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);

    // A journal that says where to put something else, or what to delete.
    let notes = pages(&folder.path().join("site"), Noticing::Auto).await;
    notes.put(page("a", "A")).await.unwrap();
    let table = folder.path().join("site/page");
    symlink(&outside, table.join("docs")).unwrap();
    fs::write(table.join(".storehouse/temporary/1-1"), "new").unwrap();
    let planned =
        r#"{"files": [{"place": "docs/secret.txt"}, {"place": "docs/n.txt", "from": "1-1"}]}"#;
    fs::write(table.join(".storehouse/journal.json"), planned).unwrap();
    tells(notes.put(page("b", "B")).await, &["page/docs", "it is a link"]);
    let other = store(&folder.path().join("site"), Noticing::Auto).tabular::<Page>().await.unwrap();
    tells(other.get("a").await, &["page/docs", "it is a link"]);
    assert_eq!(fs::read_to_string(outside.join("secret.txt")).unwrap(), "secret");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);

    // What is Storehouse's own leads nowhere else either.
    for name in ["temporary", "generation", "lock"] {
        let site = folder.path().join(format!("with {name}"));
        pages(&site, Noticing::Auto).await;
        let own = site.join("page/.storehouse").join(name);
        let _ = if name == "temporary" { fs::remove_dir(&own) } else { fs::remove_file(&own) };
        let to = if name == "temporary" { outside.clone() } else { outside.join("secret.txt") };
        symlink(to, own).unwrap();
        let other = store(&site, Noticing::Auto).tabular::<Page>().await.unwrap();
        tells(other.put(page("a", "A")).await, &[name, "it is a link"]);
    }
    assert_eq!(fs::read_to_string(outside.join("secret.txt")).unwrap(), "secret");
    let site = folder.path().join("other");
    fs::create_dir_all(site.join("page")).unwrap();
    symlink(&outside, site.join("page/.storehouse")).unwrap();
    let other = store(&site, Noticing::Auto).tabular::<Page>().await.unwrap();
    tells(other.setup_database().await, &["page/.storehouse", "it is a link"]);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

/// As a deployment does that prepares a folder and then puts it in the place of the old one.
#[tokio::test]
async fn another_folder_in_the_place_of_one_is_seen() {
    for noticing in BOTH {
        let folder = tempfile::tempdir().unwrap();
        for version in ["one", "two", "three"] {
            let path = folder.path().join(version);
            pages(&path, noticing).await.put(page("a", version)).await.unwrap();
            let settings: Kv<String, String> = store(&path, noticing).kv("settings").await.unwrap();
            settings.setup_database().await.unwrap();
            settings.put("a", version.into()).await.unwrap();
        }
        let current = folder.path().join("current");
        let point_to = |version: &str| {
            let new = folder.path().join("new");
            symlink(version, &new).unwrap();
            fs::rename(new, &current).unwrap();
        };
        point_to("one");
        let pages = pages(&current, noticing).await;
        let settings = store(&current, noticing).kv::<String, String>("settings").await.unwrap();
        for version in ["one", "two", "one", "three"] {
            // Each by a reader that has just read, and so has everything in memory.
            point_to(version);
            assert_eq!(pages.get("a").await.unwrap(), Some(page("a", version)));
            assert_eq!(settings.get("a").await.unwrap().as_deref(), Some(version));
            pages.put(page("b", &format!("b of {version}"))).await.unwrap();
            assert!(folder.path().join(version).join("page/b.json").exists());
        }

        // And without a link: the folder around the table is moved, and another takes its place.
        let (three, two) = (folder.path().join("three"), folder.path().join("two"));
        fs::rename(&three, folder.path().join("away")).unwrap();
        fs::rename(&two, &three).unwrap();
        assert_eq!(pages.get("a").await.unwrap(), Some(page("a", "two")));
        assert_eq!(settings.get("a").await.unwrap().as_deref(), Some("two"));
    }
}

/// Two files of which only one can be a row: whoever reads them, and whichever came first.
#[tokio::test]
async fn all_say_the_same_of_two_files_with_one_unique_value() {
    for noticing in BOTH {
        let folder = tempfile::tempdir().unwrap();
        let early = pages(folder.path(), noticing).await;
        early.put(page("b", "same")).await.unwrap();
        early.put(page("z", "other")).await.unwrap();
        let write = |page: &Page| {
            let beside = folder.path().join("beside");
            fs::write(&beside, text_of(page)).unwrap();
            let place = folder.path().join("page").join(format!("{}.json", page.name));
            fs::rename(beside, place).unwrap();
        };
        write(&page("a", "same"));
        let late = pages(folder.path(), noticing).await;
        for pages in [&early, &late] {
            assert_eq!(pages.get("a").await.unwrap(), Some(page("a", "same")));
            tells(pages.get("b").await, &["b.json", "same value of title"]);
            assert_eq!(pages.get("z").await.unwrap(), Some(page("z", "other")));
        }
        // The one that has it gives it up, and then both are rows.
        write(&page("a", "new"));
        for pages in [&early, &late] {
            assert_eq!(pages.get("b").await.unwrap(), Some(page("b", "same")));
            assert_eq!(pages.size().await.unwrap(), 3);
        }
        write(&page("c", "same"));
        for pages in [&early, &late] {
            assert_eq!(pages.get("b").await.unwrap(), Some(page("b", "same")));
            tells(pages.get("c").await, &["c.json", "same value of title"]);
        }
        // As well where it is given up through Storehouse; what takes it at once would make one of two
        // rows none.
        let swapped = early.put_bulk([page("b", "newer"), page("d", "same")]).await;
        tells(swapped, &["c.json", "same unique value"]);
        early.put(page("b", "newer")).await.unwrap();
        for pages in [&early, &late] {
            assert_eq!(pages.get("c").await.unwrap(), Some(page("c", "same")));
            assert_eq!(pages.size().await.unwrap(), 4);
        }
        assert!(matches!(early.put(page("d", "same")).await, Err(Error::Conflict { .. })));
    }
}

/// Nobody has so much memory; the program goes on.
#[tokio::test]
async fn a_file_that_is_too_large_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let pages = pages(folder.path(), Noticing::Auto).await;
    let file = fs::File::create(folder.path().join("page/b.json")).unwrap();
    file.set_len(1 << 43).unwrap();
    drop(file);
    tells(pages.get("b").await, &["b.json", "cannot be read"]);
}

#[tokio::test]
async fn the_key_of_a_torn_file_is_given_to_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || {
        let rows = store(folder.path(), Noticing::Auto).tabular::<Numbered>().await.unwrap();
        rows.setup_database().await.unwrap();
        rows
    };
    let put = async |rows: &Tabular<Numbered>| {
        rows.put(NumberedInsert { text: String::new() }).await.unwrap().id
    };
    let rows = open().await;
    assert_eq!((put(&rows).await, put(&rows).await), (1, 2));
    // By who had it whole in memory, and by who never had.
    fs::write(folder.path().join("numbered/2.json"), "{\"id\": 2, \"te").unwrap();
    assert_eq!(put(&rows).await, 3);
    fs::write(folder.path().join("numbered/7.json"), "").unwrap();
    assert_eq!(put(&open().await).await, 8);
    fs::remove_file(folder.path().join("numbered/7.json")).unwrap();
    assert_eq!(put(&rows).await, 9);
}

/// Version control keeps no empty files in folders that it is told to leave out.
#[tokio::test]
async fn entries_of_a_copy_expire_as_they_do() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || -> Kv<String, i64> {
        let kv = store(folder.path(), Noticing::Auto).kv("tokens").await.unwrap();
        kv.setup_database().await.unwrap();
        kv
    };
    let tokens = open().await;
    tokens.put("stays", 1).await.unwrap();
    tokens.put_with_time_to_live("goes", 2, Duration::from_millis(30)).await.unwrap();
    tokens.put_with_time_to_live("goes later", 3, Duration::from_hours(1)).await.unwrap();
    let marks = folder.path().join("tokens/.storehouse/expiring");
    fs::remove_dir_all(&marks).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    // Without marks, by looking at each; then with marks again.
    assert_eq!(tokens.size().await.unwrap(), 2);
    assert!(!marks.exists());
    assert_eq!(open().await.size().await.unwrap(), 2);
    assert!(marks.join("goes.json").exists() && marks.join("goes later.json").exists());
    fs::remove_dir_all(&marks).unwrap();
    // The next that gets a mark is not the only one.
    tokens.put_with_time_to_live("new", 4, Duration::from_hours(1)).await.unwrap();
    assert_eq!(tokens.size().await.unwrap(), 3);
    fs::remove_dir_all(&marks).unwrap();
    assert_eq!(tokens.purge_expired().await.unwrap(), 1);
    assert!(!folder.path().join("tokens/goes.json").exists());
    assert_eq!(tokens.size().await.unwrap(), 3);
}

#[tokio::test]
async fn raw_files_say_that_they_keep_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let backend = FolderBackend::open(folder.path()).unwrap();
    let files = raw(folder.path()).await;
    assert!(!files.capabilities().changes && backend.raw_kv("files").is_ok());
    let refused = files.changes(Since::Now).await.unwrap_err();
    assert!(matches!(refused, Error::Unsupported { .. }), "{refused}");
}
