//! `version`: a row that was read replaces only what was read.

use futures::future::join_all;
use storehouse::{Table, Tabular, prelude::Set};
use storehouse_runtime::{ClientKeys, Error, Store};

use crate::{
    behaviour::Outcome,
    expect::{conflicts, fails, is_refused, set_up},
};

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "accounts")]
struct Account {
    #[table(key)]
    name: String,
    balance: i64,
    #[table(unique)]
    card: Option<i32>,
    #[table(version)]
    version: i64,
}

/// A generated key, and a version of another width.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "tickets")]
struct Ticket {
    #[table(version)]
    revision: u32,
    #[table(key, auto)]
    id: i64,
    title: String,
}

/// A key of two columns and nothing else.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "seats")]
struct Seat {
    #[table(key)]
    row: String,
    #[table(key)]
    number: i32,
    #[table(version)]
    version: i32,
}

fn new(name: &str, balance: i64) -> AccountInsert {
    AccountInsert { name: name.into(), balance }
}

fn patch(balance: i64) -> AccountPatch {
    AccountPatch { balance: Set(balance), ..AccountPatch::default() }
}

/// A row as it was never stored.
fn unstored(name: &str, balance: i64) -> Account {
    Account { name: name.into(), balance, card: None, version: 0 }
}

async fn stored(accounts: &Tabular<Account>, name: &str) -> Account {
    accounts.get(name).await.expect("it can be read").expect("it is there")
}

pub(crate) async fn begin_at_one_and_count_every_write(store: &Store) -> Outcome {
    let accounts = set_up::<Account>(store).await?;
    for first in [
        accounts.put(new("a", 1)).await?,
        accounts.put(unstored("b", 1)).await?,
        accounts.insert(new("c", 1)).await?,
        // Whatever version a row that is inserted had.
        accounts.insert(Account { version: 7, ..unstored("d", 1) }).await?,
        accounts.insert_if_absent(Account { version: 7, ..unstored("e", 1) }).await?.expect("new"),
        accounts.put_bulk([new("f", 1)]).await?.remove(0),
    ] {
        assert_eq!(first.version, 1, "{first:?}");
        assert_eq!(stored(&accounts, &first.name).await, first);
    }
    let second = accounts.put(new("a", 2)).await?;
    assert_eq!(second.version, 2);
    let third = accounts.put(Account { balance: 3, ..second }).await?;
    assert_eq!(third.version, 3);
    let fourth = accounts.update("a", patch(4)).await?.expect("it is there");
    assert_eq!(fourth.version, 4);
    let fifth = accounts.update(&fourth, patch(5)).await?.expect("it is there");
    assert_eq!((fifth.version, fifth.balance), (5, 5));
    assert_eq!(accounts.update_where(Account::NAME.eq("a"), patch(6)).await?, 1);
    assert_eq!(stored(&accounts, "a").await.version, 6);
    // These write nothing.
    accounts.update("a", AccountPatch::default()).await?;
    accounts.insert_if_absent(new("a", 7)).await?;
    assert_eq!(stored(&accounts, "a").await.version, 6);
    Ok(())
}

pub(crate) async fn refuse_a_row_that_was_written_since(store: &Store) -> Outcome {
    let accounts = set_up::<Account>(store).await?;
    let read = accounts.put(new("a", 1)).await?;
    let now = accounts.update("a", patch(2)).await?.expect("it is there");
    let conflict = |result| conflicts(&["version"], result);
    conflict(accounts.put(Account { balance: 3, ..read.clone() }).await);
    conflict(accounts.put(Account { version: 99, ..read.clone() }).await);
    // A row that was never stored finds one.
    conflict(accounts.put(unstored("a", 3)).await);
    conflicts(&["version"], accounts.update(&read, patch(3)).await);
    conflicts(&["version"], accounts.delete(&read).await);
    assert_eq!(accounts.get("a").await?.as_ref(), Some(&now));
    // Who gives no version replaces whatever is there.
    assert_eq!(accounts.put(new("a", 4)).await?.version, now.version + 1);
    assert!(accounts.delete("a").await?);
    Ok(())
}

pub(crate) async fn tell_a_row_that_is_gone(store: &Store) -> Outcome {
    let accounts = set_up::<Account>(store).await?;
    let read = accounts.put(new("a", 1)).await?;
    assert!(accounts.delete(&read).await?);
    conflicts(&["version"], accounts.put(Account { balance: 2, ..read.clone() }).await);
    conflicts(&["version"], accounts.put_bulk([read.clone(), read.clone()]).await);
    assert_eq!(accounts.update(&read, patch(2)).await?, None);
    assert!(!accounts.delete(&read).await?);
    assert_eq!(accounts.size().await?, 0);
    Ok(())
}

pub(crate) async fn of_a_bulk_are_all_checked(store: &Store) -> Outcome {
    let accounts = set_up::<Account>(store).await?;
    let read = accounts.put_bulk([new("a", 1), new("b", 1), new("c", 1)]).await?;
    let raised = || read.iter().cloned().map(|row| Account { balance: row.balance + 1, ..row });
    let stale = accounts.update("b", patch(9)).await?.expect("it is there");
    conflicts(&["version"], accounts.put_bulk(raised()).await);
    let unchanged = [read[0].clone(), stale.clone(), read[2].clone()];
    assert_eq!(accounts.get_all().await?, unchanged);
    // One that is gone fails them all too, wherever it stands.
    assert!(accounts.delete("c").await?);
    let fresh = [Account { balance: 5, ..read[0].clone() }, stale.clone(), read[2].clone()];
    conflicts(&["version"], accounts.put_bulk(fresh).await);
    assert_eq!(accounts.get_all().await?, unchanged[..2]);
    // A taken key of a row that was never stored.
    conflicts(&["version"], accounts.put_bulk([unstored("d", 1), unstored("a", 2)]).await);
    assert_eq!(accounts.size().await?, 2);

    let put = accounts.put_bulk(unchanged[..2].iter().rev().cloned()).await?;
    let versions: Vec<_> = put.iter().map(|row| (&*row.name, row.version)).collect();
    assert_eq!(versions, [("b", 3), ("a", 2)]);
    Ok(())
}

pub(crate) async fn of_a_bulk_are_those_that_its_own_rows_left(store: &Store) -> Outcome {
    let accounts = set_up::<Account>(store).await?;
    let read = accounts.put(new("a", 1)).await?;
    // Of two rows that were read, the second is stale by the first.
    conflicts(&["version"], accounts.put_bulk([read.clone(), read.clone()]).await);
    let next = Account { version: read.version + 1, balance: 3, ..read.clone() };
    let put = accounts.put_bulk([read.clone(), next, unstored("b", 1)]).await?;
    let versions: Vec<_> = put.iter().map(|row| (row.balance, row.version)).collect();
    assert_eq!(versions, [(1, 2), (3, 3), (1, 1)]);
    let again = accounts.put_bulk([new("c", 1), new("c", 2), new("a", 4)]).await?;
    let versions: Vec<_> = again.iter().map(|row| (row.balance, row.version)).collect();
    assert_eq!(versions, [(1, 1), (2, 2), (4, 4)]);
    assert_eq!(accounts.get_all().await?.len(), 3);
    Ok(())
}

/// Rows that were read take their place in order too.
pub(crate) async fn pass_a_unique_value_on(store: &Store) -> Outcome {
    let accounts = set_up::<Account>(store).await?;
    let with_card = |name: &str, card| new(name, 1).with(AccountOptional { card: Some(card) });
    let names = ["a", "b", "c", "d", "e"];
    let read = accounts.put_bulk(names.iter().zip(1..).map(|(n, card)| with_card(n, card))).await?;
    // The first gives its card up, and each takes that of the one before.
    let passed = read.iter().cloned().enumerate().map(|(place, row)| Account {
        card: place.checked_sub(1).and_then(|before| read[before].card),
        ..row
    });
    let put = accounts.put_bulk(passed).await?;
    let cards: Vec<_> = put.iter().map(|row| row.card).collect();
    assert_eq!(cards, [None, Some(1), Some(2), Some(3), Some(4)]);
    assert_eq!(accounts.get_all().await?, put);
    let taken = Account { card: Some(1), ..put[4].clone() };
    conflicts(&["card"], accounts.put(taken.clone()).await);
    conflicts(&["card"], accounts.put_bulk([put[0].clone(), taken]).await);
    assert_eq!(accounts.get_all().await?, put);
    Ok(())
}

pub(crate) async fn of_a_large_bulk_are_checked(store: &Store) -> Outcome {
    let accounts = set_up::<Account>(store).await?;
    let rows = (0..2_500).map(|number| new(&format!("{number:04}"), number));
    let read = accounts.put_bulk(rows).await?;
    let put = accounts.put_bulk(read.iter().rev().cloned()).await?;
    assert!(put.iter().all(|row| row.version == 2));
    let mut mixed = put.clone();
    mixed[1_700] = Account { version: 1, ..put[1_700].clone() };
    conflicts(&["version"], accounts.put_bulk(mixed).await);
    let mut stored = put;
    stored.reverse();
    assert_eq!(accounts.get_all().await?, stored);
    let fresh = (0..1_500).map(|number| unstored(&format!("x{number}"), 1));
    assert!(accounts.put_bulk(fresh.clone()).await?.iter().all(|row| row.version == 1));
    conflicts(&["version"], accounts.put_bulk(fresh).await);
    assert_eq!(accounts.size().await?, 4_000);
    Ok(())
}

/// Who reads, changes and puts, and does so again when others were faster, loses no change.
pub(crate) async fn lose_no_change_of_many_writers(store: &Store) -> Outcome {
    let accounts = set_up::<Account>(store).await?;
    accounts.put_bulk([new("a", 0), new("b", 0)]).await?;
    let writer = async |number: i64| {
        for round in 0..5 {
            let name = if (number + round) % 2 == 0 { "a" } else { "b" };
            loop {
                let read = accounts.get(name).await?.expect("it is there");
                let balance = read.balance + 1;
                let written = match number % 3 {
                    0 => accounts.put(Account { balance, ..read }).await.map(drop),
                    1 => accounts.put_bulk([Account { balance, ..read }]).await.map(drop),
                    _ => accounts.update(&read, patch(balance)).await.map(drop),
                };
                match written {
                    Ok(()) => break,
                    Err(Error::Conflict { .. }) => {}
                    Err(error) if error.is_retryable() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    };
    for result in join_all((0..12).map(writer)).await {
        result?;
    }
    let rows = accounts.get_all().await?;
    assert_eq!(rows.iter().map(|row| row.balance).sum::<i64>(), 60);
    assert!(rows.iter().all(|row| row.version == row.balance + 1), "{rows:?}");
    Ok(())
}

/// Of those who write together each learns what became of its own row.
pub(crate) async fn of_writes_at_once_are_told_one_by_one(store: &Store) -> Outcome {
    let accounts = set_up::<Account>(store).await?;
    let read = accounts.put_bulk((0..40).map(|number| new(&format!("{number:02}"), 0))).await?;
    for (number, row) in read.iter().enumerate() {
        match number % 4 {
            1 => assert!(accounts.update(&row.name, patch(-1)).await?.is_some()),
            2 => assert!(accounts.delete(&row.name).await?),
            _ => {}
        }
    }
    let puts = read.iter().cloned().map(|row| accounts.put(Account { balance: 1, ..row }));
    for (number, result) in join_all(puts).await.into_iter().enumerate() {
        match number % 4 {
            1 | 2 => conflicts(&["version"], result),
            _ => assert_eq!(result?.version, 2),
        }
    }
    assert_eq!(accounts.count(Account::BALANCE.eq(1)).await?, 20);
    assert_eq!(accounts.size().await?, 30);
    Ok(())
}

pub(crate) async fn hold_in_transactions(store: &Store) -> Outcome {
    let accounts = set_up::<Account>(store).await?;
    let read = accounts.put(new("a", 1)).await?;
    store
        .transaction(async |tx| {
            let accounts = accounts.in_tx(tx);
            let second = accounts.put(Account { balance: 2, ..read.clone() }).await?;
            conflicts(&["version"], accounts.put(read.clone()).await);
            conflicts(&["version"], accounts.put_bulk([unstored("b", 1), read.clone()]).await);
            conflicts(&["version"], accounts.update(&read, patch(3)).await);
            conflicts(&["version"], accounts.delete(&read).await);
            // The transaction goes on.
            assert_eq!(accounts.put(second).await?.version, 3);
            assert_eq!(accounts.put(unstored("b", 1)).await?.version, 1);
            Ok(())
        })
        .await?;
    let versions: Vec<_> = accounts.get_all().await?.iter().map(|row| row.version).collect();
    assert_eq!(versions, [3, 1]);
    let rolled_back = store
        .transaction(async |tx| {
            accounts.in_tx(tx).put(new("a", 9)).await?;
            Err::<(), _>(Error::application("on purpose"))
        })
        .await;
    fails("Application", rolled_back);
    let row = stored(&accounts, "a").await;
    assert_eq!((row.version, row.balance), (3, 2));
    Ok(())
}

pub(crate) async fn count_upserts(store: &Store) -> Outcome {
    let accounts = set_up::<Account>(store).await?;
    let with_card = |name: &str| new(name, 1).with(AccountOptional { card: Some(7) });
    let first = accounts.upsert_by(Account::CARD, with_card("a")).await?;
    assert_eq!(first.version, 1);
    let second = accounts.upsert_by(Account::CARD, with_card("b")).await?;
    assert_eq!((&*second.name, second.version), ("a", 2));
    // Whatever version is given.
    let third = accounts.upsert_by(Account::CARD, Account { version: 9, ..first }).await?;
    assert_eq!(third.version, 3);
    let upsert = accounts.upsert_by(Account::CARD, with_card("b")).or_update(patch(2));
    let fourth = upsert.await?;
    assert_eq!((fourth.version, fourth.balance), (4, 2));
    // A patch that sets nothing writes nothing.
    let upsert = accounts.upsert_by(Account::NAME, new("a", 3));
    assert_eq!(upsert.or_update(AccountPatch::default()).await?, fourth);
    assert_eq!(accounts.get_all().await?, [fourth]);
    Ok(())
}

pub(crate) async fn of_generated_and_compound_keys(store: &Store) -> Outcome {
    let tickets = set_up::<Ticket>(store).await?;
    let first = tickets.put(TicketInsert { title: "a".into() }).await?;
    assert_eq!(first.revision, 1);
    let second = tickets.put(Ticket { title: "b".into(), ..first.clone() }).await?;
    assert_eq!((second.revision, second.id), (2, first.id));
    conflicts(&["revision"], tickets.put(first.clone()).await);
    // Under another key it is another row.
    let copies = tickets.with_client_keys(ClientKeys::Never);
    let copy = copies.put(second.clone()).await?;
    assert_eq!(copy.revision, 1);
    assert!(copy.id > second.id);
    let bulk = [TicketInsert { title: "c".into() }, TicketInsert { title: "d".into() }];
    assert!(tickets.put_bulk(bulk).await?.iter().all(|ticket| ticket.revision == 1));
    assert_eq!(tickets.size().await?, 4);

    let seats = set_up::<Seat>(store).await?;
    let seat = seats.put(SeatInsert { row: "A".into(), number: 1 }).await?;
    let again = seats.put(seat.clone()).await?;
    assert_eq!(again.version, 2);
    conflicts(&["version"], seats.put_bulk([seat.clone()]).await);
    conflicts(&["version"], seats.delete(&seat).await);
    assert!(seats.delete(&again).await?);
    Ok(())
}

pub(crate) async fn are_never_negative(store: &Store) -> Outcome {
    let accounts = set_up::<Account>(store).await?;
    let put = accounts.put(Account { version: -1, ..unstored("a", 1) }).await;
    is_refused("counts the writes", put);
    assert_eq!(accounts.size().await?, 0);
    Ok(())
}
