//! Versions: when a migration was written, which is its place among the others.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use thing_driver_api::{Error, Result};

/// The version of a migration: the moment when it was written, in UTC, as `20261122051500`. Other numbers of up to 18
/// digits will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(i64);

impl Version {
    /// The version of a migration that is written at this moment.
    pub fn at(time: SystemTime) -> Self {
        let Moment { year, month, day, hour, minute, second } = Moment::of(time);
        Self(((((year * 100 + month) * 100 + day) * 100 + hour) * 100 + minute) * 100 + second)
    }

    /// The number.
    pub fn number(self) -> i64 {
        self.0
    }

    pub(crate) fn of_number(number: i64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(Self(number)),
            _ => Err(Error::invalid_input(format!(
                "`{text}` is no version of a migration; write up to 18 digits, such as {}",
                Self::at(SystemTime::now())
            ))),
        }
    }
}

/// A moment of the calendar, as `2026-11-22T05:15:00Z`.
pub(crate) fn timestamp(time: SystemTime) -> String {
    let Moment { year, month, day, hour, minute, second } = Moment::of(time);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// In UTC.
struct Moment {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Moment {
    fn of(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`, for days since 1970.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            hour: second_of_day / 3600,
            minute: second_of_day / 60 % 60,
            second: second_of_day % 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn versions_are_moments() {
        let at = |seconds| Version::at(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
        assert_eq!(at(0), "19700101000000");
        assert_eq!(at(951_782_399), "20000228235959");
        assert_eq!(at(951_782_400), "20000229000000");
        assert_eq!(at(1_795_324_500), "20261122051500");
        assert_eq!(timestamp(UNIX_EPOCH + Duration::from_secs(1_795_324_500)), "2026-11-22T05:15:00Z");
    }

    #[test]
    fn only_digits_are_versions() {
        assert_eq!("0007".parse::<Version>().unwrap().number(), 7);
        for wrong in ["", "+7", "7a", "1234567890123456789"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }
}
