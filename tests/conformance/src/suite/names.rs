//! Names: of tables and columns that mean something to databases, or are folded by them.

use storehouse::{Table, prelude::Set};
use storehouse_runtime::Store;

use super::tables::{Setting, setting};
use crate::{
    behaviour::Outcome,
    expect::{conflicts, set_up},
};

/// W-T6: names in camelCase, as key, as unique column and in an index.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "camelCase", index(sorted_by, created))]
struct CamelCase {
    #[table(key, auto, rename = "userId")]
    user_id: i64,
    #[table(unique, rename = "userName")]
    user_name: String,
    #[table(rename = "sortedBy")]
    sorted_by: Option<i32>,
    #[table(rename = "Created")]
    created: i64,
}

/// Reserved words everywhere.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "order", index(group, select))]
struct Order {
    #[table(key)]
    from: String,
    #[table(key)]
    r#where: i32,
    group: String,
    select: Option<String>,
    #[table(unique)]
    values: i64,
    default: bool,
}

/// What SQLite calls the number of a row, as columns of other types.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "rows")]
struct Numbered {
    #[table(key, auto)]
    id: i64,
    rowid: String,
    oid: Option<String>,
    _rowid_: String,
}

/// What an upsert calls the row that it could not insert (SQLite, PostgreSQL), as a table.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "excluded")]
struct Excluded {
    #[table(key)]
    id: i64,
    #[table(unique)]
    excluded: i64,
}

/// The longest names that every database can hold.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "a_table_with_a_name_as_long_as_it_can_be_63_bytes_no_more_nor_l")]
struct Longest {
    #[table(key, rename = "a_column_with_a_name_as_long_as_it_can_be_63_bytes_no_more_nor_")]
    key: i64,
    #[table(unique, rename = "a_column_with_a_name_as_long_as_it_can_be_63_bytes_no_more_nor2")]
    unique: i64,
}

/// The name of [`Setting`], in a schema.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "settings", schema = "shop")]
struct ShopSetting {
    #[table(key)]
    name: String,
    #[table(unique)]
    value: i64,
}

pub(crate) async fn in_camel_case_are_kept(store: &Store) -> Outcome {
    let table = set_up::<CamelCase>(store).await?;
    let ann = table.put(CamelCaseInsert { user_name: "ann".into(), created: 1 }).await?;
    let again = CamelCaseInsert { user_name: "ann".into(), created: 2 };
    conflicts(&["userName"], table.insert(again).await);
    let patch = CamelCasePatch { sorted_by: Set(Some(3)), ..CamelCasePatch::default() };
    let ann = table.update(&ann.user_id, patch).await?.expect("ann is there");
    let found = table
        .query(CamelCase::SORTED_BY.eq(3) & CamelCase::USER_NAME.starts_with("a"))
        .order_by(CamelCase::SORTED_BY.desc())
        .order_by(CamelCase::CREATED.asc())
        .await?;
    assert_eq!(found, std::slice::from_ref(&ann));
    assert_eq!(table.delete_search(CamelCase::USER_ID.eq(ann.user_id)).await?, 1);
    assert_eq!(table.get(&ann.user_id).await?, None);
    Ok(())
}

pub(crate) async fn can_be_reserved_words(store: &Store) -> Outcome {
    let table = set_up::<Order>(store).await?;
    let order = |from: &str, r#where: i32, values: i64| Order {
        from: from.into(),
        r#where,
        group: "g".into(),
        select: None,
        values,
        default: true,
    };
    let rows = [order("a", 1, 1), order("a", 2, 2)];
    assert_eq!(table.put_bulk(rows.clone()).await?, rows);
    conflicts(&["values"], table.put(order("b", 1, 2)).await);
    conflicts(&["from", "where"], table.insert(order("a", 1, 9)).await);
    let key = OrderKey { from: "a".into(), r#where: 2 };
    let patch = OrderPatch { select: Set(Some("s".into())), ..OrderPatch::default() };
    table.update(&key, patch).await?;
    let found = table
        .query(Order::GROUP.eq("g") & Order::SELECT.is_not_null() & Order::DEFAULT.eq(true))
        .order_by(Order::SELECT.asc())
        .await?;
    assert_eq!(found.len(), 1);
    assert!(table.delete(&key).await?);
    assert_eq!(table.get_all().await?, rows[..1]);
    Ok(())
}

pub(crate) async fn can_be_those_of_the_database_itself(store: &Store) -> Outcome {
    let table = set_up::<Numbered>(store).await?;
    let new = |text: &str| NumberedInsert { rowid: text.into(), _rowid_: text.into() };
    let first = table.put(new("a")).await?;
    let second = table.put(new("b")).await?;
    assert_ne!(first.id, second.id);
    assert_eq!(table.get(&first.id).await?, Some(first.clone()));
    assert_eq!(table.query(Numbered::ROWID.eq("b")).await?, [second]);
    assert_eq!(
        table.get_all().order_by(Numbered::OID.desc()).first().await?.map(|row| row.id),
        Some(table.get_all().order_by(Numbered::ID.desc()).first().await?.expect("two rows").id)
    );
    assert!(table.delete(&first.id).await?);
    Ok(())
}

pub(crate) async fn can_be_those_of_its_statements(store: &Store) -> Outcome {
    let table = set_up::<Excluded>(store).await?;
    table.put(Excluded { id: 1, excluded: 1 }).await?;
    let replaced = table.put(Excluded { id: 1, excluded: 2 }).await?;
    assert_eq!(replaced, Excluded { id: 1, excluded: 2 });
    assert_eq!(table.get(&1).await?, Some(replaced));
    let bulk = vec![Excluded { id: 1, excluded: 3 }, Excluded { id: 2, excluded: 4 }];
    assert_eq!(table.put_bulk(bulk.clone()).await?, bulk);
    assert_eq!(table.get_all().await?, bulk);
    let patch = ExcludedPatch { excluded: Set(5) };
    assert_eq!(table.update(&1, patch).await?, Some(Excluded { id: 1, excluded: 5 }));
    conflicts(&["excluded"], table.put(Excluded { id: 3, excluded: 5 }).await);
    Ok(())
}

pub(crate) async fn can_be_as_long_as_63_bytes(store: &Store) -> Outcome {
    let table = set_up::<Longest>(store).await?;
    table.put(Longest { key: 1, unique: 1 }).await?;
    let taken = table.insert(Longest { key: 2, unique: 1 }).await;
    conflicts(&["a_column_with_a_name_as_long_as_it_can_be_63_bytes_no_more_nor2"], taken);
    assert_eq!(table.query(Longest::UNIQUE.eq(1)).await?, [Longest { key: 1, unique: 1 }]);
    Ok(())
}

pub(crate) async fn in_a_schema_do_not_clash(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let shop = set_up::<ShopSetting>(store).await?;
    settings.put_bulk([setting("a", 1), setting("b", 1)]).await?;
    shop.put(ShopSetting { name: "a".into(), value: 1 }).await?;
    conflicts(&["value"], shop.put(ShopSetting { name: "b".into(), value: 1 }).await);
    assert_eq!((settings.size().await?, shop.size().await?), (2, 1));
    settings.delete_all().await?;
    assert_eq!(shop.size().await?, 1);
    Ok(())
}
