//! Structs whose fields are columns of the table that embeds them.

use std::slice::from_ref;

use serde::{Deserialize, Serialize};
use storehouse::{Table, TableEmbed, TableEnum, prelude::Set};
use storehouse_runtime::{Filter, Store};

use crate::{
    behaviour::Outcome,
    expect::{conflicts, is_refused, set_up},
};

#[derive(TableEmbed, Clone, Debug, PartialEq)]
struct Address {
    street: String,
    #[table(rename = "town")]
    city: String,
    note: Option<String>,
    #[table(embed)]
    place: Place,
    #[table(json)]
    tags: Vec<Tag>,
    #[table(skip)]
    cached: u64,
}

#[derive(TableEmbed, Clone, Debug, PartialEq)]
struct Place {
    latitude: f64,
    #[table(default = 1.5)]
    longitude: f64,
    kind: Kind,
}

#[derive(TableEnum, Clone, Copy, Debug, PartialEq)]
enum Kind {
    House,
    Flat,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Tag {
    word: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "customers", index(home.city, name), unique(home.street, home.city))]
struct Customer {
    #[table(embed)]
    home: Address,
    name: String,
    #[table(key, auto)]
    id: i64,
    #[table(embed(prefix = ""))]
    place: Place,
    age: Option<i32>,
}

fn place(latitude: f64, kind: Kind) -> Place {
    Place { latitude, longitude: -0.5, kind }
}

fn address(street: &str, city: &str) -> Address {
    Address {
        street: street.into(),
        city: city.into(),
        note: None,
        place: place(1.0, Kind::House),
        tags: vec![Tag { word: street.into() }],
        cached: 0,
    }
}

fn customer(name: &str, home: Address) -> CustomerInsert {
    CustomerInsert { home, name: name.into(), place: place(2.0, Kind::Flat) }
}

pub(crate) async fn have_the_columns_of_their_fields(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let definition = customers.definition();
    let names: Vec<&str> = definition.columns.iter().map(|column| &*column.name).collect();
    assert_eq!(
        names,
        [
            "home_street",
            "home_town",
            "home_note",
            "home_place_latitude",
            "home_place_longitude",
            "home_place_kind",
            "home_tags",
            "name",
            "id",
            "latitude",
            "longitude",
            "kind",
            "age",
        ]
    );
    assert_eq!((&*definition.key, definition.auto), (&[8][..], Some(8)));
    let indexes: Vec<_> = (definition.indexes.iter())
        .map(|index| (&*index.name, &*index.columns, index.unique))
        .collect();
    assert_eq!(
        indexes,
        [
            ("customers_home_town_name_idx", &[1, 7][..], false),
            ("customers_home_street_home_town_key", &[0, 1][..], true),
        ]
    );
    assert_eq!(Customer::HOME.place.kind.position(), 5);
    assert_eq!(Customer::PLACE.kind.position(), 11);
    assert_eq!(Customer::AGE.position(), 12);
    let longitude = definition.columns[10].default.map(|default| default());
    assert_eq!(longitude, Some(storehouse_runtime::Value::Float(1.5)));
    Ok(())
}

pub(crate) async fn come_back_as_they_were(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let ann = customers.put(customer("Ann", address("High Street", "York"))).await?;
    assert_eq!((ann.id, &ann.home), (1, &address("High Street", "York")));
    assert_eq!(ann.place, place(2.0, Kind::Flat));
    assert_eq!(customers.get(&1).await?, Some(ann.clone()));
    let noted = Address { note: Some("é".into()), tags: vec![], ..ann.home.clone() };
    let noted = Customer { home: noted, age: Some(7), ..ann };
    assert_eq!(customers.put(noted.clone()).await?, noted);
    assert_eq!(customers.get_all().await?, from_ref(&noted));
    // What is no column does not come back.
    let cached = Address { cached: 9, ..noted.home.clone() };
    let stored = customers.put(Customer { home: cached, ..noted.clone() }).await?;
    assert_eq!(stored, noted);
    let bulk =
        [("a", "b"), ("c", "d")].map(|(street, city)| customer("Bob", address(street, city)));
    let stored = customers.put_bulk(bulk).await?;
    assert_eq!(stored[1].home, address("c", "d"));
    assert!(customers.delete(&noted).await?);
    assert_eq!(customers.size().await?, 2);
    Ok(())
}

pub(crate) async fn are_filtered_ordered_and_paged_by_their_fields(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    for (name, city) in [("Ann", "York"), ("Bob", "Bath"), ("Cat", "York"), ("Dan", "Hull")] {
        customers.put(customer(name, address(name, city))).await?;
    }
    let names = async |filter| -> Result<Vec<String>, storehouse_runtime::Error> {
        let found = customers.query(filter).await?;
        Ok(found.into_iter().map(|customer: Customer| customer.name).collect())
    };
    assert_eq!(names(Customer::HOME.city.eq("York")).await?, ["Ann", "Cat"]);
    assert_eq!(names(Customer::HOME.street.starts_with("C")).await?, ["Cat"]);
    assert_eq!(names(Customer::HOME.note.is_not_null()).await?, Vec::<String>::new());
    assert_eq!(names(Customer::HOME.place.kind.eq(Kind::Flat)).await?, Vec::<String>::new());
    assert_eq!(names(Customer::PLACE.latitude.gt(1.5) & Customer::NAME.lt("B")).await?, ["Ann"]);

    let order = || Customer::HOME.city.desc();
    let all = customers.query(Filter::all()).order_by(order()).await?;
    let all: Vec<String> = all.into_iter().map(|customer| customer.name).collect();
    assert_eq!(all[2..], ["Dan", "Bob"]);
    let mut paged = Vec::new();
    let mut page = customers.query(Filter::all()).order_by(order()).limit(1).page().await?;
    loop {
        paged.extend(page.rows.into_iter().map(|customer| customer.name));
        let Some(cursor) = page.next else { break };
        let next = customers.query(Filter::all()).order_by(order()).limit(1).after(&cursor);
        page = next.page().await?;
    }
    assert_eq!(paged, all);
    assert_eq!(customers.delete_search(Customer::HOME.city.eq("York")).await?, 2);
    Ok(())
}

pub(crate) async fn are_patched_as_a_whole(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let ann = customers.put(customer("Ann", address("High Street", "York"))).await?;
    let moved = Address { note: Some("new".into()), ..address("Low Street", "Bath") };
    let patch = CustomerPatch { home: Set(moved.clone()), ..Default::default() };
    let stored = customers.update(&ann.id, patch).await?;
    assert_eq!(stored, Some(Customer { home: moved, ..ann.clone() }));
    let patch = CustomerPatch { age: Set(Some(30)), ..Default::default() };
    let stored = customers.update(&ann.id, patch).await?.map(|customer| customer.age);
    assert_eq!(stored, Some(Some(30)));
    Ok(())
}

pub(crate) async fn hold_what_their_columns_hold(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    customers.put(customer("Ann", address("High Street", "York"))).await?;
    let same = customers.put(customer("Bob", address("High Street", "York"))).await;
    conflicts(&["home_street", "home_town"], same);
    customers.put(customer("Bob", address("High Street", "Bath"))).await?;
    let nul = customers.put(customer("Cat", address("\0", "York"))).await;
    is_refused("`home_street`", nul);
    let nan = Address { place: place(f64::NAN, Kind::House), ..address("a", "b") };
    is_refused("`home_place_latitude`", customers.put(customer("Cat", nan)).await);
    assert_eq!(customers.size().await?, 2);
    Ok(())
}
