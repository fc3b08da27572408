//! PostgreSQL's `numeric` in binary: how many digits to base 10000 follow, the power of the first,
//! the sign, how many decimal digits are shown after the point, and the digits, 16 bits each.
//!
//! The format is that of the server's `numeric_recv` and `numeric_send`.

use storehouse_runtime::DecimalValue;

const POSITIVE: u16 = 0;
const NEGATIVE: u16 = 0x4000;

/// Writes a number.
pub(crate) fn write(number: DecimalValue, buffer: &mut Vec<u8>) {
    // A multiple of 4 digits after the point, so that the digits to base 10000 do not straddle it.
    let after_point = number.scale().div_ceil(4);
    let padding = after_point * 4 - number.scale();
    let mut rest = number.mantissa().unsigned_abs() * 10_u128.pow(padding);
    let mut digits = Vec::with_capacity(8);
    while rest > 0 {
        digits.push(small(rest % 10_000));
        rest /= 10_000;
    }
    let weight = small(digits.len()) - small(after_point) - 1;
    let zeros = digits.iter().take_while(|&&digit| digit == 0).count();
    let digits = &digits[zeros..];
    let weight = if digits.is_empty() { 0 } else { weight };
    let sign = if number.mantissa() < 0 { NEGATIVE } else { POSITIVE };
    buffer.extend_from_slice(&small(digits.len()).to_be_bytes());
    buffer.extend_from_slice(&weight.to_be_bytes());
    buffer.extend_from_slice(&sign.to_be_bytes());
    buffer.extend_from_slice(&small(number.scale()).to_be_bytes());
    digits.iter().rev().for_each(|digit| buffer.extend_from_slice(&digit.to_be_bytes()));
}

/// A digit to base 10000, or a number of digits.
fn small(number: impl TryInto<i16>) -> i16 {
    number.try_into().unwrap_or_else(|_| unreachable!("a decimal has few digits"))
}

/// Reads a number; `None` of NaN, an infinity, or more digits than a decimal column has, as other
/// programs may write them.
pub(crate) fn read(bytes: &[u8]) -> Option<DecimalValue> {
    let (words, []) = bytes.as_chunks() else { return None };
    let mut words = words.iter().map(|&word| i16::from_be_bytes(word));
    let (count, weight, sign, _) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let negative = match sign.cast_unsigned() {
        POSITIVE => false,
        NEGATIVE => true,
        _ => return None,
    };
    let mut mantissa = 0_i128;
    for digit in words {
        mantissa = mantissa.checked_mul(10_000)?.checked_add(digit.into())?;
    }
    let mut after_point = i32::from(count) - i32::from(weight) - 1;
    // A column that another program filled may have zeros at the end.
    while after_point > 0 && mantissa % 10_000 == 0 {
        mantissa /= 10_000;
        after_point -= 1;
    }
    if after_point < 0 {
        let power = 10_i128.checked_pow(after_point.unsigned_abs().checked_mul(4)?)?;
        mantissa = mantissa.checked_mul(power)?;
        after_point = 0;
    }
    let mantissa = if negative { -mantissa } else { mantissa };
    DecimalValue::new(mantissa, after_point.unsigned_abs().checked_mul(4)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// What `numeric_send` of PostgreSQL 18 gives.
    #[test]
    fn the_bytes_are_those_of_the_server() {
        for (number, expected) in [
            ("0", &[0, 0, 0, 0][..]),
            ("1", &[1, 0, 0, 0, 1]),
            ("-12345.678", &[3, 1, 0x4000, 3, 1, 2345, 6780]),
            ("0.00001", &[1, 0xFFFE, 0, 5, 1000]),
            ("100000000", &[1, 2, 0, 0, 1]),
            ("10000.5", &[3, 1, 0, 1, 1, 0, 5000]),
        ] {
            let number: DecimalValue = number.parse().unwrap();
            let mut written = Vec::new();
            write(number, &mut written);
            assert_eq!(written, words(expected), "{number}");
            assert_eq!(read(&written), Some(number));
        }
    }

    #[test]
    fn zeros_at_the_end_are_dropped() {
        assert_eq!(read(&words(&[2, 0, 0, 4, 1, 0])), DecimalValue::new(1, 0));
        assert_eq!(read(&words(&[0, 0, 0, 40])), DecimalValue::new(0, 0));
    }

    #[test]
    fn what_a_decimal_column_does_not_hold() {
        // NaN, infinity, 10^28 with a digit after the point, 10^40, 10^-40, and too few bytes.
        for other in [
            &[0, 0, 0xC000, 0][..],
            &[0, 0, 0xD000, 0],
            &[9, 7, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1000],
            &[1, 10, 0, 0, 1],
            &[1, 0xFFF6, 0, 40, 1],
            &[0, 0, 0],
        ] {
            assert_eq!(read(&words(other)), None, "{other:?}");
        }
        assert_eq!(read(&[0]), None);
    }
}
