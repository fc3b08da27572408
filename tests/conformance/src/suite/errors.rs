//! Errors: of a kind that can be matched on, with the place where they happened, and with what to
//! do about them.

use storehouse::{ClientKeys, Filter};
use storehouse_runtime::{Error, Store};

use super::tables::{Line, Product, ProductPatch, line, product, product_with_id};
use crate::{
    behaviour::Outcome,
    expect::{fails, set_up},
};

#[track_caller]
fn is_from(error: &Error, store: &Store, operation: &str) {
    let context = error.context().expect("the error says where it happened");
    assert_eq!(context.backend, Some(store.backend()));
    assert_eq!(context.table.as_deref(), Some("products"));
    assert_eq!(context.operation, Some(operation));
    let message = error.to_string();
    assert!(message.contains("`products`") && message.contains(operation), "{message}");
}

pub(crate) async fn say_where_they_happened(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product_with_id(1, "A1")).await?;
    let taken = || product_with_id(2, "A1");
    let error = fails("Conflict", products.put(taken()).await);
    is_from(&error, store, "put");
    let error = fails("Conflict", products.insert(taken()).await);
    is_from(&error, store, "insert");
    let error = fails("Conflict", products.put_bulk([taken()]).await);
    is_from(&error, store, "put_bulk");
    let patch = ProductPatch { sku: storehouse::prelude::Set("A1".into()), ..Default::default() };
    products.put(product_with_id(2, "A2")).await?;
    let error = fails("Conflict", products.update(&2, patch).await);
    is_from(&error, store, "update");
    let error = fails("EmptyCriteria", products.delete_search(Filter::all()).await);
    is_from(&error, store, "delete_search");
    let error = fails("Validation", products.query(Product::PRICE.eq(f64::NAN)).await);
    is_from(&error, store, "query");
    let error = fails("Validation", products.count(Product::PRICE.eq(f64::NAN)).await);
    is_from(&error, store, "count");
    products.destroy();
    let error = fails("Closed", products.get(&1).await);
    is_from(&error, store, "get");
    Ok(())
}

pub(crate) async fn name_the_columns_of_a_conflict(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product_with_id(1, "A1")).await?;
    let lines = set_up::<Line>(store).await?;
    lines.put(line("A", 1, 1)).await?;
    let unique = fails("Conflict", products.insert(product_with_id(2, "A1")).await);
    let key = fails("Conflict", products.insert(product_with_id(1, "A2")).await);
    let compound = fails("Conflict", lines.insert(line("A", 1, 2)).await);
    for (error, expected) in
        [(unique, &["sku"][..]), (key, &["id"]), (compound, &["invoice", "number"])]
    {
        let message = error.to_string();
        let Error::Conflict { columns, .. } = error else { unreachable!() };
        // Not every backend is told which constraint it was.
        assert!(columns.is_empty() || columns == expected, "{columns:?}");
        assert!(columns.iter().all(|column| message.contains(column)), "{message}");
    }
    Ok(())
}

pub(crate) async fn are_not_retryable_when_a_retry_would_not_help(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product_with_id(1, "A1")).await?;
    let conflict = fails("Conflict", products.put(product_with_id(2, "A1")).await);
    let validation = fails("Validation", products.put(product("A2", "t", f64::NAN)).await);
    let empty = fails("EmptyCriteria", products.delete_search(Filter::all()).await);
    for error in [conflict, validation, empty] {
        assert!(!error.is_retryable(), "{error}");
    }
    Ok(())
}

pub(crate) async fn say_what_to_do(store: &Store) -> Outcome {
    let products = store.tabular::<Product>().await?;
    let schema = fails("Schema", products.get(&1).await);
    products.setup_database().await?;
    let empty = fails("EmptyCriteria", products.delete_search(Filter::all()).await);
    let nan = fails("Validation", products.put(product("A2", "tools", f64::NAN)).await);
    let always = products.with_client_keys(ClientKeys::Always);
    let key = fails("Validation", always.put(product("A2", "tools", 1.0)).await);
    products.destroy();
    let closed = fails("Closed", products.get(&1).await);
    for (error, advice) in [
        (schema, "call `setup_database()`"),
        (empty, "use `delete_all`"),
        (nan, "store NULL instead"),
        (key, "give it a value"),
        (closed, "get a new one"),
    ] {
        let message = error.to_string();
        assert!(message.contains(advice), "expected {advice:?} in {message:?}");
    }
    Ok(())
}

/// No value of the caller's is in a message: messages end up in logs.
pub(crate) async fn keep_the_values_to_themselves(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product_with_id(1, "a-secret-sku")).await?;
    let conflict = fails("Conflict", products.put(product_with_id(2, "a-secret-sku")).await);
    let secret = Product { note: Some("a-secret\0".into()), ..product_with_id(3, "B1") };
    let validation = fails("Validation", products.put(secret).await);
    for error in [conflict, validation] {
        assert!(!error.to_string().contains("a-secret"), "{error}");
    }
    Ok(())
}
