//! Sums and averages, as every backend that does not leave them to a database computes them.

use super::overflow;
use crate::{decimal::DecimalValue, error::Result, value::Value};

/// Adds up the values of one column.
///
/// Integers and decimal numbers are added exactly, whatever their order. Floating-point numbers are added with
/// Neumaier's correction, so that their order makes hardly any difference.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    integers: i128,
    decimals: Option<Decimals>,
    floats: f64,
    /// What was lost of `floats` to rounding.
    lost: f64,
    /// Infinities, and what they add up to.
    infinite: f64,
    count: u64,
    has_floats: bool,
}

impl Sum {
    /// Adds an integer.
    pub fn add_integer(&mut self, integer: i64) {
        self.count += 1;
        // 2^64 rows of the greatest integer fit.
        self.integers += i128::from(integer);
    }

    /// Adds a floating-point number.
    pub fn add_float(&mut self, number: f64) {
        self.count += 1;
        self.has_floats = true;
        if !number.is_finite() {
            self.infinite += number;
            return;
        }
        let sum = self.floats + number;
        self.lost += if self.floats.abs() >= number.abs() {
            (self.floats - sum) + number
        } else {
            (number - sum) + self.floats
        };
        self.floats = sum;
    }

    /// Adds a decimal number.
    pub fn add_decimal(&mut self, number: DecimalValue) {
        self.count += 1;
        self.decimals.get_or_insert_default().add(number);
    }

    /// Adds a number of a column, or nothing where it is NULL.
    pub fn add(&mut self, value: &Value) {
        match value {
            Value::Int(integer) => self.add_integer(*integer),
            Value::Float(number) => self.add_float(*number),
            Value::Decimal(number) => self.add_decimal(*number),
            _ => {}
        }
    }

    /// The sum, NULL when there was nothing to add. Fails with
    /// [`Error::Validation`](crate::Error::Validation) when it does not fit the type: `i64`,
    /// `f64`, or a decimal number.
    pub fn total(&self) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        if let Some(decimals) = &self.decimals {
            return decimals.total().map(Value::Decimal).ok_or_else(overflow);
        }
        if self.has_floats {
            return self.float().map(Value::Float);
        }
        i64::try_from(self.integers).map(Value::Int).map_err(|_| overflow())
    }

    /// The average, NULL when there was nothing to add: the sum as `f64`, divided by how many
    /// there were. Fails as [`Sum::total`] does for floating-point numbers.
    #[expect(clippy::cast_precision_loss, reason = "an average is rounded to an `f64`")]
    pub fn average(&self) -> Result<Value> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        let sum = match &self.decimals {
            Some(decimals) => decimals.nearest(),
            None if self.has_floats => self.float()?,
            None => self.integers as f64,
        };
        Ok(Value::Float(sum / self.count as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "whole numbers among others are numbers")]
    fn float(&self) -> Result<f64> {
        let finite = self.floats + self.lost + self.integers as f64;
        if !finite.is_finite() || self.infinite.is_nan() {
            return Err(overflow());
        }
        Ok(finite + self.infinite)
    }
}

/// A sum of decimal numbers: what stands before the point, and what stands after it in units of
/// 10^-28.
#[derive(Clone, Copy, Debug, Default)]
struct Decimals {
    // 2^31 of the greatest number fit, which is more than is ever added up.
    whole: i128,
    fraction: i128,
}

impl Decimals {
    const UNITS: i128 = 10_i128.pow(DecimalValue::MAX_SCALE);

    fn add(&mut self, number: DecimalValue) {
        let one = 10_i128.pow(number.scale());
        let mantissa = number.mantissa();
        self.whole = self.whole.saturating_add(mantissa.div_euclid(one));
        self.fraction += mantissa.rem_euclid(one) * (Self::UNITS / one);
        if self.fraction >= Self::UNITS {
            self.fraction -= Self::UNITS;
            self.whole = self.whole.saturating_add(1);
        }
    }

    /// `None` when it has more digits than fit.
    fn total(&self) -> Option<DecimalValue> {
        let (mut one, mut fraction, mut scale) =
            (Self::UNITS, self.fraction, DecimalValue::MAX_SCALE);
        while scale > 0 && fraction % 10 == 0 {
            (one, fraction, scale) = (one / 10, fraction / 10, scale - 1);
        }
        let mantissa = self.whole.checked_mul(one)?.checked_add(fraction)?;
        DecimalValue::new(mantissa, scale)
    }

    /// The nearest `f64`.
    fn nearest(&self) -> f64 {
        let (mut whole, mut fraction) = (self.whole, self.fraction);
        let sign = if whole < 0 { "-" } else { "" };
        if whole < 0 && fraction > 0 {
            // The fraction is added to a negative number.
            (whole, fraction) = (whole + 1, Self::UNITS - fraction);
        }
        let text = format!("{sign}{}.{fraction:028}", whole.unsigned_abs());
        text.parse().unwrap_or_else(|_| unreachable!("these are the digits of a number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[Value]) -> Sum {
        let mut sum = Sum::default();
        for value in values {
            sum.add(value);
        }
        sum
    }

    fn floats(numbers: &[f64]) -> Sum {
        sum(&numbers.iter().copied().map(Value::Float).collect::<Vec<_>>())
    }

    fn integers(numbers: &[i64]) -> Sum {
        sum(&numbers.iter().copied().map(Value::Int).collect::<Vec<_>>())
    }

    #[test]
    fn nothing_has_no_sum() {
        for nothing in [sum(&[]), sum(&[Value::Null])] {
            assert_eq!(nothing.total().unwrap(), Value::Null);
            assert_eq!(nothing.average().unwrap(), Value::Null);
        }
    }

    #[test]
    fn integers_may_leave_the_range_on_the_way_but_not_at_the_end() {
        let back = integers(&[i64::MAX, i64::MAX, -i64::MAX]);
        assert_eq!(back.total().unwrap(), Value::Int(i64::MAX));
        let beyond = integers(&[i64::MIN, -1]);
        assert!(beyond.total().unwrap_err().to_string().contains("does not fit"));
        assert_eq!(beyond.average().unwrap(), Value::Float(-4_611_686_018_427_387_904.0));
        assert_eq!(integers(&[1, 2]).average().unwrap(), Value::Float(1.5));
    }

    #[test]
    fn what_rounding_loses_is_kept() {
        assert_eq!(floats(&[1.0, 1e100, 1.0, -1e100]).total().unwrap(), Value::Float(2.0));
        assert_eq!(floats(&[0.1; 10]).total().unwrap(), Value::Float(1.0));
    }

    #[test]
    fn infinity_is_a_sum_only_of_infinity() {
        let infinity = f64::INFINITY;
        assert_eq!(floats(&[1.0, infinity]).total().unwrap(), Value::Float(infinity));
        assert!(floats(&[infinity, -infinity]).total().is_err());
        assert!(floats(&[f64::MAX, f64::MAX]).total().is_err());
        assert!(floats(&[f64::MAX, f64::MAX]).average().is_err());
    }
}
