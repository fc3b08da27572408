//! Operations that are asked for at the same time share round trips, and each has its own answer.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;

use storehouse::Error;
use storehouse_postgres::Statistics;
use storehouse_test_postgres::Database;
use support::*;

/// The first goes at once, and those that come meanwhile go together: two round trips for 64. On a
/// busy machine some overtake a batch that takes its time.
const FEW: u64 = 6;

/// What was done between two moments.
fn since(before: Statistics, after: Statistics) -> Statistics {
    let mut done = after;
    done.reads -= before.reads;
    done.read_round_trips -= before.read_round_trips;
    done.writes -= before.writes;
    done.write_statements -= before.write_statements;
    done.connections -= before.connections;
    done
}

async fn open_behind_proxy() -> (Database, Proxy, Opened) {
    let database = Database::create().await;
    let network = Proxy::to(database.url()).await;
    let opened = Opened::open(&network.url(database.url()), |options| options).await.unwrap();
    (database, network, opened)
}

#[tokio::test]
async fn gets_share_round_trips() {
    let (_database, network, opened) = open_behind_proxy().await;
    let items = opened.table::<Item>().await;
    items.put_bulk((0..64).step_by(2).map(item)).await.unwrap();
    let before = opened.statistics();
    let get = |id| {
        let items = items.clone();
        async move { items.get(&id).await }
    };
    let found = together(&network, (0..64).map(get)).await;
    let done = since(before, opened.statistics());
    for (id, found) in (0..64).zip(found) {
        assert_eq!(found.unwrap(), (id % 2 == 0).then(|| item(id)));
    }
    assert_eq!(done.reads, 64);
    assert!(done.read_round_trips <= FEW, "{done:?}");
}

#[tokio::test]
async fn many_keys_at_once_share_round_trips() {
    let (_database, network, opened) = open_behind_proxy().await;
    let items = opened.table::<Item>().await;
    items.put_bulk((0..64).step_by(2).map(item)).await.unwrap();
    // They overlap, and each asks for one row twice.
    let keys = |first: i64| [first, first + 5, first + 1, first];
    let before = opened.statistics();
    let get_many = |first| {
        let items = items.clone();
        async move { items.get_many(&keys(first)).await }
    };
    let found = together(&network, (0..64).map(get_many)).await;
    let done = since(before, opened.statistics());
    for (first, found) in (0..64).zip(found) {
        let expected = keys(first).map(|id| (id % 2 == 0 && id < 64).then(|| item(id)));
        assert_eq!(found.unwrap(), expected);
    }
    assert_eq!(done.reads, 64);
    assert!(done.read_round_trips <= FEW, "{done:?}");
}

#[tokio::test]
async fn puts_share_statements() {
    let (_database, network, opened) = open_behind_proxy().await;
    let items = opened.table::<Item>().await;
    items.put_bulk((0..32).map(|id| Item { amount: -1, ..item(id) })).await.unwrap();
    let before = opened.statistics();
    let put = |id| {
        let items = items.clone();
        async move { items.put(item(id)).await }
    };
    // Half of them replace a row.
    let stored = together(&network, (0..64).map(put)).await;
    let done = since(before, opened.statistics());
    for (id, stored) in (0..64).zip(stored) {
        assert_eq!(stored.unwrap(), item(id));
    }
    assert_eq!(items.get_all().await.unwrap(), (0..64).map(item).collect::<Vec<_>>());
    assert_eq!(done.writes, 64);
    assert!(done.write_statements <= FEW, "{done:?}");
}

/// A row whose version is compared and counted.
#[derive(storehouse::Table, Clone, Debug, PartialEq)]
struct Counted {
    #[table(key)]
    id: i64,
    amount: i64,
    #[table(version)]
    version: i64,
}

#[tokio::test]
async fn puts_of_rows_that_were_read_share_statements() {
    let (_database, network, opened) = open_behind_proxy().await;
    let rows = opened.table::<Counted>().await;
    let read = rows.put_bulk((0..64).map(|id| CountedInsert { id, amount: 0 })).await.unwrap();
    // Every fourth is stale; the others share their statement with it.
    let stale = |id: i64| id % 4 == 0;
    rows.put_bulk((0..64).filter(|&id| stale(id)).map(|id| CountedInsert { id, amount: -1 }))
        .await
        .unwrap();
    let before = opened.statistics();
    let put = |row: Counted| {
        let rows = rows.clone();
        async move { rows.put(Counted { amount: 1, ..row }).await }
    };
    let stored = together(&network, read.into_iter().map(put)).await;
    let done = since(before, opened.statistics());
    for (id, stored) in (0..64).zip(stored) {
        match stored {
            Err(Error::Conflict { columns, .. }) if stale(id) => assert_eq!(columns, ["version"]),
            other => assert_eq!(other.unwrap(), Counted { id, amount: 1, version: 2 }),
        }
    }
    assert_eq!(done.writes, 64);
    assert!(done.write_statements <= FEW, "{done:?}");
}

#[tokio::test]
async fn each_gets_the_id_of_its_own_row() {
    let (_database, network, opened) = open_behind_proxy().await;
    let entries = opened.table::<Entry>().await;
    let before = opened.statistics();
    let names: Vec<_> = (0..64).map(|number| format!("entry {number}")).collect();
    let insert = |name: &String| {
        let (entries, name) = (entries.clone(), name.clone());
        async move { entries.insert(EntryInsert { name }).await }
    };
    let stored = together(&network, names.iter().map(insert)).await;
    let done = since(before, opened.statistics());
    for (name, stored) in names.iter().zip(stored) {
        let stored = stored.unwrap();
        assert_eq!(stored.name, *name);
        assert_eq!(entries.get(&stored.id).await.unwrap(), Some(stored));
    }
    assert!(done.write_statements <= FEW, "{done:?}");
}

#[tokio::test]
async fn one_bad_row_fails_alone() {
    let (database, network, opened) = open_behind_proxy().await;
    let items = opened.table::<Item>().await;
    items.put(Item { name: "taken".into(), ..item(1_000) }).await.unwrap();
    database.run("ALTER TABLE item ADD CONSTRAINT not_negative CHECK (amount >= 0)").await;
    let put = |row| {
        let items = items.clone();
        async move { items.put(row).await }
    };
    let rows = (0..64).map(|id| match id % 16 {
        7 => Item { name: "taken".into(), ..item(id) },
        11 => Item { amount: -1, ..item(id) },
        _ => item(id),
    });
    let stored = together(&network, rows.map(put)).await;
    for (id, stored) in (0..64).zip(stored) {
        match (id % 16, stored) {
            (7, Err(Error::Conflict { columns, .. })) => assert_eq!(columns, ["name"]),
            (11, Err(Error::Validation { message, .. })) => {
                assert!(message.contains("not_negative"), "{message}");
            }
            (7 | 11, other) => panic!("{id}: {other:?}"),
            (_, stored) => assert_eq!(stored.unwrap(), item(id)),
        }
    }
    assert_eq!(items.size().await.unwrap(), 1 + 64 - 8);
}

#[tokio::test]
async fn of_two_rows_that_clash_one_is_stored() {
    let (_database, network, opened) = open_behind_proxy().await;
    let items = opened.table::<Item>().await;
    // Two and two have one name.
    let rows = (0..64).map(|id| Item { name: format!("pair {}", id / 2), ..item(id) });
    let insert = |row| {
        let items = items.clone();
        async move { items.insert(row).await }
    };
    let stored = together(&network, rows.map(insert)).await;
    for pair in stored.chunks(2) {
        assert_eq!(pair.iter().filter(|stored| stored.is_ok()).count(), 1, "{pair:?}");
        let conflict = pair.iter().find_map(|stored| stored.as_ref().err()).unwrap();
        assert!(matches!(conflict, Error::Conflict { .. }), "{conflict}");
    }
    let names: HashSet<String> =
        items.get_all().await.unwrap().into_iter().map(|item| item.name).collect();
    assert_eq!(names.len(), 32);
}

#[tokio::test]
async fn writes_to_one_key_are_all_done_in_order() {
    let (database, network, opened) = open_behind_proxy().await;
    let items = opened.table::<Item>().await;
    log_changes(&database).await;
    // Between them are others, which they can share statements with.
    let put = |row| {
        let items = items.clone();
        async move { items.put(row).await }
    };
    let rows = (0..60).map(|step| match step % 3 {
        0 => Item { id: 1, name: "the one".into(), amount: step },
        _ => item(step + 100),
    });
    for stored in together(&network, rows.map(put)).await {
        stored.unwrap();
    }
    let expected: Vec<i64> = (0..60).step_by(3).collect();
    assert_eq!(logged(&database, 1).await, expected);
    assert_eq!(items.get(&1).await.unwrap().unwrap().amount, 57);
}

#[tokio::test]
async fn whoever_is_alone_goes_at_once_and_alone() {
    let (_database, opened) = open(|options| options).await;
    let items = opened.table::<Item>().await;
    for id in 0..20 {
        let before = opened.statistics();
        items.put(item(id)).await.unwrap();
        items.get(&id).await.unwrap();
        items.get_many(&[id, id + 1]).await.unwrap();
        let done = since(before, opened.statistics());
        assert_eq!((done.writes, done.write_statements), (1, 1));
        assert_eq!((done.reads, done.read_round_trips), (2, 2));
        assert_eq!(done.connections, 0);
    }
}

#[tokio::test]
async fn without_coalescing_the_answers_are_the_same() {
    let (database, opened) = open(|options| options.coalescing(false)).await;
    let items = opened.table::<Item>().await;
    items.put(Item { name: "taken".into(), ..item(1_000) }).await.unwrap();
    log_changes(&database).await;
    let before = opened.statistics();
    let rows = (0..32).map(|id| match id {
        7 => Item { name: "taken".into(), ..item(id) },
        _ => item(id),
    });
    let stored = put_at_once(&items, rows).await;
    for (id, stored) in (0..32).zip(stored) {
        match stored {
            Ok(stored) => assert_eq!(stored, item(id)),
            Err(Error::Conflict { columns, .. }) => {
                assert_eq!((id, columns), (7, vec!["name".to_owned()]));
            }
            Err(other) => panic!("{other}"),
        }
    }
    let found = get_at_once(&items, 0..64).await;
    for (id, found) in (0..64).zip(found) {
        assert_eq!(found.unwrap(), (id < 32 && id != 7).then(|| item(id)));
    }
    let done = since(before, opened.statistics());
    assert_eq!((done.writes, done.write_statements), (32, 32));
    assert_eq!((done.reads, done.read_round_trips), (64, 64));
}
