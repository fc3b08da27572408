//! The dates and times of the crate `time`: as chrono's, to the microsecond, and cut to it before
//! every write. An `OffsetDateTime` is the instant that it is, and comes back in UTC.

use storehouse::{Table, prelude::Set};
use storehouse_runtime::Store;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use super::round_trip::{OneColumn, one_column, round_trip, round_trip_as};
use crate::{
    behaviour::Outcome,
    expect::{fails, set_up},
};

one_column! {
    Instants: OffsetDateTime,
    PlainDateTimes: PrimitiveDateTime,
    PlainDates: Date,
    PlainTimes: Time,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(index(day, at))]
struct Trip {
    #[table(key)]
    left: OffsetDateTime,
    #[table(unique)]
    arrived: Option<OffsetDateTime>,
    day: Date,
    at: Option<Time>,
    noted: PrimitiveDateTime,
}

fn instant(nanoseconds: i128) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).expect("in range")
}

fn date(year: i32, day: u16) -> Date {
    Date::from_ordinal_date(year, day).expect("a date")
}

fn last(nanosecond: u32) -> Time {
    Time::from_hms_nano(23, 59, 59, nanosecond).expect("a time")
}

fn trip(left: OffsetDateTime) -> Trip {
    let (day, at) = (date(2024, 60), last(999_999_000));
    Trip {
        left,
        arrived: None,
        day,
        at: Some(at),
        noted: PrimitiveDateTime::new(day, Time::MIDNIGHT),
    }
}

pub(crate) async fn come_back_to_the_microsecond(store: &Store) -> Outcome {
    let microseconds = [
        -62_135_596_800_000_000,
        -1_000_001,
        -1,
        0,
        1,
        1_709_164_800_123_456,
        253_402_300_799_999_999,
    ];
    let moments = microseconds.map(|microseconds: i128| instant(microseconds * 1_000));
    round_trip::<Instants>(store, moments).await?;
    let local = moments.map(|moment| PrimitiveDateTime::new(moment.date(), moment.time()));
    round_trip::<PlainDateTimes>(store, local).await?;
    let dates = [date(1, 1), date(1969, 365), date(1970, 1), date(2024, 60), date(9999, 365)];
    round_trip::<PlainDates>(store, dates).await?;
    round_trip::<PlainTimes>(store, [Time::MIDNIGHT, last(1_000), last(999_999_000)]).await
}

pub(crate) async fn are_cut_to_the_microsecond_in_utc(store: &Store) -> Outcome {
    let east = UtcOffset::from_hms(5, 45, 0).expect("an offset");
    let fine = instant(1_709_164_800_123_456_789);
    let pairs = [
        (fine, instant(1_709_164_800_123_456_000)),
        (fine.to_offset(east), instant(1_709_164_800_123_456_000)),
        (instant(-1), instant(-1_000)),
        (instant(-1_001).to_offset(east), instant(-2_000)),
    ];
    round_trip_as::<Instants>(store, pairs).await?;
    round_trip_as::<PlainTimes>(store, [(last(999_999_999), last(999_999_000))]).await?;
    let pairs = [date(1969, 365), date(9999, 365)]
        .map(|date| [999_999_999, 999_999_000].map(|nano| PrimitiveDateTime::new(date, last(nano))))
        .map(|[given, cut]| (given, cut));
    round_trip_as::<PlainDateTimes>(store, pairs).await
}

pub(crate) async fn are_keys_operands_and_in_order(store: &Store) -> Outcome {
    let trips = set_up::<Trip>(store).await?;
    let west = UtcOffset::from_hms(-11, 0, 0).expect("an offset");
    let (fine, cut) = (instant(1_709_164_800_123_456_789), instant(1_709_164_800_123_456_000));
    let stored = trips.insert(Trip { arrived: Some(fine), ..trip(fine) }).await?;
    assert_eq!(stored, Trip { arrived: Some(cut), ..trip(cut) });
    // One instant, wherever its clock stands.
    fails("Conflict", trips.insert(trip(cut.to_offset(west))).await);
    let clash = Trip { arrived: Some(fine.to_offset(west)), ..trip(OffsetDateTime::UNIX_EPOCH) };
    fails("Conflict", trips.put(clash).await);
    assert_eq!(trips.get(&fine.to_offset(west)).await?, Some(stored.clone()));
    for filter in [
        Trip::LEFT.eq(fine.to_offset(west)),
        Trip::ARRIVED.in_list([fine]),
        Trip::DAY.between(date(2024, 59), date(2024, 61)),
        Trip::AT.ge(last(999_999_999)),
        Trip::NOTED.lt(PrimitiveDateTime::new(date(2024, 60), last(0))),
    ] {
        assert_eq!(trips.count(filter.clone()).await?, 1, "{filter:?}");
    }
    let patch = TripPatch { day: Set(date(-44, 75)), at: Set(None), ..Default::default() };
    let changed = trips.update(&fine, patch).await?.expect("the row is there");
    assert_eq!((changed.day, changed.at), (date(-44, 75), None));
    let earlier = trips.put(Trip { day: date(-45, 1), ..trip(instant(-1_000)) }).await?;
    assert_eq!(trips.get_all().await?, [earlier.clone(), changed.clone()]);
    let late_first = trips.get_all().order_by(Trip::DAY.desc()).await?;
    assert_eq!(late_first, [changed, earlier]);
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "managed")]
struct Managed {
    #[table(key)]
    id: i64,
    #[table(created_at)]
    created: OffsetDateTime,
    #[table(updated_at)]
    updated: OffsetDateTime,
    #[table(soft_delete)]
    deleted: Option<OffsetDateTime>,
}

pub(crate) async fn are_kept_up_by_the_store(store: &Store) -> Outcome {
    let rows = set_up::<Managed>(store).await?;
    let new = ManagedInsert { id: 1 };
    let old = new.with(ManagedOptional { created: Some(OffsetDateTime::UNIX_EPOCH) });
    let stored = rows.put(old).await?;
    assert!(stored.created == OffsetDateTime::UNIX_EPOCH && stored.updated > stored.created);
    let again = rows.put(ManagedInsert { id: 1 }).await?;
    assert!(again.created == stored.created && again.updated >= stored.updated);
    assert!(rows.delete(&1).await?);
    let deleted = rows.with_deleted().get(&1).await?.and_then(|row| row.deleted);
    assert!(deleted.is_some_and(|at| at >= again.updated));
    assert_eq!(rows.get_all().await?, []);
    Ok(())
}
