//! Dates and times: to the microsecond, and cut to it before every write and every comparison.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use storehouse::{Table, prelude::Set};
use storehouse_runtime::Store;

use super::round_trip::{OneColumn, one_column, round_trip, round_trip_as};
use crate::{
    behaviour::Outcome,
    expect::{fails, set_up},
};

one_column! {
    DateTimes: DateTime<Utc>,
    LocalDateTimes: NaiveDateTime,
    Dates: NaiveDate,
    Times: NaiveTime,
}

/// A key that is a date-time, so that two keys can differ by less than is kept.
#[derive(Table, Clone, Debug, PartialEq)]
struct Reading {
    #[table(key)]
    at: DateTime<Utc>,
    #[table(unique)]
    received: Option<DateTime<Utc>>,
}

pub(crate) async fn come_back_to_the_microsecond(store: &Store) -> Outcome {
    // The first and the last microsecond of the years 1 to 9999, and around 1970.
    let values = [
        -62_135_596_800_000_000,
        -1_000_001,
        -1_000_000,
        -1,
        0,
        1,
        999_999,
        1_709_164_800_123_456,
        253_402_300_799_999_999,
    ];
    let moments = values.map(|value| DateTime::from_timestamp_micros(value).expect("in range"));
    round_trip::<DateTimes>(store, moments).await?;
    round_trip::<LocalDateTimes>(store, moments.map(|moment| moment.naive_utc())).await
}

/// Cut, not rounded, and before the write: so what is returned at once is what is read later.
pub(crate) async fn are_cut_to_the_microsecond(store: &Store) -> Outcome {
    let cut = |nanoseconds: i64, microseconds: i64| {
        (
            DateTime::from_timestamp_nanos(nanoseconds),
            DateTime::from_timestamp_micros(microseconds).expect("in range"),
        )
    };
    let pairs = [
        cut(1_999, 1),
        cut(999, 0),
        cut(-1, -1),
        cut(-1_001, -2),
        cut(1_709_164_800_123_456_789, 1_709_164_800_123_456),
    ];
    round_trip_as::<DateTimes>(store, pairs).await?;
    let local = pairs.map(|(given, stored)| (given.naive_utc(), stored.naive_utc()));
    round_trip_as::<LocalDateTimes>(store, local).await
}

pub(crate) async fn without_the_other_half_come_back(store: &Store) -> Outcome {
    let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a date");
    let dates = [date(1, 1, 1), date(1969, 12, 31), date(1970, 1, 1), date(2024, 2, 29)];
    round_trip::<Dates>(store, dates.into_iter().chain([date(9999, 12, 31)])).await?;
    let time = |seconds, nanoseconds| {
        NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanoseconds).expect("a time")
    };
    let last = time(86_399, 999_999_000);
    round_trip_as::<Times>(
        store,
        [
            (time(0, 0), time(0, 0)),
            (time(1, 1_999), time(1, 1_000)),
            (last, last),
            (time(86_399, 999_999_999), last),
            // A leap second is no time of day on any database.
            (time(86_399, 1_500_000_000), last),
        ],
    )
    .await
}

/// W-T9: whatever way a moment goes in, as a value, as a key or to compare with, it is cut alike.
pub(crate) async fn are_cut_in_every_operation(store: &Store) -> Outcome {
    let fine = DateTime::from_timestamp_nanos(1_709_164_800_123_456_789);
    let cut = DateTime::from_timestamp_nanos(1_709_164_800_123_456_000);
    let readings = set_up::<Reading>(store).await?;
    let stored = Reading { at: cut, received: Some(cut) };
    let inserted = readings.insert(Reading { at: fine, received: Some(fine) }).await?;
    assert_eq!(inserted, stored);
    fails("Conflict", readings.insert(Reading { at: cut, received: None }).await);
    assert_eq!(readings.insert_if_absent(Reading { at: fine, received: None }).await?, None);
    let other = DateTime::UNIX_EPOCH;
    fails("Conflict", readings.put(Reading { at: other, received: Some(fine) }).await);
    assert_eq!(readings.get(&fine).await?, Some(stored.clone()));
    assert_eq!(readings.get_many([&fine, &cut]).await?, [Some(stored.clone()), Some(stored)]);
    for filter in [
        Reading::AT.eq(fine),
        Reading::RECEIVED.eq(fine),
        Reading::AT.in_list([fine]),
        Reading::AT.between(fine, fine),
        !Reading::AT.lt(fine),
    ] {
        assert_eq!(readings.count(filter.clone()).await?, 1, "{filter:?}");
    }
    let later = DateTime::from_timestamp_nanos(1_709_164_800_999_999_999);
    let patch = ReadingPatch { received: Set(Some(later)) };
    let updated = readings.update(&fine, patch).await?.expect("the row is there");
    assert_eq!(updated.received.map(|moment| moment.timestamp_subsec_nanos()), Some(999_999_000));
    assert_eq!(readings.get_all().await?, [updated]);
    assert!(readings.delete(&fine).await?);
    Ok(())
}
