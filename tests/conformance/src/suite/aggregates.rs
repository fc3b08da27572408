//! Aggregates: what rows come to, together and in groups, to the last bit.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use storehouse::{
    Cursor, RowLock, Table, Tabular,
    aggregate::{avg, count, count_distinct, count_not_null, max, min, sum},
};
use storehouse_runtime::{Error, Store};
use uuid::Uuid;

use super::tables::{Line, Product, line, product};
use crate::{
    behaviour::Outcome,
    expect::{fails, is_refused, set_up},
};

#[derive(Table, Clone, Debug, PartialEq)]
struct Sale {
    #[table(key)]
    id: i64,
    shop: Option<String>,
    day: NaiveDate,
    pieces: i32,
    cents: Option<i64>,
    weight: f32,
    price: Option<f64>,
}

fn sale(id: i64, shop: Option<&str>, pieces: i32, cents: Option<i64>, price: Option<f64>) -> Sale {
    let day = NaiveDate::from_ymd_opt(2024, 2, 29 - u32::try_from(id % 3).unwrap_or(0));
    Sale {
        id,
        shop: shop.map(str::to_owned),
        day: day.unwrap_or_default(),
        pieces,
        cents,
        weight: 0.5,
        price,
    }
}

async fn sales(store: &Store) -> Result<Tabular<Sale>, Error> {
    let sales = set_up::<Sale>(store).await?;
    sales
        .put_bulk([
            sale(1, Some("north"), 1, Some(100), Some(0.25)),
            sale(2, Some("south"), 2, None, Some(4.0)),
            sale(3, None, 3, Some(-50), None),
            sale(4, Some("north"), 4, Some(100), Some(-1.0)),
            sale(5, None, 5, Some(7), Some(4.0)),
            sale(6, Some("east"), 6, None, None),
        ])
        .await?;
    Ok(sales)
}

pub(crate) async fn of_all_rows(store: &Store) -> Outcome {
    let sales = sales(store).await?;
    let all = || sales.get_all();
    assert_eq!(all().aggregate(count()).await?, 6);
    assert_eq!(
        all()
            .aggregate((count(), count_not_null(Sale::CENTS), count_distinct(Sale::CENTS)))
            .await?,
        (6, 4, 3)
    );
    assert_eq!(
        all().aggregate((sum(Sale::PIECES), sum(Sale::CENTS), sum(Sale::PRICE))).await?,
        (Some(21), Some(157), Some(7.25))
    );
    assert_eq!(
        all().aggregate((avg(Sale::PIECES), avg(Sale::CENTS), avg(Sale::WEIGHT))).await?,
        (Some(3.5), Some(39.25), Some(0.5))
    );
    let extremes = (min(Sale::PRICE), max(Sale::PRICE), min(Sale::SHOP), max(Sale::SHOP));
    assert_eq!(
        all().aggregate(extremes).await?,
        (Some(-1.0), Some(4.0), Some("east".into()), Some("south".into()))
    );
    let some = sales.query(Sale::PIECES.gt(3)).filter(Sale::SHOP.is_not_null());
    assert_eq!(some.aggregate((count(), sum(Sale::PIECES))).await?, (2, Some(10)));
    Ok(())
}

pub(crate) async fn of_nothing_are_none_but_the_counts(store: &Store) -> Outcome {
    let sales = set_up::<Sale>(store).await?;
    let nothing = (
        count(),
        count_not_null(Sale::CENTS),
        count_distinct(Sale::CENTS),
        sum(Sale::PIECES),
        sum(Sale::WEIGHT),
        avg(Sale::PIECES),
        min(Sale::DAY),
        max(Sale::SHOP),
    );
    let none = (0, 0, 0, None, None, None, None, None);
    assert_eq!(sales.get_all().aggregate(nothing).await?, none);
    // A column of NULLs has no values either.
    sales.put(sale(1, None, 1, None, None)).await?;
    let nulls = (count(), count_not_null(Sale::CENTS), sum(Sale::CENTS), avg(Sale::PRICE));
    assert_eq!(sales.get_all().aggregate(nulls).await?, (1, 0, None, None));
    let nobody = sales.query(Sale::ID.eq(7)).group_by(Sale::SHOP).aggregate(count());
    assert_eq!(nobody.await?, Vec::new());
    Ok(())
}

pub(crate) async fn of_groups(store: &Store) -> Outcome {
    let sales = sales(store).await?;
    let by_shop = || sales.get_all().group_by(Sale::SHOP);
    let north = Some("north".to_owned());
    let south = Some("south".to_owned());
    let east = Some("east".to_owned());
    // NULL makes a group, and comes first.
    assert_eq!(
        by_shop().aggregate((count(), sum(Sale::CENTS))).await?,
        [
            (None, (2, Some(-43))),
            (east.clone(), (1, None)),
            (north.clone(), (2, Some(200))),
            (south.clone(), (1, None)),
        ]
    );
    let largest: BTreeMap<_, _> =
        by_shop().aggregate(max(Sale::PIECES)).await?.into_iter().collect();
    assert_eq!(largest[&None], Some(5));
    let by_both = sales.get_all().group_by((Sale::SHOP, Sale::PIECES)).aggregate(count()).await?;
    assert_eq!(by_both[0], ((None, 3), 1));
    assert_eq!(by_both.len(), 6);
    assert_eq!(
        by_shop().aggregate(count()).filter(Sale::PIECES.gt(4)).await?,
        [(None, 1), (east, 1)]
    );
    Ok(())
}

pub(crate) async fn of_groups_are_ordered_and_cut(store: &Store) -> Outcome {
    let sales = sales(store).await?;
    let by_shop = || sales.get_all().group_by(Sale::SHOP).aggregate(count());
    let shops = |groups: Vec<(Option<String>, u64)>| -> String {
        groups.into_iter().map(|(shop, _)| shop.unwrap_or_else(|| "-".into()) + " ").collect()
    };
    let ordered = by_shop().order_by(Sale::SHOP.desc());
    assert_eq!(shops(ordered.await?), "south north east - ");
    // What an ordering leaves equal the group decides, in the direction of its last term.
    assert_eq!(shops(by_shop().order_by(count().desc()).await?), "north - south east ");
    assert_eq!(shops(by_shop().order_by(count().asc()).await?), "east south - north ");
    let mixed = by_shop().order_by(count().desc()).order_by(Sale::SHOP.asc());
    assert_eq!(shops(mixed.await?), "- north east south ");
    // By an aggregate that is not in the answer; a group without a value comes first.
    let by_sum = || by_shop().order_by(sum(Sale::CENTS).asc());
    assert_eq!(shops(by_sum().await?), "east south - north ");
    assert_eq!(shops(by_sum().limit(2).offset(1).await?), "south - ");
    let by_price = by_shop().order_by(min(Sale::PRICE).desc()).await?;
    assert_eq!(shops(by_price), "south - north east ");
    assert_eq!(by_sum().first().await?.map(|(shop, _)| shop), Some(Some("east".into())));
    assert_eq!(by_shop().limit(0).await?, Vec::new());
    is_refused("`price` does not tell groups apart", by_shop().order_by(Sale::PRICE.asc()).await);
    Ok(())
}

pub(crate) async fn of_groups_that_fulfil_a_condition(store: &Store) -> Outcome {
    let sales = sales(store).await?;
    let having = async |having| {
        let groups = sales.get_all().group_by(Sale::SHOP).aggregate(max(Sale::CENTS));
        let groups: Vec<_> = groups.having(having).await?;
        let shops = groups.into_iter().map(|(shop, _)| shop.unwrap_or_else(|| "-".into()));
        Ok::<_, Error>(shops.collect::<Vec<_>>().join(" "))
    };
    assert_eq!(having(count().gt(1)).await?, "- north");
    assert_eq!(having(count().eq(1)).await?, "east south");
    assert_eq!(having(count().between(2, u64::MAX)).await?, "- north");
    assert_eq!(having(!count().le(1)).await?, "- north");
    // A comparison with no value is neither true nor false, and neither is its opposite.
    assert_eq!(having(sum(Sale::CENTS).gt(0)).await?, "north");
    assert_eq!(having(!sum(Sale::CENTS).gt(0)).await?, "-");
    assert_eq!(having(sum(Sale::CENTS).is_null()).await?, "east south");
    assert_eq!(having(sum(Sale::CENTS).is_not_null() & count().ne(0)).await?, "- north");
    assert_eq!(having(avg(Sale::PRICE).lt(0.0) | min(Sale::PIECES).ge(6)).await?, "east north");
    assert_eq!(having(max(Sale::SHOP).lt("m")).await?, "east");
    let day = NaiveDate::from_ymd_opt(2024, 2, 28).unwrap_or_default();
    assert_eq!(having(max(Sale::DAY).gt(day) & count_distinct(Sale::DAY).gt(1)).await?, "-");
    is_refused("NaN", having(max(Sale::PRICE).gt(f64::NAN)).await);
    let twice = sales.get_all().group_by(Sale::SHOP).aggregate(count());
    let twice = twice.having(count().gt(1)).having(max(Sale::PIECES).gt(4)).await?;
    assert_eq!(twice, [(None, 2)]);
    // What is there more than once.
    let more = sales.get_all().select(Sale::CENTS).distinct().having(count().gt(1)).await?;
    assert_eq!(more, [None, Some(100)]);
    Ok(())
}

pub(crate) async fn add_integers_exactly(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    let amounts = [i64::MAX, i64::MAX, -i64::MAX, 1 - i64::MAX, 9_007_199_254_740_993];
    lines.put_bulk((1..).zip(amounts).map(|(number, amount)| line("A", number, amount))).await?;
    let all = lines.get_all();
    // On the way the sum is far beyond the range.
    let total = all.aggregate((sum(Line::AMOUNT), max(Line::AMOUNT))).await?;
    assert_eq!(total, (Some(9_007_199_254_740_994), Some(i64::MAX)));
    let least = lines.query(Line::NUMBER.eq(5)).aggregate(sum(Line::AMOUNT)).await?;
    assert_eq!(least, Some(9_007_199_254_740_993));
    Ok(())
}

pub(crate) async fn refuse_a_sum_that_does_not_fit(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    let rows = [("A", 1, i64::MAX), ("A", 2, 1), ("B", 1, i64::MIN), ("C", 1, i64::MIN)];
    lines.put_bulk(rows.map(|(invoice, number, amount)| line(invoice, number, amount))).await?;
    let beyond = lines.query(Line::INVOICE.eq("A"));
    is_refused("does not fit", beyond.aggregate(sum(Line::AMOUNT)).await);
    let below = lines.query(Line::AMOUNT.lt(0));
    is_refused("does not fit", below.aggregate(sum(Line::AMOUNT)).await);
    let groups = lines.get_all().group_by(Line::INVOICE).aggregate(sum(Line::AMOUNT));
    is_refused("does not fit", groups.await);
    // The average is an `f64`, and so is the sum that it is made of.
    let average = lines.query(Line::AMOUNT.lt(0)).aggregate(avg(Line::AMOUNT)).await?;
    assert_eq!(average, Some(-9_223_372_036_854_775_808.0));
    let lone = lines.query(Line::INVOICE.eq("B")).aggregate(sum(Line::AMOUNT)).await?;
    assert_eq!(lone, Some(i64::MIN));
    assert_eq!(lines.size().await?, 4);
    Ok(())
}

pub(crate) async fn of_floats_beyond_measure(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let infinity = f64::INFINITY;
    let rows = [
        ("a", "one", infinity),
        ("b", "one", 1.0),
        ("c", "two", infinity),
        ("d", "two", -infinity),
        ("e", "big", f64::MAX),
        ("f", "big", f64::MAX),
        ("g", "zero", -0.0),
    ];
    products.put_bulk(rows.map(|(sku, category, price)| product(sku, category, price))).await?;
    let of = |category: &str| products.query(Product::CATEGORY.eq(category));
    let totals = (sum(Product::PRICE), avg(Product::PRICE));
    assert_eq!(of("one").aggregate(totals).await?, (Some(infinity), Some(infinity)));
    is_refused("does not fit", of("two").aggregate(sum(Product::PRICE)).await);
    is_refused("does not fit", of("two").aggregate(avg(Product::PRICE)).await);
    is_refused("does not fit", of("big").aggregate(sum(Product::PRICE)).await);
    let ends = (min(Product::PRICE), max(Product::PRICE));
    assert_eq!(of("two").aggregate(ends).await?, (Some(-infinity), Some(infinity)));
    let zeros = (sum(Product::PRICE), avg(Product::PRICE), min(Product::PRICE));
    let (total, average, least) = of("zero").aggregate(zeros).await?;
    for zero in [total, average, least] {
        assert!(zero.is_some_and(|zero| zero == 0.0 && zero.is_sign_positive()), "{zero:?}");
    }
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Various {
    #[table(key)]
    id: i64,
    flag: bool,
    small: i8,
    wide: u32,
    single: f32,
    bytes: Vec<u8>,
    uuid: Option<Uuid>,
    moment: DateTime<Utc>,
    time: chrono::NaiveTime,
    document: serde_json::Value,
}

pub(crate) async fn of_every_type(store: &Store) -> Outcome {
    let table = set_up::<Various>(store).await?;
    let row = |id: i64, flag, byte: u8, uuid: Option<u128>| Various {
        id,
        flag,
        small: i8::MIN,
        wide: u32::MAX,
        single: 0.1,
        bytes: vec![byte, 0],
        uuid: uuid.map(Uuid::from_u128),
        moment: DateTime::from_timestamp_micros(-id).unwrap_or_default(),
        time: chrono::NaiveTime::from_hms_micro_opt(1, 2, 3, u32::from(byte)).unwrap_or_default(),
        document: serde_json::json!([id]),
    };
    let rows =
        [row(1, true, 255, None), row(2, false, 127, Some(u128::MAX)), row(3, true, 128, Some(7))];
    table.put_bulk(rows.clone()).await?;
    let all = || table.get_all();
    assert_eq!(
        all().aggregate((min(Various::FLAG), max(Various::FLAG), sum(Various::SMALL))).await?,
        (Some(false), Some(true), Some(-384))
    );
    assert_eq!(
        all().aggregate((sum(Various::WIDE), max(Various::WIDE), max(Various::SINGLE))).await?,
        (Some(3 * i64::from(u32::MAX)), Some(u32::MAX), Some(0.1))
    );
    let single = all().aggregate(sum(Various::SINGLE)).await?.unwrap_or_default();
    assert!((single - 3.0 * f64::from(0.1_f32)).abs() < 1e-15, "{single}");
    assert_eq!(
        all().aggregate((min(Various::BYTES), max(Various::BYTES))).await?,
        (Some(vec![127, 0]), Some(vec![255, 0]))
    );
    assert_eq!(
        all().aggregate((min(Various::UUID), max(Various::UUID))).await?,
        (Some(Uuid::from_u128(7)), Some(Uuid::max()))
    );
    assert_eq!(
        all().aggregate((min(Various::MOMENT), max(Various::TIME))).await?,
        (Some(rows[2].moment), Some(rows[0].time))
    );
    assert_eq!(all().aggregate(count_not_null(Various::DOCUMENT)).await?, 3);
    assert_eq!(
        all().group_by(Various::FLAG).aggregate(count_distinct(Various::UUID)).await?,
        [(false, 1), (true, 1)]
    );
    let bytes = all().group_by((Various::BYTES, Various::UUID)).aggregate(count());
    assert_eq!(bytes.having(min(Various::UUID).gt(Uuid::nil())).await?.len(), 2);
    let least = all().group_by(Various::FLAG).aggregate(count());
    let least = least.having(min(Various::BYTES).ge(vec![128])).order_by(min(Various::UUID).asc());
    assert_eq!(least.await?, [(true, 2)]);
    Ok(())
}

pub(crate) async fn of_groups_by_zero_and_text(store: &Store) -> Outcome {
    let products = set_up::<Product>(store).await?;
    let rows = [("a", "É", 0.0), ("b", "é", -0.0), ("c", "É", 1.0), ("d", "e", 0.0)];
    products.put_bulk(rows.map(|(sku, category, price)| product(sku, category, price))).await?;
    let prices = products.get_all().group_by(Product::PRICE).aggregate(count()).await?;
    assert_eq!(prices, [(0.0, 3), (1.0, 1)]);
    assert!(prices[0].0.is_sign_positive());
    assert_eq!(products.get_all().aggregate(count_distinct(Product::PRICE)).await?, 2);
    let texts = products.get_all().group_by(Product::CATEGORY).aggregate(count()).await?;
    assert_eq!(texts, [("e".into(), 1), ("É".into(), 2), ("é".into(), 1)]);
    Ok(())
}

pub(crate) async fn of_a_part_are_refused(store: &Store) -> Outcome {
    let sales = sales(store).await?;
    let all = || sales.get_all();
    is_refused("no limit", all().limit(1).aggregate(count()).await);
    is_refused("no limit", all().offset(1).aggregate(count()).await);
    is_refused("no order", all().order_by(Sale::DAY.asc()).aggregate(count()).await);
    let cursor: Cursor = all().limit(1).page().await?.next.expect("there are more");
    is_refused("no limit", all().after(&cursor).aggregate(count()).await);
    let groups = all().limit(1).group_by(Sale::SHOP).aggregate(count());
    is_refused("before `group_by`", groups.await);
    let groups = all().after(&cursor).group_by(Sale::SHOP).aggregate(count());
    is_refused("no cursor", groups.await);
    let lock = RowLock::for_update();
    is_refused("no lock", all().lock(lock).select(Sale::SHOP).distinct().await);
    Ok(())
}

pub(crate) async fn see_what_their_transaction_did(store: &Store) -> Outcome {
    let sales = sales(store).await?;
    store
        .transaction(async |tx| {
            let inside = sales.in_tx(tx);
            inside.put(sale(7, Some("west"), 7, Some(1), None)).await?;
            let shops = inside.get_all().group_by(Sale::SHOP).aggregate(count()).await?;
            assert_eq!(shops.len(), 5);
            assert_eq!(inside.get_all().aggregate(sum(Sale::PIECES)).await?, Some(28));
            Ok(())
        })
        .await?;
    let west = sales.get_all().select(Sale::SHOP).distinct().await?;
    assert_eq!(west.last().cloned().flatten().as_deref(), Some("west"));
    Ok(())
}

pub(crate) async fn that_fail_leave_their_transaction_usable(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    store
        .transaction(async |tx| {
            let lines = lines.in_tx(tx);
            lines.put_bulk([line("A", 1, i64::MAX), line("A", 2, 1)]).await?;
            is_refused("does not fit", lines.get_all().aggregate(sum(Line::AMOUNT)).await);
            lines.put(line("A", 3, 2)).await?;
            Ok(())
        })
        .await?;
    assert_eq!(lines.size().await?, 3);
    Ok(())
}

pub(crate) async fn need_a_table_that_is_set_up(store: &Store) -> Outcome {
    let sales = store.tabular::<Sale>().await?;
    fails("Schema", sales.get_all().aggregate(count()).await);
    fails("Schema", sales.get_all().group_by(Sale::SHOP).aggregate(count()).await);
    fails("Schema", sales.get_all().select(Sale::SHOP).await);
    Ok(())
}

pub(crate) async fn show_their_sql_where_there_is_some(store: &Store) -> Outcome {
    let sales = sales(store).await?;
    let groups = sales.query(Sale::PIECES.gt(12_345)).group_by(Sale::SHOP).aggregate(count());
    let shown = groups.having(count().gt(54_321)).to_sql();
    if !store.capabilities().sql {
        assert!(matches!(shown, Err(Error::Unsupported { .. })), "{shown:?}");
        return Ok(());
    }
    let shown = shown?;
    assert!(shown.sql.contains("GROUP BY") && shown.sql.contains("HAVING"), "{shown:?}");
    // No value is ever part of the text.
    assert!(!shown.sql.contains("12345") && !shown.sql.contains("54321"), "{shown:?}");
    assert_eq!(shown.parameters.len(), 2);
    let whole = sales.get_all().aggregate(sum(Sale::CENTS)).to_sql()?;
    assert!(whole.sql.contains("cents"), "{whole:?}");
    Ok(())
}
