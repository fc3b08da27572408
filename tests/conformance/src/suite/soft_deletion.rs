//! `soft_delete`: what is deleted is hidden from everything, and stays until it is purged.

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use storehouse::{Filter, Table, Tabular, TabularEvent, prelude::Set};
use storehouse_runtime::{Error, Store};

use crate::{
    behaviour::Outcome,
    expect::{conflicts, fails, set_up},
};

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "notes", index(author))]
struct Note {
    #[table(key)]
    title: String,
    author: String,
    #[table(unique)]
    slug: Option<String>,
    #[table(soft_delete)]
    deleted_at: Option<DateTime<Utc>>,
}

/// Every managed column.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "contracts")]
struct Contract {
    #[table(key, auto)]
    id: i64,
    text: String,
    #[table(created_at)]
    created_at: DateTime<Utc>,
    #[table(updated_at)]
    updated_at: DateTime<Utc>,
    #[table(version)]
    version: i64,
    #[table(soft_delete)]
    deleted_at: Option<DateTime<Utc>>,
}

fn new(title: &str) -> NoteInsert {
    NoteInsert { title: title.into(), author: "ann".into() }
}

fn slug(slug: &str) -> NoteOptional {
    NoteOptional { slug: Some(slug.into()) }
}

fn patch(author: &str) -> NotePatch {
    NotePatch { author: Set(author.into()), ..NotePatch::default() }
}

/// `a` to `d`, of which `b` and `d` are deleted.
async fn half_deleted(store: &Store) -> Result<Tabular<Note>, Error> {
    let notes = set_up::<Note>(store).await?;
    notes.put_bulk(["a", "b", "c", "d"].map(new)).await?;
    assert!(notes.delete("b").await?);
    assert!(notes.delete("d").await?);
    Ok(notes)
}

/// What every way to read finds, by titles.
async fn found(notes: &Tabular<Note>) -> Result<String, Error> {
    let titles = |rows: &[Note]| rows.iter().map(|row| &*row.title).collect::<String>();
    let all = titles(&notes.get_all().await?);
    let size = all.len() as u64;
    assert_eq!(notes.size().await?, size);
    assert_eq!(notes.count(Note::AUTHOR.eq("ann")).await?, size);
    assert_eq!(notes.query(Note::AUTHOR.eq("ann")).count().await?, size);
    assert_eq!(titles(&notes.query(Note::AUTHOR.eq("ann")).await?), all);
    assert_eq!(titles(&notes.get_bulk(0, 10).await?), all);
    assert_eq!(titles(&notes.records(1).try_collect::<Vec<_>>().await?), all);
    assert_eq!(titles(&notes.pages(3).try_concat().await?), all);
    let page = notes.get_all().limit(2).page().await?;
    assert_eq!(titles(&page.rows), all[..all.len().min(2)]);
    assert_eq!(page.next.is_some(), size > 2);
    let first = notes.get_all().first().await?;
    assert_eq!(first.map(|row| row.title), all.get(..1).map(str::to_owned));
    for title in ["a", "b", "c", "d"] {
        let is_there = all.contains(title);
        assert_eq!(notes.get(title).await?.is_some(), is_there);
        assert_eq!(notes.exists(Note::TITLE.eq(title)).await?, is_there);
    }
    let many = notes.get_many(["a", "b", "c", "d"]).await?;
    assert_eq!(titles(&many.into_iter().flatten().collect::<Vec<_>>()), all);
    Ok(all)
}

pub(crate) async fn hides_rows_from_everything(store: &Store) -> Outcome {
    let notes = half_deleted(store).await?;
    assert_eq!(found(&notes).await?, "ac");
    assert_eq!(found(&notes.with_deleted()).await?, "abcd");
    // Not from what asks for them in another way.
    let not_null = Note::DELETED_AT.is_not_null() | Note::TITLE.eq("a");
    assert_eq!(notes.count(not_null.clone()).await?, 1);
    assert_eq!(notes.with_deleted().count(not_null).await?, 3);
    let deleted = notes.with_deleted().get("b").await?.and_then(|row| row.deleted_at);
    assert!(deleted.is_some_and(|at| at <= Utc::now()));
    Ok(())
}

pub(crate) async fn deletes_once(store: &Store) -> Outcome {
    let notes = half_deleted(store).await?;
    let before = notes.with_deleted().get("b").await?;
    for handle in [&notes, &notes.with_deleted()] {
        assert!(!handle.delete("b").await?);
        assert!(!handle.delete(before.as_ref().expect("it is there")).await?);
        assert!(!handle.delete("x").await?);
        let of_ann = Note::AUTHOR.eq("ann") & Note::TITLE.eq("b");
        assert_eq!(handle.delete_search(of_ann).await?, 0);
    }
    assert_eq!(notes.with_deleted().get("b").await?, before);
    assert_eq!(notes.delete_search(Note::AUTHOR.eq("ann")).await?, 2);
    fails("EmptyCriteria", notes.delete_search(Filter::all()).await);
    assert_eq!(found(&notes).await?, "");
    assert_eq!(found(&notes.with_deleted()).await?, "abcd");
    Ok(())
}

pub(crate) async fn of_all_hides_all(store: &Store) -> Outcome {
    let notes = half_deleted(store).await?;
    let before = notes.with_deleted().get("b").await?;
    notes.delete_all().await?;
    assert_eq!(found(&notes).await?, "");
    assert_eq!(found(&notes.with_deleted()).await?, "abcd");
    assert_eq!(notes.with_deleted().get("b").await?, before);
    Ok(())
}

pub(crate) async fn is_undone_by_restore(store: &Store) -> Outcome {
    let notes = half_deleted(store).await?;
    let restored = notes.restore("b").await?.expect("it was deleted");
    assert_eq!(restored.deleted_at, None);
    assert_eq!(notes.get("b").await?, Some(restored.clone()));
    // What is not deleted cannot be brought back, nor what is not there.
    assert_eq!(notes.restore(&restored).await?, None);
    assert_eq!(notes.restore("a").await?, None);
    assert_eq!(notes.restore("x").await?, None);
    assert_eq!(found(&notes).await?, "abc");
    Ok(())
}

pub(crate) async fn ends_with_a_purge(store: &Store) -> Outcome {
    let notes = half_deleted(store).await?;
    assert!(notes.purge("b").await?);
    assert!(!notes.purge("b").await?);
    // Also what is not deleted.
    assert!(notes.purge("a").await?);
    assert_eq!(found(&notes.with_deleted()).await?, "cd");
    let nothing = Note::DELETED_AT.lt(DateTime::UNIX_EPOCH);
    assert_eq!(notes.purge_search(nothing).await?, 0);
    assert_eq!(notes.purge_search(Note::DELETED_AT.le(Utc::now())).await?, 1);
    fails("EmptyCriteria", notes.purge_search(Filter::all()).await);
    assert_eq!(found(&notes.with_deleted()).await?, "c");
    assert_eq!(notes.purge_search(Note::AUTHOR.eq("ann")).await?, 1);
    assert_eq!(notes.with_deleted().size().await?, 0);
    Ok(())
}

pub(crate) async fn is_undone_by_a_put(store: &Store) -> Outcome {
    let notes = half_deleted(store).await?;
    let revived = notes.put(NoteInsert { author: "bob".into(), ..new("b") }).await?;
    assert_eq!(revived.deleted_at, None);
    assert_eq!(notes.get("b").await?, Some(revived));
    // A whole row is stored as it is, so one that is deleted stays so.
    let deleted = notes.with_deleted().get("d").await?.expect("it is there");
    let changed = Note { author: "bob".into(), ..deleted };
    assert_eq!(notes.put(changed.clone()).await?, changed);
    assert_eq!(notes.get("d").await?, None);
    assert_eq!(notes.with_deleted().get("d").await?, Some(changed.clone()));
    assert_eq!(notes.put_bulk([Note { deleted_at: None, ..changed }]).await?.len(), 1);
    assert_eq!(notes.size().await?, 4);
    Ok(())
}

pub(crate) async fn is_undone_by_an_upsert(store: &Store) -> Outcome {
    let notes = set_up::<Note>(store).await?;
    let row = |title: &str| new(title).with(slug("s"));
    notes.put(row("a")).await?;
    for patched in [false, true] {
        assert!(notes.delete("a").await?);
        let upsert = notes.upsert_by(Note::SLUG, row("b"));
        let stored = if patched { upsert.or_update(patch("bob")).await? } else { upsert.await? };
        let author = if patched { "bob" } else { "ann" };
        assert_eq!((&*stored.title, &*stored.author, stored.deleted_at), ("a", author, None));
        assert_eq!(notes.get_all().await?, [stored]);
    }
    Ok(())
}

pub(crate) async fn leaves_keys_and_unique_values_taken(store: &Store) -> Outcome {
    let notes = set_up::<Note>(store).await?;
    notes.put(new("a").with(slug("s"))).await?;
    assert!(notes.delete("a").await?);
    conflicts(&["title"], notes.insert(new("a")).await);
    assert_eq!(notes.insert_if_absent(new("a")).await?, None);
    conflicts(&["slug"], notes.put(new("b").with(slug("s"))).await);
    conflicts(&["slug"], notes.insert(new("b").with(slug("s"))).await);
    assert_eq!(notes.insert_if_absent(new("b").with(slug("s"))).await?, None);
    assert_eq!(notes.size().await?, 0);
    assert!(notes.purge("a").await?);
    assert!(notes.insert_if_absent(new("a").with(slug("s"))).await?.is_some());
    Ok(())
}

pub(crate) async fn hides_rows_from_updates(store: &Store) -> Outcome {
    let notes = half_deleted(store).await?;
    let deleted = notes.with_deleted().get("b").await?.expect("it is there");
    assert_eq!(notes.update("b", patch("bob")).await?, None);
    assert_eq!(notes.update(&deleted, patch("bob")).await?, None);
    assert_eq!(notes.update("b", NotePatch::default()).await?, None);
    let of_ann = || Note::AUTHOR.eq("ann");
    assert_eq!(notes.update_where(of_ann(), patch("ann")).await?, 2);
    assert_eq!(notes.update_where(of_ann(), NotePatch::default()).await?, 2);
    let all = notes.with_deleted();
    assert_eq!(all.get("b").await?, Some(deleted.clone()));
    assert_eq!(all.update("b", NotePatch::default()).await?, Some(deleted.clone()));
    let updated = all.update("b", patch("bob")).await?;
    assert_eq!(updated, Some(Note { author: "bob".into(), ..deleted }));
    assert_eq!(all.update_where(of_ann(), patch("eve")).await?, 3);
    assert_eq!(notes.count(Note::AUTHOR.eq("eve")).await?, 2);
    Ok(())
}

pub(crate) async fn belongs_to_its_transaction(store: &Store) -> Outcome {
    let notes = half_deleted(store).await?;
    let undone = store
        .transaction(async |tx| {
            let inside = notes.in_tx(tx);
            assert!(inside.delete("a").await?);
            assert_eq!(inside.size().await?, 1);
            assert_eq!(inside.with_deleted().size().await?, 4);
            assert!(inside.restore("b").await?.is_some());
            assert!(inside.purge("d").await?);
            assert_eq!(notes.with_deleted().in_tx(tx).size().await?, 3);
            Err::<(), _>(Error::application("on purpose"))
        })
        .await;
    fails("Application", undone);
    assert_eq!(found(&notes).await?, "ac");
    store
        .transaction(async |tx| {
            notes.in_tx(tx).delete("a").await?;
            notes.in_tx(tx).purge("d").await
        })
        .await?;
    assert_eq!(found(&notes).await?, "c");
    assert_eq!(found(&notes.with_deleted()).await?, "abc");
    Ok(())
}

pub(crate) async fn is_a_write_for_other_managed_columns(store: &Store) -> Outcome {
    let contracts = set_up::<Contract>(store).await?;
    let read = contracts.put(ContractInsert { text: "a".into() }).await?;
    let with_deleted = contracts.with_deleted();
    assert!(contracts.delete(&read).await?);
    let deleted = with_deleted.get(&read.id).await?.expect("it is there");
    assert_eq!((deleted.version, deleted.created_at), (2, read.created_at));
    assert_eq!(deleted.deleted_at, Some(deleted.updated_at));

    // What was read before is stale, and what is deleted is gone.
    conflicts(&["version"], contracts.put(read.clone()).await);
    assert!(!contracts.delete(&read).await?);
    assert_eq!(contracts.update(&read, ContractPatch::default()).await?, None);
    conflicts(&["version"], contracts.restore(&read).await);
    conflicts(&["version"], contracts.purge(&read).await);
    let patch = || ContractPatch { text: Set("b".into()) };
    assert_eq!(contracts.update(&read, patch()).await?, None);
    conflicts(&["version"], with_deleted.update(&read, patch()).await);
    assert_eq!(with_deleted.get(&read.id).await?.as_ref(), Some(&deleted));

    let restored = contracts.restore(&deleted).await?.expect("it was deleted");
    assert_eq!((restored.version, restored.deleted_at), (3, None));
    assert!(restored.updated_at >= deleted.updated_at);
    conflicts(&["version"], contracts.delete(&read).await);
    assert_eq!(contracts.delete_search(Contract::TEXT.eq("a")).await?, 1);
    let deleted = with_deleted.get(&read.id).await?.expect("it is there");
    assert_eq!((deleted.version, deleted.deleted_at), (4, Some(deleted.updated_at)));
    // A row that was read as deleted can be put back as it is not.
    let revived = contracts.put(Contract { deleted_at: None, ..deleted }).await?;
    assert_eq!((revived.version, revived.created_at), (5, read.created_at));
    contracts.delete_all().await?;
    let again = ContractInsert { text: "c".into() };
    let again = again.with(ContractOptional { id: Some(read.id), created_at: None });
    let again = contracts.put(again).await?;
    assert_eq!((again.version, again.created_at), (7, read.created_at));
    assert!(contracts.purge(&again).await?);
    assert_eq!(with_deleted.size().await?, 0);
    Ok(())
}

/// The same as those of a deletion that removes, and none tells of a row that is hidden.
pub(crate) async fn fires_the_events_of_a_deletion(store: &Store) -> Outcome {
    let notes = set_up::<Note>(store).await?;
    notes.put_bulk(["a", "b", "c"].map(new)).await?;
    let events = notes.events();
    let mut stream = events.stream();
    let is = |filter: Filter<Note>, other| format!("{filter:?}") == format!("{other:?}");
    let in_words = |event: TabularEvent<Note>| match event {
        TabularEvent::Put { row } => format!("put {} {}", row.title, row.deleted_at.is_some()),
        TabularEvent::Get { key, row } => format!("get {key} {}", row.is_some()),
        TabularEvent::Query { filter, rows } => {
            format!("query {} {rows}", is(filter, Filter::all()))
        }
        TabularEvent::Delete { key } => format!("delete {key}"),
        TabularEvent::DeleteSearch { filter, rows } => {
            format!("delete search {} {rows}", is(filter, Note::AUTHOR.eq("ann")))
        }
        TabularEvent::ClearAll => "clear all".to_owned(),
        other => format!("{other:?}"),
    };
    assert!(notes.delete("a").await?);
    assert!(!notes.delete("a").await?);
    assert_eq!(notes.get("a").await?, None);
    assert_eq!(notes.get_many(["a", "b"]).await?.len(), 2);
    notes.get_all().await?;
    notes.with_deleted().get("a").await?;
    notes.restore("a").await?;
    notes.delete_search(Note::AUTHOR.eq("ann")).await?;
    notes.purge("a").await?;
    notes.purge_search(Note::AUTHOR.eq("ann")).await?;
    notes.delete_all().await?;
    notes.put(new("z")).await?;
    for expected in [
        "delete a",
        "get a false",
        "get a false",
        "get b true",
        "query true 2",
        "get a true",
        "put a false",
        "delete search true 3",
        "delete a",
        "delete search true 2",
        "clear all",
        "put z false",
    ] {
        let event = stream.next().await.expect("the handle is alive");
        assert_eq!(in_words(event), expected);
    }
    Ok(())
}
