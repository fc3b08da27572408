//! Tables as earlier versions made them, in SQL as SQLite wrote it down: each is brought to its
//! definition of today, with every row.

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use storehouse::{Store, Table};

use super::sqlite;

/// The quickstart's table of today.
#[path = "../../../../examples/quickstart/earthquake.rs"]
#[allow(dead_code, reason = "only the table is used, not the file with its rows")]
mod earthquake;

use earthquake::Earthquake;

/// A database that this SQL makes.
async fn laid_out(sql: &str) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join("migrations.db")).unwrap();
    connection.execute_batch(sql).unwrap();
    drop(connection);
    let store = sqlite(folder.path()).await;
    (folder, store)
}

/// Brings the table of `T` to its definition, and gives its rows.
async fn migrated<T: Table>(store: &Store) -> Vec<T> {
    let plan = store.migration().table::<T>().plan().await.unwrap();
    assert!(!plan.is_destructive(), "{plan:#}");
    plan.apply().await.unwrap();
    store.migration().table::<T>().verify().await.unwrap();
    let table = store.tabular::<T>().await.unwrap();
    table.setup_database().await.unwrap();
    table.get_all().await.unwrap()
}

fn earthquakes() -> [Earthquake; 2] {
    let time = |microseconds| DateTime::<Utc>::from_timestamp_micros(microseconds).unwrap();
    let first = Earthquake {
        id: "us7000".into(),
        time: time(1_704_067_200_000_000),
        latitude: 37.5,
        longitude: 137.2,
        depth_km: 10.0,
        magnitude: 7.5,
        magnitude_type: "mww".into(),
        place: "Noto".into(),
        region: "Japan".into(),
        status: "reviewed".into(),
        felt_reports: Some(650),
        significance: 2000,
    };
    let second = Earthquake {
        id: "us7001".into(),
        time: time(1_704_067_200_000_001),
        latitude: -0.5,
        longitude: 0.25,
        depth_km: 0.5,
        magnitude: 4.5,
        magnitude_type: "mb".into(),
        place: "At sea".into(),
        region: "Atlantic".into(),
        status: "automatic".into(),
        felt_reports: None,
        significance: 312,
    };
    [first, second]
}

#[tokio::test]
async fn earthquakes_of_0_1() {
    let (_folder, store) = laid_out(include_str!("layouts/earthquakes_0_1.sql")).await;
    // As it is today; who changes the table adds a layout, and this one stays.
    store.migration().table::<Earthquake>().verify().await.unwrap();
    assert_eq!(migrated::<Earthquake>(&store).await, earthquakes());
}

/// [`Earthquake`] had the name `quakes` in the layout by hand.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "earthquakes", rename_from = "quakes", index(region, magnitude), index(time))]
struct Quake {
    #[table(key)]
    id: String,
    time: DateTime<Utc>,
    latitude: f64,
    longitude: f64,
    depth_km: f64,
    magnitude: f64,
    magnitude_type: String,
    #[table(text)]
    place: String,
    region: String,
    status: String,
    felt_reports: Option<u32>,
    significance: u32,
}

#[tokio::test]
async fn earthquakes_by_hand() {
    let (folder, store) = laid_out(include_str!("layouts/earthquakes_loose.sql")).await;
    migrated::<Quake>(&store).await;
    // From here on it is the quickstart's.
    let [first, second] = earthquakes();
    let second = Earthquake { depth_km: 0.0, magnitude: 4.0, ..second };
    assert_eq!(migrated::<Earthquake>(&store).await, [first, second]);
    // What somebody added is still there and works.
    let connection = Connection::open(folder.path().join("migrations.db")).unwrap();
    let strong: String =
        connection.query_row("SELECT id FROM strong", [], |row| row.get(0)).unwrap();
    assert_eq!(strong, "us7000");
    let by_place = "SELECT count(*) FROM sqlite_schema WHERE name = 'by_place'";
    let by_place: i64 = connection.query_row(by_place, [], |row| row.get(0)).unwrap();
    assert_eq!(by_place, 1);
}

/// The orders of today.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "orders", rename_from = "purchases")]
struct Order {
    #[table(key, auto)]
    id: i64,
    #[table(unique, rename_from("customer", "client"))]
    buyer: String,
    total: i64,
    #[table(default = false)]
    paid: bool,
}

#[tokio::test]
async fn orders() {
    for (sql, paid, next) in [
        (include_str!("layouts/orders_1.sql"), false, 3),
        (include_str!("layouts/orders_2.sql"), true, 10),
        (include_str!("layouts/orders_3.sql"), false, 10),
    ] {
        let (_folder, store) = laid_out(sql).await;
        let ada = Order { id: 1, buyer: "ada".into(), total: 5, paid: false };
        let bob = Order { id: 2, buyer: "bob".into(), total: 7, paid };
        assert_eq!(migrated::<Order>(&store).await, [ada, bob]);
        let orders = store.tabular::<Order>().await.unwrap();
        let new = orders.put(OrderInsert { buyer: "eve".into(), total: 1 }).await.unwrap();
        assert_eq!(new.id, next);
    }
}
