//! The logs that changes come from: who asks for one, and what becomes of it.

use std::collections::BTreeMap;

use storehouse::{ChangeKind, PatchField::Set, Since, Table, Tabular};
use storehouse_runtime::{Error, Store};

use super::{
    changes::{Counter, Offer, next, offer, short},
    tables::{Setting, setting},
};
use crate::{
    behaviour::Outcome,
    expect::{fails, is_refused, set_up},
};

pub(crate) async fn are_needed(store: &Store) -> Outcome {
    // Known by the definition.
    let settings = set_up::<Setting>(store).await?;
    is_refused("#[table(changes)]", settings.changes(Since::Now).await);
    let live = settings.get_all().live().await;
    is_refused("#[table(changes)]", live);
    // Known by the database.
    let offers = store.tabular::<Offer>().await?;
    fails("Schema", offers.changes(Since::Now).await);
    fails("Schema", offers.changes(Since::Snapshot).await);
    Ok(())
}

/// [`Counter`], by somebody who wants no changes.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "counters")]
struct QuietCounter {
    #[table(key)]
    id: i64,
    value: i64,
}

pub(crate) async fn can_be_asked_for_later_and_by_one_program_alone(store: &Store) -> Outcome {
    let quiet = set_up::<QuietCounter>(store).await?;
    quiet.put(QuietCounter { id: 1, value: 1 }).await?;
    let counters = store.tabular::<Counter>().await?;
    fails("Schema", counters.changes(Since::Now).await);
    counters.setup_database().await?;
    let mut changes = counters.changes(Since::Now).await?;
    quiet.put(QuietCounter { id: 1, value: 2 }).await?;
    // Again, and by who does not ask for it.
    counters.setup_database().await?;
    quiet.setup_database().await?;
    quiet.put(QuietCounter { id: 1, value: 3 }).await?;
    for value in [2, 3] {
        let change = next(&mut changes).await?;
        assert_eq!(change.new, Some(Counter { id: 1, value }));
    }
    Ok(())
}

pub(crate) async fn can_be_asked_for_of_a_whole_store(store: &Store) -> Outcome {
    let store = store.clone().with_logged_changes();
    let settings = set_up::<Setting>(&store).await?;
    let mut changes = settings.changes(Since::Now).await?;
    settings.put(setting("a", 1)).await?;
    store.transaction(async |tx| settings.in_tx(tx).put(setting("b", 2)).await).await?;
    for name in ["a", "b"] {
        assert_eq!(next(&mut changes).await?.key.as_deref(), Some(name));
    }
    Ok(())
}

pub(crate) async fn end_those_who_follow_when_removed(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    let mut changes = counters.changes(Since::Now).await?;
    let cursor = changes.cursor().clone();
    counters.remove_change_log().await?;
    counters.remove_change_log().await?;
    counters.put(Counter { id: 1, value: 1 }).await?;
    fails("Schema", next(&mut changes).await);
    assert!(changes.try_next().await?.is_none(), "after an error comes nothing");
    fails("Schema", counters.changes(Since::Now).await);
    // One that is begun anew is another.
    counters.setup_database().await?;
    let error = fails("Lagged", counters.changes(Since::After(cursor)).await);
    let Error::Lagged { oldest, .. } = error else { unreachable!() };
    let mut changes = counters.changes(Since::After(*oldest)).await?;
    counters.put(Counter { id: 1, value: 2 }).await?;
    assert_eq!(next(&mut changes).await?.kind, ChangeKind::Update);
    Ok(())
}

pub(crate) async fn tell_what_raw_sql_did(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    let mut changes = counters.changes(Since::Now).await?;
    store.raw_sql("INSERT INTO counters (id, value) VALUES (1, 1), (2, 2)").execute().await?;
    store.raw_sql("UPDATE counters SET value = value + 1 WHERE id = 1").execute().await?;
    // A row with another key is another row.
    store.raw_sql("UPDATE counters SET id = 3 WHERE id = 2").execute().await?;
    store.raw_sql("DELETE FROM counters WHERE id = 3").execute().await?;
    let mut seen = BTreeMap::new();
    let mut kinds = Vec::new();
    while kinds.last() != Some(&ChangeKind::Delete) || seen.len() > 1 {
        let change = next(&mut changes).await?;
        kinds.push(change.kind);
        let Some(key) = change.key else { panic!("a change has a key") };
        match change.new {
            Some(counter) => seen.insert(key, counter.value),
            None => seen.remove(&key),
        };
    }
    assert_eq!(seen, [(1, 2)].into(), "{kinds:?}");
    Ok(())
}

/// [`Counter`] after a migration.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "tallies", rename_from = "counters", changes)]
struct Tally {
    #[table(key)]
    id: i64,
    #[table(rename_from = "value")]
    count: i64,
    #[table(default = "none".to_owned())]
    note: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "tallies", changes)]
struct ShortTally {
    #[table(key)]
    id: i64,
    #[table(default = "none".to_owned())]
    note: String,
}

pub(crate) async fn fit_the_columns_after_a_migration(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    counters.put(Counter { id: 1, value: 1 }).await?;
    counters.put(Counter { id: 2, value: 2 }).await?;

    let plan = store.migration().table::<Tally>().plan().await?;
    assert!(!plan.is_destructive(), "{plan}");
    plan.apply().await?;
    store.migration().table::<Tally>().verify().await?;
    let tallies = store.tabular::<Tally>().await?;
    let mut changes = tallies.changes(Since::Now).await?;
    let new = TallyInsert { id: 3, count: 3 };
    let stored = tallies.put(new).await?;
    assert_eq!(next(&mut changes).await?.new, Some(stored));
    tallies.update(&1, TallyPatch { note: Set("x".into()), ..Default::default() }).await?;
    let update = next(&mut changes).await?;
    assert_eq!(update.old, Some(Tally { id: 1, count: 1, note: "none".into() }));
    tallies.setup_database().await?;

    // A column goes.
    let cursor = changes.cursor().clone();
    store.migration().table::<ShortTally>().plan().await?.allow_destructive().apply().await?;
    store.migration().table::<ShortTally>().verify().await?;
    let short = store.tabular::<ShortTally>().await?;
    fails("Lagged", short.changes(Since::After(cursor)).await);
    let mut changes = short.changes(Since::Now).await?;
    short.delete(&1).await?;
    let gone = ShortTally { id: 1, note: "x".into() };
    assert_eq!(next(&mut changes).await?.old, Some(gone));
    Ok(())
}

pub(crate) async fn are_begun_by_a_migration(store: &Store) -> Outcome {
    set_up::<QuietCounter>(store).await?;
    fails("Schema", store.migration().table::<Counter>().verify().await);
    let plan = store.migration().table::<Counter>().plan().await?;
    assert_eq!(plan.steps().len(), 1, "{plan}");
    plan.apply().await?;
    store.migration().table::<Counter>().verify().await?;
    let counters: Tabular<Counter> = store.tabular().await?;
    let mut changes = counters.changes(Since::Now).await?;
    counters.put(Counter { id: 1, value: 1 }).await?;
    assert_eq!(next(&mut changes).await?.kind, ChangeKind::Insert);
    // A table that is new has its log at once.
    store.migration().table::<Offer>().plan().await?.apply().await?;
    let offers = store.tabular::<Offer>().await?;
    let mut changes = offers.changes(Since::Now).await?;
    offers.put(offer("a", 1.0)).await?;
    assert_eq!(short(&mut changes, 1).await?, ["Insert -> a=1"]);
    store.migration().table::<Offer>().table::<Counter>().verify().await?;
    Ok(())
}
