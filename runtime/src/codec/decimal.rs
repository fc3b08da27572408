//! `rust_decimal::Decimal`, kept by its value: 1.00 comes back as 1, which it is equal to.

use rust_decimal::Decimal;

use super::{
    ColumnSource, ColumnValue, Comparable, DecodeError, KeyColumn, NotNull, Ordered,
    scalars::scalar,
};
use crate::{column_type::ColumnType, decimal::DecimalValue, value::Value};

scalar!(Decimal, Decimal, this => Value::Decimal(this.into()), |source, column| {
    source.read_decimal(column).map(Self::from)
});

impl KeyColumn for Decimal {}

impl From<Decimal> for DecimalValue {
    fn from(decimal: Decimal) -> Self {
        let number = Self::new(decimal.mantissa(), decimal.scale());
        number.unwrap_or_else(|| unreachable!("both have 96 bits and 28 digits after the point"))
    }
}

impl From<DecimalValue> for Decimal {
    fn from(number: DecimalValue) -> Self {
        Self::from_i128_with_scale(number.mantissa(), number.scale())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_come_back() {
        for decimal in [
            Decimal::MAX,
            Decimal::MIN,
            Decimal::ZERO,
            Decimal::new(1, 28),
            Decimal::from_parts(u32::MAX, u32::MAX, u32::MAX, true, 28),
            Decimal::new(-1_050, 2),
        ] {
            let number = DecimalValue::from(decimal);
            assert_eq!(Decimal::from(number), decimal);
            assert_eq!(number.to_string(), decimal.normalize().to_string());
        }
    }

    #[test]
    fn zeros_at_the_end_are_dropped() {
        let stored = Decimal::new(1_00, 2).into_value();
        assert_eq!(stored, Decimal::ONE.into_value());
        let mut negative_zero = Decimal::ZERO;
        negative_zero.set_sign_negative(true);
        assert_eq!(negative_zero.into_value(), Decimal::ZERO.into_value());
    }
}
