//! The date and time types of the crate `time`, kept to the microsecond on every backend, as
//! chrono's are. An `OffsetDateTime` is kept as the instant that it is, and comes back in UTC.

use time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcDateTime};

use super::{
    ColumnSource, ColumnValue, Comparable, DecodeError, KeyColumn, NotNull, Ordered,
    date_time::{out_of_range, saturated},
    scalars::scalar,
};
use crate::{column_type::ColumnType, value::Value};

/// The Julian day of 1970-01-01.
const EPOCH_DAY: i32 = 2_440_588;

scalar!(OffsetDateTime, DateTime, this => Value::DateTime(microseconds(this)),
    |source, column| {
        let stored = source.read_date_time(column)?;
        date_time(column, stored)
    }
);
scalar!(UtcDateTime, DateTime, this => Value::DateTime(microseconds(this.into())),
    |source, column| {
        let stored = source.read_date_time(column)?;
        date_time(column, stored).map(Self::from)
    }
);
scalar!(PrimitiveDateTime, LocalDateTime, this => Value::DateTime(microseconds(this.assume_utc())),
    |source, column| {
        let stored = source.read_date_time(column)?;
        date_time(column, stored).map(|moment| Self::new(moment.date(), moment.time()))
    }
);
scalar!(Date, Date, this => Value::Date(this.to_julian_day() - EPOCH_DAY), |source, column| {
    let stored = source.read_date(column)?;
    stored
        .checked_add(EPOCH_DAY)
        .and_then(|day| Self::from_julian_day(day).ok())
        .ok_or_else(|| out_of_range(column, stored, "days"))
});
scalar!(Time, Time, this => Value::Time(microseconds_since_midnight(this)), |source, column| {
    let stored = source.read_time(column)?;
    time_of_day(stored)
        .ok_or_else(|| DecodeError::new(column, format!("{stored} is not a time of day")))
});

impl KeyColumn for OffsetDateTime {}
impl KeyColumn for UtcDateTime {}
impl KeyColumn for PrimitiveDateTime {}
impl KeyColumn for Date {}
impl KeyColumn for Time {}

/// Cut, not rounded, also before 1970. With its feature `large-dates` the crate has years of more
/// microseconds than 64 bits count; they are refused on their way in.
fn microseconds(moment: OffsetDateTime) -> i64 {
    saturated(moment.unix_timestamp_nanos().div_euclid(1_000))
}

fn date_time(column: usize, microseconds: i64) -> Result<OffsetDateTime, DecodeError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1_000)
        .map_err(|_| out_of_range(column, microseconds, "microseconds"))
}

fn microseconds_since_midnight(time: Time) -> i64 {
    let (hour, minute, second, nanosecond) = time.as_hms_nano();
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    seconds * 1_000_000 + i64::from(nanosecond / 1_000)
}

fn time_of_day(microseconds: i64) -> Option<Time> {
    let seconds = microseconds.div_euclid(1_000_000);
    let small = |number: i64| u8::try_from(number).ok();
    let microsecond = u32::try_from(microseconds.rem_euclid(1_000_000)).ok()?;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    Time::from_hms_micro(small(hour)?, small(minute)?, small(second)?, microsecond).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::EncodedRow;

    fn decoded<V: ColumnValue>(value: Value) -> Result<V, DecodeError> {
        V::decode(&mut EncodedRow(vec![value]), 0)
    }

    #[test]
    fn the_first_and_the_last_of_each_come_back_without_nanoseconds() {
        for (given, nanoseconds) in
            [(PrimitiveDateTime::MIN, 0), (PrimitiveDateTime::MAX, 999_999_000)]
        {
            let cut = given.replace_nanosecond(nanoseconds).unwrap();
            assert_eq!(decoded::<PrimitiveDateTime>(given.into_value()).unwrap(), cut);
            let (given, cut) = (given.assume_utc(), cut.assume_utc());
            assert_eq!(decoded::<OffsetDateTime>(given.into_value()).unwrap(), cut);
            let given = UtcDateTime::from(given);
            assert_eq!(decoded::<UtcDateTime>(given.into_value()).unwrap(), UtcDateTime::from(cut));
        }
        for date in [Date::MIN, Date::MAX, OffsetDateTime::UNIX_EPOCH.date()] {
            assert_eq!(decoded::<Date>(date.into_value()).unwrap(), date);
        }
        assert_eq!(OffsetDateTime::UNIX_EPOCH.date().into_value(), Value::Date(0));
        for (given, nanoseconds) in [(Time::MIDNIGHT, 0), (Time::MAX, 999_999_000)] {
            let cut = given.replace_nanosecond(nanoseconds).unwrap();
            assert_eq!(decoded::<Time>(given.into_value()).unwrap(), cut);
        }
        assert_eq!(Time::MAX.into_value(), Value::Time(86_399_999_999));
    }

    #[test]
    fn what_the_crate_does_not_have_is_an_error() {
        for outside in [i64::MIN, i64::MAX] {
            assert!(decoded::<OffsetDateTime>(Value::DateTime(outside)).is_err());
            assert!(decoded::<PrimitiveDateTime>(Value::DateTime(outside)).is_err());
        }
        for outside in [i32::MIN, i32::MAX] {
            assert!(decoded::<Date>(Value::Date(outside)).is_err());
        }
        for outside in [-1, 86_400_000_000, i64::MIN, i64::MAX] {
            assert!(decoded::<Time>(Value::Time(outside)).is_err());
        }
    }
}
