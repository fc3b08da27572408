//! Rows that are marked as deleted, asked for in every way that is not a plain query of their own
//! table.

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use serde_json::json;
use storehouse::{
    Filter, Projection, Record, RecordPatch, Table, Tabular,
    aggregate::{count, max, sum},
    increment,
    prelude::Set,
};
use storehouse_runtime::{Error, Store};

use crate::{
    behaviour::Outcome,
    expect::{conflicts, is_refused, set_up},
};

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "tomes")]
struct Tome {
    #[table(key)]
    id: i64,
    shelf: i64,
    pages: i64,
    #[table(version)]
    version: i64,
    #[table(soft_delete)]
    deleted_at: Option<DateTime<Utc>>,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "shelves")]
struct Shelf {
    #[table(key)]
    id: i64,
    #[table(soft_delete)]
    deleted_at: Option<DateTime<Utc>>,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "volumes")]
struct Volume {
    #[table(key)]
    id: i64,
    #[table(references(Shelf::id))]
    shelf: i64,
    #[table(soft_delete)]
    deleted_at: Option<DateTime<Utc>>,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "loans")]
struct Loan {
    #[table(key)]
    id: i64,
    #[table(references(Volume::id))]
    volume: i64,
    #[table(references(Shelf::id))]
    shelf: i64,
    #[table(soft_delete)]
    deleted_at: Option<DateTime<Utc>>,
}

#[derive(Projection, Debug, PartialEq)]
#[table(of = Tome)]
struct Spine {
    id: i64,
    pages: i64,
}

fn tome(id: i64, shelf: i64, pages: i64) -> TomeInsert {
    TomeInsert { id, shelf, pages }
}

/// Four tomes on two shelves; those of odd numbers are deleted.
async fn tomes(store: &Store) -> Result<Tabular<Tome>, Error> {
    let tomes = set_up::<Tome>(store).await?;
    tomes.put_bulk([tome(1, 1, 10), tome(2, 1, 20), tome(3, 2, 30), tome(4, 2, 40)]).await?;
    for id in [1, 3] {
        assert!(tomes.delete(&id).await?);
    }
    Ok(tomes)
}

pub(crate) async fn are_not_projected(store: &Store) -> Outcome {
    let tomes = tomes(store).await?;
    let all = || tomes.get_all();
    assert_eq!(all().select(Tome::PAGES).await?, [20, 40]);
    assert_eq!(all().select((Tome::ID, Tome::PAGES)).first().await?, Some((2, 20)));
    let spines = all().select_as::<Spine>().await?;
    assert_eq!(spines, [Spine { id: 2, pages: 20 }, Spine { id: 4, pages: 40 }]);
    assert_eq!(all().select(Tome::SHELF).distinct().await?, [1, 2]);
    let short = tomes.query(Tome::PAGES.lt(40)).select(Tome::ID);
    assert_eq!(short.await?, [2]);
    let page = all().select(Tome::ID).limit(1).page().await?;
    assert_eq!(page.rows, [2]);
    let rest = all().select(Tome::ID).records(1).try_collect::<Vec<_>>().await?;
    assert_eq!(rest, [2, 4]);
    assert_eq!(tomes.with_deleted().get_all().select(Tome::ID).await?, [1, 2, 3, 4]);
    Ok(())
}

pub(crate) async fn are_no_part_of_aggregates(store: &Store) -> Outcome {
    let tomes = tomes(store).await?;
    let totals = (count(), sum(Tome::PAGES), max(Tome::ID));
    assert_eq!(tomes.get_all().aggregate(totals).await?, (2, Some(60), Some(4)));
    let by_shelf = tomes.get_all().group_by(Tome::SHELF).aggregate(count());
    assert_eq!(by_shelf.await?, [(1, 1), (2, 1)]);
    let long = tomes.query(Tome::PAGES.le(30)).group_by(Tome::SHELF).aggregate(count());
    assert_eq!(long.await?, [(1, 1)]);
    let all = tomes.with_deleted();
    let totals = all.get_all().aggregate((count(), sum(Tome::PAGES)));
    assert_eq!(totals.await?, (4, Some(100)));
    Ok(())
}

pub(crate) async fn are_not_related(store: &Store) -> Outcome {
    let shelves = set_up::<Shelf>(store).await?;
    let volumes = set_up::<Volume>(store).await?;
    let loans = set_up::<Loan>(store).await?;
    shelves.put_bulk([1, 2].map(|id| ShelfInsert { id })).await?;
    let volume = |(id, shelf)| VolumeInsert { id, shelf };
    volumes.put_bulk([(1, 1), (2, 1), (3, 2), (4, 2)].map(volume)).await?;
    let loan = |(id, volume, shelf)| LoanInsert { id, volume, shelf };
    loans.put_bulk([(1, 1, 1), (2, 2, 1), (3, 4, 1), (4, 4, 2)].map(loan)).await?;
    let (every_shelf, every_volume) = (shelves.with_deleted(), volumes.with_deleted());
    assert!(shelves.delete(&2).await?);
    assert!(volumes.delete(&1).await? && volumes.delete(&3).await?);
    assert!(loans.delete(&3).await?);
    let both = every_shelf.get_all().await?;
    let all = every_volume.get_all().await?;

    let is_there =
        |shelves: Vec<Option<Shelf>>| shelves.iter().map(Option::is_some).collect::<Vec<_>>();
    let living = shelves.referenced_by(&all, Volume::SHELF_REFERENCE).await?;
    assert_eq!(is_there(living), [true, true, false, false]);
    let every = every_shelf.referenced_by(&all, Volume::SHELF_REFERENCE).await?;
    assert_eq!(is_there(every), [true; 4]);

    let ids = |lists: Vec<Vec<Volume>>| -> Vec<Vec<i64>> {
        lists.iter().map(|list| list.iter().map(|volume| volume.id).collect()).collect()
    };
    let on_them = volumes.belonging_to(&both, Volume::SHELF_REFERENCE);
    assert_eq!(ids(on_them.await?), [[2], [4]]);
    let on_them = volumes.belonging_to(&both, Volume::SHELF_REFERENCE).limit_per_parent(1);
    assert_eq!(ids(on_them.await?), [[2], [4]]);
    let on_them = every_volume.belonging_to(&both, Volume::SHELF_REFERENCE);
    assert_eq!(ids(on_them.await?), [[1, 2], [3, 4]]);

    // Neither a link that is deleted leads anywhere, nor any link to what is deleted.
    let lent = async |volumes: &Tabular<Volume>, loans: &Tabular<Loan>| {
        let (shelf, volume) = (Loan::SHELF_REFERENCE, Loan::VOLUME_REFERENCE);
        Ok::<_, Error>(ids(volumes.linked_to(&both, loans, shelf, volume).await?))
    };
    assert_eq!(lent(&volumes, &loans).await?, [[2], [4]]);
    assert_eq!(lent(&volumes, &loans.with_deleted()).await?, [vec![2, 4], vec![4]]);
    assert_eq!(lent(&every_volume, &loans).await?, [vec![1, 2], vec![4]]);
    Ok(())
}

pub(crate) async fn are_not_found_by_documents(store: &Store) -> Outcome {
    let tomes = tomes(store).await?;
    let filter = Filter::from_json(&json!({"$or": [{"id": 1}, {"id": 2}]}))?;
    assert_eq!(tomes.query(filter.clone()).select(Tome::ID).await?, [2]);
    assert_eq!(tomes.count(filter).await?, 1);
    let everything = Filter::from_json(&json!({}))?;
    assert_eq!(tomes.count(everything).await?, 2);
    Ok(())
}

pub(crate) async fn are_no_records(store: &Store) -> Outcome {
    let tomes = tomes(store).await?;
    let records = store.tabular_of(Tome::definition()).await?;
    let ids = |found: Vec<Record>| found.iter().map(|record| record.get("id")).collect();
    let found: Result<Vec<i64>, Error> = ids(records.get_all().await?);
    assert_eq!(found?, [2, 4]);
    assert_eq!(records.get(&1_i64).await?, None);
    assert_eq!(records.size().await?, 2);
    assert_eq!(records.update(&1_i64, RecordPatch::new().set("pages", 1_i64)).await?, None);

    // The store keeps up their managed columns as those of rows.
    let read = records.get(&2_i64).await?.expect("it is there");
    let thicker = RecordPatch::new().increment("pages", 1_i64);
    let updated = records.update(&read, thicker.clone()).await?.expect("it is there");
    assert_eq!((updated.get::<i64>("pages")?, updated.get::<i64>("version")?), (21, 2));
    conflicts(&["version"], records.update(&read, thicker).await);
    conflicts(&["version"], records.put(read.clone()).await);
    conflicts(&["version"], records.delete(&read).await);
    for column in ["version", "deleted_at"] {
        let patch = RecordPatch::new().set(column, None::<i64>);
        is_refused("is set by the store", records.update(&2_i64, patch).await);
    }
    let new = Record::new(Tome::definition());
    let new = new.with("id", 5_i64)?.with("shelf", 1_i64)?.with("pages", 50_i64)?;
    assert_eq!(records.put(new).await?.get::<i64>("version")?, 1);
    assert!(records.delete(&updated).await?);
    let deleted = tomes.with_deleted().get(&2).await?.expect("it is there");
    assert_eq!((deleted.version, deleted.deleted_at.is_some()), (3, true));
    Ok(())
}

pub(crate) async fn are_not_incremented(store: &Store) -> Outcome {
    let tomes = tomes(store).await?;
    let thicker = || TomePatch { pages: increment(1), ..TomePatch::default() };
    assert_eq!(tomes.update(&1, thicker()).await?, None);
    assert_eq!(tomes.update_where(Tome::PAGES.ge(0), thicker()).await?, 2);
    let all = tomes.with_deleted().get_all().select((Tome::PAGES, Tome::VERSION)).await?;
    assert_eq!(all, [(10, 2), (21, 2), (30, 2), (41, 2)]);
    // A row that is read is changed only as it was read, by an increment too.
    let read = tomes.get(&2).await?.expect("it is there");
    let updated = tomes.update(&read, thicker()).await?.expect("it is there");
    assert_eq!((updated.pages, updated.version), (22, 3));
    conflicts(&["version"], tomes.update(&read, thicker()).await);
    let both = TomePatch { pages: increment(1), shelf: Set(2) };
    let upsert = tomes.upsert_by(Tome::ID, tome(1, 1, 0)).or_update(both).await?;
    assert_eq!((upsert.pages, upsert.shelf, upsert.version), (11, 2, 3));
    assert_eq!(upsert.deleted_at, None);
    Ok(())
}

/// SQL of the program's own says itself which rows it means.
pub(crate) async fn are_seen_by_raw_sql(store: &Store) -> Outcome {
    let tomes = tomes(store).await?;
    let every = store.raw_sql("SELECT id FROM tomes ORDER BY id").fetch::<(i64,)>().await?;
    assert_eq!(every, [(1,), (2,), (3,), (4,)]);
    let living = "SELECT * FROM tomes WHERE deleted_at IS NULL ORDER BY id";
    let living = store.raw_sql(living).fetch::<Tome>().await?;
    assert_eq!(living, tomes.get_all().await?);
    Ok(())
}
