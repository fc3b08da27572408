//! Types of one's own as columns, wherever they are and whatever the crate denies.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused)]
#![deny(unused_qualifications, non_snake_case, rust_2018_idioms)]

/// Where Storehouse has another name.
mod facade {
    pub(crate) use storehouse as store;
}

/// The shop.
pub mod shop {
    /// How far an order is.
    #[derive(storehouse::TableEnum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[table(crate = crate::facade::store)]
    pub enum Status {
        /// Not paid.
        New,
        /// Paid.
        Paid,
    }

    const BASE: isize = 1000;

    /// How urgent it is.
    #[derive(storehouse::TableEnum, Debug, PartialEq)]
    #[table(integer)]
    #[non_exhaustive]
    pub enum Level {
        /// Not at all.
        Low = -BASE,
        /// Very.
        High = BASE,
    }

    /// One variant is enough.
    #[derive(storehouse::TableEnum, Debug)]
    pub enum Only {
        /// This one.
        One,
    }

    /// The number of an order.
    #[derive(storehouse::TableNewtype, Clone, Debug, PartialEq, Eq, Hash)]
    #[table(crate = crate::facade::store, validate = Self::check)]
    pub struct OrderId(i64);

    impl OrderId {
        fn check(id: &i64) -> Result<(), String> {
            if *id > 0 { Ok(()) } else { Err(format!("{id} is no number of an order")) }
        }
    }

    /// A vector.
    #[derive(storehouse::TableNewtype, Debug)]
    pub struct Embedding(Vec<f32>);

    /// A document.
    #[derive(storehouse::TableNewtype, Debug)]
    pub struct Origin(serde_json::Value);

    /// A place.
    #[derive(storehouse::TableEmbed, Debug)]
    pub struct Place {
        /// To the north.
        pub latitude: f64,
        longitude: f64,
    }

    /// An address.
    #[derive(storehouse::TableEmbed, Debug)]
    #[table(crate = crate::facade::store, columns = "Addresses")]
    pub struct Address {
        /// The street.
        pub street: String,
        /// Where it is.
        #[table(embed)]
        pub place: Place,
        r#type: Option<Status>,
    }

    /// An order.
    #[derive(storehouse::Table, Debug)]
    #[table(crate = crate::facade::store, columns = "OrderColumns")]
    #[table(index(to.place.latitude, status), unique(to.r#type))]
    pub struct Order {
        /// Where it goes.
        #[table(embed)]
        pub to: Address,
        /// Its number.
        #[table(key, auto)]
        pub id: OrderId,
        /// How far it is.
        #[table(default = Status::New)]
        pub status: Status,
        /// How urgent.
        pub level: Option<Level>,
        /// Always the same.
        pub only: Only,
        /// What it is about.
        #[table(vector(dim = 2))]
        pub embedding: Embedding,
        /// Where it is from.
        #[table(metadata)]
        pub origin: Origin,
    }

    /// A key of two columns, after an embedded struct.
    #[derive(storehouse::Table, Debug)]
    pub struct Line {
        #[table(embed)]
        place: Place,
        #[table(key)]
        order: OrderId,
        #[table(key)]
        status: Status,
    }

    /// Orders and lines.
    pub fn new() -> (OrderInsert, Line) {
        let place = || Place { latitude: 1.0, longitude: 2.0 };
        let to = Address { street: "High Street".into(), place: place(), r#type: None };
        let order = OrderInsert {
            to,
            only: Only::One,
            embedding: Embedding(vec![1.0, 2.0]),
            origin: Origin(true.into()),
        };
        (order, Line { place: place(), order: OrderId(1), status: Status::Paid })
    }
}

fn main() {
    use storehouse::{ColumnType, prelude::*};

    let definition = shop::Order::definition();
    let names: Vec<_> = definition.columns.iter().map(|column| &*column.name).collect();
    let to = ["to_street", "to_place_latitude", "to_place_longitude", "to_type"];
    assert_eq!(names[..4], to);
    assert_eq!((&*definition.key, definition.auto), (&[4][..], Some(4)));
    assert_eq!(&*definition.indexes[0].columns, [1, 5]);
    assert_eq!(definition.indexes[1].name, "order_to_type_key");
    assert_eq!(definition.columns[6].column_type, ColumnType::I16);
    let level = &shop::Order::json_schema()["properties"]["level"];
    assert_eq!(level["enum"], serde_json::json!([-1000, 1000, null]));
    assert_eq!(level["type"], serde_json::json!(["integer", "null"]));
    let _: shop::Addresses<shop::Order> = shop::OrderColumns::TO;
    assert!(format!("{:?}", shop::OrderColumns::TO).contains("longitude"));

    let (order, line) = shop::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = storehouse::open("memory:").await.unwrap();
        let orders = store.tabular::<shop::Order>().await.unwrap();
        orders.setup_database().await.unwrap();
        assert_eq!(orders.put(order).await.unwrap().status, shop::Status::New);
        let lines = store.tabular::<shop::Line>().await.unwrap();
        lines.setup_database().await.unwrap();
        let line = lines.put(line).await.unwrap();
        assert!(lines.delete(&line).await.unwrap());
        let filter = shop::OrderColumns::TO.place.latitude.eq(1.0);
        assert_eq!(orders.count(filter).await.unwrap(), 1);
    });
}
