//! What becomes of rows when those that they refer to are deleted.

use storehouse::{Error, ReferenceProblem::InUse, TabularEvent, prelude::EventKind};
use storehouse_runtime::{Result, Store};

use super::customers::{
    Attachment, Customer, Employee, Note, Order, Reminder, Visit, attachment, customer, employee,
    note, order, visit,
};
use crate::{
    behaviour::Outcome,
    expect::{conflicts, fails, refers, set_up},
};

pub(crate) async fn restrict_keeps_what_is_referred_to(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let orders = set_up::<Order>(store).await?;
    customers.put_bulk([customer(1), customer(2), customer(3)]).await?;
    orders.put_bulk([order(1, 2), order(2, 2)]).await?;
    let in_use = |result| refers(InUse, &["customer_id"], "orders", result);
    in_use(customers.delete(&2).await.map(drop));
    in_use(customers.delete(&customer(2)).await.map(drop));
    in_use(customers.delete_search(Customer::ID.ge(1)).await.map(drop));
    in_use(customers.delete_all().await);
    assert_eq!(customers.size().await?, 3);
    assert_eq!(customers.delete_search(Customer::ID.ne(2)).await?, 2);
    orders.delete_all().await?;
    assert!(customers.delete(&2).await?);
    Ok(())
}

pub(crate) async fn cascade_takes_rows_along(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let notes = set_up::<Note>(store).await?;
    let attachments = set_up::<Attachment>(store).await?;
    let fill = async || -> Result<()> {
        customers.put_bulk((1..=4).map(customer)).await?;
        notes.put_bulk([note(1, 1), note(2, 1), note(3, 2), note(4, 3)]).await?;
        attachments.put_bulk([attachment(1, 1, None), attachment(2, 4, None)]).await?;
        Ok(())
    };
    fill().await?;
    assert!(customers.delete(&1).await?);
    assert_eq!(notes.get_all().await?, [note(3, 2), note(4, 3)]);
    assert_eq!(attachments.get_all().await?, [attachment(2, 4, None)]);
    fill().await?;
    // Those that go along are not counted.
    assert_eq!(customers.delete_search(Customer::ID.ge(2)).await?, 3);
    assert_eq!(notes.get_all().await?, [note(1, 1), note(2, 1)]);
    assert_eq!(attachments.get_all().await?, [attachment(1, 1, None)]);
    fill().await?;
    customers.delete_all().await?;
    assert_eq!((notes.size().await?, attachments.size().await?), (0, 0));
    // What is gone is gone from every index.
    fill().await?;
    assert_eq!(notes.query(Note::CUSTOMER_ID.eq(1)).await?, [note(1, 1), note(2, 1)]);
    Ok(())
}

/// A deletion that is refused further down deletes nothing at all.
pub(crate) async fn cascade_stops_at_what_is_kept(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let notes = set_up::<Note>(store).await?;
    let visits = set_up::<Visit>(store).await?;
    let reminders = set_up::<Reminder>(store).await?;
    customers.put_bulk([customer(1), customer(2)]).await?;
    notes.put_bulk([note(1, 1), note(2, 1), note(3, 2)]).await?;
    visits.put(visit(1, Some(1))).await?;
    reminders.put(Reminder { id: 1, note_id: 2 }).await?;
    let in_use = |result| refers(InUse, &["note_id"], "reminders", result);
    in_use(customers.delete(&1).await.map(drop));
    in_use(customers.delete_all().await);
    assert_eq!(customers.size().await?, 2);
    assert_eq!(notes.size().await?, 3);
    assert_eq!(visits.get_all().await?, [visit(1, Some(1))]);
    assert!(customers.delete(&2).await?);
    reminders.delete(&1).await?;
    assert!(customers.delete(&1).await?);
    assert_eq!(notes.size().await?, 0);
    assert_eq!(visits.get_all().await?, [visit(1, None)]);
    Ok(())
}

/// A row that keeps another, and goes with a third that is deleted in the same operation, is gone
/// at its end.
pub(crate) async fn restrict_looks_when_all_is_done(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let notes = set_up::<Note>(store).await?;
    let attachments = set_up::<Attachment>(store).await?;
    customers.put_bulk([customer(1), customer(2)]).await?;
    notes.put_bulk([note(1, 1), note(2, 2)]).await?;
    attachments.put_bulk([attachment(1, 1, Some(1)), attachment(2, 2, Some(1))]).await?;
    // The second attachment belongs to another customer's note, and so it stays.
    let refused = customers.delete(&1).await;
    refers(InUse, &["customer_id"], "attachments", refused.map(drop));
    assert_eq!((notes.size().await?, attachments.size().await?), (2, 2));
    attachments.delete(&2).await?;
    assert!(customers.delete(&1).await?);
    assert_eq!((notes.size().await?, attachments.size().await?), (1, 0));
    Ok(())
}

pub(crate) async fn set_null_keeps_the_rows(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let visits = set_up::<Visit>(store).await?;
    customers.put_bulk((1..=3).map(customer)).await?;
    let rows = [visit(1, Some(1)), visit(2, Some(2)), visit(3, Some(1)), visit(4, Some(3))];
    visits.put_bulk(rows.clone()).await?;
    assert!(customers.delete(&1).await?);
    assert_eq!(
        visits.get_all().await?,
        [visit(1, None), visit(2, Some(2)), visit(3, None), visit(4, Some(3))]
    );
    assert_eq!(visits.query(Visit::CUSTOMER_ID.is_null()).await?, [visit(1, None), visit(3, None)]);
    assert!(visits.query(Visit::CUSTOMER_ID.eq(1)).await?.is_empty());
    customers.delete_all().await?;
    assert_eq!(visits.count(Visit::CUSTOMER_ID.is_null()).await?, 4);
    Ok(())
}

/// A put that replaces a row deletes nothing, so nothing goes with it and nothing is forgotten.
pub(crate) async fn means_no_put_that_replaces(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let orders = set_up::<Order>(store).await?;
    let notes = set_up::<Note>(store).await?;
    let visits = set_up::<Visit>(store).await?;
    customers.put_bulk([customer(1), customer(2)]).await?;
    orders.put(order(1, 1)).await?;
    notes.put(note(1, 1)).await?;
    visits.put(visit(1, Some(1))).await?;
    let renamed = Customer { id: 1, email: "new".into() };
    assert_eq!(customers.put(renamed.clone()).await?, renamed);
    customers.put_bulk([customer(1), customer(2), customer(3)]).await?;
    conflicts(&["id"], customers.insert(customer(1)).await);
    assert_eq!(customers.insert_if_absent(customer(1)).await?, None);
    assert_eq!(orders.get_all().await?, [order(1, 1)]);
    assert_eq!(notes.get_all().await?, [note(1, 1)]);
    assert_eq!(visits.get_all().await?, [visit(1, Some(1))]);
    Ok(())
}

pub(crate) async fn restrict_within_a_table(store: &Store) -> Outcome {
    let employees = set_up::<Employee>(store).await?;
    let rows =
        [employee(1, None), employee(2, Some(1)), employee(3, Some(2)), employee(4, Some(4))];
    employees.put_bulk(rows.iter().rev().cloned()).await?;
    let in_use = |result| refers(InUse, &["manager_id"], "employees", result);
    in_use(employees.delete(&1).await.map(drop));
    in_use(employees.delete_search(Employee::ID.le(2)).await.map(drop));
    assert_eq!(employees.get_all().await?, rows);
    // Both ends go at once.
    assert!(employees.delete(&4).await?);
    assert_eq!(employees.delete_search(Employee::ID.ge(2)).await?, 2);
    employees.put_bulk(rows).await?;
    employees.delete_all().await?;
    assert_eq!(employees.size().await?, 0);
    Ok(())
}

pub(crate) async fn is_undone_with_a_savepoint(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let notes = set_up::<Note>(store).await?;
    customers.put(customer(1)).await?;
    notes.put(note(1, 1)).await?;
    store
        .transaction(async |tx| {
            let undone = tx.savepoint(async |tx| {
                customers.in_tx(tx).delete(&1).await?;
                assert_eq!(notes.in_tx(tx).size().await?, 0);
                Err::<(), _>(Error::application("no"))
            });
            fails("Application", undone.await);
            assert_eq!(notes.in_tx(tx).get_all().await?, [note(1, 1)]);
            Ok(())
        })
        .await?;
    assert_eq!(notes.get_all().await?, [note(1, 1)]);
    Ok(())
}

/// Listeners hear of what was asked for, not of what follows in other tables.
pub(crate) async fn tells_listeners_of_what_was_asked_for(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let notes = set_up::<Note>(store).await?;
    customers.put_bulk([customer(1), customer(2)]).await?;
    notes.put_bulk([note(1, 1), note(2, 2)]).await?;
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let listen = |name: &'static str| {
        let heard = std::sync::Arc::clone(&heard);
        move || heard.lock().expect("nobody panics").push(name)
    };
    let deleted = listen("customer");
    let _customers =
        customers.events().on(EventKind::Delete, move |event: &TabularEvent<Customer>| {
            assert!(matches!(event, TabularEvent::Delete { key: 1 }));
            deleted();
        });
    let mut subscriptions = Vec::new();
    for kind in [EventKind::Delete, EventKind::ClearAll, EventKind::Put] {
        let heard_of = listen("note");
        subscriptions.push(notes.events().on(kind, move |_| heard_of()));
    }
    assert!(customers.delete(&1).await?);
    assert_eq!(notes.size().await?, 1);
    assert_eq!(*heard.lock().expect("nobody panics"), ["customer"]);
    // Nor of what was refused.
    set_up::<Order>(store).await?.put(order(1, 2)).await?;
    fails("Reference", customers.delete(&2).await);
    assert_eq!(heard.lock().expect("nobody panics").len(), 1);
    Ok(())
}
