//! chrono's date and time types, kept to the microsecond on every backend.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

use super::{
    ColumnSource, ColumnValue, Comparable, DecodeError, KeyColumn, NotNull, Ordered,
    scalars::scalar,
};
use crate::{column_type::ColumnType, value::Value};

const MICROSECONDS_PER_SECOND: i64 = 1_000_000;
/// The day number that chrono gives to 1970-01-01.
const EPOCH_DAY: i32 = 719_163;

scalar!(DateTime<Utc>, DateTime, this => Value::DateTime(this.timestamp_micros()),
    |source, column| {
        let stored = source.read_date_time(column)?;
        date_time(column, stored)
    }
);
scalar!(NaiveDateTime, LocalDateTime, this => Value::DateTime(this.and_utc().timestamp_micros()),
    |source, column| {
        let stored = source.read_date_time(column)?;
        date_time(column, stored).map(|date_time| date_time.naive_utc())
    }
);
scalar!(NaiveDate, Date, this => Value::Date(chrono::Datelike::num_days_from_ce(&this) - EPOCH_DAY),
    |source, column| {
        let stored = source.read_date(column)?;
        stored
            .checked_add(EPOCH_DAY)
            .and_then(Self::from_num_days_from_ce_opt)
            .ok_or_else(|| out_of_range(column, stored, "days"))
    }
);
scalar!(NaiveTime, Time, this => Value::Time(microseconds_since_midnight(this)),
    |source, column| {
        let stored = source.read_time(column)?;
        time_of_day(stored)
            .ok_or_else(|| DecodeError::new(column, format!("{stored} is not a time of day")))
    }
);

impl KeyColumn for DateTime<Utc> {}
impl KeyColumn for NaiveDateTime {}
impl KeyColumn for NaiveDate {}
impl KeyColumn for NaiveTime {}

/// Microseconds as they are stored. What 64 bits do not count becomes an end of their range, which
/// the check of the column refuses.
#[cfg_attr(not(any(feature = "jiff", feature = "time")), expect(dead_code, reason = "for them"))]
pub(super) fn saturated(microseconds: i128) -> i64 {
    let end = if microseconds < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(microseconds).unwrap_or(end)
}

/// A stored date that the Rust type does not have.
pub(super) fn out_of_range(
    column: usize,
    stored: impl std::fmt::Display,
    unit: &'static str,
) -> DecodeError {
    DecodeError::new(
        column,
        format!("{stored} {unit} from 1970 is out of the range of the field's type"),
    )
}

fn date_time(column: usize, microseconds: i64) -> Result<DateTime<Utc>, DecodeError> {
    DateTime::from_timestamp_micros(microseconds)
        .ok_or_else(|| out_of_range(column, microseconds, "microseconds"))
}

/// A leap second, which chrono counts as more than a second of nanoseconds, becomes the last
/// microsecond of its second: no database has one.
fn microseconds_since_midnight(time: NaiveTime) -> i64 {
    let microsecond = (time.nanosecond() / 1_000).min(999_999);
    i64::from(time.num_seconds_from_midnight()) * MICROSECONDS_PER_SECOND + i64::from(microsecond)
}

fn time_of_day(microseconds: i64) -> Option<NaiveTime> {
    let seconds = u32::try_from(microseconds.div_euclid(MICROSECONDS_PER_SECOND)).ok()?;
    let nanoseconds = u32::try_from(microseconds.rem_euclid(MICROSECONDS_PER_SECOND)).ok()? * 1_000;
    NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_to_the_microsecond() {
        let time = NaiveTime::from_hms_nano_opt(23, 59, 59, 123_456_789).unwrap();
        assert_eq!(time.into_value(), Value::Time(86_399_123_456));
        let leap = NaiveTime::from_hms_nano_opt(23, 59, 59, 1_500_000_000).unwrap();
        assert_eq!(leap.into_value(), Value::Time(86_399_999_999));
        assert_eq!(time_of_day(86_400_000_000), None);
        assert_eq!(time_of_day(-1), None);
    }

    #[test]
    fn the_epoch_is_day_zero() {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        assert_eq!(epoch.into_value(), Value::Date(0));
        let before = DateTime::from_timestamp_nanos(-1);
        assert_eq!(before.into_value(), Value::DateTime(-1));
    }
}
