//! Deleting rows: one, those that match, all.

use storehouse::Filter;
use storehouse_runtime::Store;

use super::tables::{Line, LineKey, Product, Setting, line, product, setting};
use crate::{
    behaviour::Outcome,
    expect::{fails, set_up},
};

pub(crate) async fn by_key_and_by_row(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk([setting("a", 1), setting("b", 2), setting("c", 3)]).await?;
    assert!(settings.delete("a").await?);
    assert!(settings.delete(&"b".to_owned()).await?);
    // Of a row only the key counts.
    assert!(settings.delete(&setting("c", 99)).await?);
    assert_eq!(settings.size().await?, 0);
    Ok(())
}

pub(crate) async fn by_a_compound_key(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    lines.put_bulk([line("A", 1, 1), line("A", 2, 2), line("B", 1, 3)]).await?;
    assert!(lines.delete(&LineKey { invoice: "A".into(), number: 1 }).await?);
    assert!(lines.delete(&line("B", 1, 3)).await?);
    assert_eq!(lines.get_all().await?, [line("A", 2, 2)]);
    Ok(())
}

pub(crate) async fn of_what_is_not_there_is_false(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    assert!(!settings.delete("a").await?);
    settings.put(setting("a", 1)).await?;
    assert!(settings.delete("a").await?);
    assert!(!settings.delete("a").await?);
    Ok(())
}

pub(crate) async fn frees_the_unique_value(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let saved = products.put(product("A1", "tools", 1.0)).await?;
    products.delete(&saved).await?;
    products.insert(product("A1", "tools", 1.0)).await?;
    Ok(())
}

pub(crate) async fn search_deletes_what_matches_and_counts_it(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    for (sku, price) in [("A1", 1.0), ("A2", 2.0), ("A3", 3.0)] {
        products.put(product(sku, "tools", price)).await?;
    }
    assert_eq!(products.delete_search(Product::PRICE.ge(2.0)).await?, 2);
    assert_eq!(products.delete_search(Product::PRICE.ge(2.0)).await?, 0);
    let left = products.get_all().await?;
    assert_eq!(left.iter().map(|product| &*product.sku).collect::<Vec<_>>(), ["A1"]);
    Ok(())
}

/// NULL is neither less nor not less.
pub(crate) async fn search_leaves_what_is_null(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    let noted = Line { note: Some("x".into()), ..line("A", 2, 2) };
    lines.put_bulk([line("A", 1, 1), noted]).await?;
    assert_eq!(lines.delete_search(Line::NOTE.ne("y")).await?, 1);
    assert_eq!(lines.get_all().await?, [line("A", 1, 1)]);
    Ok(())
}

pub(crate) async fn search_refuses_to_empty_the_table(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("a", 1)).await?;
    let error = fails("EmptyCriteria", settings.delete_search(Filter::all()).await);
    assert!(error.to_string().contains("delete_all"), "{error}");
    fails("EmptyCriteria", settings.delete_search(!Filter::none()).await);
    let nothing: [&str; 0] = [];
    fails("EmptyCriteria", settings.delete_search(Setting::NAME.not_in(nothing)).await);
    fails("EmptyCriteria", settings.delete_search(Setting::NAME.eq("a") | Filter::all()).await);
    assert_eq!(settings.size().await?, 1);
    Ok(())
}

pub(crate) async fn search_for_nothing_deletes_nothing(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("a", 1)).await?;
    let nothing: [&str; 0] = [];
    assert_eq!(settings.delete_search(Setting::NAME.in_list(nothing)).await?, 0);
    assert_eq!(settings.delete_search(Filter::none()).await?, 0);
    assert_eq!(settings.size().await?, 1);
    Ok(())
}

/// W-T2: a value that looks like SQL is a value.
pub(crate) async fn search_takes_sql_for_text(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk([setting("a", 1), setting("' OR '1'='1", 2)]).await?;
    for hostile in ["' OR 1=1 --", "a' OR 'a'='a", "\"; DELETE FROM settings; --", "a\\' OR 1=1"] {
        assert_eq!(settings.delete_search(Setting::NAME.eq(hostile)).await?, 0, "{hostile}");
        assert_eq!(settings.delete_search(Setting::NAME.like(hostile)).await?, 0, "{hostile}");
        assert_eq!(settings.delete_search(Setting::NAME.in_list([hostile])).await?, 0);
        assert_eq!(settings.delete_search(Setting::NAME.contains(hostile)).await?, 0);
        assert!(!settings.delete(hostile).await?);
    }
    assert_eq!(settings.delete_search(Setting::NAME.eq("' OR '1'='1")).await?, 1);
    assert_eq!(settings.get_all().await?, [setting("a", 1)]);
    Ok(())
}

pub(crate) async fn all_empties_the_table_and_no_other(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let lines = set_up::<Line>(store).await?;
    settings.put_bulk([setting("a", 1), setting("b", 2)]).await?;
    lines.put(line("A", 1, 1)).await?;
    settings.delete_all().await?;
    settings.delete_all().await?;
    assert_eq!(settings.size().await?, 0);
    assert_eq!(lines.size().await?, 1);
    settings.put(setting("a", 1)).await?;
    Ok(())
}
