//! Increments: what a patch adds, it adds where the value is stored.

use futures::future::try_join_all;
use storehouse::{
    Table,
    prelude::{Set, increment},
};
use storehouse_runtime::{Filter, Store};

use crate::{
    behaviour::Outcome,
    expect::{is_refused, set_up},
};

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "counters")]
pub(crate) struct Counter {
    #[table(key)]
    pub(crate) id: i32,
    pub(crate) wide: i64,
    pub(crate) narrow: u8,
    pub(crate) signed: i8,
    pub(crate) middle: u32,
    pub(crate) maybe: Option<i16>,
    pub(crate) float: f64,
    #[table(unique)]
    pub(crate) place: i64,
}

pub(crate) fn counter(id: i32) -> Counter {
    Counter {
        id,
        wide: 0,
        narrow: 0,
        signed: 0,
        middle: 0,
        maybe: None,
        float: 0.0,
        place: id.into(),
    }
}

pub(crate) async fn add_to_what_is_stored(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    counters.put(Counter { wide: 40, narrow: 250, maybe: Some(-5), ..counter(1) }).await?;
    let patch = CounterPatch {
        wide: increment(2),
        narrow: increment(5),
        signed: increment(-128),
        middle: increment(4_294_967_295),
        maybe: increment(-32_763),
        float: increment(0.5),
        place: Set(7),
    };
    let expected = Counter {
        id: 1,
        wide: 42,
        narrow: 255,
        signed: -128,
        middle: u32::MAX,
        maybe: Some(i16::MIN),
        float: 0.5,
        place: 7,
    };
    assert_eq!(counters.update(&1, patch).await?, Some(expected.clone()));
    assert_eq!(counters.get(&1).await?, Some(expected));
    let back = CounterPatch { middle: increment(-1), ..CounterPatch::default() };
    assert_eq!(counters.update(&1, back.clone()).await?.map(|row| row.middle), Some(u32::MAX - 1));
    assert_eq!(counters.update(&2, back).await?, None);
    Ok(())
}

pub(crate) async fn leave_null_as_it_is(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    counters.put(counter(1)).await?;
    let patch = CounterPatch { maybe: increment(i64::MAX), ..CounterPatch::default() };
    assert_eq!(counters.update(&1, patch.clone()).await?, Some(counter(1)));
    assert_eq!(counters.update_where(Filter::all(), patch).await?, 1);
    assert_eq!(counters.get(&1).await?, Some(counter(1)));
    Ok(())
}

pub(crate) async fn out_of_range_change_nothing(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    let greatest = Counter {
        wide: i64::MAX,
        narrow: u8::MAX,
        signed: i8::MAX,
        middle: u32::MAX,
        maybe: Some(i16::MAX),
        ..counter(1)
    };
    let least = Counter { wide: i64::MIN, signed: i8::MIN, maybe: Some(i16::MIN), ..counter(2) };
    counters.put_bulk([greatest.clone(), least.clone()]).await?;
    let patch = CounterPatch::default;
    for (id, patch) in [
        (1, CounterPatch { wide: increment(1), ..patch() }),
        (1, CounterPatch { wide: increment(i64::MAX), ..patch() }),
        (2, CounterPatch { wide: increment(-1), ..patch() }),
        (2, CounterPatch { wide: increment(i64::MIN), ..patch() }),
        (1, CounterPatch { narrow: increment(1), ..patch() }),
        (2, CounterPatch { narrow: increment(-1), ..patch() }),
        (2, CounterPatch { narrow: increment(i64::MAX), ..patch() }),
        (1, CounterPatch { signed: increment(1), ..patch() }),
        (2, CounterPatch { signed: increment(-1), ..patch() }),
        (1, CounterPatch { middle: increment(1), ..patch() }),
        (2, CounterPatch { middle: increment(-1), ..patch() }),
        (1, CounterPatch { maybe: increment(1), ..patch() }),
        (2, CounterPatch { maybe: increment(-1), ..patch() }),
    ] {
        let patch = CounterPatch { float: Set(9.0), ..patch };
        is_refused("range", counters.update(&id, patch.clone()).await);
        is_refused("range", counters.update_where(Counter::ID.eq(id), patch).await);
    }
    assert_eq!(counters.get_all().await?, [greatest, least]);
    Ok(())
}

pub(crate) async fn of_floats_stay_finite(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    let finite = Counter { float: f64::MAX, ..counter(1) };
    let infinite = Counter { float: f64::NEG_INFINITY, ..counter(2) };
    counters.put_bulk([finite.clone(), infinite.clone()]).await?;
    let add = |by| CounterPatch { float: increment(by), ..CounterPatch::default() };
    is_refused("range", counters.update(&1, add(f64::MAX)).await);
    is_refused("range", counters.update_where(Filter::all(), add(f64::MAX)).await);
    // What is infinite already stays so.
    assert_eq!(counters.update(&2, add(f64::MAX)).await?, Some(infinite.clone()));
    for by in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        is_refused("finite", counters.update(&1, add(by)).await);
    }
    assert_eq!(counters.get_all().await?, [finite, infinite]);
    Ok(())
}

pub(crate) async fn of_a_unique_column_are_for_one_row(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    counters.put_bulk([counter(1), counter(2)]).await?;
    let next = CounterPatch { place: increment(1), ..CounterPatch::default() };
    is_refused("unique", counters.update_where(Filter::all(), next.clone()).await);
    assert_eq!(counters.update(&2, next).await?.map(|row| row.place), Some(3));
    Ok(())
}

pub(crate) async fn at_once_all_count(store: &Store) -> Outcome {
    let counters = set_up::<Counter>(store).await?;
    counters.put_bulk([counter(1), counter(2)]).await?;
    let next = CounterPatch { wide: increment(1), ..CounterPatch::default() };
    let all = (0..20).map(|_| counters.update_where(Filter::all(), next.clone()));
    assert_eq!(try_join_all(all).await?, [2; 20]);
    try_join_all((0..20).map(|_| counters.update(&1, next.clone()))).await?;
    assert_eq!(counters.get(&1).await?.map(|row| row.wide), Some(40));
    assert_eq!(counters.get(&2).await?.map(|row| row.wide), Some(20));
    Ok(())
}
