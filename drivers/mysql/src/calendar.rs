//! Dates and times: days and microseconds as year, month, day, hour, minute, second and back.

use thing_driver_api::calendar::{civil_from_days, days_from_civil};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// The first and the last year that the servers promise to store.
const YEARS: std::ops::RangeInclusive<i32> = 1000..=9999;

/// A point in time, in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    pub(crate) micros: u32,
}

/// The parts of a timestamp; `None` where the servers can't store it.
pub(crate) fn moment(micros: i64) -> Option<Moment> {
    let (year, month, day) = date(i32::try_from(micros.div_euclid(DAY)).ok()?)?;
    let (hour, minute, second, micros) = time(micros.rem_euclid(DAY))?;
    Some(Moment { year, month, day, hour, minute, second, micros })
}

/// Year, month and day; `None` where the servers can't store it.
pub(crate) fn date(days: i32) -> Option<(u16, u8, u8)> {
    let (year, month, day) = civil_from_days(days);
    YEARS.contains(&year).then_some((year as u16, month, day))
}

/// Hour, minute, second and microseconds; `None` for what is no time of a day.
pub(crate) fn time(micros: i64) -> Option<(u8, u8, u8, u32)> {
    if !(0..DAY).contains(&micros) {
        return None;
    }
    let seconds = micros / 1_000_000;
    Some(((seconds / 3600) as u8, (seconds / 60 % 60) as u8, (seconds % 60) as u8, (micros % 1_000_000) as u32))
}

/// Days since 1970; `None` for what is no day: servers may hold the 0th of a month, and the 31st of February.
pub(crate) fn days(year: u16, month: u8, day: u8) -> Option<i32> {
    if year == 0 { None } else { days_from_civil(year.into(), month, day) }
}

/// Microseconds since 1970; `None` for what is no point in time.
pub(crate) fn micros(moment: Moment) -> Option<i64> {
    let days = days(moment.year, moment.month, moment.day)?;
    Some(i64::from(days) * DAY + micros_of_day(moment.hour, moment.minute, moment.second, moment.micros)?)
}

/// Microseconds since midnight; `None` for what is no time of a day.
pub(crate) fn micros_of_day(hour: u8, minute: u8, second: u8, micros: u32) -> Option<i64> {
    if hour > 23 || minute > 59 || second > 59 || micros > 999_999 {
        return None;
    }
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Some(seconds * 1_000_000 + i64::from(micros))
}

/// Days since 1970 of `2000-01-31`; `None` for anything else.
pub(crate) fn read_date(text: &str) -> Option<i32> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    days(number(year, 4)?, number(month, 2)?, number(day, 2)?)
}

/// Microseconds since midnight of `23:59:59.999999`, with up to six digits behind the point; `None` for anything else.
pub(crate) fn read_time(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = whole.split(':').map(|digits| number::<u8>(digits, 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if fraction.len() > 6 || parts.next().is_some() {
        return None;
    }
    let micros = number::<u32>(fraction, fraction.len())? * 10_u32.pow(6 - fraction.len() as u32);
    micros_of_day(hour, minute, second, micros)
}

/// Microseconds since 1970 of `2000-01-31 23:59:59.999999`; `None` for anything else.
pub(crate) fn read_timestamp(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(' ')?;
    Some(i64::from(read_date(date)?) * DAY + read_time(time)?)
}

/// A number of so many digits.
fn number<T: std::str::FromStr>(digits: &str, count: usize) -> Option<T> {
    let right = digits.len() == count && digits.bytes().all(|byte| byte.is_ascii_digit());
    if right { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_that_can_be_stored_comes_back() {
        let first = days(1000, 1, 1).unwrap_or_default();
        let last = days(9999, 12, 31).unwrap_or_default();
        assert_eq!((first, last), (-354_285, 2_932_896));
        for day in first..=last {
            let (year, month, of_month) = date(day).unwrap_or_else(|| panic!("day {day} can be stored"));
            assert_eq!(days(year, month, of_month), Some(day));
        }
        assert_eq!((date(first - 1), date(last + 1)), (None, None));
        assert_eq!((date(i32::MIN), date(i32::MAX)), (None, None));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for (year, month, day) in [(0, 0, 0), (2020, 0, 1), (2020, 1, 0), (2023, 2, 29), (2020, 13, 1), (0, 1, 1)] {
            assert_eq!(days(year, month, day), None, "{year}-{month}-{day}");
        }
        assert!(days(2024, 2, 29).is_some() && days(2000, 2, 29).is_some() && days(1900, 2, 29).is_none());
    }

    #[test]
    fn moments_before_1970_come_back() {
        for at in [-1, 0, 1, -DAY, DAY - 1, -354_285 * DAY, 2_932_897 * DAY - 1] {
            assert_eq!(moment(at).and_then(micros), Some(at));
        }
        assert_eq!((moment(i64::MIN), moment(i64::MAX)), (None, None));
    }

    #[test]
    fn texts_are_read_exactly_or_not_at_all() {
        for (text, at) in [
            ("1970-01-01 00:00:00", Some(0)),
            ("1969-12-31 23:59:59.999999", Some(-1)),
            ("2023-11-14 22:13:20.12", Some(1_700_000_000_120_000)),
            ("0000-00-00 00:00:00.000000", None),
            ("2023-02-31 00:00:00", None),
            ("2023-02-28", None),
            ("2023-2-28 00:00:00", None),
            ("2023-02-28 00:00:00.1234567", None),
            ("2023-02-28 00:00:00.", None),
        ] {
            assert_eq!(read_timestamp(text), at, "{text}");
        }
        for text in ["-01:00:00", "24:00:00", "838:59:59", "00:00:00:00", "00:00", ""] {
            assert_eq!(read_time(text), None, "{text}");
        }
        assert_eq!(read_time("23:59:59.000001"), Some(86_399_000_001));
    }
}
