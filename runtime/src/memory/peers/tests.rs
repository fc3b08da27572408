//! Databases of several tabs, over a browser that delays, loses and kills as a seed says.

mod chaos;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::join_all;

use super::{
    Host as _,
    contents::Baseline,
    simulation::{Network, Order},
};
use crate::{
    backend::Backend as _,
    changes::Since,
    column_type::ColumnType,
    definition::TableDef,
    error::{Error, Result},
    filter::{Comparison, FilterTree},
    kv::{Kv, KvDef},
    memory::{InMemoryBackend, database::Database, table::Table},
    patch::Assignment,
    reference::{OnDelete, ReferenceDef, ReferencedTable},
    storage::{DynTabularStorage, WriteMode},
    store::Store,
    value::{EncodedKey, EncodedRow, Value},
};

const ORDERS: [Order; 2] = [Order::AsInBrowsers, Order::OfEachSender];

/// Does something again as long as it was not done for want of time, as it may be where much is lost.
macro_rules! patiently {
    ($work:expr) => {
        loop {
            match $work.await {
                Err(Error::Busy { .. }) => {}
                result => break result.unwrap(),
            }
        }
    };
}

use patiently;

/// One tab with the database open in it.
#[derive(Clone)]
struct Tab {
    backend: InMemoryBackend,
    store: Store,
    number: u64,
}

async fn open(network: &Network) -> Result<Tab> {
    let host = network.tab();
    let number = host.tab;
    let database = Database::shared("shop", Arc::new(host));
    database.join().await?;
    let backend = InMemoryBackend { database };
    let store = Store::from_backend(Arc::new(backend.clone()));
    Ok(Tab { backend, store, number })
}

impl Tab {
    async fn counters(&self) -> Kv<String, i64> {
        let counters = self.store.kv("counters").await.unwrap();
        patiently!(counters.setup_database());
        counters
    }

    async fn table(&self, definition: &Arc<TableDef>) -> Result<Arc<dyn DynTabularStorage>> {
        let table = self.backend.tabular(definition)?;
        table.setup_database().await?;
        Ok(table)
    }

    /// What the copy holds, without asking anybody, by tables and stores; with generated keys.
    fn copy(&self) -> String {
        let database = &self.backend.database;
        let mut copy = String::new();
        for (name, table) in database.tables() {
            let Ok(state) = table.read() else { continue };
            let rows: Vec<_> = state.entries[0].values().map(|row| row.to_vec()).collect();
            writeln!(copy, "{name} {} {rows:?}", state.last_id()).unwrap();
        }
        for (name, table) in database.kv_tables() {
            let Ok(state) = table.read() else { continue };
            writeln!(copy, "{name} {:?}", state.all().collect::<Vec<_>>()).unwrap();
        }
        copy
    }
}

fn seats() -> Arc<TableDef> {
    TableDef::builder("seats")
        .column("id", ColumnType::I64)
        .column("seat", ColumnType::Text)
        .key(["id"])
        .auto("id")
        .unique(["seat"])
        .build()
        .unwrap()
}

async fn insert(table: &Arc<dyn DynTabularStorage>, seat: &str) -> Result<i64> {
    let row = EncodedRow(vec![Value::Null, Value::Text(seat.into())]);
    let stored = table.write(vec![row], WriteMode::Insert).await?;
    let Some(Some(row)) = stored.first() else { panic!("an insert stores or fails") };
    let Value::Int(id) = row.0[0] else { panic!("the key is an integer") };
    Ok(id)
}

/// Time for everything that is on its way to arrive.
async fn quiet() {
    tokio::time::sleep(Duration::from_mins(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_counter_that_all_tabs_increment_loses_nothing() {
    for (seed, order) in (0..10).flat_map(|seed| ORDERS.map(|order| (seed, order))) {
        let network = Network::new(seed, order);
        let tabs = [open(&network).await, open(&network).await, open(&network).await];
        let tabs = tabs.map(Result::unwrap);
        join_all(tabs.iter().map(async |tab| {
            let counters = tab.counters().await;
            for _ in 0..100 {
                counters.increment("visits", 1).await.unwrap();
            }
        }))
        .await;
        quiet().await;
        for tab in &tabs {
            let counters = tab.counters().await;
            assert_eq!(counters.get("visits").await.unwrap(), Some(300), "{seed} {order:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_tab_that_joins_while_others_write_misses_nothing() {
    for (seed, order) in (0..10).flat_map(|seed| ORDERS.map(|order| (seed, order))) {
        let network = Network::new(seed, order);
        let given = Mutex::new(Vec::new());
        let write = async |tab: Tab, name: usize| {
            let table = tab.table(&seats()).await.unwrap();
            for number in 0..40 {
                let id = insert(&table, &format!("{name}-{number}")).await.unwrap();
                given.lock().unwrap().push(id);
                // The same seat is asked for by all, and one gets it.
                match insert(&table, &format!("of all {number}")).await {
                    Ok(id) => given.lock().unwrap().push(id),
                    Err(error) => assert!(matches!(error, Error::Conflict { .. }), "{error}"),
                }
            }
            tab
        };
        let tabs = join_all((0..4).map(async |number| {
            tokio::time::sleep(Duration::from_millis(20 * number as u64)).await;
            write(open(&network).await.unwrap(), number).await
        }))
        .await;
        quiet().await;
        let given = given.into_inner().unwrap();
        assert_eq!(given.iter().collect::<BTreeSet<_>>().len(), given.len(), "{seed} {order:?}");
        assert_eq!(given.len(), 4 * 40 + 40);
        for tab in &tabs {
            assert_eq!(tab.copy(), tabs[0].copy(), "{seed} {order:?}");
            let table = tab.table(&seats()).await.unwrap();
            assert_eq!(table.count(FilterTree::all()).await.unwrap(), 200);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_keeps_other_tabs_out_and_leaves_nothing_when_it_is_dropped() {
    let network = Network::new(1, Order::AsInBrowsers);
    let (one, two) = (open(&network).await.unwrap(), open(&network).await.unwrap());
    let table = one.table(&seats()).await.unwrap();
    let other = two.table(&seats()).await.unwrap();
    let transaction = one.backend.begin().await.unwrap();
    let inside = transaction.tabular(&seats()).unwrap();
    insert(&inside, "1A").await.unwrap();
    let busy = insert(&other, "1A").await;
    assert!(matches!(busy, Err(Error::Busy { .. })), "{busy:?}");
    let waiting = tokio::spawn(async move { insert(&other, "1A").await.map(|_| other) });
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop((inside, transaction));
    let other = waiting.await.unwrap().unwrap();
    assert_eq!(other.count(FilterTree::all()).await.unwrap(), 1);
    quiet().await;
    assert_eq!(table.count(FilterTree::all()).await.unwrap(), 1);
    // And one whose tab is closed.
    let transaction = one.backend.begin().await.unwrap();
    insert(&transaction.tabular(&seats()).unwrap(), "1B").await.unwrap();
    network.kill(one.number);
    insert(&other, "1B").await.unwrap();
    assert_eq!(other.count(FilterTree::all()).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_leaves_no_lock_behind() {
    let network = Network::new(2, Order::AsInBrowsers);
    let (one, two) = (open(&network).await.unwrap(), open(&network).await.unwrap());
    let (counters, others) = (one.counters().await, two.counters().await);
    for wait in 0..200 {
        let given_up = Duration::from_micros(wait * 60);
        let _ = tokio::time::timeout(given_up, counters.increment("a", 1)).await;
        others.increment("b", 1).await.unwrap();
    }
    assert_eq!(two.counters().await.get("b").await.unwrap(), Some(200));
}

#[tokio::test(start_paused = true)]
async fn a_table_is_there_before_it_is_opened_and_another_of_its_name_is_refused() {
    let network = Network::new(3, Order::AsInBrowsers);
    let one = open(&network).await.unwrap();
    let table = one.table(&seats()).await.unwrap();
    let two = open(&network).await.unwrap();
    let other =
        TableDef::builder("seats").column("row", ColumnType::I64).key(["row"]).build().unwrap();
    let another = TableDef::builder("rows").column("row", ColumnType::I64).key(["row"]).build();
    let another = another.unwrap();
    // Opened before another tab sets up another of its name.
    let early = two.backend.tabular(&another).unwrap();
    one.table(&TableDef::clone(&other).renamed("rows").into()).await.unwrap();
    let last = insert(&table, "1A").await.unwrap();
    quiet().await;
    let same = two.backend.tabular(&seats()).unwrap();
    assert_eq!(same.count(FilterTree::all()).await.unwrap(), 1);
    assert_eq!(insert(&same, "1B").await.unwrap(), last + 1);
    assert!(matches!(insert(&same, "1A").await, Err(Error::Conflict { .. })));
    assert!(matches!(two.backend.tabular(&other), Err(Error::Schema { .. })));
    early.setup_database().await.unwrap();

    let text = TableDef::builder("notes").column("id", ColumnType::Text).key(["id"]).build();
    let number = TableDef::builder("notes").column("id", ColumnType::I64).key(["id"]).build();
    let early = two.backend.tabular(&text.unwrap()).unwrap();
    one.table(&number.unwrap()).await.unwrap();
    let refused = early.setup_database().await;
    assert!(matches!(refused, Err(Error::Schema { .. })), "{refused:?}");
    let refused = early.count(FilterTree::all()).await;
    assert!(matches!(refused, Err(Error::Schema { .. })), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn references_hold_in_tabs_that_have_opened_one_of_the_tables() {
    let network = Network::new(4, Order::AsInBrowsers);
    let seats = seats();
    let column = ReferenceDef {
        column: 1,
        table: ReferencedTable::Defined(Arc::clone(&seats)),
        referenced: 0,
        on_delete: OnDelete::Cascade,
    };
    let guests = TableDef::builder("guests")
        .column("name", ColumnType::Text)
        .column("seat", ColumnType::I64)
        .key(["name"])
        .build()
        .unwrap();
    let guests = TableDef { references: vec![column].into(), ..TableDef::clone(&guests) };
    let one = open(&network).await.unwrap();
    let here = one.table(&seats).await.unwrap();
    let there = one.table(&Arc::new(guests)).await.unwrap();
    let seat = insert(&here, "1A").await.unwrap();
    let guest = |name: &str, seat: i64| {
        let row = EncodedRow(vec![Value::Text(name.into()), Value::Int(seat)]);
        there.write(vec![row], WriteMode::Insert)
    };
    guest("Ann", seat).await.unwrap();
    let two = open(&network).await.unwrap();
    let only = two.table(&seats).await.unwrap();
    assert!(only.delete(EncodedKey::single(Value::Int(seat)), FilterTree::all()).await.unwrap());
    // The guest went with the seat.
    assert!(matches!(guest("Bob", seat).await, Err(Error::Reference { .. })));
    assert_eq!(there.count(FilterTree::all()).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn whatever_is_done_is_done_everywhere() {
    let network = Network::new(9, Order::OfEachSender);
    let (one, two) = (open(&network).await.unwrap(), open(&network).await.unwrap());
    let table = one.table(&seats()).await.unwrap();
    let counters: Kv<String, i64> = one.store.kv_logged("counters").await.unwrap();
    counters.setup_database().await.unwrap();
    let same = async |what: &str| {
        quiet().await;
        assert_eq!(one.copy(), two.copy(), "{what}");
    };
    for number in 0..20 {
        insert(&table, &number.to_string()).await.unwrap();
        counters.put(number.to_string(), number).await.unwrap();
    }
    let minute = Duration::from_mins(1);
    counters.put_with_time_to_live("5", 5, minute).await.unwrap();
    counters.expire("6", Some(minute)).await.unwrap();
    assert!(counters.delete("7").await.unwrap());
    same("entries that expire").await;
    assert!(counters.compare_and_swap("8", Some(&8), Some(80)).await.unwrap());
    let seat = |seat: &str| FilterTree::Compare {
        column: 1,
        comparison: Comparison::Equal,
        value: Value::Text(seat.into()),
    };
    let front = Assignment::set(1, Value::Text("front".into()));
    assert_eq!(table.update_where(seat("3"), vec![front.clone()]).await.unwrap(), 1);
    assert_eq!(table.delete_search(seat("4")).await.unwrap(), 1);
    let key = EncodedKey::single(Value::Int(6));
    assert!(table.update(key, FilterTree::all(), vec![front]).await.is_err());
    same("updates").await;

    let transaction = one.backend.begin().await.unwrap();
    let inside = transaction.tabular(&seats()).unwrap();
    inside.delete_all().await.unwrap();
    insert(&inside, "after all").await.unwrap();
    let entries =
        transaction.kv(&KvDef::new("counters", ColumnType::Text, ColumnType::I64).unwrap());
    let entries = entries.unwrap();
    entries.delete_all().await.unwrap();
    let key = EncodedKey::single(Value::Text("after all".into()));
    entries.increment(key, 1, 0).await.unwrap();
    transaction.commit().await.unwrap();
    same("a transaction").await;

    table.delete_all().await.unwrap();
    counters.delete_all().await.unwrap();
    same("everything is deleted").await;
    let id = insert(&table, "last").await.unwrap();
    let there = two.table(&seats()).await.unwrap();
    assert_eq!(insert(&there, "very last").await.unwrap(), id + 1);

    let others: Kv<String, i64> = two.store.kv_logged("counters").await.unwrap();
    others.changes(Since::Now).await.unwrap();
    counters.remove_change_log().await.unwrap();
    quiet().await;
    assert!(matches!(others.changes(Since::Now).await, Err(Error::Schema { .. })));
    // Who comes now gets the same.
    let three = open(&network).await.unwrap();
    same("the end").await;
    assert_eq!(three.copy(), one.copy());
}

#[tokio::test(start_paused = true)]
async fn changes_of_other_tabs_come_once_and_in_order() {
    for order in ORDERS {
        let network = Network::new(5, order);
        let (one, two) = (open(&network).await.unwrap(), open(&network).await.unwrap());
        let here: Kv<String, i64> = one.store.kv_logged("counters").await.unwrap();
        here.setup_database().await.unwrap();
        let there: Kv<String, i64> = two.store.kv_logged("counters").await.unwrap();
        there.setup_database().await.unwrap();
        let mut changes = here.changes(Since::Now).await.unwrap();
        for number in 1..=50 {
            let by = if number % 3 == 0 { &here } else { &there };
            assert_eq!(by.increment("a", 1).await.unwrap(), number);
        }
        for number in 1..=50 {
            let change = changes.try_next().await.unwrap().unwrap();
            let old = (number > 1).then(|| number - 1);
            assert_eq!((change.old, change.new), (old, Some(number)), "{order:?}");
        }
        assert!(there.delete("a").await.unwrap());
        assert_eq!(changes.try_next().await.unwrap().unwrap().new, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bulk_that_was_taken_back_is_no_news() {
    let network = Network::new(8, Order::AsInBrowsers);
    let tab = open(&network).await.unwrap();
    let table = tab.table(&seats()).await.unwrap();
    insert(&table, "1A").await.unwrap();
    let database = &tab.backend.database;
    let mut baseline = Baseline::of(database);
    let row = |seat: &str| EncodedRow(vec![Value::Null, Value::Text(seat.into())]);
    table.write(vec![row("1B"), row("1A")], WriteMode::Insert).await.unwrap_err();
    assert!(baseline.take(database).is_empty());
    insert(&table, "1B").await.unwrap();
    assert!(!baseline.take(database).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_tab_of_another_version_says_to_reload() {
    let network = Network::new(6, Order::AsInBrowsers);
    let other = network.tab();
    let held = other.lock("storehouse/shop/at/2/0.0.0/1").await.unwrap();
    let refused = open(&network).await.err().expect("it is of another version");
    assert!(refused.to_string().contains("reload"), "{refused}");
    drop(held);
    let tab = open(&network).await.unwrap();
    // It understands nothing of this, lets the lock go, and does not panic.
    other.post(&[2, 0, 0]);
    other.post(&[1, 7]);
    quiet().await;
    other.lock("storehouse/shop").await.unwrap();
    tab.counters().await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_was_put_aside_joins_again() {
    let network = Network::new(8, Order::AsInBrowsers);
    let (one, two) = (open(&network).await.unwrap(), open(&network).await.unwrap());
    let (here, there) = (one.counters().await, two.counters().await);
    for _ in 0..10 {
        // It may write, and so another can only once it is put aside.
        here.increment("a", 1).await.unwrap();
        network.put_aside(one.number);
        there.increment("a", 1).await.unwrap();
        network.bring_back(one.number);
        assert_eq!(here.increment("a", 0).await.unwrap(), there.increment("a", 0).await.unwrap());
    }
    assert_eq!(here.increment("a", 0).await.unwrap(), 20);
    // Nobody can tell what it missed, so its followers are told that.
    let logged: Kv<String, i64> = one.store.kv_logged("counters").await.unwrap();
    logged.setup_database().await.unwrap();
    let mut changes = logged.changes(Since::Now).await.unwrap();
    network.put_aside(one.number);
    there.increment("a", 1).await.unwrap();
    network.bring_back(one.number);
    quiet().await;
    assert_eq!(one.copy(), two.copy());
    assert!(matches!(changes.try_next().await, Err(Error::Lagged { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_name_is_empty_again_when_no_tab_has_it() {
    let network = Network::new(7, Order::AsInBrowsers);
    let one = open(&network).await.unwrap();
    one.counters().await.increment("a", 1).await.unwrap();
    let two = open(&network).await.unwrap();
    drop(one);
    assert_eq!(two.counters().await.increment("a", 1).await.unwrap(), 2);
    drop(two);
    let three = open(&network).await.unwrap();
    assert_eq!(three.counters().await.get("a").await.unwrap(), None);
}

#[test]
fn a_table_that_is_forgotten_is_as_new() {
    let table = Table::new(seats());
    table.lock().make_ready();
    table.lock().note_id(&Value::Int(7));
    table.lock().forget();
    assert!(!table.is_set_up() && table.lock().last_id() == 0);
}
