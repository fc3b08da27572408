use std::path::PathBuf;

use storehouse_runtime::ColumnType;

use super::*;
use crate::{
    definition,
    folder::Access,
    options::{FolderOptions, Noticing},
};

/// Nobody tells when a file can be read again, so it is looked at until it can.
#[test]
fn what_cannot_be_read_is_tried_again() {
    let place = tempfile::tempdir().unwrap();
    let table = TableDef::builder("t").column("id", ColumnType::Text).key(["id"]).build().unwrap();
    let options = FolderOptions::new(place.path());
    let folder = Folder::new("t", place.path().to_owned(), &options);
    folder.set_up(&definition::of_table(&table)).unwrap();
    fs::write(place.path().join("a.json"), "{\"id\": \"a\"}").unwrap();
    let mut held = folder.lock(Access::Shared).unwrap();
    // No system opens a file of such a name, nor says that it is missing.
    let unreadable = PathBuf::from("/").join("x".repeat(5_000));
    held.instead.insert("a.json".into(), Some(unreadable));
    let mut mirror = Mirror::new(&table, Notice::begin(&folder, Noticing::Auto));
    mirror.read_all(&folder, &held).unwrap();
    assert!(mirror.has_failed && mirror.unusable["a.json"].contains("cannot be read"));
    assert!(mirror.update(&folder, &held).unwrap() && mirror.has_failed);
    held.instead.clear();
    assert!(mirror.update(&folder, &held).unwrap());
    assert!(!mirror.has_failed && mirror.unusable.is_empty());
    assert_eq!(mirror.image.rows().count(), 1);
}
