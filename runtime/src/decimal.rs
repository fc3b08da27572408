//! Decimal numbers when their Rust type is not at hand: exact, compared by value, and with a form
//! in bytes that sorts as the numbers do, for engines that have no decimal type.

use std::{cmp::Ordering, fmt, str::FromStr};

/// The greatest integer that the digits may make, without the point: 96 bits.
const MAX_MAGNITUDE: u128 = (1 << 96) - 1;

/// A decimal number of up to 96 bits, about 28 digits, with up to 28 of them after the point: what
/// `rust_decimal::Decimal` holds.
///
/// It is kept without zeros at its end, so that 1.0 and 1.00 are one value, to the bit and on
/// every backend. There is no -0.
///
/// ```
/// use storehouse_runtime::DecimalValue;
///
/// let price = DecimalValue::new(1_250, 2).expect("it is small");
/// assert_eq!((price.mantissa(), price.scale()), (125, 1));
/// assert_eq!(price.to_string(), "12.5");
/// assert!(price < "12.51".parse()?);
/// assert!(price.to_sort_key() < "12.51".parse::<DecimalValue>()?.to_sort_key());
/// # Ok::<(), storehouse_runtime::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecimalValue {
    // In parts, since a `u128` would make every `Value` a third larger.
    low: u64,
    high: u32,
    scale: u8,
    negative: bool,
}

impl DecimalValue {
    /// The most digits after the point.
    pub const MAX_SCALE: u32 = 28;

    /// The number `mantissa` / 10^`scale`; `None` when it has more digits than fit.
    pub const fn new(mantissa: i128, scale: u32) -> Option<Self> {
        Self::normalized(mantissa < 0, mantissa.unsigned_abs(), scale)
    }

    const fn normalized(negative: bool, mut magnitude: u128, mut scale: u32) -> Option<Self> {
        while scale > 0 && magnitude.is_multiple_of(10) {
            magnitude /= 10;
            scale -= 1;
        }
        if magnitude > MAX_MAGNITUDE || scale > Self::MAX_SCALE {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "96 bits are 32 and 64; 28 is small")]
        Some(Self {
            low: magnitude as u64,
            high: (magnitude >> 64) as u32,
            scale: scale as u8,
            negative: negative && magnitude > 0,
        })
    }

    /// The digits without the point, with the sign.
    pub const fn mantissa(self) -> i128 {
        // 96 bits are never negative.
        let magnitude = self.magnitude().cast_signed();
        if self.negative { -magnitude } else { magnitude }
    }

    /// How many of the digits stand after the point; the last of them is not 0.
    pub const fn scale(self) -> u32 {
        self.scale as u32
    }

    const fn magnitude(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    /// Bytes that compare as the numbers do, and are equal where they are: 1 to 16 of them.
    ///
    /// The first is the sign with the power of 100; each of the others is a digit to base 100,
    /// doubled, with 1 added where more follow. Those of a negative number are inverted.
    pub fn to_sort_key(self) -> Vec<u8> {
        if self.magnitude() == 0 {
            return vec![ZERO];
        }
        // An even number of digits after the point, so that pairs of digits do not straddle it.
        let odd = u32::from(self.scale % 2);
        let mut rest = self.magnitude() * 10_u128.pow(odd);
        let mut pairs = Vec::with_capacity(16);
        while rest > 0 {
            pairs.push((rest % 100) as u8);
            rest /= 100;
        }
        // At most 28 digits after the point, and 30 in all.
        let after_point = self.scale.div_ceil(2);
        #[expect(clippy::cast_possible_truncation, reason = "15 at most")]
        let first = ONE + pairs.len() as u8 - after_point;
        let zeros = pairs.iter().take_while(|&&pair| pair == 0).count();
        let mut key = Vec::with_capacity(pairs.len() - zeros + 1);
        key.push(first);
        key.extend(pairs[zeros..].iter().rev().map(|pair| pair * 2 + 1));
        if let Some(last) = key.last_mut() {
            *last -= 1;
        }
        if self.negative {
            for byte in &mut key {
                *byte = !*byte;
            }
        }
        key
    }

    /// The number whose [`to_sort_key`](Self::to_sort_key) this is; `None` when it is of none.
    pub fn from_sort_key(key: &[u8]) -> Option<Self> {
        let (&first, rest) = key.split_first()?;
        if first == ZERO && rest.is_empty() {
            return Self::new(0, 0);
        }
        let negative = first < ZERO;
        let upright = |byte: u8| if negative { !byte } else { byte };
        let exponent = i32::from(upright(first)) - i32::from(ONE);
        let (&last, others) = rest.split_last()?;
        let mut magnitude = 0_u128;
        for (byte, more) in others.iter().map(|&byte| (byte, 1)).chain([(last, 0)]) {
            let byte = upright(byte);
            if byte % 2 != more || byte / 2 >= 100 {
                return None;
            }
            magnitude = magnitude.checked_mul(100)?.checked_add(u128::from(byte / 2))?;
        }
        let after_point = i32::try_from(rest.len()).ok()? - exponent;
        let power = after_point.unsigned_abs().checked_mul(2)?;
        let number = if after_point > 0 {
            Self::normalized(negative, magnitude, power)
        } else {
            let magnitude = magnitude.checked_mul(10_u128.checked_pow(power)?)?;
            Self::normalized(negative, magnitude, 0)
        };
        // A digit 0 at an end would make a second key for the same number.
        number.filter(|number| number.to_sort_key() == key)
    }
}

/// The first byte of 0, between those of negative and of positive numbers.
const ZERO: u8 = 0x80;
/// The first byte of a number from 0.01 up to 1, which is 100^0 times 0.01 and more.
const ONE: u8 = 0xC0;

impl Ord for DecimalValue {
    fn cmp(&self, other: &Self) -> Ordering {
        // What stands before the point, and what stands after it with 28 digits.
        let parts = |number: &Self| {
            let one = 10_u128.pow(number.scale());
            let magnitude = number.magnitude();
            (magnitude / one, magnitude % one * 10_u128.pow(Self::MAX_SCALE - number.scale()))
        };
        match (self.negative, other.negative) {
            (false, false) => parts(self).cmp(&parts(other)),
            (true, true) => parts(other).cmp(&parts(self)),
            (negative, _) if negative => Ordering::Less,
            _ => Ordering::Greater,
        }
    }
}

impl PartialOrd for DecimalValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for DecimalValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = self.magnitude().to_string();
        let scale = usize::from(self.scale);
        if scale > 0 {
            if digits.len() <= scale {
                digits.insert_str(0, &"0".repeat(scale + 1 - digits.len()));
            }
            digits.insert(digits.len() - scale, '.');
        }
        f.pad_integral(!self.negative, "", &digits)
    }
}

impl fmt::Debug for DecimalValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DecimalValue {
    type Err = crate::Error;

    /// Reads digits, with a point among them and a sign before them if there are such.
    ///
    /// Fails with [`Error::Validation`](crate::Error::Validation) on anything else, and on more
    /// digits than fit: none is dropped.
    fn from_str(text: &str) -> crate::Result<Self> {
        let parse = || {
            let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
            let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
            if whole.is_empty() && fraction.is_empty() {
                return None;
            }
            let fraction = fraction.trim_end_matches('0');
            let magnitude =
                whole.bytes().chain(fraction.bytes()).try_fold(0_u128, |all, byte| {
                    let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
                    all.checked_mul(10)?.checked_add(u128::from(digit))
                })?;
            let scale = u32::try_from(fraction.len()).ok()?;
            Self::normalized(text.starts_with('-'), magnitude, scale)
        };
        parse().ok_or_else(|| {
            crate::Error::validation(
                "not a decimal number of up to 28 digits; write it as in `-12.50`",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> DecimalValue {
        text.parse().unwrap()
    }

    /// In ascending order.
    const NUMBERS: [&str; 22] = [
        "-79228162514264337593543950335",
        "-7922816251426433759354395033.5",
        "-100.01",
        "-100",
        "-99.99",
        "-1.05",
        "-1",
        "-0.01",
        "-0.0000000000000000000000000001",
        "0",
        "0.0000000000000000000000000001",
        "0.0000000000000000000000000079",
        "0.001",
        "0.01",
        "0.011",
        "0.1",
        "1",
        "1.0000000000000000000000000001",
        "9.99",
        "10",
        "1000000",
        "79228162514264337593543950335",
    ];

    fn numbers() -> Vec<DecimalValue> {
        NUMBERS.iter().map(|text| number(text)).collect()
    }

    #[test]
    fn the_order_is_that_of_the_values_and_of_the_keys() {
        let numbers = numbers();
        for (place, left) in numbers.iter().enumerate() {
            for (other, right) in numbers.iter().enumerate() {
                let expected = place.cmp(&other);
                assert_eq!(left.cmp(right), expected, "{left} and {right}");
                let keys = left.to_sort_key().cmp(&right.to_sort_key());
                assert_eq!(keys, expected, "the keys of {left} and {right}");
            }
        }
    }

    #[test]
    fn a_number_comes_back_from_its_key_and_its_text() {
        let small = (-20_000..20_000).filter_map(|n| DecimalValue::new(n, 3));
        for number in numbers().into_iter().chain(small) {
            let key = number.to_sort_key();
            assert!((1..=16).contains(&key.len()), "{number}: {key:?}");
            assert_eq!(DecimalValue::from_sort_key(&key), Some(number));
            assert_eq!(number.to_string().parse::<DecimalValue>().unwrap(), number);
        }
    }

    #[test]
    fn keys_that_no_number_has() {
        // Nothing; no digits; one that says that more follow; a digit of 100; a 0 at either end; a
        // number too large, and one too small.
        for key in [
            &[][..],
            &[0xC1],
            &[0xC1, 3],
            &[0xC1, 200],
            &[0xC1, 3, 0],
            &[0xC1, 1, 2],
            &[0xFF, 2],
            &[0x81, 2],
            &[0x80, 0],
        ] {
            assert_eq!(DecimalValue::from_sort_key(key), None, "{key:?}");
        }
    }

    #[test]
    fn zeros_at_the_end_and_the_sign_of_zero_do_not_count() {
        assert_eq!(number("1.00"), number("1"));
        assert_eq!(number("-0.0"), number("0"));
        assert_eq!(number("+.5"), number("0.50"));
        assert_eq!(number("100").to_string(), "100");
        assert_eq!(number("-0.05").to_string(), "-0.05");
        assert_eq!(number("1").mantissa(), 1);
        assert_eq!((number("-2.50").mantissa(), number("-2.50").scale()), (-25, 1));
    }

    #[test]
    fn what_is_no_number_or_has_too_many_digits_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "1,5",
            "1e5",
            "--1",
            "1.2.3",
            " 1",
            "NaN",
            "79228162514264337593543950336",
        ] {
            assert!(text.parse::<DecimalValue>().is_err(), "{text}");
        }
        assert!("0.00000000000000000000000000001".parse::<DecimalValue>().is_err());
        assert_eq!(DecimalValue::new(1, 29), None);
        assert_eq!(DecimalValue::new(10, 29), DecimalValue::new(1, 28));
        assert_eq!(DecimalValue::new(i128::MIN, 0), None);
    }
}
