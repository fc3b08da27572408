//! Structs around one value as columns: typed ids and quantities.

use std::slice::from_ref;

use storehouse::{Table, TableNewtype, prelude::Set};
use storehouse_runtime::{Error, Store};
use uuid::Uuid;

use super::round_trip::{OneColumn, one_column, round_trip};
use crate::{
    behaviour::Outcome,
    expect::{fails, is_refused, set_up},
};

#[derive(TableNewtype, Clone, Copy, Debug, PartialEq, Eq)]
struct PersonId(i64);

#[derive(TableNewtype, Clone, Copy, Debug, PartialEq, Eq)]
struct BadgeId(Uuid);

#[derive(TableNewtype, Clone, Debug, PartialEq, Eq)]
struct SessionId(String);

#[derive(TableNewtype, Clone, Copy, Debug, PartialEq)]
struct Metres(f64);

#[derive(TableNewtype, Clone, Debug, PartialEq)]
struct Tags(Vec<String>);

/// A newtype of a newtype.
#[derive(TableNewtype, Clone, Copy, Debug, PartialEq, Eq)]
struct ManagerId(PersonId);

#[derive(TableNewtype, Clone, Debug, PartialEq, Eq)]
#[table(validate = check_mail)]
struct Mail(String);

fn check_mail(mail: &str) -> Result<(), String> {
    if mail.contains('@') { Ok(()) } else { Err("a mail address has an @; add it".into()) }
}

one_column! {
    PersonIds: PersonId,
    BadgeIds: BadgeId,
    SessionIds: SessionId,
    Lengths: Metres,
    TagLists: Tags,
    ManagerIds: ManagerId,
    Mails: Mail,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "people", unique(mail))]
struct Person {
    #[table(key, auto)]
    id: PersonId,
    mail: Mail,
    #[table(index)]
    height: Metres,
    manager: Option<ManagerId>,
}

/// The same table, seen by a program that knows nothing of the newtypes.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "people", unique(mail))]
struct PlainPerson {
    #[table(key, auto)]
    id: i64,
    mail: String,
    #[table(index)]
    height: f64,
    manager: Option<i64>,
}

fn person(mail: &str, height: f64) -> PersonInsert {
    PersonInsert { mail: Mail(mail.into()), height: Metres(height) }
}

pub(crate) async fn come_back_as_what_they_hold(store: &Store) -> Outcome {
    round_trip::<PersonIds>(store, [i64::MIN, 0, i64::MAX].map(PersonId)).await?;
    round_trip::<BadgeIds>(store, [Uuid::nil(), Uuid::max()].map(BadgeId)).await?;
    round_trip::<SessionIds>(store, ["", "'é"].map(|text| SessionId(text.into()))).await?;
    round_trip::<Lengths>(store, [0.1, -0.0, f64::INFINITY].map(Metres)).await?;
    round_trip::<TagLists>(store, [Tags(vec![]), Tags(vec!["a".into()])]).await?;
    round_trip::<ManagerIds>(store, [ManagerId(PersonId(7))]).await?;
    round_trip::<Mails>(store, [Mail("a@b".into())]).await
}

pub(crate) async fn are_compared_and_ordered_as_what_they_hold(store: &Store) -> Outcome {
    let people = set_up::<Person>(store).await?;
    let ann = people.put(person("ann@a", 1.7)).await?;
    let manager = PersonOptional { manager: Some(ManagerId(ann.id)), ..Default::default() };
    let bob = people.put(person("bob@b", 1.6).with(manager)).await?;
    assert_eq!(people.query(Person::ID.eq(bob.id)).await?, from_ref(&bob));
    assert_eq!(people.query(Person::ID.in_list([&bob.id])).await?, from_ref(&bob));
    assert_eq!(people.query(Person::MAIL.starts_with("ann")).await?, from_ref(&ann));
    assert_eq!(people.query(Person::HEIGHT.lt(Metres(1.65))).await?, from_ref(&bob));
    assert_eq!(people.query(Person::MANAGER.eq(ManagerId(ann.id))).await?, from_ref(&bob));
    assert_eq!(people.query(Person::MANAGER.is_null()).await?, from_ref(&ann));
    let by_height = people.get_all().order_by(Person::HEIGHT.asc()).await?;
    assert_eq!(by_height, [bob.clone(), ann.clone()]);
    // A bound need not be a value that could be stored.
    assert_eq!(people.query(Person::MAIL.lt(Mail("b".into()))).await?, [ann]);
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Badge {
    #[table(key, auto)]
    id: BadgeId,
    number: i32,
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Session {
    #[table(key, auto)]
    id: SessionId,
    number: i32,
}

pub(crate) async fn are_keys_and_generated(store: &Store) -> Outcome {
    let people = set_up::<Person>(store).await?;
    let ann = people.put(person("ann@a", 1.7)).await?;
    assert_eq!(ann.id, PersonId(1));
    assert_eq!(people.get(&PersonId(1)).await?, Some(ann.clone()));
    let patch = PersonPatch { height: Set(Metres(1.8)), ..Default::default() };
    let taller = people.update(&ann.id, patch).await?;
    assert_eq!(taller.map(|person| person.height), Some(Metres(1.8)));
    assert!(people.delete(&ann.id).await?);
    assert_eq!(people.put(person("bob@b", 1.6)).await?.id, PersonId(2));

    let badges = set_up::<Badge>(store).await?;
    let badge = badges.put(BadgeInsert { number: 1 }).await?;
    assert_eq!(badge.id.0.get_version_num(), 7);
    assert_eq!(badges.get(&badge.id).await?, Some(badge));
    let sessions = set_up::<Session>(store).await?;
    let session = sessions.put(SessionInsert { number: 1 }).await?;
    assert!(Uuid::parse_str(&session.id.0).is_ok());
    assert_eq!(sessions.get(&SessionId(session.id.0.clone())).await?, Some(session));
    Ok(())
}

pub(crate) async fn are_checked_when_they_are_written(store: &Store) -> Outcome {
    let says = "column `mail` cannot hold this value: a mail address has an @";
    let people = set_up::<Person>(store).await?;
    let ann = people.put(person("ann@a", 1.7)).await?;
    is_refused(says, people.put(person("bob", 1.6)).await);
    is_refused(says, people.insert(person("bob", 1.6)).await);
    is_refused(says, people.put_bulk([person("bob@b", 1.6), person("cat", 1.5)]).await);
    let patch = PersonPatch { mail: Set(Mail("ann".into())), ..Default::default() };
    is_refused(says, people.update(&ann.id, patch).await);
    assert_eq!(people.get_all().await?, [ann]);
    Ok(())
}

pub(crate) async fn are_checked_when_they_are_read(store: &Store) -> Outcome {
    let people = set_up::<Person>(store).await?;
    let plain = set_up::<PlainPerson>(store).await?;
    let written = PlainPerson { id: 1, mail: "bob".into(), height: 1.6, manager: None };
    plain.put(written).await?;
    let error = fails("Decode", people.get(&PersonId(1)).await);
    assert!(error.to_string().contains("a mail address has an @"), "{error}");
    let Error::Decode { column, .. } = error else { unreachable!() };
    assert_eq!(column, "mail");
    Ok(())
}
