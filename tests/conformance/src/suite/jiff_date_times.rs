//! jiff's dates and times: as chrono's, to the microsecond, and cut to it before every write.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time, date, time},
};
use storehouse::{Table, prelude::Set};
use storehouse_runtime::Store;

use super::round_trip::{OneColumn, one_column, round_trip, round_trip_as};
use crate::{
    behaviour::Outcome,
    expect::{fails, set_up},
};

one_column! {
    Timestamps: Timestamp,
    CivilDateTimes: DateTime,
    CivilDates: Date,
    CivilTimes: Time,
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(index(day, at))]
struct Visit {
    #[table(key)]
    arrived: Timestamp,
    #[table(unique)]
    left: Option<Timestamp>,
    day: Date,
    at: Option<Time>,
    noted: DateTime,
}

fn microsecond(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).expect("in range")
}

fn visit(arrived: Timestamp) -> Visit {
    let (day, at) = (date(2024, 2, 29), time(23, 59, 59, 999_999_000));
    Visit { arrived, left: None, day, at: Some(at), noted: day.at(0, 0, 0, 0) }
}

pub(crate) async fn come_back_to_the_microsecond(store: &Store) -> Outcome {
    let ends = [-62_135_596_800_000_000, 253_402_207_199_999_999];
    let moments = [-1_000_001, -1, 0, 1, 1_709_164_800_123_456].into_iter().chain(ends);
    round_trip::<Timestamps>(store, moments.map(microsecond)).await?;
    let dates = [date(1, 1, 1), date(1969, 12, 31), date(1970, 1, 1), date(9999, 12, 31)];
    round_trip::<CivilDates>(store, dates).await?;
    let last = time(23, 59, 59, 999_999_000);
    round_trip::<CivilDateTimes>(store, dates.map(|date| date.to_datetime(last))).await?;
    round_trip::<CivilTimes>(store, [Time::MIN, time(1, 2, 3, 4_000), last]).await
}

pub(crate) async fn are_cut_to_the_microsecond(store: &Store) -> Outcome {
    let nanosecond = |nanoseconds| Timestamp::from_nanosecond(nanoseconds).expect("in range");
    let pairs = [
        (nanosecond(1_999), microsecond(1)),
        (nanosecond(-1), microsecond(-1)),
        (nanosecond(-1_001), microsecond(-2)),
    ];
    round_trip_as::<Timestamps>(store, pairs).await?;
    let (fine, cut) = (time(23, 59, 59, 999_999_999), time(23, 59, 59, 999_999_000));
    round_trip_as::<CivilTimes>(store, [(fine, cut)]).await?;
    let [before, after] = [date(1969, 12, 31), date(9999, 12, 31)];
    let pairs = [before, after].map(|date| (date.to_datetime(fine), date.to_datetime(cut)));
    round_trip_as::<CivilDateTimes>(store, pairs).await
}

pub(crate) async fn are_keys_operands_and_in_order(store: &Store) -> Outcome {
    let visits = set_up::<Visit>(store).await?;
    let fine = Timestamp::from_nanosecond(1_709_164_800_123_456_789).expect("in range");
    let cut = microsecond(1_709_164_800_123_456);
    let stored = visits.insert(Visit { left: Some(fine), ..visit(fine) }).await?;
    assert_eq!(stored, Visit { left: Some(cut), ..visit(cut) });
    fails("Conflict", visits.insert(visit(cut)).await);
    fails("Conflict", visits.put(Visit { left: Some(fine), ..visit(Timestamp::UNIX_EPOCH) }).await);
    assert_eq!(visits.get(&fine).await?, Some(stored.clone()));
    for filter in [
        Visit::ARRIVED.eq(fine),
        Visit::LEFT.in_list([fine]),
        Visit::DAY.between(date(2024, 2, 28), date(2024, 3, 1)),
        Visit::AT.ge(time(23, 59, 59, 999_999_999)),
        Visit::NOTED.lt(date(2024, 2, 29).at(0, 0, 0, 1_000)),
    ] {
        assert_eq!(visits.count(filter.clone()).await?, 1, "{filter:?}");
    }
    let patch = VisitPatch { day: Set(date(-44, 3, 15)), at: Set(None), ..Default::default() };
    let changed = visits.update(&fine, patch).await?.expect("the row is there");
    assert_eq!((changed.day, changed.at), (date(-44, 3, 15), None));
    let earlier = visits.put(Visit { day: date(-45, 1, 1), ..visit(microsecond(-1)) }).await?;
    assert_eq!(visits.get_all().await?, [earlier.clone(), changed.clone()]);
    let late_first = visits.get_all().order_by(Visit::DAY.desc()).await?;
    assert_eq!(late_first, [changed, earlier]);
    Ok(())
}

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "managed")]
struct Managed {
    #[table(key)]
    id: i64,
    #[table(created_at)]
    created: Timestamp,
    #[table(updated_at)]
    updated: Timestamp,
    #[table(soft_delete)]
    deleted: Option<Timestamp>,
}

pub(crate) async fn are_kept_up_by_the_store(store: &Store) -> Outcome {
    let rows = set_up::<Managed>(store).await?;
    let new = ManagedInsert { id: 1 };
    let old = new.with(ManagedOptional { created: Some(Timestamp::UNIX_EPOCH) });
    let stored = rows.put(old).await?;
    assert!(stored.created == Timestamp::UNIX_EPOCH && stored.updated > stored.created);
    let again = rows.put(ManagedInsert { id: 1 }).await?;
    assert!(again.created == stored.created && again.updated >= stored.updated);
    assert!(rows.delete(&1).await?);
    let deleted = rows.with_deleted().get(&1).await?.and_then(|row| row.deleted);
    assert!(deleted.is_some_and(|at| at >= again.updated));
    assert_eq!(rows.get_all().await?, []);
    Ok(())
}
