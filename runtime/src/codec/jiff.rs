//! jiff's date and time types, kept to the microsecond on every backend, as chrono's are.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
};

use super::{
    ColumnSource, ColumnValue, Comparable, DecodeError, KeyColumn, NotNull, Ordered,
    date_time::out_of_range, scalars::scalar,
};
use crate::{column_type::ColumnType, value::Value};

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
const SECONDS_PER_DAY: i64 = 86_400;

scalar!(Timestamp, DateTime, this => Value::DateTime(whole_microseconds(this.as_nanosecond())),
    |source, column| {
        let stored = source.read_date_time(column)?;
        // jiff takes no microsecond of its last second, but every nanosecond.
        Self::from_nanosecond(i128::from(stored) * 1_000)
            .map_err(|_| out_of_range(column, stored, "microseconds"))
    }
);
scalar!(DateTime, LocalDateTime,
    this => Value::DateTime(whole_microseconds(this.duration_since(EPOCH).as_nanos())),
    |source, column| {
        let stored = source.read_date_time(column)?;
        EPOCH
            .checked_add(SignedDuration::from_micros(stored))
            .map_err(|_| out_of_range(column, stored, "microseconds"))
    }
);
scalar!(Date, Date, this => Value::Date(days(this)), |source, column| {
    let stored = source.read_date(column)?;
    EPOCH
        .date()
        .checked_add(SignedDuration::from_secs(i64::from(stored) * SECONDS_PER_DAY))
        .map_err(|_| out_of_range(column, stored, "days"))
});
scalar!(Time, Time,
    this => Value::Time(whole_microseconds(this.duration_since(Time::MIN).as_nanos())),
    |source, column| {
        let stored = source.read_time(column)?;
        // Here too an hour past the last is an error, and not the first.
        Time::MIN
            .checked_add(SignedDuration::from_micros(stored))
            .map_err(|_| DecodeError::new(column, format!("{stored} is not a time of day")))
    }
);

impl KeyColumn for Timestamp {}
impl KeyColumn for DateTime {}
impl KeyColumn for Date {}
impl KeyColumn for Time {}

/// Cut, not rounded, also before 1970. All of jiff's years have few enough microseconds.
fn whole_microseconds(nanoseconds: i128) -> i64 {
    super::date_time::saturated(nanoseconds.div_euclid(1_000))
}

fn days(date: Date) -> i32 {
    let days = date.duration_since(EPOCH.date()).as_secs() / SECONDS_PER_DAY;
    i32::try_from(days).unwrap_or_else(|_| unreachable!("jiff's years have few enough days"))
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
        for (given, cut) in [
            (Timestamp::MIN, Timestamp::MIN),
            (
                Timestamp::MAX,
                Timestamp::from_nanosecond(Timestamp::MAX.as_nanosecond() - 999).unwrap(),
            ),
            (Timestamp::from_nanosecond(-1).unwrap(), Timestamp::from_microsecond(-1).unwrap()),
        ] {
            assert_eq!(decoded::<Timestamp>(given.into_value()).unwrap(), cut);
        }
        for (given, nanoseconds) in [(DateTime::MIN, 0), (DateTime::MAX, 999_999_000)] {
            let cut = given.with().subsec_nanosecond(nanoseconds).build().unwrap();
            assert_eq!(decoded::<DateTime>(given.into_value()).unwrap(), cut);
        }
        for date in [Date::MIN, Date::MAX, EPOCH.date()] {
            assert_eq!(decoded::<Date>(date.into_value()).unwrap(), date);
        }
        assert_eq!(EPOCH.date().into_value(), Value::Date(0));
        for (given, nanoseconds) in [(Time::MIN, 0), (Time::MAX, 999_999_000)] {
            let cut = given.with().subsec_nanosecond(nanoseconds).build().unwrap();
            assert_eq!(decoded::<Time>(given.into_value()).unwrap(), cut);
        }
        assert_eq!(Time::MAX.into_value(), Value::Time(86_399_999_999));
    }

    #[test]
    fn what_jiff_does_not_have_is_an_error() {
        for outside in [i64::MIN, i64::MAX, 253_402_300_800_000_000] {
            assert!(decoded::<Timestamp>(Value::DateTime(outside)).is_err());
            assert!(decoded::<DateTime>(Value::DateTime(outside)).is_err());
        }
        for outside in [i32::MIN, i32::MAX] {
            assert!(decoded::<Date>(Value::Date(outside)).is_err());
        }
        for outside in [-1, 86_400_000_000, i64::MIN, i64::MAX] {
            assert!(decoded::<Time>(Value::Time(outside)).is_err());
        }
    }
}
