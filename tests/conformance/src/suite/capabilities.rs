//! Capabilities: what a backend says of itself is so.

use storehouse_runtime::{Error, Result, Store, Value};

use super::tables::{Product, Setting, product, setting};
use crate::{
    behaviour::Outcome,
    expect::{fails, set_up},
};

pub(crate) async fn of_a_handle_are_those_of_its_store(store: &Store) -> Outcome {
    let settings = store.tabular::<Setting>().await?;
    assert_eq!(settings.capabilities(), store.capabilities());
    Ok(())
}

/// A call beyond the capabilities says so, with the operation, the backend and a way out.
#[track_caller]
fn is_unsupported<T: std::fmt::Debug>(store: &Store, named: &str, result: Result<T>) {
    let error = fails("Unsupported", result);
    let message = error.to_string();
    let Error::Unsupported { operation, backend, advice } = error else { unreachable!() };
    assert_eq!((&*operation, &*backend), (named, store.backend()));
    assert!(!advice.is_empty() && message.contains(&*advice), "{message}");
}

pub(crate) async fn tell_of_sql(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let secret = "it's \"secret\"; --";
    let query = products
        .query(Product::CATEGORY.eq(secret) & Product::NOTE.like("%secret%"))
        .order_by(Product::PRICE.asc())
        .limit(7);
    let statement = query.to_sql();
    if !store.capabilities().sql {
        is_unsupported(store, "to_sql", statement);
        return Ok(());
    }
    let statement = statement?;
    assert!(statement.sql.contains("products") && statement.sql.contains("category"));
    // No value is ever part of the text.
    assert!(!statement.sql.contains("secret"), "{}", statement.sql);
    assert!(statement.parameters.contains(&Value::Text(secret.into())), "{statement:?}");
    Ok(())
}

pub(crate) async fn tell_of_transactions(store: &Store) -> Outcome {
    let begun = store.begin().await;
    if !store.capabilities().transactions {
        is_unsupported(store, "begin", begun);
        return Ok(());
    }
    begun?.commit().await?;
    Ok(())
}

pub(crate) async fn tell_of_savepoints(store: &Store) -> Outcome {
    let tx = store.begin().await?;
    let part = tx.savepoint(async |_| Ok(())).await;
    if store.capabilities().savepoints {
        part?;
    } else {
        fails("Unsupported", part);
    }
    tx.rollback().await?;
    Ok(())
}

pub(crate) async fn let_every_backend_explain(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    products.put(product("A1", "tools", 1.0)).await?;
    let query = products.query(Product::CATEGORY.eq("tools")).order_by(Product::PRICE.asc());
    let explained = query.explain().await?;
    assert!(!explained.trim().is_empty());
    Ok(())
}

/// A store knows the name of its backend, which is also in its errors.
pub(crate) async fn come_with_a_name(store: &Store) -> Outcome {
    assert!(!store.backend().is_empty());
    assert!(format!("{store:?}").contains(store.backend()));
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("a", 1)).await?;
    let error = fails("Conflict", settings.insert(setting("a", 1)).await);
    assert!(error.to_string().contains(store.backend()), "{error}");
    Ok(())
}
