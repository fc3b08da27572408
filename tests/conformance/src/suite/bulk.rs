//! Bulks: all rows or none, in order, whatever their number.

use storehouse_runtime::Store;

use super::tables::{
    Line, Product, ProductInsert, Setting, line, product, product_with_id, setting,
};
use crate::{
    behaviour::Outcome,
    expect::{conflicts, is_refused, set_up},
};

pub(crate) async fn answers_in_the_order_of_its_rows(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("b", 0)).await?;
    let rows = vec![setting("c", 1), setting("a", 2), setting("b", 3)];
    assert_eq!(settings.put_bulk(rows.clone()).await?, rows);
    let stored = settings.get_all().await?;
    assert_eq!(stored, [setting("a", 2), setting("b", 3), setting("c", 1)]);
    Ok(())
}

pub(crate) async fn of_nothing_is_nothing(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    assert_eq!(settings.put_bulk(Vec::<Setting>::new()).await?, []);
    assert_eq!(settings.size().await?, 0);
    Ok(())
}

/// W-T1: the first row is not stored, though it was fine.
pub(crate) async fn with_a_conflict_stores_nothing(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let taken = products.put(product_with_id(9, "A2")).await?;
    let rows = [product_with_id(1, "A1"), product_with_id(2, "A2"), product_with_id(3, "A3")];
    conflicts(&["sku"], products.put_bulk(rows).await);
    let within = [product_with_id(1, "B1"), product_with_id(2, "B1")];
    conflicts(&["sku"], products.put_bulk(within).await);
    assert_eq!(products.get_all().await?, [taken]);
    Ok(())
}

/// W-T1.
pub(crate) async fn with_a_value_that_does_not_fit_stores_nothing(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let rows: [ProductInsert; 3] =
        [product("A1", "t", 1.0), product("A2", "t", f64::NAN), product("A3", "t", 3.0)];
    is_refused("NaN", products.put_bulk(rows).await);
    assert_eq!(products.size().await?, 0);
    Ok(())
}

/// W-T1: rows that were replaced come back as they were.
pub(crate) async fn with_a_conflict_replaces_nothing(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let before = vec![product_with_id(1, "A1"), product_with_id(2, "A2")];
    products.put_bulk(before.clone()).await?;
    let dearer = Product { price: 99.0, ..product_with_id(1, "B1") };
    conflicts(&["sku"], products.put_bulk([dearer, product_with_id(3, "A2")]).await);
    assert_eq!(products.get_all().await?, before);
    Ok(())
}

pub(crate) async fn lets_the_last_of_two_rows_with_one_key_win(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    let rows = [line("A", 1, 1), line("A", 2, 2), line("A", 1, 3), line("A", 1, 4)];
    let answer = lines.put_bulk(rows).await?;
    assert_eq!(answer.len(), 4);
    assert_eq!(answer[3], line("A", 1, 4));
    assert_eq!(lines.get_all().await?, [line("A", 1, 4), line("A", 2, 2)]);
    Ok(())
}

/// Rows are put one after the other, so a later one may take what an earlier one gives up.
pub(crate) async fn passes_a_unique_value_on(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product_with_id(1, "A1")).await?;
    products.put_bulk([product_with_id(1, "B1"), product_with_id(2, "A1")]).await?;
    let stored = products.get_all().await?;
    assert_eq!(stored, [product_with_id(1, "B1"), product_with_id(2, "A1")]);
    Ok(())
}

pub(crate) async fn generates_a_key_for_each_row(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let rows = (0..50).map(|number| product(&number.to_string(), "tools", 1.0));
    let stored = products.put_bulk(rows).await?;
    let skus: Vec<&str> = stored.iter().map(|product| &*product.sku).collect();
    assert_eq!(skus, (0..50).map(|number| number.to_string()).collect::<Vec<_>>());
    let mut ids: Vec<i64> = stored.iter().map(|product| product.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 50);
    Ok(())
}

/// More rows, and more values, than a statement takes on some databases (SQLite: 32,766 values).
pub(crate) async fn can_be_very_large(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    let rows: Vec<Line> = (0..12_000).map(|number| line("A", number, i64::from(number))).collect();
    assert_eq!(lines.put_bulk(rows.clone()).await?, rows);
    assert_eq!(lines.put_bulk(rows.clone()).await?.len(), 12_000);
    assert_eq!(lines.size().await?, 12_000);
    assert_eq!(lines.get_all().await?, rows);
    Ok(())
}

/// A backend may try to add them all at first.
pub(crate) async fn replaces_few_rows_among_many(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    let rows = |quantity: i64| (0..2_000).map(move |number| line("A", number, quantity));
    let mut quantity = 0;
    for few in [vec![1_501], vec![1], vec![1_999], (0..2_000).step_by(50).collect()] {
        lines.delete_all().await?;
        quantity += 1;
        lines.put_bulk(few.iter().map(|&number| line("A", number, 0))).await?;
        // The second time all of them are there.
        for _ in 0..2 {
            quantity += 1;
            lines.put_bulk(rows(quantity)).await?;
            assert_eq!(lines.get_all().await?, rows(quantity).collect::<Vec<_>>());
        }
    }
    Ok(())
}
