//! Reading: by key, by many keys, counting; and what is read is owned.

use storehouse::Filter;
use storehouse_runtime::Store;

use super::tables::{Line, LineKey, Product, Setting, line, product, setting};
use crate::{
    behaviour::Outcome,
    expect::{is_refused, set_up},
};

pub(crate) async fn of_what_is_not_there_is_none(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    assert_eq!(settings.get("a").await?, None);
    assert_eq!(settings.get_all().await?, []);
    assert_eq!(settings.query(Setting::VALUE.eq(1)).await?, []);
    assert_eq!(settings.get_bulk(0, 10).await?, []);
    assert_eq!(settings.get_all().first().await?, None);
    settings.put(setting("a", 1)).await?;
    assert_eq!(settings.get("b").await?, None);
    assert_eq!(settings.get("A").await?, None);
    assert_eq!(settings.get("a ").await?, None);
    Ok(())
}

pub(crate) async fn by_a_compound_key_takes_all_of_it(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    lines.put_bulk([line("A", 1, 1), line("A", 2, 2), line("B", 1, 3)]).await?;
    for (invoice, number, expected) in [("A", 2, Some(2)), ("B", 1, Some(3)), ("B", 2, None)] {
        let key = LineKey { invoice: invoice.into(), number };
        assert_eq!(lines.get(&key).await?.map(|line| line.amount), expected);
    }
    Ok(())
}

pub(crate) async fn by_many_keys_is_in_their_order(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk([setting("a", 1), setting("b", 2), setting("c", 3)]).await?;
    let found = settings.get_many(["c", "x", "a", "c"]).await?;
    let (a, c) = (Some(setting("a", 1)), Some(setting("c", 3)));
    assert_eq!(found, [c.clone(), None, a, c]);
    assert_eq!(settings.get_many(Vec::<&str>::new()).await?, []);
    assert_eq!(settings.get_many(["x"]).await?, [None]);
    let lines = set_up::<Line>(store).await?;
    lines.put_bulk([line("A", 1, 1), line("A", 2, 2), line("B", 1, 3)]).await?;
    let key = |invoice: &str, number| LineKey { invoice: invoice.into(), number };
    let keys = [key("B", 1), key("B", 2), key("A", 1)];
    let found = lines.get_many(&keys).await?;
    assert_eq!(found, [Some(line("B", 1, 3)), None, Some(line("A", 1, 1))]);
    Ok(())
}

/// More keys, and more values, than a statement takes on some databases (SQLite: 32,766).
pub(crate) async fn by_very_many_keys(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    lines.put_bulk((0..100).map(|number| line("A", number * 400, 1))).await?;
    let keys: Vec<LineKey> =
        (0..40_000).map(|number| LineKey { invoice: "A".into(), number }).collect();
    let found = lines.get_many(&keys).await?;
    assert_eq!(found.len(), 40_000);
    for (number, row) in (0..).zip(found) {
        assert_eq!(row.is_some(), number % 400 == 0, "line {number}");
        assert!(row.is_none_or(|row| row.number == number));
    }
    Ok(())
}

pub(crate) async fn size_count_and_exists_agree(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    assert_eq!(products.size().await?, 0);
    assert!(!products.exists(Filter::all()).await?);
    for (sku, price) in [("A1", 1.0), ("A2", 2.0), ("A3", 3.0)] {
        products.put(product(sku, "tools", price)).await?;
    }
    assert_eq!(products.size().await?, 3);
    assert_eq!(products.count(Filter::all()).await?, 3);
    assert_eq!(products.count(Product::PRICE.gt(1.0)).await?, 2);
    assert_eq!(products.count(Filter::none()).await?, 0);
    assert_eq!(products.query(Product::PRICE.gt(1.0)).count().await?, 2);
    assert!(products.exists(Product::PRICE.gt(2.0)).await?);
    assert!(!products.exists(Product::PRICE.gt(3.0)).await?);
    assert!(products.query(Product::SKU.eq("A1")).exists().await?);
    Ok(())
}

pub(crate) async fn counts_no_part_of_an_answer(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk([setting("a", 1), setting("b", 2)]).await?;
    is_refused("limit", settings.get_all().limit(1).count().await);
    is_refused("limit", settings.get_all().offset(1).count().await);
    let cursor = settings.get_all().limit(1).page().await?.next.expect("b is left");
    is_refused("cursor", settings.get_all().after(&cursor).count().await);
    Ok(())
}

/// W-T10: neither what was given nor what was read is the row that is stored.
pub(crate) async fn gives_values_that_are_owned(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let mut given = Product {
        id: 1,
        sku: "A1".into(),
        category: "tools".into(),
        price: 9.5,
        note: Some("note".into()),
    };
    let kept = given.clone();
    let mut returned = products.put(given.clone()).await?;
    let mut read = products.get(&1).await?.expect("it was just put");
    let mut queried = products.get_all().await?;
    for row in [&mut given, &mut returned, &mut read, &mut queried[0]] {
        row.sku.push_str(" changed");
        row.note = None;
        row.price = 0.0;
    }
    assert_eq!(products.get(&1).await?, Some(kept.clone()));
    assert_eq!(products.query(Product::SKU.eq("A1")).await?, [kept]);
    Ok(())
}

/// A write that has returned is seen by whatever is read next, by each way to read.
pub(crate) async fn sees_every_write_that_was_acknowledged(store: &Store) -> Outcome {
    let writer = set_up::<Setting>(store).await?;
    let reader = store.tabular::<Setting>().await?;
    for value in 0..50 {
        writer.put(setting("a", value)).await?;
        assert_eq!(reader.get("a").await?, Some(setting("a", value)));
        assert_eq!(reader.get_all().await?, [setting("a", value)]);
        assert_eq!(reader.count(Setting::VALUE.eq(value)).await?, 1);
    }
    Ok(())
}
