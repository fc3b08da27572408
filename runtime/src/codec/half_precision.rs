//! Half-precision numbers by their bits, without a crate for them: what backends turn into the
//! numbers that their database has, and back.

/// The number that these bits are as IEEE 754's binary16; every one is an `f32` too.
///
/// ```
/// use storehouse_runtime::codec::f16_to_f32;
///
/// assert_eq!(f16_to_f32(0x3C00), 1.0);
/// assert_eq!(f16_to_f32(0x7BFF), 65_504.0);
/// ```
pub fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10 & 0x1F);
    let fraction = u32::from(bits & 0x03FF);
    match exponent {
        // Multiples of 2^-24; an `f32` of them is exact.
        0 => {
            #[expect(clippy::cast_precision_loss, reason = "10 bits")]
            let magnitude = fraction as f32 / 16_777_216.0;
            f32::from_bits(sign | magnitude.to_bits())
        }
        0x1F => f32::from_bits(sign | 0x7F80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13),
    }
}

/// The bits of a number that binary16 holds exactly; `None` of any other.
///
/// ```
/// use storehouse_runtime::codec::f32_to_f16;
///
/// assert_eq!(f32_to_f16(1.0), Some(0x3C00));
/// assert_eq!(f32_to_f16(0.1), None);
/// assert_eq!(f32_to_f16(65_536.0), None);
/// ```
pub fn f32_to_f16(number: f32) -> Option<u16> {
    let bits = number.to_bits();
    let exponent = (bits >> 23 & 0xFF).cast_signed() - 127;
    let fraction = bits & 0x007F_FFFF;
    let magnitude = match exponent {
        128 if fraction == 0 => 0x7C00,
        -14..=15 => ((exponent + 15).cast_unsigned()) << 10 | fraction >> 13,
        -24..=-15 => (fraction | 0x0080_0000) >> (-1 - exponent),
        _ => 0,
    };
    // The sign and 15 bits.
    let half = u16::try_from(bits >> 16 & 0x8000 | magnitude).ok()?;
    (f16_to_f32(half).to_bits() == bits).then_some(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back() {
        for bits in 0..=u16::MAX {
            let number = f16_to_f32(bits);
            let expected = (!number.is_nan()).then_some(bits);
            assert_eq!(f32_to_f16(number), expected, "{bits:#06x}");
        }
        assert_eq!(f32_to_f16(f32::MIN_POSITIVE), None);
        assert_eq!(f32_to_f16(2_049.0), None);
    }

    /// What the crate for such numbers says.
    #[cfg(feature = "half")]
    #[test]
    fn every_number_is_what_it_should_be() {
        for bits in 0..=u16::MAX {
            let (ours, theirs) = (f16_to_f32(bits), half::f16::from_bits(bits).to_f32());
            assert!(ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan());
        }
    }
}
