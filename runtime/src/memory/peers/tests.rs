//! Databases of several tabs, over a browser that delays, loses and kills as a seed says.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::join_all;

use super::{
    Host as _,
    simulation::{Network, Order},
};
use crate::{
    backend::Backend as _,
    changes::Since,
    column_type::ColumnType,
    definition::TableDef,
    error::{Error, Result},
    filter::FilterTree,
    kv::Kv,
    memory::{InMemoryBackend, database::Database, table::Table},
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

/// What a tab was told is done, and what it began.
#[derive(Default)]
struct Told {
    added: i64,
    begun: i64,
    seats: BTreeSet<String>,
    deleted: BTreeSet<String>,
}

/// Writes at random until it is told to end, or dies.
async fn work(tab: Tab, told: Arc<Mutex<Told>>, mut random: fastrand::Rng, times: usize) {
    let counters = tab.counters().await;
    let table = patiently!(tab.table(&seats()));
    let mut own = Vec::new();
    for number in 0..times {
        if random.u8(..8) == 0 {
            tokio::time::sleep(Duration::from_millis(random.u64(..200))).await;
        }
        match random.u8(..6) {
            0 | 1 => {
                told.lock().unwrap().begun += 1;
                patiently!(counters.increment("visits", 1));
                told.lock().unwrap().added += 1;
            }
            2 => {
                let seat = format!("{}-{number}", tab.number);
                let id = patiently!(insert(&table, &seat));
                told.lock().unwrap().seats.insert(seat.clone());
                own.push((id, seat));
            }
            3 => {
                let Some((id, seat)) = own.pop() else { continue };
                told.lock().unwrap().deleted.insert(seat);
                let key = EncodedKey::single(Value::Int(id));
                assert!(patiently!(table.delete(key.clone(), FilterTree::all())));
            }
            commits => {
                let commits = commits == 4;
                told.lock().unwrap().begun += if commits { 2 } else { 0 };
                let transaction = patiently!(tab.backend.begin());
                let counters = transaction.kv(counters.definition()).unwrap();
                let key = || EncodedKey::single(Value::Text("visits".into()));
                counters.increment(key(), 1, 0).await.unwrap();
                tokio::time::sleep(Duration::from_millis(random.u64(..5))).await;
                counters.increment(key(), 1, 0).await.unwrap();
                if commits {
                    transaction.commit().await.unwrap();
                    told.lock().unwrap().added += 2;
                }
            }
        }
    }
    // Stays open.
    std::future::pending::<()>().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_tab_that_dies_was_told_is_done_the_others_have() {
    for seed in 0..150 {
        let mut random = fastrand::Rng::with_seed(seed);
        let network = Network::new(seed, Order::AsInBrowsers);
        let told = Arc::new(Mutex::new(Told::default()));
        let mut tabs = Vec::new();
        let first = open(&network).await.unwrap();
        first.counters().await;
        for _ in 0..4 {
            let tab = open(&network).await.unwrap();
            let work = work(tab.clone(), Arc::clone(&told), random.fork(), 60);
            let task = tokio::spawn(work);
            tabs.push((tab, task));
            tokio::time::sleep(Duration::from_millis(random.u64(..300))).await;
            if random.u8(..3) == 0 {
                let (tab, task) = tabs.swap_remove(random.usize(..tabs.len()));
                network.kill(tab.number);
                task.abort();
            }
        }
        quiet().await;
        let told = std::mem::take(&mut *told.lock().unwrap());
        let copy = first.copy();
        for (tab, task) in &tabs {
            assert!(!task.is_finished(), "{seed}: a tab failed");
            assert_eq!(tab.copy(), copy, "{seed}");
        }
        let visits = first.counters().await.get("visits").await.unwrap().unwrap_or_default();
        assert!((told.added..=told.begun).contains(&visits), "{seed}: {visits}, {}", told.added);
        for seat in told.seats.difference(&told.deleted) {
            assert!(copy.contains(&format!("\"{seat}\"")), "{seed}: {seat} is lost");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn tabs_agree_whatever_is_lost_and_whoever_dies() {
    for (seed, order) in (0..60).flat_map(|seed| ORDERS.map(|order| (seed, order))) {
        let mut random = fastrand::Rng::with_seed(seed);
        let network = Network::new(seed, order);
        let told = Arc::new(Mutex::new(Told::default()));
        let mut tabs = Vec::new();
        network.lose(0.2);
        for number in 0..4 {
            let tab = patiently!(open(&network));
            // One dies in the midst of it.
            let work = work(tab.clone(), Arc::clone(&told), random.fork(), 40);
            let task = tokio::spawn(work);
            tokio::time::sleep(Duration::from_millis(random.u64(..300))).await;
            if number == 1 {
                network.kill(tab.number);
                task.abort();
            } else {
                tabs.push((tab, task));
            }
        }
        quiet().await;
        network.lose(0.0);
        for (tab, _) in &tabs {
            tab.counters().await.increment("last", 1).await.unwrap();
        }
        quiet().await;
        for (tab, _) in &tabs {
            assert_eq!(tab.copy(), tabs[0].0.copy(), "{seed} {order:?}");
        }
        let counters = tabs[0].0.counters().await;
        let visits = counters.get("visits").await.unwrap().unwrap_or_default();
        assert!(visits <= told.lock().unwrap().begun, "{seed} {order:?}");
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
