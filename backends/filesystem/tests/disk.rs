//! A full disk, and a folder that cannot be written to: said clearly, nothing lost, reads go on.
//!
//! The disk is a small tmpfs, which only root can mount. Where that is not possible, these tests
//! fail rather than pass without having looked.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, path::Path, sync::Arc, time::Duration};

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, mount_remount, unmount};
use storehouse::{Environment, Error, kv::Kv, prelude::*};
use storehouse_filesystem::FolderBackend;
use tempfile::TempDir;

#[derive(Table, Clone, Debug, PartialEq)]
struct Document {
    #[table(key, auto)]
    id: i64,
    text: String,
}

/// A file system of its own of one megabyte.
struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        mount("tmpfs", folder.path(), "tmpfs", MountFlags::empty(), Some(c"size=1m"))
            .expect("this test mounts a tmpfs, so run it as root, with the right to mount");
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn make_read_only(&self, read_only: bool) {
        let flags = if read_only { MountFlags::RDONLY } else { MountFlags::empty() };
        mount_remount(self.path(), flags, c"size=1m").unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = unmount(self.0.path(), UnmountFlags::DETACH);
    }
}

struct Opened {
    documents: Tabular<Document>,
    notes: Kv<String, String>,
    files: Kv<String, Vec<u8>>,
}

async fn open(path: &Path) -> Opened {
    let backend = FolderBackend::open(path).unwrap();
    let files = Arc::new(backend.raw_kv("files").unwrap());
    let files = Kv::from_storage(files, Environment::default()).unwrap();
    let store = Store::from_backend(Arc::new(backend));
    let documents = store.tabular().await.unwrap();
    let notes = store.kv("notes").await.unwrap();
    let opened = Opened { documents, notes, files };
    opened.documents.setup_database().await.unwrap();
    opened.notes.setup_database().await.unwrap();
    opened.files.setup_database().await.unwrap();
    opened
}

fn new(length: usize) -> DocumentInsert {
    DocumentInsert { text: "x".repeat(length) }
}

#[track_caller]
fn tells<R: std::fmt::Debug>(result: storehouse::Result<R>, words: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Backend { .. }), "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_told_of_and_nothing_is_lost() {
    const FULL: &str = "the disk is full; free some space and repeat";
    let disk = Disk::new();
    let Opened { documents, notes, files } = open(disk.path()).await;
    let kept = documents.put_bulk([new(1_000), new(1_000)]).await.unwrap();
    notes.put("kept", "kept".into()).await.unwrap();
    files.put("kept.txt", b"kept".to_vec()).await.unwrap();

    // Each is too much at once.
    tells(documents.put(new(2_000_000)).await, FULL);
    tells(documents.put_bulk((0..40).map(|_| new(50_000))).await, FULL);
    tells(documents.update(&1, DocumentPatch { text: Set("y".repeat(2_000_000)) }).await, FULL);
    let all = DocumentPatch { text: Set("y".repeat(700_000)) };
    tells(documents.update_where(Document::ID.gt(0), all).await, FULL);
    tells(notes.put("kept", "y".repeat(2_000_000)).await, FULL);
    let bulk = (0..40).map(|number| (number.to_string(), "y".repeat(50_000)));
    tells(notes.put_bulk(bulk).await, FULL);
    tells(files.put("kept.txt", vec![0; 2_000_000]).await, FULL);

    // Nothing of it is there, here or to those who open the folder anew.
    let check = async |opened: &Opened| {
        assert_eq!(opened.documents.get_all().await.unwrap(), kept);
        assert_eq!(opened.notes.get_all().await.unwrap(), [("kept".into(), "kept".to_owned())]);
        assert_eq!(opened.files.get_all().await.unwrap(), [("kept.txt".into(), b"kept".to_vec())]);
    };
    let opened = Opened { documents, notes, files };
    check(&opened).await;
    check(&open(disk.path()).await).await;
    for store in ["document", "notes", "files"] {
        let left = disk.path().join(store).join(".storehouse/temporary");
        assert_eq!(fs::read_dir(left).unwrap().count(), 0);
    }

    // Full to the last byte, what is there can still be read and deleted, which makes room.
    fs::write(disk.path().join("filler"), vec![0; 2_000_000]).unwrap_err();
    check(&opened).await;
    tells(opened.documents.put(new(20_000)).await, FULL);
    check(&opened).await;
    fs::remove_file(disk.path().join("filler")).unwrap();
    let again = opened.documents.put(new(1_000)).await.unwrap();
    assert_eq!(opened.documents.get(&again.id).await.unwrap(), Some(again));
}

#[tokio::test]
async fn a_folder_that_is_read_only_can_be_read() {
    const READ_ONLY: &str = "the folder is read-only; reads go on";
    let disk = Disk::new();
    let opened = open(disk.path()).await;
    let kept = opened.documents.put_bulk([new(10), new(20)]).await.unwrap();
    opened.notes.put("kept", "kept".into()).await.unwrap();
    opened.files.put("kept.txt", b"kept".to_vec()).await.unwrap();
    // The worker has the lock open for writing, which would keep the disk from being changed.
    drop(opened);
    disk.make_read_only(true);

    // Opened anew, with a set-up that has nothing to do.
    let Opened { documents, notes, files } = open(disk.path()).await;
    for _ in 0..2 {
        assert_eq!(documents.get_all().await.unwrap(), kept);
        assert_eq!(documents.get(&1).await.unwrap().as_ref(), kept.first());
        assert_eq!(notes.get("kept").await.unwrap().as_deref(), Some("kept"));
        assert_eq!(notes.size().await.unwrap(), 1);
        assert_eq!(files.get_all().await.unwrap().len(), 1);
        tells(documents.put(new(1)).await, READ_ONLY);
        tells(documents.put_bulk([new(1), new(2)]).await, READ_ONLY);
        tells(documents.delete(&1).await, READ_ONLY);
        tells(documents.delete_all().await, READ_ONLY);
        tells(notes.put("kept", "new".into()).await, READ_ONLY);
        tells(notes.delete("kept").await, READ_ONLY);
        tells(files.put_bulk([("kept.txt", vec![]), ("b", vec![])]).await, READ_ONLY);
        tells(files.delete("kept.txt").await, READ_ONLY);
    }
    drop((documents, notes, files));
    disk.make_read_only(false);
    let opened = open(disk.path()).await;
    assert_eq!(opened.documents.get_all().await.unwrap(), kept);
    opened.documents.put(new(1)).await.unwrap();
}

/// A bulk that is done, by its journal, and that nobody can put in place: it is read all the same.
#[tokio::test]
async fn what_a_dead_process_had_done_is_read_also_where_nothing_can_be_written() {
    let disk = Disk::new();
    let opened = open(disk.path()).await;
    opened.documents.put_bulk([new(1), new(2), new(3)]).await.unwrap();
    opened.notes.put("a", "old".into()).await.unwrap();
    drop(opened);
    let own = disk.path().join("document/.storehouse");
    fs::write(own.join("temporary/1-2"), "{\"id\": 2, \"text\": \"new\"}").unwrap();
    let journal = r#"{"files":[{"place":"2.json","from":"1-2"},{"place":"3.json"}]}"#;
    fs::write(own.join("journal.json"), journal).unwrap();
    let own = disk.path().join("notes/.storehouse");
    fs::write(own.join("temporary/1-3"), "{\"key\": \"a\", \"value\": \"new\"}").unwrap();
    fs::write(own.join("journal.json"), r#"{"files":[{"place":"a.json","from":"1-3"}]}"#).unwrap();
    disk.make_read_only(true);
    for is_read_only in [true, false] {
        let opened = open(disk.path()).await;
        let texts: Vec<_> = opened.documents.get_all().await.unwrap();
        let texts: Vec<_> = texts.iter().map(|document| &*document.text).collect();
        assert_eq!(texts, ["x", "new"]);
        assert_eq!(opened.notes.get("a").await.unwrap().as_deref(), Some("new"));
        assert_eq!(opened.notes.size().await.unwrap(), 1);
        drop(opened);
        if is_read_only {
            disk.make_read_only(false);
        }
    }
    assert!(!disk.path().join("document/3.json").exists(), "it is in place now");
    assert!(!disk.path().join("document/.storehouse/journal.json").exists());
}

/// Nothing takes the place of a file on which another is mounted: that is found out only once the write
/// is done as far as all others are concerned.
#[tokio::test]
async fn a_write_that_cannot_be_put_in_place_yet_is_done() {
    let disk = Disk::new();
    let opened = open(disk.path()).await;
    opened.documents.put_bulk([new(1), new(1)]).await.unwrap();
    // One who has all in memory, and is told of nothing that happens to files.
    let other = open(disk.path()).await;
    assert_eq!(other.documents.size().await.unwrap(), 2);
    fs::write(disk.path().join("other"), "{}").unwrap();
    let place = disk.path().join("document/1.json");
    mount_bind(disk.path().join("other"), &place).unwrap();
    let patch = |text: &str| DocumentPatch { text: Set(text.into()) };
    assert_eq!(opened.documents.update_where(Document::ID.gt(0), patch("new")).await.unwrap(), 2);
    let check = async |opened: &Opened| {
        let rows = opened.documents.get_all().await.unwrap();
        assert_eq!(rows.iter().map(|row| &*row.text).collect::<Vec<_>>(), ["new", "new"]);
    };
    check(&other).await;
    check(&opened).await;
    check(&open(disk.path()).await).await;
    // What would come after it waits until it is in place.
    tells(opened.documents.put(new(1)).await, "1.json");
    tells(other.documents.delete(&2).await, "1.json");
    check(&opened).await;
    unmount(&place, UnmountFlags::DETACH).unwrap();
    check(&open(disk.path()).await).await;
    assert!(fs::read_to_string(&place).unwrap().contains("new"), "the next puts it in place");
    opened.documents.update(&1, patch("newer")).await.unwrap();
    assert_eq!(other.documents.get(&1).await.unwrap().unwrap().text, "newer");
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(changes)]
struct Followed {
    #[table(key)]
    name: String,
    count: i64,
}

/// One who may only read follows what others log, and is not put off by an edit that it cannot log.
#[tokio::test]
async fn a_follower_that_may_only_read_goes_on() {
    let (disk, view) = (Disk::new(), tempfile::tempdir().unwrap());
    let open = async |path: &Path| {
        let store = Store::from_backend(Arc::new(FolderBackend::open(path).unwrap()));
        let rows = store.tabular::<Followed>().await.unwrap();
        rows.setup_database().await.unwrap();
        rows
    };
    let writer = open(disk.path()).await;
    writer.put(Followed { name: "a".into(), count: 1 }).await.unwrap();
    mount_bind(disk.path(), view.path()).unwrap();
    mount_remount(view.path(), MountFlags::RDONLY | MountFlags::BIND, c"").unwrap();
    let reader = open(view.path()).await;
    let mut changes = reader.changes(Since::Now).await.unwrap();
    let mut next = async || {
        let change = tokio::time::timeout(Duration::from_secs(20), changes.try_next()).await;
        let change = change.expect("a change comes").unwrap().expect("the changes go on");
        (change.old.map(|row| row.count), change.new.map(|row| row.count))
    };
    writer.put(Followed { name: "a".into(), count: 2 }).await.unwrap();
    assert_eq!(next().await, (Some(1), Some(2)));
    fs::write(disk.path().join("followed/a.json"), "{\"name\": \"a\", \"count\": 3}").unwrap();
    assert_eq!(reader.get("a").await.unwrap().unwrap().count, 3);
    // Time to look, and to see that it cannot be logged.
    tokio::time::sleep(Duration::from_millis(300)).await;
    writer.put(Followed { name: "a".into(), count: 4 }).await.unwrap();
    assert_eq!(next().await, (Some(2), Some(3)));
    assert_eq!(next().await, (Some(3), Some(4)));
    unmount(view.path(), UnmountFlags::DETACH).unwrap();
}
