//! Orderings: NULL before everything, text by bytes, and always total.

use chrono::{DateTime, Utc};
use storehouse::{Order, Query, Table, Tabular};
use storehouse_runtime::{Error, Store};
use uuid::Uuid;

use super::{
    filters::{Animal, animals},
    tables::{Line, Setting, line, setting},
};
use crate::{behaviour::Outcome, expect::set_up};

#[derive(Table, Clone, Debug, PartialEq)]
struct Sortable {
    #[table(key)]
    id: i64,
    number: Option<f64>,
    moment: DateTime<Utc>,
    uuid: Uuid,
    flag: bool,
    tag: Vec<u8>,
}

fn sortable(id: i64) -> Sortable {
    Sortable {
        id,
        number: None,
        moment: DateTime::UNIX_EPOCH,
        uuid: Uuid::nil(),
        flag: false,
        tag: Vec::new(),
    }
}

async fn names(
    animals: &Tabular<Animal>,
    order: impl IntoIterator<Item = Order<Animal>>,
) -> Result<String, Error> {
    let query = order.into_iter().fold(animals.get_all(), Query::order_by);
    Ok(query.await?.into_iter().map(|animal| animal.name).collect::<Vec<_>>().join(" "))
}

async fn ids(table: &Tabular<Sortable>, order: Order<Sortable>) -> Result<Vec<i64>, Error> {
    Ok(table.get_all().order_by(order).await?.into_iter().map(|row| row.id).collect())
}

pub(crate) async fn is_by_key_unless_said_otherwise(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    let rows = [line("A", -1, 1), line("A", 2, 1), line("A", 10, 1), line("B", 1, 1)];
    for row in rows.iter().rev() {
        lines.put(row.clone()).await?;
    }
    assert_eq!(lines.get_all().await?, rows);
    assert_eq!(lines.query(Line::AMOUNT.eq(1)).await?, rows);
    Ok(())
}

pub(crate) async fn puts_null_first_ascending_and_last_descending(store: &Store) -> Outcome {
    let animals = animals(store).await?;
    assert_eq!(names(&animals, [Animal::LEGS.asc()]).await?, "eel bat dodo cat ant");
    assert_eq!(names(&animals, [Animal::LEGS.desc()]).await?, "ant cat dodo bat eel");
    assert_eq!(names(&animals, [Animal::CLASS.asc()]).await?, "dodo eel ant bat cat");
    assert_eq!(names(&animals, [Animal::CLASS.desc()]).await?, "cat bat ant eel dodo");
    Ok(())
}

/// Where an ordering leaves rows equal, the key decides, in the direction of its last column.
pub(crate) async fn is_made_total_by_the_key(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    let rows = [line("A", 1, 5), line("A", 2, 5), line("B", 1, 5), line("B", 2, 4)];
    lines.put_bulk(rows.clone()).await?;
    let [a1, a2, b1, b2] = rows;
    let up = lines.get_all().order_by(Line::AMOUNT.asc()).await?;
    assert_eq!(up, [b2.clone(), a1.clone(), a2.clone(), b1.clone()]);
    let down = lines.get_all().order_by(Line::AMOUNT.desc()).await?;
    assert_eq!(down, [b1, a2, a1, b2]);
    Ok(())
}

pub(crate) async fn by_several_columns_in_mixed_directions(store: &Store) -> Outcome {
    let animals = animals(store).await?;
    let (class, legs, name) = (Animal::CLASS, Animal::LEGS, Animal::NAME);
    for (order, expected) in [
        ([class.asc(), legs.asc()], "dodo eel ant bat cat"),
        ([class.asc(), legs.desc()], "dodo eel ant cat bat"),
        ([class.desc(), legs.asc()], "bat cat ant eel dodo"),
        ([legs.asc(), name.desc()], "eel dodo bat cat ant"),
        ([legs.desc(), name.asc()], "ant cat bat dodo eel"),
        // A column that is named again says nothing new.
        ([name.desc(), name.asc()], "eel dodo cat bat ant"),
    ] {
        assert_eq!(names(&animals, order).await?, expected, "{order:?}");
    }
    Ok(())
}

pub(crate) async fn of_text_is_by_bytes(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let texts = [
        "", " ", "!", "10", "2", "A", "Z", "a", "a ", "aa", "b", "e\u{301}", "z", "é", "日",
        "\u{ffff}", "🦀",
    ];
    assert!(texts.is_sorted());
    settings.put_bulk(texts.iter().rev().map(|text| setting(text, 1))).await?;
    let up = settings.get_all().order_by(Setting::NAME.asc()).await?;
    assert_eq!(up.iter().map(|row| &*row.name).collect::<Vec<_>>(), texts);
    let down = settings.get_all().order_by(Setting::NAME.desc()).await?;
    assert!(down.iter().map(|row| &*row.name).eq(texts.into_iter().rev()));
    Ok(())
}

pub(crate) async fn of_numbers_is_by_value(store: &Store) -> Outcome {
    let table = set_up::<Sortable>(store).await?;
    let numbers = [
        None,
        Some(f64::NEG_INFINITY),
        Some(f64::MIN),
        Some(-1.5),
        Some(-5e-324),
        // Equal, so that the key decides.
        Some(0.0),
        Some(-0.0),
        Some(5e-324),
        Some(9.0),
        Some(10.0),
        Some(9_007_199_254_740_993.0),
        Some(f64::MAX),
        Some(f64::INFINITY),
    ];
    let rows = (0..).zip(numbers).map(|(id, number)| Sortable { number, ..sortable(id) });
    let rows: Vec<Sortable> = rows.collect();
    table.put_bulk(rows.into_iter().rev()).await?;
    assert!(ids(&table, Sortable::NUMBER.asc()).await?.is_sorted());
    assert!(ids(&table, Sortable::NUMBER.desc()).await?.into_iter().rev().is_sorted());
    Ok(())
}

pub(crate) async fn of_other_types_is_by_value(store: &Store) -> Outcome {
    let table = set_up::<Sortable>(store).await?;
    let moments = [-1_000_000_000_000, -1, 0, 1, 1_709_164_800_123_456];
    let uuids = [0, 1, 1 << 64, 0x80 << 120, u128::MAX];
    let tags: [&[u8]; 5] = [b"", b"\0", b"\0\0", b"a", b"\xff"];
    let flags = [false, false, true, true, true];
    let mut rows = Vec::new();
    for place in 0..5 {
        rows.push(Sortable {
            moment: DateTime::from_timestamp_micros(moments[place]).expect("in range"),
            uuid: Uuid::from_u128(uuids[place]),
            tag: tags[place].to_vec(),
            flag: flags[place],
            ..sortable(i64::try_from(place).expect("small"))
        });
    }
    rows.reverse();
    table.put_bulk(rows).await?;
    for order in
        [Sortable::MOMENT.asc(), Sortable::UUID.asc(), Sortable::TAG.asc(), Sortable::FLAG.asc()]
    {
        assert_eq!(ids(&table, order).await?, [0, 1, 2, 3, 4], "{order:?}");
    }
    for order in [
        Sortable::MOMENT.desc(),
        Sortable::UUID.desc(),
        Sortable::TAG.desc(),
        Sortable::FLAG.desc(),
    ] {
        assert_eq!(ids(&table, order).await?, [4, 3, 2, 1, 0], "{order:?}");
    }
    Ok(())
}
