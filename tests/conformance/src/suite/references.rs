//! References between tables: what they refuse, and how tables with them are set up.

use futures::future::join_all;
use storehouse::{
    Error,
    ReferenceProblem::{InUse, Missing},
    Table,
    prelude::{Set, increment},
};
use storehouse_runtime::{Result, Store};

use super::customers::{
    Attachment, Category, CategoryInsert, CategoryOptional, CategoryPatch, Customer, CustomerPatch,
    Employee, Note, Order, OrderPatch, Visit, VisitPatch, category, contact, customer, employee,
    note, order, visit,
};
use crate::{
    behaviour::Outcome,
    expect::{fails, refers, set_up},
};

pub(crate) async fn to_what_is_not_there_are_refused(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let orders = set_up::<Order>(store).await?;
    customers.put_bulk([customer(1), customer(2)]).await?;
    let missing = |result| refers(Missing, &["customer_id"], "customers", result);
    missing(orders.put(order(1, 9)).await.map(drop));
    missing(orders.insert(order(1, 9)).await.map(drop));
    missing(orders.insert_if_absent(order(1, 9)).await.map(drop));
    missing(orders.put_bulk([order(1, 1), order(2, 9), order(3, 1)]).await.map(drop));
    assert_eq!(orders.size().await?, 0);
    orders.put(order(1, 1)).await?;
    missing(orders.put(order(1, 9)).await.map(drop));
    let patch = |customer_id| OrderPatch { customer_id: Set(customer_id), ..Default::default() };
    missing(orders.update(&1, patch(9)).await.map(drop));
    assert_eq!(orders.get_all().await?, [order(1, 1)]);
    let moved = orders.update(&1, patch(2)).await?;
    assert_eq!(moved, Some(order(1, 2)));
    // Nothing is stored, so nothing refers to anything.
    assert_eq!(orders.insert_if_absent(order(1, 9)).await?, None);
    Ok(())
}

/// Whichever way a column gets its value.
pub(crate) async fn are_held_when_many_rows_change(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let orders = set_up::<Order>(store).await?;
    customers.put_bulk([customer(1), customer(2)]).await?;
    orders.put_bulk([order(1, 1), order(2, 1)]).await?;
    let patch = |customer_id| OrderPatch { customer_id, ..Default::default() };
    let missing = |result| refers(Missing, &["customer_id"], "customers", result);
    let all = || Order::ID.ge(1);
    missing(orders.update_where(all(), patch(Set(9))).await.map(drop));
    missing(orders.update_where(all(), patch(increment(5))).await.map(drop));
    missing(orders.update(&1, patch(increment(5))).await.map(drop));
    assert_eq!(orders.get_all().await?, [order(1, 1), order(2, 1)]);
    assert_eq!(orders.update_where(all(), patch(increment(1))).await?, 2);
    assert_eq!(orders.get_all().await?, [order(1, 2), order(2, 2)]);
    // What they refer to may not change under them either.
    orders.put(contact(3, "1@example.org")).await?;
    let email = CustomerPatch { email: Set("new".into()) };
    let refused = customers.update_where(Customer::ID.eq(1), email).await;
    refers(InUse, &["contact"], "orders", refused.map(drop));
    Ok(())
}

pub(crate) async fn to_a_unique_column_are_held(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let orders = set_up::<Order>(store).await?;
    customers.put_bulk([customer(1), customer(2)]).await?;
    let error = orders.put(contact(1, "1@EXAMPLE.ORG")).await.map(drop);
    refers(Missing, &["contact"], "customers", error);
    orders.put(contact(1, "2@example.org")).await?;
    // By key nobody refers to the second, by its address somebody does.
    let in_use = |result| refers(InUse, &["contact"], "orders", result);
    in_use(customers.delete(&2).await.map(drop));
    let patch = || CustomerPatch { email: Set("new@example.org".into()) };
    in_use(customers.update(&2, patch()).await.map(drop));
    in_use(customers.put(Customer { email: "new".into(), ..customer(2) }).await.map(drop));
    assert_eq!(customers.get(&2).await?, Some(customer(2)));
    // One that nobody refers to may change, also where the row itself is referred to.
    assert!(customers.update(&1, patch()).await?.is_some());
    orders.put(order(1, 1)).await?;
    assert!(customers.update(&2, CustomerPatch { email: Set("b".into()) }).await?.is_some());
    assert!(customers.delete(&2).await?);
    Ok(())
}

/// In one operation a row may give up what is referred to, and another take it.
pub(crate) async fn hold_at_the_end_of_a_bulk(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let orders = set_up::<Order>(store).await?;
    customers.put_bulk([customer(1), customer(2)]).await?;
    orders.put(contact(1, "2@example.org")).await?;
    let named = |id, email: &str| Customer { id, email: email.into() };
    let passed_on = [named(2, "b"), named(1, "2@example.org")];
    customers.put_bulk(passed_on.clone()).await?;
    assert_eq!(customers.get_all().order_by(Customer::ID.desc()).await?, passed_on);
    let lost = customers.put_bulk([named(1, "c"), named(2, "d")]).await;
    refers(InUse, &["contact"], "orders", lost.map(drop));
    // In two statements, since a key comes twice.
    customers.put_bulk([named(1, "c"), named(2, "2@example.org"), named(1, "d")]).await?;
    let lost = customers.put_bulk([named(2, "e"), named(1, "f"), named(2, "g")]).await;
    refers(InUse, &["contact"], "orders", lost.map(drop));
    assert_eq!(customers.get_all().await?, [named(1, "d"), named(2, "2@example.org")]);
    Ok(())
}

pub(crate) async fn of_null_refer_to_nothing(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let visits = set_up::<Visit>(store).await?;
    visits.put_bulk([visit(1, None), visit(2, None)]).await?;
    customers.put(customer(1)).await?;
    visits.update(&2, VisitPatch { customer_id: Set(Some(1)) }).await?;
    visits.update(&2, VisitPatch { customer_id: Set(None) }).await?;
    assert!(customers.delete(&1).await?);
    assert_eq!(visits.get_all().await?, [visit(1, None), visit(2, None)]);
    Ok(())
}

pub(crate) async fn can_be_to_their_own_table(store: &Store) -> Outcome {
    let categories = set_up::<Category>(store).await?;
    // A row may refer to itself, and in a bulk to one that comes later.
    categories.insert(category(1, Some(1))).await?;
    let tree = [category(4, Some(3)), category(3, Some(2)), category(2, Some(1))];
    assert_eq!(categories.put_bulk(tree.clone()).await?, tree);
    let refused =
        categories.put_bulk([category(6, Some(5)), category(7, Some(8)), category(5, None)]);
    refers(Missing, &["parent_id"], "categories", refused.await.map(drop));
    let refused = categories.update(&4, CategoryPatch { parent_id: Set(Some(9)) }).await;
    refers(Missing, &["parent_id"], "categories", refused.map(drop));
    assert_eq!(categories.size().await?, 4);
    // With generated keys between them it takes several statements.
    let new = || CategoryInsert {}.with(CategoryOptional { id: None, parent_id: Some(20) });
    let given = |id, parent_id| {
        CategoryInsert {}.with(CategoryOptional { id: Some(id), parent_id: Some(parent_id) })
    };
    let mixed = categories.put_bulk([given(10, 20), new(), given(20, 1), new()]).await?;
    assert_eq!(mixed.iter().filter(|category| category.parent_id == Some(20)).count(), 3);
    let refused = categories.put_bulk([given(11, 99), new(), given(12, 1)]).await;
    refers(Missing, &["parent_id"], "categories", refused.map(drop));
    assert_eq!(categories.size().await?, 8);
    // Whole branches go, and what the filter names is counted.
    assert!(categories.delete(&20).await?);
    assert_eq!(categories.size().await?, 4);
    assert_eq!(categories.delete_search(Category::ID.in_list([2, 3])).await?, 2);
    assert_eq!(categories.get_all().await?, [category(1, Some(1))]);
    assert!(categories.delete(&1).await?);
    Ok(())
}

pub(crate) async fn hold_in_very_large_bulks(store: &Store) -> Outcome {
    const ROWS: i64 = 3_000;
    let employees = set_up::<Employee>(store).await?;
    // Each refers to the next.
    let chain = || (0..ROWS).map(|id| employee(id, (id + 1 < ROWS).then_some(id + 1)));
    employees.put_bulk(chain()).await?;
    assert_eq!(employees.size().await?, 3_000);
    employees.put_bulk(chain()).await?;
    employees.delete_all().await?;
    let dangling = chain().chain([employee(ROWS, Some(-1))]);
    let refused = employees.put_bulk(dangling).await;
    refers(Missing, &["manager_id"], "employees", refused.map(drop));
    assert_eq!(employees.size().await?, 0);
    let categories = set_up::<Category>(store).await?;
    // As deep as SQLite follows.
    let chain = (1..=900).map(|id| category(id, (id > 1).then(|| id - 1)));
    categories.put_bulk(chain).await?;
    assert_eq!(categories.delete_search(Category::ID.gt(500)).await?, 400);
    assert_eq!(categories.size().await?, 500);
    assert!(categories.delete(&1).await?);
    assert_eq!(categories.size().await?, 0);
    Ok(())
}

pub(crate) async fn belong_to_their_transaction(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let orders = set_up::<Order>(store).await?;
    let notes = set_up::<Note>(store).await?;
    store
        .transaction(async |tx| {
            let (customers, orders) = (customers.in_tx(tx), orders.in_tx(tx));
            let notes = notes.in_tx(tx);
            customers.put_bulk([customer(1), customer(2)]).await?;
            orders.put(order(1, 1)).await?;
            notes.put_bulk([note(1, 1), note(2, 2)]).await?;
            // What is refused leaves the rest as it was.
            refers(Missing, &["customer_id"], "customers", orders.put(order(2, 9)).await.map(drop));
            refers(InUse, &["customer_id"], "orders", customers.delete(&1).await.map(drop));
            let bulk = orders.put_bulk([order(3, 1), order(4, 9)]).await;
            refers(Missing, &["customer_id"], "customers", bulk.map(drop));
            refers(InUse, &["customer_id"], "orders", customers.delete_all().await);
            assert!(customers.delete(&2).await?);
            assert_eq!(notes.get_all().await?, [note(1, 1)]);
            Ok(())
        })
        .await?;
    assert_eq!(customers.get_all().await?, [customer(1)]);
    assert_eq!(notes.get_all().await?, [note(1, 1)]);
    orders.delete_all().await?;
    let undone: Result<()> = store
        .transaction(async |tx| {
            assert!(customers.in_tx(tx).delete(&1).await?);
            assert_eq!(notes.in_tx(tx).size().await?, 0);
            Err(Error::application("no"))
        })
        .await;
    fails("Application", undone);
    assert_eq!(notes.get_all().await?, [note(1, 1)]);
    assert!(customers.delete(&1).await?);
    Ok(())
}

pub(crate) async fn need_the_other_table_first(store: &Store) -> Outcome {
    let orders = store.tabular::<Order>().await?;
    let error = fails("Schema", orders.setup_database().await);
    let message = error.to_string();
    assert!(message.contains("set up `customers` first"), "{message}");
    fails("Schema", orders.size().await);
    fails("Schema", store.setup_database::<(Order, Visit)>().await);
    store.setup_database::<(Attachment, Order, Note, Category, Customer)>().await?;
    store.setup_database::<(Customer, Order)>().await?;
    orders.setup_database().await?;
    store.tabular::<Customer>().await?.put(customer(1)).await?;
    orders.put(order(1, 1)).await?;
    Ok(())
}

pub(crate) async fn are_set_up_by_many_at_once(store: &Store) -> Outcome {
    let all = (0..8).map(|_| store.setup_database::<(Attachment, Note, Customer)>());
    for result in join_all(all).await {
        result?;
    }
    let notes = store.tabular::<Note>().await?;
    refers(Missing, &["customer_id"], "customers", notes.put(note(1, 1)).await.map(drop));
    Ok(())
}

#[derive(Table, Clone, Debug)]
struct Hen {
    #[table(key)]
    id: i64,
    #[table(references(Egg::id))]
    from: Option<i64>,
}

#[derive(Table, Clone, Debug)]
struct Egg {
    #[table(key)]
    id: i64,
    #[table(references(Hen::id))]
    from: Option<i64>,
}

pub(crate) async fn in_a_circle_are_refused(store: &Store) -> Outcome {
    let is_refused = |result| {
        let message = fails("Schema", result).to_string();
        assert!(message.contains("in a circle") && message.contains("`egg`"), "{message}");
    };
    is_refused(store.tabular::<Hen>().await?.setup_database().await);
    is_refused(store.tabular::<Egg>().await?.setup_database().await);
    is_refused(store.setup_database::<(Hen, Egg)>().await);
    Ok(())
}

pub(crate) async fn follow_a_table_to_another_name(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let archived = store.tabular_as::<Order>("archived_orders").await?;
    archived.setup_database().await?;
    let copy = store.tabular_as::<Category>("copied_categories").await?;
    copy.setup_database().await?;
    let error = archived.put(order(1, 1)).await;
    refers(Missing, &["customer_id"], "customers", error.map(drop));
    customers.put(customer(1)).await?;
    archived.put(order(1, 1)).await?;
    let refused = customers.delete(&1).await;
    refers(InUse, &["customer_id"], "archived_orders", refused.map(drop));
    // A table that refers to itself does so under its new name too.
    let categories = set_up::<Category>(store).await?;
    categories.put(category(1, None)).await?;
    let error = copy.put(category(2, Some(1))).await;
    refers(Missing, &["parent_id"], "copied_categories", error.map(drop));
    copy.put_bulk([category(2, Some(1)), category(1, None)]).await?;
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "rooms", schema = "house")]
struct Room {
    #[table(key)]
    name: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "lamps", schema = "garden", columns = "LampColumns")]
struct Lamp {
    #[table(key, rename = "Number")]
    number: i32,
    #[table(rename = "Room", references(Room::name, on_delete = "cascade"))]
    room: String,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "bulbs", schema = "garden")]
struct Bulb {
    #[table(key)]
    id: i64,
    #[table(references(Lamp::number, on_delete = "set null"))]
    lamp: Option<i32>,
}

pub(crate) async fn go_from_schema_to_schema(store: &Store) -> Outcome {
    store.setup_database::<(Bulb, Lamp, Room)>().await?;
    store.setup_database::<(Bulb, Lamp, Room)>().await?;
    let rooms = store.tabular::<Room>().await?;
    let lamps = store.tabular::<Lamp>().await?;
    let bulbs = store.tabular::<Bulb>().await?;
    let lamp = |number, room: &str| Lamp { number, room: room.into() };
    refers(Missing, &["Room"], "house.rooms", lamps.put(lamp(1, "hall")).await.map(drop));
    rooms.put(Room { name: "hall".into() }).await?;
    lamps.put(lamp(1, "hall")).await?;
    bulbs.put(Bulb { id: 1, lamp: Some(1) }).await?;
    assert!(rooms.delete("hall").await?);
    assert_eq!(lamps.size().await?, 0);
    assert_eq!(bulbs.get(&1).await?, Some(Bulb { id: 1, lamp: None }));
    let _ = LampColumns::NUMBER.eq(1);
    Ok(())
}

/// Whoever comes first, no row refers to one that is not there.
pub(crate) async fn hold_while_many_write(store: &Store) -> Outcome {
    let customers = set_up::<Customer>(store).await?;
    let orders = set_up::<Order>(store).await?;
    let notes = set_up::<Note>(store).await?;
    for round in 0..8 {
        customers.put_bulk((0..4).map(|id| customer(round * 4 + id))).await?;
        let writes = (0..24).map(async |number| {
            let id = round * 24 + number;
            let customer_id = round * 4 + number % 4;
            match number % 6 {
                0 => customers.delete(&customer_id).await.map(drop),
                1 => notes.put(note(id, customer_id)).await.map(drop),
                _ => orders.put(order(id, customer_id)).await.map(drop),
            }
        });
        for result in join_all(writes).await {
            match result {
                Err(error) if !error.is_retryable() => drop(fails::<()>("Reference", Err(error))),
                _ => {}
            }
        }
        let there = customers.get_all().await?;
        let is_there = |id| there.iter().any(|customer| customer.id == id);
        assert!(orders.get_all().await?.iter().all(|order| is_there(order.customer_id)));
        assert!(notes.get_all().await?.iter().all(|note| is_there(note.customer_id)));
    }
    Ok(())
}
