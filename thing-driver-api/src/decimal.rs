//! Decimal numbers: a coefficient and a power of ten, exact on every database.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind};

/// A decimal number: `coefficient / 10^scale`, with at most 35 digits before the point and 30 behind it, 38 in all.
/// These are the bounds within which every SQL database is exact.
///
/// Zeros at the end of the fraction are not kept (`1.10` is `1.1`), so equal numbers are equal values.
///
/// ```
/// use thing_driver_api::Decimal;
///
/// let price: Decimal = "19.90".parse()?;
/// assert_eq!(price, Decimal::new(199, 1).unwrap());
/// assert_eq!(price.to_string(), "19.9");
/// assert!(price < "20".parse()?);
/// # Ok::<(), thing_driver_api::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The bytes of an `i128`: so a decimal needs no alignment and a [`Value`](crate::Value) stays small.
    coefficient: [u8; 16],
    scale: u8,
}

impl Decimal {
    /// The most digits behind the point.
    pub const MAX_SCALE: u8 = 30;
    /// The most digits before the point.
    pub const MAX_INTEGER_DIGITS: u8 = 35;

    /// Zero.
    pub const ZERO: Self = Self { coefficient: [0; 16], scale: 0 };

    /// `coefficient / 10^scale`; `None` beyond the bounds.
    pub fn new(mut coefficient: i128, mut scale: u8) -> Option<Self> {
        while scale > 0 && coefficient % 10 == 0 {
            coefficient /= 10;
            scale -= 1;
        }
        let whole = coefficient.unsigned_abs() / 10_u128.checked_pow(scale.into())?;
        let digits = whole.checked_ilog10().map_or(0, |digits| digits + 1);
        let all = coefficient.unsigned_abs().checked_ilog10().map_or(0, |digits| digits + 1);
        let fits = scale <= Self::MAX_SCALE && digits <= Self::MAX_INTEGER_DIGITS.into() && all <= 38;
        fits.then(|| Self { coefficient: coefficient.to_le_bytes(), scale })
    }

    /// The number without its point.
    pub fn coefficient(&self) -> i128 {
        i128::from_le_bytes(self.coefficient)
    }

    /// How many digits stand behind the point.
    pub fn scale(&self) -> u8 {
        self.scale
    }

    /// The sum; `None` beyond the bounds.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let aligned = |one: &Self| one.coefficient().checked_mul(10_i128.checked_pow((scale - one.scale).into())?);
        Self::new(aligned(self)?.checked_add(aligned(other)?)?, scale)
    }

    /// The part before the point, and the part behind it in units of `10^-30`.
    fn parts(&self) -> (i128, i128) {
        let unit = 10_i128.pow(self.scale.into());
        let (whole, fraction) = (self.coefficient() / unit, self.coefficient() % unit);
        (whole, fraction * 10_i128.pow((Self::MAX_SCALE - self.scale).into()))
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self { coefficient: i128::from(value).to_le_bytes(), scale: 0 }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Plain digits, a point where there is a fraction, a minus where it is negative; no exponent.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let coefficient = self.coefficient();
        let width = usize::from(self.scale) + 1;
        let digits = format!("{:0width$}", coefficient.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(self.scale));
        let text = if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
        f.pad_integral(coefficient >= 0, "", &text)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Reads digits with an optional sign, point and exponent, as databases write them.
impl FromStr for Decimal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        read(text).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidData { column: None },
                "the text is not a decimal number with at most 35 digits before the point and 30 behind it",
            )
        })
    }
}

fn read(text: &str) -> Option<Decimal> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, unsigned) = match number.as_bytes().first()? {
        b'-' => (true, &number[1..]),
        b'+' => (false, &number[1..]),
        _ => (false, number),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut digits = whole.bytes().chain(fraction.bytes());
    if whole.len() + fraction.len() == 0 || !digits.clone().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // Zeros at the end would only overflow the coefficient.
    let end = digits.clone().enumerate().filter(|(_, digit)| *digit != b'0').last().map_or(0, |(at, _)| at + 1);
    let coefficient = digits
        .by_ref()
        .take(end)
        .try_fold(0_i128, |all, digit| all.checked_mul(10)?.checked_add(i128::from(digit - b'0')))?;
    if coefficient == 0 {
        return Some(Decimal::ZERO);
    }
    let scale = i64::try_from(end).ok()? - i64::try_from(whole.len()).ok()? - i64::from(exponent);
    let coefficient = if negative { -coefficient } else { coefficient };
    match u8::try_from(scale) {
        Ok(scale) => Decimal::new(coefficient, scale),
        Err(_) => {
            let zeros = u32::try_from(-scale).ok()?;
            Decimal::new(coefficient.checked_mul(10_i128.checked_pow(zeros)?)?, 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn sums_are_exact_or_none() {
        let sum = |a: &str, b: &str| decimal(a).checked_add(&decimal(b));
        assert_eq!(sum("1.5", "-0.25"), Some(decimal("1.25")));
        assert_eq!(sum("0.1", "0.9"), Some(decimal("1")));
        assert_eq!(sum("99999999999999999999999999999999999", "1"), None);
        assert_eq!(sum("99999999999999999999999999999999999", "0.000000000000000000000000000001"), None);
    }

    #[test]
    fn text_is_read_and_written() {
        for (text, written) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("1.10", "1.1"),
            ("-0.05", "-0.05"),
            (".5", "0.5"),
            ("5.", "5"),
            ("+12", "12"),
            ("1e3", "1000"),
            ("12.5E-3", "0.0125"),
            ("120000000000000000000000000000000000000000e-6", "120000000000000000000000000000000000"),
            ("0.000000000000000000000000000001", "0.000000000000000000000000000001"),
            ("99999999999999999999999999999999999.999", "99999999999999999999999999999999999.999"),
            ("1.000000000000000000000000000000000000000000", "1"),
        ] {
            if written.len() == 36 {
                assert!(text.parse::<Decimal>().is_err(), "{text} has 36 digits before the point");
                continue;
            }
            assert_eq!(decimal(text).to_string(), written, "{text}");
            assert_eq!(decimal(written), decimal(text));
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", "-", ".", "NaN", "1.2.3", "1e", "0x1", " 1", "1 ", "--1", "١", "1e999999", "1e-31", "+-1"] {
            assert!(text.parse::<Decimal>().is_err(), "{text:?}");
        }
        assert!(Decimal::new(1, 31).is_none());
        assert!(Decimal::new(10, 31).is_some());
        assert!(Decimal::new(i128::MIN, 0).is_none());
        assert!(Decimal::new(10_i128.pow(35), 0).is_none());
    }

    #[test]
    fn order_is_that_of_the_numbers() {
        let ascending = [
            "-99999999999999999999999999999999999",
            "-1.5",
            "-1.000000000000000000000000000001",
            "-1",
            "-0.1",
            "0",
            "0.000000000000000000000000000001",
            "0.1",
            "0.11",
            "1",
            "10",
            "99999999999999999999999999999999999.999",
        ]
        .map(decimal);
        for (at, a) in ascending.iter().enumerate() {
            for (other, b) in ascending.iter().enumerate() {
                assert_eq!(a.cmp(b), at.cmp(&other), "{a} and {b}");
            }
        }
    }

    #[test]
    fn a_value_stays_small() {
        assert_eq!(size_of::<crate::Value<'_>>(), 32);
    }
}
