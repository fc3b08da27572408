//! Inserting rows: where the key or a unique column is free, and where it is taken.

use storehouse_runtime::Store;

use super::tables::{Line, Product, Tag, line, product, product_with_id};
use crate::{
    behaviour::Outcome,
    expect::{conflicts, set_up},
};

pub(crate) async fn stores_a_new_row_and_returns_it(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let saved = products.insert(product("A1", "tools", 9.5)).await?;
    assert_eq!(products.get_all().await?, [saved]);
    Ok(())
}

pub(crate) async fn fails_when_the_key_is_taken(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let first = products.insert(product_with_id(1, "A1")).await?;
    conflicts(&["id"], products.insert(product_with_id(1, "A2")).await);
    assert_eq!(products.get_all().await?, [first]);
    Ok(())
}

pub(crate) async fn fails_when_a_compound_key_is_taken(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    lines.insert(line("A", 1, 10)).await?;
    lines.insert(line("A", 2, 10)).await?;
    conflicts(&["invoice", "number"], lines.insert(line("A", 1, 11)).await);
    assert_eq!(lines.get_all().await?, [line("A", 1, 10), line("A", 2, 10)]);
    Ok(())
}

pub(crate) async fn fails_when_a_unique_value_is_taken(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let first = products.insert(product_with_id(1, "A1")).await?;
    conflicts(&["sku"], products.insert(product_with_id(2, "A1")).await);
    conflicts(&["sku"], products.insert(product("A1", "tools", 1.0)).await);
    assert_eq!(products.get_all().await?, [first]);
    Ok(())
}

pub(crate) async fn fails_in_a_table_of_keys_only(store: &Store) -> Outcome {
    let tags = set_up::<Tag>(store).await?;
    let tag = || Tag { post: 1, word: "rust".into() };
    tags.insert(tag()).await?;
    conflicts(&["post", "word"], tags.insert(tag()).await);
    assert_eq!(tags.size().await?, 1);
    Ok(())
}

pub(crate) async fn if_absent_stores_a_new_row_and_returns_it(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let saved = products.insert_if_absent(product("A1", "tools", 9.5)).await?;
    assert_eq!(products.get_all().await?, [saved.expect("nothing is in its way")]);
    Ok(())
}

pub(crate) async fn if_absent_leaves_what_is_there(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let first = products.insert(product_with_id(1, "A1")).await?;
    // The key is taken, then the unique value, then both.
    assert_eq!(products.insert_if_absent(product_with_id(1, "A2")).await?, None);
    assert_eq!(products.insert_if_absent(product_with_id(2, "A1")).await?, None);
    assert_eq!(products.insert_if_absent(product_with_id(1, "A1")).await?, None);
    assert_eq!(products.insert_if_absent(product("A1", "tools", 1.0)).await?, None);
    assert_eq!(products.get_all().await?, [first]);
    Ok(())
}

pub(crate) async fn if_absent_into_a_table_of_keys_only(store: &Store) -> Outcome {
    let tags = set_up::<Tag>(store).await?;
    let tag = Tag { post: 1, word: "rust".into() };
    assert_eq!(tags.insert_if_absent(tag.clone()).await?, Some(tag.clone()));
    assert_eq!(tags.insert_if_absent(tag.clone()).await?, None);
    Ok(())
}
