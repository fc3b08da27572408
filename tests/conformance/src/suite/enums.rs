//! Enums as columns, by name and by number.

use std::fmt::Debug;

use storehouse::{Table, TableEnum};
use storehouse_runtime::{Error, Store};

use super::round_trip::{OneColumn, one_column, round_trip};
use crate::{
    behaviour::Outcome,
    expect::{fails, set_up},
};

#[derive(TableEnum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[table(rename_all = "kebab-case")]
enum Status {
    Draft,
    InReview,
    #[table(rename = "dé'jà \"vu\"")]
    Published,
}

#[derive(TableEnum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[table(integer)]
enum Level {
    High = 300,
    Low = -1,
    Middle = 7,
}

const STATUSES: [Status; 3] = [Status::Draft, Status::InReview, Status::Published];
const LEVELS: [Level; 3] = [Level::High, Level::Low, Level::Middle];

one_column! {
    Statuses: Status,
    Levels: Level,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "tickets", index(status, level))]
struct Ticket {
    #[table(key, auto)]
    id: i64,
    status: Status,
    level: Option<Level>,
}

/// The same table, seen by a program that knows nothing of the enums.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "tickets", index(status, level))]
struct PlainTicket {
    #[table(key, auto)]
    id: i64,
    status: String,
    level: Option<i16>,
}

fn ticket(id: i64, status: Status, level: Option<Level>) -> Ticket {
    Ticket { id, status, level }
}

pub(crate) async fn come_back_by_name_and_by_number(store: &Store) -> Outcome {
    round_trip::<Statuses>(store, STATUSES).await?;
    round_trip::<Levels>(store, LEVELS).await
}

pub(crate) async fn are_stored_as_their_names_or_numbers(store: &Store) -> Outcome {
    let tickets = set_up::<Ticket>(store).await?;
    let plain = set_up::<PlainTicket>(store).await?;
    tickets.put(ticket(1, Status::InReview, Some(Level::High))).await?;
    let expected = PlainTicket { id: 1, status: "in-review".into(), level: Some(300) };
    assert_eq!(plain.get(&1).await?, Some(expected));
    let written = PlainTicket { id: 2, status: "dé'jà \"vu\"".into(), level: Some(-1) };
    plain.put(written).await?;
    let expected = ticket(2, Status::Published, Some(Level::Low));
    assert_eq!(tickets.get(&2).await?, Some(expected));
    Ok(())
}

pub(crate) async fn are_compared_and_ordered_as_they_are_stored(store: &Store) -> Outcome {
    let tickets = set_up::<Ticket>(store).await?;
    tickets
        .put_bulk([
            ticket(1, Status::InReview, Some(Level::High)),
            ticket(2, Status::Draft, Some(Level::Low)),
            ticket(3, Status::Published, None),
            ticket(4, Status::InReview, Some(Level::Middle)),
        ])
        .await?;
    let ids = async |filter| -> Result<Vec<i64>, Error> {
        let found = tickets.query(filter).await?;
        Ok(found.into_iter().map(|ticket: Ticket| ticket.id).collect())
    };
    assert_eq!(ids(Ticket::STATUS.eq(Status::InReview)).await?, [1, 4]);
    assert_eq!(ids(Ticket::STATUS.ne(Status::InReview)).await?, [2, 3]);
    assert_eq!(ids(Ticket::STATUS.in_list([Status::Draft, Status::Published])).await?, [2, 3]);
    assert_eq!(ids(Ticket::LEVEL.eq(Level::High)).await?, [1]);
    assert_eq!(ids(Ticket::LEVEL.eq(None)).await?, [3]);
    assert_eq!(ids(Ticket::LEVEL.lt(Level::High)).await?, [2, 4]);
    assert_eq!(ids(Ticket::LEVEL.between(Level::Middle, Level::High)).await?, [1, 4]);

    let by_status = tickets.get_all().order_by(Ticket::STATUS.asc()).await?;
    let by_status: Vec<i64> = by_status.into_iter().map(|ticket| ticket.id).collect();
    // "draft", "dé'jà", "in-review", by their bytes.
    assert_eq!(by_status, [2, 3, 1, 4]);
    let by_level = tickets.get_all().order_by(Ticket::LEVEL.desc()).await?;
    let by_level: Vec<i64> = by_level.into_iter().map(|ticket| ticket.id).collect();
    assert_eq!(by_level, [1, 4, 2, 3]);
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
struct StatusText {
    #[table(key)]
    status: Status,
    text: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct StatusOfLevel {
    #[table(key)]
    level: Level,
    #[table(key)]
    status: Status,
}

pub(crate) async fn can_be_keys(store: &Store) -> Outcome {
    let texts = set_up::<StatusText>(store).await?;
    for status in STATUSES {
        texts.put(StatusText { status, text: format!("{status:?}") }).await?;
    }
    let published = texts.get(&Status::Published).await?;
    assert_eq!(published.map(|row| row.text).as_deref(), Some("Published"));
    assert!(texts.delete(&Status::Published).await?);
    assert_eq!(texts.get_many(&[Status::Published, Status::Draft]).await?.len(), 2);
    assert_eq!(texts.size().await?, 2);

    let pairs = set_up::<StatusOfLevel>(store).await?;
    for level in LEVELS {
        pairs.put(StatusOfLevel { level, status: Status::Draft }).await?;
    }
    let key = StatusOfLevelKey { level: Level::Low, status: Status::Draft };
    assert!(pairs.get(&key).await?.is_some());
    let levels: Vec<Level> = pairs.get_all().await?.into_iter().map(|row| row.level).collect();
    assert_eq!(levels, [Level::Low, Level::Middle, Level::High]);
    Ok(())
}

pub(crate) async fn that_are_not_known_are_told_what_there_is(store: &Store) -> Outcome {
    #[track_caller]
    fn is_told<T: Debug>(says: &[&str], result: Result<T, Error>) {
        let message = fails("Decode", result).to_string();
        for part in says {
            assert!(message.contains(part), "expected {part:?} in {message:?}");
        }
    }
    let tickets = set_up::<Ticket>(store).await?;
    let plain = set_up::<PlainTicket>(store).await?;
    plain.put(PlainTicket { id: 1, status: "in-revew".into(), level: None }).await?;
    plain.put(PlainTicket { id: 2, status: "draft".into(), level: Some(8) }).await?;
    let says = ["`status`", "\"in-revew\"", "did you mean \"in-review\"", "\"draft\""];
    is_told(&says, tickets.get(&1).await);
    let says = ["`level`", "8 is no variant of `Level`", "300 (High)"];
    is_told(&says, tickets.get(&2).await);
    is_told(&["no variant"], tickets.get_all().await);
    // The handle stays usable.
    assert_eq!(tickets.count(Ticket::STATUS.eq(Status::Draft)).await?, 1);
    Ok(())
}
