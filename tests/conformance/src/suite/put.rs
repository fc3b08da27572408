//! Putting rows: new ones, and in place of others.

use storehouse::Table;
use storehouse_runtime::Store;

use super::tables::{Line, LineKey, Product, ProductOptional, Tag, line, product, product_with_id};
use crate::{
    behaviour::Outcome,
    expect::{conflicts, set_up},
};

/// Two unique columns, and a unique pair of which one can be NULL.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "users", unique(team, seat))]
struct User {
    #[table(key)]
    id: i64,
    #[table(unique)]
    email: String,
    #[table(unique)]
    phone: Option<String>,
    team: String,
    seat: Option<i32>,
}

/// Columns that have a value when they are left out.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "jobs")]
struct Job {
    #[table(key)]
    id: i64,
    #[table(default)]
    attempts: i32,
    #[table(default = "main".to_owned())]
    queue: String,
    #[table(default = Some("new".to_owned()))]
    note: Option<String>,
}

fn user(id: i64, email: &str) -> User {
    User { id, email: email.into(), phone: None, team: "red".into(), seat: None }
}

pub(crate) async fn stores_a_new_row_and_returns_it(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let saved = products.put(product("A1", "tools", 9.5)).await?;
    assert!(saved.id > 0, "{saved:?}");
    assert_eq!((&*saved.sku, &*saved.category, saved.price), ("A1", "tools", 9.5));
    assert_eq!(saved.note, None);
    assert_eq!(products.get(&saved.id).await?, Some(saved));
    Ok(())
}

pub(crate) async fn takes_what_may_be_left_out(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let optional = ProductOptional { id: Some(7), note: Some("new".into()) };
    let saved = products.put(product("A1", "tools", 9.5).with(optional)).await?;
    assert_eq!((saved.id, saved.note.as_deref()), (7, Some("new")));
    let optional = ProductOptional::default();
    let other = products.put(product("A2", "tools", 9.5).with(optional)).await?;
    assert_eq!(other.note, None);
    assert_ne!(other.id, 7);
    Ok(())
}

pub(crate) async fn fills_in_defaults(store: &Store) -> Outcome {
    let jobs = set_up::<Job>(store).await?;
    let job = jobs.put(JobInsert { id: 1 }).await?;
    assert_eq!(job, Job { id: 1, attempts: 0, queue: "main".into(), note: Some("new".into()) });
    assert_eq!(jobs.get(&1).await?, Some(job));
    let optional = JobOptional { attempts: Some(3), ..JobOptional::default() };
    let job = jobs.put(JobInsert { id: 2 }.with(optional)).await?;
    assert_eq!((job.attempts, &*job.queue), (3, "main"));
    // A whole row says what it says.
    let whole = Job { id: 3, attempts: 1, queue: String::new(), note: None };
    assert_eq!(jobs.put(whole.clone()).await?, whole);
    Ok(())
}

pub(crate) async fn takes_a_whole_row(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let row = Product { note: Some("whole".into()), ..product_with_id(3, "A1") };
    assert_eq!(products.put(row.clone()).await?, row);
    assert_eq!(products.get(&3).await?, Some(row));
    Ok(())
}

pub(crate) async fn replaces_the_whole_row(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let noted = Product { note: Some("old".into()), ..product_with_id(1, "A1") };
    products.put(noted).await?;
    let optional = ProductOptional { id: Some(1), ..ProductOptional::default() };
    let replaced = products.put(product("B1", "toys", 2.0).with(optional)).await?;
    // The note was left out, so it is NULL, and not what it was before.
    assert_eq!(replaced.note, None);
    assert_eq!(products.get_all().await?, [replaced]);
    Ok(())
}

pub(crate) async fn replaces_a_row_by_its_compound_key(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    lines.put(line("A", 1, 10)).await?;
    lines.put(line("A", 2, 20)).await?;
    lines.put(line("B", 1, 30)).await?;
    lines.put(line("A", 1, 11)).await?;
    assert_eq!(lines.size().await?, 3);
    let key = LineKey { invoice: "A".into(), number: 1 };
    assert_eq!(lines.get(&key).await?, Some(line("A", 1, 11)));
    Ok(())
}

/// W-T7.
pub(crate) async fn twice_into_a_table_of_keys_only(store: &Store) -> Outcome {
    let tags = set_up::<Tag>(store).await?;
    let tag = Tag { post: 1, word: "rust".into() };
    assert_eq!(tags.put(tag.clone()).await?, tag);
    assert_eq!(tags.put(tag.clone()).await?, tag);
    let again = vec![tag.clone(), tag.clone()];
    assert_eq!(tags.put_bulk(again.clone()).await?, again);
    assert_eq!(tags.get_all().await?, [tag]);
    Ok(())
}

pub(crate) async fn never_removes_the_row_in_its_way(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let first = products.put(product_with_id(1, "A1")).await?;
    let second = products.put(product_with_id(2, "A2")).await?;
    // Over a row, as a new row with a key, and as a new row without one.
    conflicts(&["sku"], products.put(product_with_id(2, "A1")).await);
    conflicts(&["sku"], products.put(product_with_id(3, "A1")).await);
    conflicts(&["sku"], products.put(product("A1", "tools", 1.0)).await);
    assert_eq!(products.get_all().await?, [first, second]);
    Ok(())
}

pub(crate) async fn of_the_same_unique_value_replaces_its_own_row(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product_with_id(1, "A1")).await?;
    let dearer = Product { price: 2.0, ..product_with_id(1, "A1") };
    products.put(dearer.clone()).await?;
    assert_eq!(products.get_all().await?, [dearer]);
    Ok(())
}

pub(crate) async fn gives_up_the_old_unique_value(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product_with_id(1, "A1")).await?;
    products.put(product_with_id(1, "B1")).await?;
    products.put(product_with_id(2, "A1")).await?;
    conflicts(&["sku"], products.put(product_with_id(3, "B1")).await);
    Ok(())
}

pub(crate) async fn holds_every_unique_constraint(store: &Store) -> Outcome {
    let users = set_up::<User>(store).await?;
    let ann = User { phone: Some("1".into()), seat: Some(1), ..user(1, "ann") };
    users.put(ann.clone()).await?;
    users.put(user(2, "bob")).await?;
    conflicts(&["email"], users.put(user(2, "ann")).await);
    let same_phone = User { phone: Some("1".into()), ..user(2, "bob") };
    conflicts(&["phone"], users.put(same_phone).await);
    let same_seat = User { seat: Some(1), ..user(2, "bob") };
    conflicts(&["team", "seat"], users.put(same_seat).await);
    // One column of the pair alone is not unique.
    let other_team = User { team: "blue".into(), seat: Some(1), ..user(2, "bob") };
    users.put(other_team.clone()).await?;
    assert_eq!(users.get_all().await?, [ann, other_team]);
    Ok(())
}

pub(crate) async fn nulls_do_not_clash(store: &Store) -> Outcome {
    let users = set_up::<User>(store).await?;
    for (id, email) in [(1, "ann"), (2, "bob"), (3, "cy")] {
        users.put(user(id, email)).await?;
    }
    assert_eq!(users.size().await?, 3);
    Ok(())
}

/// Text is unique by its bytes: neither case, nor blanks, nor ways to compose a character count
/// as the same.
pub(crate) async fn unique_text_is_compared_by_bytes(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let skus = ["a", "A", "a ", " a", "é", "e\u{301}", "É", "ß", "ss", ""];
    for sku in skus {
        products.put(product(sku, "tools", 1.0)).await?;
    }
    for sku in skus {
        conflicts(&["sku"], products.put(product(sku, "tools", 1.0)).await);
    }
    assert_eq!(products.size().await?, 10);
    Ok(())
}
