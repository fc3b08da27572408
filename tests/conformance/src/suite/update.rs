//! Partial updates: a patch changes what it names, and nothing else.

use storehouse::prelude::{Keep, Set};
use storehouse_runtime::Store;

use super::tables::{
    Line, LineKey, LinePatch, Product, ProductPatch, Tag, TagKey, TagPatch, line, product,
    product_with_id,
};
use crate::{
    behaviour::Outcome,
    expect::{conflicts, is_refused, set_up},
};

fn noted(note: Option<&str>) -> Product {
    Product { note: note.map(str::to_owned), ..product_with_id(1, "A1") }
}

pub(crate) async fn changes_only_what_the_patch_names(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(noted(Some("kept"))).await?;
    let other = products.put(product_with_id(2, "A2")).await?;
    let patch = ProductPatch { price: Set(8.5), ..ProductPatch::default() };
    let updated = products.update(&1, patch).await?;
    let expected = Product { price: 8.5, ..noted(Some("kept")) };
    assert_eq!(updated, Some(expected.clone()));
    assert_eq!(products.get_all().await?, [expected, other]);
    Ok(())
}

pub(crate) async fn keeps_sets_and_sets_to_null(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(noted(Some("old"))).await?;
    for (note, expected) in [
        (Keep, Some("old")),
        (Set(Some("new".to_owned())), Some("new")),
        (Set(None), None),
        (Keep, None),
        (Set(Some(String::new())), Some("")),
    ] {
        let patch = ProductPatch { note, price: Set(1.0), ..ProductPatch::default() };
        assert_eq!(products.update(&1, patch).await?, Some(noted(expected)));
        assert_eq!(products.get(&1).await?, Some(noted(expected)));
    }
    Ok(())
}

pub(crate) async fn changes_several_columns_together(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(noted(None)).await?;
    let patch = ProductPatch {
        sku: Set("B1".into()),
        category: Set("toys".into()),
        price: Set(0.5),
        note: Set(Some("all".into())),
    };
    let expected = Product {
        id: 1,
        sku: "B1".into(),
        category: "toys".into(),
        price: 0.5,
        note: Some("all".into()),
    };
    assert_eq!(products.update(&1, patch).await?, Some(expected));
    Ok(())
}

pub(crate) async fn of_a_missing_row_is_none(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let patch = ProductPatch { price: Set(8.5), ..ProductPatch::default() };
    assert_eq!(products.update(&1, patch).await?, None);
    assert_eq!(products.update(&1, ProductPatch::default()).await?, None);
    assert_eq!(products.size().await?, 0);
    Ok(())
}

pub(crate) async fn that_names_nothing_only_reads(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let saved = products.put(product("A1", "tools", 9.5)).await?;
    assert_eq!(products.update(&saved.id, ProductPatch::default()).await?, Some(saved.clone()));
    assert_eq!(products.get_all().await?, [saved]);
    Ok(())
}

pub(crate) async fn of_a_compound_key_touches_one_row(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    lines.put_bulk([line("A", 1, 1), line("A", 2, 2), line("B", 1, 3)]).await?;
    let key = LineKey { invoice: "A".into(), number: 2 };
    let patch = LinePatch { amount: Set(20), ..LinePatch::default() };
    assert_eq!(lines.update(&key, patch).await?, Some(line("A", 2, 20)));
    assert_eq!(lines.get_all().await?, [line("A", 1, 1), line("A", 2, 20), line("B", 1, 3)]);
    Ok(())
}

/// W-T7: a table of nothing but its key has nothing to update, which is no error.
pub(crate) async fn in_a_table_of_keys_only_reads(store: &Store) -> Outcome {
    let tags = set_up::<Tag>(store).await?;
    let tag = tags.put(Tag { post: 1, word: "rust".into() }).await?;
    let key = TagKey { post: 1, word: "rust".into() };
    assert_eq!(tags.update(&key, TagPatch::default()).await?, Some(tag));
    Ok(())
}

pub(crate) async fn to_a_taken_unique_value_changes_nothing(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let first = products.put(product_with_id(1, "A1")).await?;
    let second = products.put(product_with_id(2, "A2")).await?;
    let patch =
        || ProductPatch { sku: Set("A1".into()), price: Set(99.0), ..ProductPatch::default() };
    conflicts(&["sku"], products.update(&2, patch()).await);
    assert_eq!(products.get_all().await?, [first, second]);
    // To its own value it is no change.
    let same = products.update(&1, patch()).await?;
    assert_eq!(same.map(|product| product.price), Some(99.0));
    Ok(())
}

pub(crate) async fn to_a_value_that_does_not_fit_changes_nothing(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let saved = products.put(product_with_id(1, "A1")).await?;
    let patch = ProductPatch { price: Set(f64::NAN), ..ProductPatch::default() };
    is_refused("NaN", products.update(&1, patch).await);
    let patch = ProductPatch { note: Set(Some("\0".into())), ..ProductPatch::default() };
    is_refused("NUL", products.update(&1, patch).await);
    assert_eq!(products.get_all().await?, [saved]);
    Ok(())
}
