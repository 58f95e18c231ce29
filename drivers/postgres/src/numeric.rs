//! Decimal numbers in PostgreSQL's binary form.
//!
//! Four fields of 16 bits (number of digits, weight of the first, sign, digits to show behind the point), then digits of
//! base 10 000. See `numeric_send` in PostgreSQL's `src/backend/utils/adt/numeric.c`.

use bytes::{BufMut, BytesMut};
use thing_driver_api::Decimal;

const NEGATIVE: u16 = 0x4000;
const BASE: u128 = 10_000;
const DIGITS: u32 = 4;

/// Appends a number.
pub(crate) fn encode(number: Decimal, out: &mut BytesMut) {
    let scale = u32::from(number.scale());
    let unit = 10_u128.pow(scale);
    let magnitude = number.coefficient().unsigned_abs();
    let padding = (DIGITS - scale % DIGITS) % DIGITS;
    let (mut whole, mut fraction) = (magnitude / unit, magnitude % unit * 10_u128.pow(padding));
    // At most 9 digits before the point and 8 behind it, least first.
    let mut digits = [0_u16; 20];
    let mut count = 0;
    let fraction_digits = (scale + padding) / DIGITS;
    for _ in 0..fraction_digits {
        digits[count] = (fraction % BASE) as u16;
        fraction /= BASE;
        count += 1;
    }
    let mut whole_digits = 0;
    while whole > 0 {
        digits[count] = (whole % BASE) as u16;
        whole /= BASE;
        count += 1;
        whole_digits += 1;
    }
    let digits = &digits[..count];
    let first = digits.iter().rposition(|&digit| digit != 0).map_or(0, |at| at + 1);
    let last = digits.iter().position(|&digit| digit != 0).unwrap_or(0);
    let digits = digits.get(last..first).unwrap_or_default();
    let weight = whole_digits - 1 - (count - first) as i16;
    out.put_u16(digits.len() as u16);
    out.put_i16(if digits.is_empty() { 0 } else { weight });
    out.put_u16(if number.coefficient() < 0 { NEGATIVE } else { 0 });
    out.put_u16(scale as u16);
    digits.iter().rev().for_each(|&digit| out.put_u16(digit));
}

/// Reads a number; `None` where it is none that a [`Decimal`] holds: NaN, infinite, too large, too fine.
pub(crate) fn decode(bytes: &[u8]) -> Option<Decimal> {
    let (header, digits) = bytes.split_first_chunk::<8>()?;
    let field = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let (count, weight, sign) = (usize::from(field(0)), i32::from(field(2) as i16), field(4));
    let negative = match sign {
        0 => false,
        NEGATIVE => true,
        _ => return None,
    };
    let (digits, rest) = digits.as_chunks::<2>();
    if digits.len() != count || !rest.is_empty() {
        return None;
    }
    let digits = || digits.iter().map(|&digit| i128::from(u16::from_be_bytes(digit)));
    let Some(mut last) = digits().next_back() else {
        return Some(Decimal::ZERO);
    };
    // Zeros at the end would only overflow the coefficient.
    let mut kept = DIGITS;
    while last % 10 == 0 && kept > 0 {
        last /= 10;
        kept -= 1;
    }
    let head =
        digits().take(count - 1).try_fold(0_i128, |all, digit| all.checked_mul(BASE as i128)?.checked_add(digit))?;
    let coefficient = head.checked_mul(10_i128.pow(kept))?.checked_add(last)?;
    // The place of the last digit that was kept.
    let places = (i32::try_from(count).ok()? - weight - 1) * DIGITS as i32 - (DIGITS - kept) as i32;
    let coefficient = if negative { -coefficient } else { coefficient };
    match u8::try_from(places) {
        Ok(scale) => Decimal::new(coefficient, scale),
        Err(_) => Decimal::new(coefficient.checked_mul(10_i128.checked_pow(places.unsigned_abs())?)?, 0)
            .filter(|_| places < 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip() {
        for text in [
            "0",
            "1",
            "-1",
            "0.1",
            "0.0001",
            "0.00001",
            "10",
            "10000",
            "100000000",
            "12345.6789",
            "-12345678901234567890.123456789",
            "99999999999999999999999999999999999.999",
            "-99999999999999999999999999999999999",
            "0.000000000000000000000000000001",
            "10000000000000000000000000000000000",
        ] {
            let number: Decimal = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            let mut out = BytesMut::new();
            encode(number, &mut out);
            assert_eq!(decode(&out), Some(number), "{text}");
        }
    }

    #[test]
    fn what_is_no_decimal_is_none() {
        for bytes in [
            &[][..],
            &[0, 0, 0, 0, 0xC0, 0, 0, 0],       // NaN
            &[0, 0, 0, 0, 0xD0, 0, 0, 0x20],    // infinity
            &[0, 1, 0, 0, 0, 0, 0, 0],          // a digit is missing
            &[0, 1, 0, 100, 0, 0, 0, 0, 0, 1],  // 10000^100
            &[0, 1, 0xFF, 0, 0, 0, 4, 0, 0, 1], // 10000^-256
        ] {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
    }
}
