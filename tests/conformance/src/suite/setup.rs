//! Setting up tables, opening them, and ending handles.

use futures::future::join_all;
use storehouse::{Filter, Table, Tabular};
use storehouse_runtime::Store;

use super::tables::{Product, ProductPatch, Setting, product, setting};
use crate::{
    behaviour::Outcome,
    expect::{fails, is_refused, set_up},
};

/// Another definition under the name of [`Setting`].
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "settings")]
struct OtherSetting {
    #[table(key)]
    name: String,
    value: String,
}

pub(crate) async fn operations_before_it_are_schema_errors(store: &Store) -> Outcome {
    let products = store.tabular::<Product>().await?;
    let new = || product("A1", "tools", 9.5);
    let error = fails("Schema", products.put(new()).await);
    assert!(error.to_string().contains("setup_database"), "{error}");
    fails("Schema", products.put_bulk([new()]).await);
    fails("Schema", products.insert(new()).await);
    fails("Schema", products.insert_if_absent(new()).await);
    fails("Schema", products.update(&1, ProductPatch::default()).await);
    fails("Schema", products.get(&1).await);
    fails("Schema", products.get_many([&1, &2]).await);
    fails("Schema", products.get_all().await);
    fails("Schema", products.query(Product::PRICE.lt(10.0)).await);
    fails("Schema", products.get_bulk(0, 10).await);
    fails("Schema", products.size().await);
    fails("Schema", products.exists(Filter::all()).await);
    fails("Schema", products.delete(&1).await);
    fails("Schema", products.delete_search(Product::PRICE.lt(10.0)).await);
    fails("Schema", products.delete_all().await);
    Ok(())
}

pub(crate) async fn an_error_before_it_leaves_the_handle_usable(store: &Store) -> Outcome {
    let products = store.tabular::<Product>().await?;
    fails("Schema", products.size().await);
    products.setup_database().await?;
    products.put(product("A1", "tools", 9.5)).await?;
    assert_eq!(products.size().await?, 1);
    Ok(())
}

pub(crate) async fn again_it_changes_nothing(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let saved = products.put(product("A1", "tools", 9.5)).await?;
    products.setup_database().await?;
    store.tabular::<Product>().await?.setup_database().await?;
    assert_eq!(products.get_all().await?, [saved]);
    Ok(())
}

pub(crate) async fn many_at_once_do_no_harm(store: &Store) -> Outcome {
    let mut handles = Vec::new();
    for _ in 0..8 {
        handles.push(store.tabular::<Product>().await?);
    }
    for result in join_all(handles.iter().map(Tabular::setup_database)).await {
        result?;
    }
    handles[0].put(product("A1", "tools", 9.5)).await?;
    assert_eq!(handles[7].size().await?, 1);
    Ok(())
}

pub(crate) async fn another_definition_of_the_table_is_a_schema_error(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("volume", 7)).await?;
    // A backend that looks at the database only later refuses at the set-up.
    let other = async { store.tabular::<OtherSetting>().await?.setup_database().await };
    let error = fails("Schema", other.await);
    assert!(error.to_string().contains("settings"), "{error}");
    assert_eq!(settings.get("volume").await?, Some(setting("volume", 7)));
    Ok(())
}

pub(crate) async fn handles_of_one_table_share_its_rows(store: &Store) -> Outcome {
    let one = set_up::<Setting>(store).await?;
    let other = store.tabular::<Setting>().await?;
    one.put(setting("volume", 7)).await?;
    assert_eq!(other.get("volume").await?, Some(setting("volume", 7)));
    assert!(other.delete("volume").await?);
    assert_eq!(one.get("volume").await?, None);
    Ok(())
}

pub(crate) async fn a_type_under_another_name_is_another_table(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let archive = store.tabular_as::<Product>("archived_products").await?;
    archive.setup_database().await?;
    let kept = products.put(product("A1", "tools", 9.5)).await?;
    let moved = archive.put(product("A1", "tools", 4.5)).await?;
    archive.put(product("A2", "tools", 5.5)).await?;
    assert_eq!(products.get_all().await?, [kept]);
    assert_eq!(archive.size().await?, 2);
    let found = archive.query(Product::PRICE.lt(5.0)).await?;
    assert_eq!(found, [moved]);
    // Its unique columns and indexes are its own, too.
    fails("Conflict", archive.insert(product("A2", "tools", 1.0)).await);
    products.insert(product("A2", "tools", 1.0)).await?;
    Ok(())
}

/// What is not a plain name never gets to the backend, quoted or not.
pub(crate) async fn a_table_cannot_have_any_name(store: &Store) -> Outcome {
    let too_long = "a".repeat(64);
    for name in ["", "1a", "a b", "a-b", "é", "a\"b", "a;DROP TABLE products", &too_long] {
        is_refused("cannot be a table's name", store.tabular_as::<Product>(name).await);
    }
    let longest = "a".repeat(63);
    for name in ["_", "a1_", "Select", "order", &longest] {
        let table = store.tabular_as::<Setting>(name).await?;
        table.setup_database().await?;
        table.put(setting("volume", 7)).await?;
        assert_eq!(table.size().await?, 1);
    }
    Ok(())
}

pub(crate) async fn destroy_ends_a_handle_and_its_clones(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("volume", 7)).await?;
    let clone = settings.clone();
    settings.destroy();
    fails("Closed", settings.get("volume").await);
    fails("Closed", clone.put(setting("volume", 8)).await);
    fails("Closed", clone.get_all().await);
    fails("Closed", clone.setup_database().await);
    settings.destroy();
    // The rows stay, for another handle.
    let again = store.tabular::<Setting>().await?;
    assert_eq!(again.get("volume").await?, Some(setting("volume", 7)));
    Ok(())
}

pub(crate) async fn a_handle_outlives_its_store(store: &Store) -> Outcome {
    let settings = {
        let clone = store.clone();
        set_up::<Setting>(&clone).await?
    };
    settings.put(setting("volume", 7)).await?;
    assert_eq!(settings.size().await?, 1);
    Ok(())
}
