//! `created_at` and `updated_at`: the store tells the time, whatever the caller gives.

use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, Utc};
use storehouse::{Table, TableEmbed, prelude::Set};
use storehouse_runtime::Store;

use crate::{
    behaviour::Outcome,
    expect::{conflicts, set_up},
};

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "pages")]
struct Page {
    #[table(key)]
    path: String,
    text: String,
    #[table(created_at)]
    created: DateTime<Utc>,
    #[table(updated_at, index)]
    updated: DateTime<Utc>,
}

/// A table of nothing but its key and when a row was stored first.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "visits")]
struct Visit {
    #[table(key, auto)]
    id: i64,
    #[table(created_at)]
    at: DateTime<Utc>,
}

fn new(path: &str, text: &str) -> PageInsert {
    PageInsert { path: path.into(), text: text.into() }
}

fn epoch() -> PageOptional {
    PageOptional { created: Some(DateTime::UNIX_EPOCH) }
}

/// Lets the clock go on, also one that is coarse.
async fn later() -> DateTime<Utc> {
    futures_timer::Delay::new(Duration::from_millis(5)).await;
    Utc::now().trunc_subsecs(6)
}

pub(crate) async fn are_set_where_they_are_left_out(store: &Store) -> Outcome {
    let pages = set_up::<Page>(store).await?;
    let before = Utc::now().trunc_subsecs(6);
    let mut stored = vec![
        pages.put(new("a", "1")).await?,
        pages.insert(new("b", "1")).await?,
        pages.insert_if_absent(new("c", "1")).await?.expect("it is new"),
    ];
    stored.extend(pages.put_bulk([new("d", "1"), new("e", "1")]).await?);
    let after = Utc::now();
    for page in &stored {
        assert!(before <= page.created && page.created <= after, "{page:?}");
        assert_eq!(page.created, page.updated);
    }
    assert_eq!(pages.get_all().await?, stored);
    Ok(())
}

pub(crate) async fn created_at_can_be_given_for_a_new_row(store: &Store) -> Outcome {
    let pages = set_up::<Page>(store).await?;
    let stored = [
        pages.put(new("a", "1").with(epoch())).await?,
        pages.insert(new("b", "1").with(epoch())).await?,
        pages.insert_if_absent(new("c", "1").with(epoch())).await?.expect("it is new"),
    ];
    let whole = Page { path: "d".into(), ..stored[0].clone() };
    let whole = [pages.put(whole.clone()).await?, pages.put(whole).await?];
    for page in stored.iter().chain(&whole) {
        assert_eq!(page.created, DateTime::UNIX_EPOCH);
        assert!(page.updated > DateTime::UNIX_EPOCH);
    }
    assert_eq!(pages.count(Page::CREATED.eq(DateTime::UNIX_EPOCH)).await?, 4);
    Ok(())
}

pub(crate) async fn created_at_is_kept_by_what_replaces_the_row(store: &Store) -> Outcome {
    let pages = set_up::<Page>(store).await?;
    let first = pages.put(new("a", "1").with(epoch())).await?;
    let is_kept = |page: &Page, text: &str| {
        assert_eq!((page.created, &*page.text), (DateTime::UNIX_EPOCH, text));
    };
    is_kept(&pages.put(new("a", "2")).await?, "2");
    is_kept(&pages.put(Page { created: Utc::now(), text: "3".into(), ..first }).await?, "3");
    let bulk = pages.put_bulk([new("a", "4"), new("b", "1"), new("a", "5")]).await?;
    is_kept(&bulk[0], "4");
    is_kept(&bulk[2], "5");
    let patch = || PagePatch { text: Set("6".into()) };
    is_kept(&pages.update("a", patch()).await?.expect("it is there"), "6");
    pages.update_where(Page::PATH.eq("a"), patch()).await?;
    is_kept(&pages.get("a").await?.expect("it is there"), "6");
    is_kept(&pages.upsert_by(Page::PATH, new("a", "6")).await?, "6");
    is_kept(&pages.upsert_by(Page::PATH, new("a", "7")).or_update(patch()).await?, "6");
    assert_eq!(pages.insert_if_absent(new("a", "7")).await?, None);
    is_kept(&pages.get("a").await?.expect("it is there"), "6");
    Ok(())
}

pub(crate) async fn updated_at_is_set_by_every_write(store: &Store) -> Outcome {
    let pages = set_up::<Page>(store).await?;
    let mut last = pages.put(new("a", "1")).await?;
    for step in 0..7 {
        let now = later().await;
        let patch = PagePatch { text: Set("2".into()) };
        let stored = match step {
            0 => pages.put(new("a", "2")).await?,
            // What is given is not taken.
            1 => pages.put(Page { updated: DateTime::UNIX_EPOCH, ..last.clone() }).await?,
            2 => pages.put_bulk([new("a", "2")]).await?.remove(0),
            3 => pages.upsert_by(Page::PATH, new("a", "2")).await?,
            4 => pages.upsert_by(Page::PATH, new("a", "2")).or_update(patch).await?,
            5 => pages.update("a", patch).await?.expect("it is there"),
            _ => {
                assert_eq!(pages.update_where(Page::PATH.eq("a"), patch).await?, 1);
                pages.get("a").await?.expect("it is there")
            }
        };
        assert!(stored.updated >= now && stored.updated > last.updated, "step {step}");
        assert_eq!(stored.created, last.created);
        last = stored;
    }
    assert_eq!(pages.get_all().await?, [last.clone()]);
    later().await;
    // These write nothing.
    assert_eq!(pages.update("a", PagePatch::default()).await?, Some(last.clone()));
    assert_eq!(pages.update_where(Page::PATH.eq("a"), PagePatch::default()).await?, 1);
    assert_eq!(pages.insert_if_absent(new("a", "3")).await?, None);
    assert_eq!(pages.get_all().await?, [last]);
    Ok(())
}

pub(crate) async fn of_a_large_bulk_are_set_and_kept(store: &Store) -> Outcome {
    let pages = set_up::<Page>(store).await?;
    let rows = |text: &'static str, from: usize| {
        (from..from + 1_500).map(move |number| new(&format!("{number:04}"), text))
    };
    let first = pages.put_bulk(rows("1", 0).map(|row| row.with(epoch()))).await?;
    assert!(first.iter().all(|page| page.created == DateTime::UNIX_EPOCH));
    let second = pages.put_bulk(rows("2", 1_000)).await?;
    for (place, page) in second.iter().enumerate() {
        assert_eq!(page.created == DateTime::UNIX_EPOCH, place < 500, "{page:?}");
        assert_eq!(page.text, "2");
    }
    let expected: Vec<Page> = first.into_iter().take(1_000).chain(second).collect();
    assert_eq!(pages.get_all().await?, expected);
    Ok(())
}

pub(crate) async fn can_be_all_that_a_row_has(store: &Store) -> Outcome {
    let visits = set_up::<Visit>(store).await?;
    let given = |id, at| VisitInsert {}.with(VisitOptional { id, at });
    let generated = visits.put(VisitInsert {}).await?;
    assert_eq!(visits.get(&generated.id).await?, Some(generated.clone()));
    let old = visits.put(given(Some(50), Some(DateTime::UNIX_EPOCH))).await?;
    assert_eq!(old.at, DateTime::UNIX_EPOCH);
    assert_eq!(visits.put(given(Some(50), None)).await?, old);
    assert_eq!(visits.put(Visit { id: 50, at: Utc::now() }).await?, old);
    let bulk = [given(Some(50), None), given(None, None), given(Some(generated.id), None)];
    let bulk = visits.put_bulk(bulk).await?;
    assert_eq!([&bulk[0], &bulk[2]], [&old, &generated]);
    assert_eq!(visits.size().await?, 3);
    Ok(())
}

/// A table of before, and what became of it.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "orders")]
struct Plain {
    #[table(key)]
    id: i64,
    text: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "orders")]
struct Managed {
    #[table(key)]
    id: i64,
    text: String,
    #[table(created_at)]
    created: DateTime<Utc>,
    #[table(updated_at)]
    updated: DateTime<Utc>,
    #[table(version)]
    version: i64,
    #[table(soft_delete)]
    deleted: Option<DateTime<Utc>>,
}

pub(crate) async fn are_filled_into_rows_by_a_migration(store: &Store) -> Outcome {
    let plain = set_up::<Plain>(store).await?;
    plain.put_bulk([1, 2].map(|id| Plain { id, text: "a".into() })).await?;
    let before = Utc::now().trunc_subsecs(6);
    store.migration().table::<Managed>().plan().await?.apply().await?;
    store.migration().table::<Managed>().verify().await?;
    let after = Utc::now();
    let managed = store.tabular::<Managed>().await?;
    managed.setup_database().await?;
    let found = managed.get_all().await?;
    assert_eq!(found.len(), 2);
    for row in &found {
        assert!(before <= row.created && row.created <= after, "{row:?}");
        assert!(before <= row.updated && row.updated <= after, "{row:?}");
        assert_eq!((row.version, row.deleted), (1, None));
    }
    // They go on as any other row.
    let changed = managed.put(Managed { text: "b".into(), ..found[0].clone() }).await?;
    assert_eq!((changed.version, changed.created), (2, found[0].created));
    let new = managed.put(ManagedInsert { id: 3, text: "c".into() }).await?;
    assert_eq!(new.version, 1);
    assert!(managed.delete(&changed).await?);
    assert_eq!(managed.size().await?, 2);
    Ok(())
}

#[derive(TableEmbed, Clone, Debug, PartialEq)]
struct Origin {
    town: String,
    country: String,
}

/// Managed columns whose places depend on how many columns are embedded before them.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "parcels")]
struct Parcel {
    #[table(embed)]
    from: Origin,
    #[table(created_at)]
    created: DateTime<Utc>,
    #[table(key)]
    id: i64,
    #[table(updated_at)]
    updated: DateTime<Utc>,
    #[table(embed)]
    to: Origin,
    #[table(version)]
    version: i32,
    #[table(soft_delete)]
    deleted: Option<DateTime<Utc>>,
}

pub(crate) async fn may_stand_after_embedded_columns(store: &Store) -> Outcome {
    let parcels = set_up::<Parcel>(store).await?;
    let origin = |town: &str| Origin { town: town.into(), country: "x".into() };
    let new = ParcelInsert { id: 1, from: origin("a"), to: origin("b") };
    let read = parcels.put(new).await?;
    assert_eq!((read.version, read.created), (1, read.updated));
    let now = later().await;
    let patch = ParcelPatch { to: Set(origin("c")), ..ParcelPatch::default() };
    let moved = parcels.update(&read, patch).await?.expect("it is there");
    assert_eq!((moved.version, moved.created, &*moved.to.town), (2, read.created, "c"));
    assert!(moved.updated >= now);
    conflicts(&["version"], parcels.put(read.clone()).await);
    conflicts(&["version"], parcels.delete(&read).await);
    let kept = parcels.put(Parcel { created: Utc::now(), ..moved }).await?;
    assert_eq!((kept.version, kept.created), (3, read.created));
    assert!(parcels.delete(&kept).await?);
    assert_eq!(parcels.query(Parcel::FROM.town.eq("a")).await?, []);
    let restored = parcels.restore(&1).await?.expect("it was deleted");
    assert_eq!((restored.version, restored.deleted, restored.to), (5, None, origin("c")));
    Ok(())
}
