//! `rust_decimal::Decimal`: by its value, as a value, a key, an operand and in an order.

use rust_decimal::Decimal;
use storehouse::{
    Table,
    aggregate::{avg, count, count_distinct, max, min, sum},
    prelude::Set,
};
use storehouse_runtime::Store;

use super::round_trip::{OneColumn, one_column, round_trip_as};
use crate::{
    behaviour::Outcome,
    expect::{conflicts, is_refused, set_up},
};

one_column! {
    Decimals: Decimal,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(index(rebate))]
struct Tariff {
    #[table(key)]
    price: Decimal,
    #[table(unique)]
    fee: Option<Decimal>,
    rebate: Option<Decimal>,
}

/// A part of the key.
#[derive(Table, Clone, Debug, PartialEq)]
struct Step {
    #[table(key)]
    tariff: String,
    #[table(key)]
    from: Decimal,
    note: Option<String>,
}

fn tariff(price: Decimal) -> Tariff {
    Tariff { price, fee: None, rebate: None }
}

/// In ascending order, to the last of 28 digits.
fn numbers() -> Vec<Decimal> {
    let smallest = Decimal::new(1, 28);
    vec![
        Decimal::MIN,
        Decimal::MIN + Decimal::ONE,
        Decimal::new(-1_000_000, 0),
        Decimal::new(-99_999, 1),
        Decimal::new(-101, 2),
        Decimal::NEGATIVE_ONE,
        Decimal::new(-99, 2),
        Decimal::new(-1, 5),
        -smallest,
        Decimal::ZERO,
        smallest,
        Decimal::new(1, 27),
        Decimal::new(1, 4),
        Decimal::new(1, 3),
        Decimal::new(99, 3),
        Decimal::new(1, 1),
        Decimal::ONE - smallest,
        Decimal::ONE,
        Decimal::ONE + smallest,
        Decimal::new(95, 1),
        Decimal::TEN,
        Decimal::new(9_999, 0),
        Decimal::new(10_000, 0),
        Decimal::new(10_000_001, 3),
        // Beyond 2^53 and 2^64, where a float would round.
        Decimal::from(9_007_199_254_740_993_i64),
        Decimal::from(u64::MAX),
        Decimal::MAX - Decimal::ONE,
        Decimal::MAX,
    ]
}

/// A decimal comes back without zeros at its end, on every backend: 1.00 as 1, which it equals.
pub(crate) async fn come_back_by_their_value(store: &Store) -> Outcome {
    let with_zeros = [
        Decimal::new(1_00, 2),
        Decimal::new(-2_50, 2),
        Decimal::new(0, 5),
        Decimal::new(100, 0),
        -Decimal::ZERO,
    ];
    let values = numbers().into_iter().chain(with_zeros);
    round_trip_as::<Decimals>(store, values.map(|value| (value, value.normalize()))).await?;

    let decimals = set_up::<Decimals>(store).await?;
    let many: Vec<Decimals> =
        (0..2_500).map(|id| Decimals::new(id, Decimal::new(id * 7_919 - 9_000_000, 3))).collect();
    assert_eq!(decimals.put_bulk(many.clone()).await?, many);
    assert_eq!(decimals.get_all().limit(2_500).await?, many);
    let patch = DecimalsPatch { value: Set(Decimal::new(5_0, 1)), nullable: Set(None) };
    let updated = decimals.update(&7, patch).await?.expect("the row is there");
    assert_eq!((updated.value.mantissa(), updated.value.scale(), updated.nullable), (5, 0, None));
    Ok(())
}

pub(crate) async fn are_equal_whatever_zeros_they_end_with(store: &Store) -> Outcome {
    let tariffs = set_up::<Tariff>(store).await?;
    let (one, as_well) = (Decimal::ONE, Decimal::new(1_000, 3));
    let stored = Tariff { fee: Some(as_well), ..tariff(as_well) };
    assert_eq!(tariffs.insert(stored.clone()).await?, stored);
    conflicts(&["price"], tariffs.insert(tariff(one)).await);
    let clash = Tariff { fee: Some(one), ..tariff(Decimal::TEN) };
    conflicts(&["fee"], tariffs.put(clash).await);
    assert_eq!(tariffs.get(&one).await?, Some(stored.clone()));
    let both = tariffs.get_many([&one, &as_well, &Decimal::TEN]).await?;
    assert_eq!(both, [Some(stored.clone()), Some(stored.clone()), None]);
    for (filter, expected) in [
        (Tariff::PRICE.eq(Decimal::new(1_0, 1)), 1),
        (Tariff::PRICE.ne(one), 0),
        (Tariff::FEE.in_list([Decimal::ZERO, as_well]), 1),
        (Tariff::FEE.not_in([as_well]), 0),
        (Tariff::PRICE.between(one, as_well), 1),
        (Tariff::PRICE.lt(Decimal::new(1_000_001, 6)), 1),
        (Tariff::PRICE.gt(Decimal::new(999_999, 6)), 1),
        (Tariff::FEE.eq(None), 0),
    ] {
        assert_eq!(tariffs.count(filter.clone()).await?, expected, "{filter:?}");
    }
    let put = tariffs.put(Tariff { rebate: Some(one), ..tariff(one) }).await?;
    assert_eq!(tariffs.get_all().await?, [put]);
    assert!(tariffs.delete(&as_well).await?);

    let steps = set_up::<Step>(store).await?;
    let step = |from| Step { tariff: "A".into(), from, note: None };
    steps.put_bulk([step(Decimal::ZERO), step(Decimal::new(250, 2))]).await?;
    let key = StepKey { tariff: "A".into(), from: Decimal::new(25, 1) };
    assert_eq!(steps.get(&key).await?, Some(step(Decimal::new(25, 1))));
    conflicts(&["tariff", "from"], steps.insert(step(Decimal::new(25, 1))).await);
    Ok(())
}

pub(crate) async fn sort_by_their_value(store: &Store) -> Outcome {
    let tariffs = set_up::<Tariff>(store).await?;
    let numbers = numbers();
    assert!(numbers.is_sorted());
    let rows = numbers
        .iter()
        .rev()
        .map(|&number| Tariff { rebate: (!number.is_zero()).then_some(number), ..tariff(number) });
    tariffs.put_bulk(rows).await?;
    let prices = |rows: Vec<Tariff>| rows.into_iter().map(|row| row.price).collect::<Vec<_>>();
    assert_eq!(prices(tariffs.get_all().await?), numbers);
    let down = tariffs.get_all().order_by(Tariff::PRICE.desc()).await?;
    assert!(prices(down).iter().eq(numbers.iter().rev()));

    // NULL first, and then page by page, each continued from its cursor.
    let mut paged = Vec::new();
    let mut query = tariffs.get_all().order_by(Tariff::REBATE.asc()).limit(5);
    loop {
        let page = query.page().await?;
        paged.extend(prices(page.rows));
        let Some(cursor) = page.next else { break };
        query = tariffs.get_all().order_by(Tariff::REBATE.asc()).limit(5).after(&cursor);
    }
    assert_eq!(paged[0], Decimal::ZERO);
    let others = numbers.iter().filter(|number| !number.is_zero());
    assert!(paged[1..].iter().eq(others));

    for (place, &number) in numbers.iter().enumerate() {
        let less = tariffs.count(Tariff::PRICE.lt(number)).await?;
        assert_eq!(less, place as u64, "less than {number}");
        let greater = tariffs.query(Tariff::PRICE.gt(number)).await?;
        assert_eq!(prices(greater), numbers[place + 1..], "greater than {number}");
    }
    Ok(())
}

/// A tenth is no binary fraction, and ten of them make one all the same.
pub(crate) async fn are_added_exactly(store: &Store) -> Outcome {
    let steps = set_up::<Step>(store).await?;
    let nothing = (sum(Step::FROM), avg(Step::FROM), min(Step::FROM), max(Step::FROM));
    assert_eq!(steps.get_all().aggregate(nothing).await?, (None, None, None, None));

    let step = |tariff: &str, from| Step { tariff: tariff.into(), from, note: None };
    let tenths = (0..10_i64).map(|tenth| step("tenths", Decimal::new(tenth, 1)));
    let large = [step("large", Decimal::MAX), step("large", -Decimal::new(1, 28))];
    steps.put_bulk(tenths.chain(large)).await?;
    let both = [step("both", Decimal::MAX), step("both", Decimal::MIN), step("both", Decimal::ONE)];
    steps.put_bulk(both).await?;

    let tenths = || steps.query(Step::TARIFF.eq("tenths"));
    let all = (sum(Step::FROM), avg(Step::FROM), min(Step::FROM), max(Step::FROM));
    assert_eq!(
        tenths().aggregate(all).await?,
        (Some(Decimal::new(45, 1)), Some(0.45), Some(Decimal::ZERO), Some(Decimal::new(9, 1)))
    );
    // On the way the sum does not fit, and at the end it does.
    let both = steps.query(Step::TARIFF.eq("both"));
    let of_both = (sum(Step::FROM), count_distinct(Step::FROM));
    assert_eq!(both.aggregate(of_both).await?, (Some(Decimal::ONE), 3));
    // It has 57 digits, and a decimal 28; the average is a float.
    let large = || steps.query(Step::TARIFF.eq("large"));
    is_refused("does not fit", large().aggregate(sum(Step::FROM)).await);
    let half = large().aggregate(avg(Step::FROM)).await?.expect("there are two");
    assert!((half / 39_614_081_257_132_168_796_771_975_167.5 - 1.0).abs() < 1e-15, "{half}");

    let groups = steps
        .get_all()
        .filter(Step::TARIFF.ne("large"))
        .group_by(Step::TARIFF)
        .aggregate(sum(Step::FROM))
        .having(sum(Step::FROM).gt(Decimal::new(10, 1)))
        .await?;
    assert_eq!(groups, [("tenths".to_owned(), Some(Decimal::new(45, 1)))]);
    let tariffs = set_up::<Tariff>(store).await?;
    let rebates = [(1, 10), (2, 100), (3, 5)].map(|(price, rebate)| Tariff {
        rebate: Some(Decimal::new(rebate, if rebate == 100 { 2 } else { 1 })),
        ..tariff(Decimal::from(price))
    });
    tariffs.put_bulk(rebates).await?;
    let groups = tariffs.get_all().group_by(Tariff::REBATE).aggregate(count()).await?;
    assert_eq!(groups, [(Some(Decimal::new(5, 1)), 1), (Some(Decimal::ONE), 2)]);
    let distinct = tariffs.get_all().select(Tariff::REBATE).distinct().await?;
    assert_eq!(distinct, [Some(Decimal::new(5, 1)), Some(Decimal::ONE)]);
    Ok(())
}
