//! The calendar: dates and times as text, for literals, for elements of arrays, and in images of rows.

use std::fmt::Write as _;

use thing_driver_api::calendar::{civil_from_days, days_from_civil};

const DAY: i64 = 86_400_000_000;

/// Appends `2000-01-31`; `None` outside of the years 1 to 9999.
pub(crate) fn write_date(days: i32, out: &mut String) -> Option<()> {
    let (year, month, day) = civil_from_days(days);
    if !(1..=9999).contains(&year) {
        return None;
    }
    write!(out, "{year:04}-{month:02}-{day:02}").ok()
}

/// Appends `23:59:59.999999`; `None` outside of a day.
pub(crate) fn write_time(microseconds: i64, out: &mut String) -> Option<()> {
    if !(0..DAY).contains(&microseconds) {
        return None;
    }
    let (seconds, fraction) = (microseconds / 1_000_000, microseconds % 1_000_000);
    write!(out, "{:02}:{:02}:{:02}.{fraction:06}", seconds / 3600, seconds / 60 % 60, seconds % 60).ok()
}

/// Appends `2000-01-31T23:59:59.999999Z`; `None` outside of the years 1 to 9999.
pub(crate) fn write_timestamp(microseconds: i64, out: &mut String) -> Option<()> {
    write_date(i32::try_from(microseconds.div_euclid(DAY)).ok()?, out)?;
    out.push('T');
    write_time(microseconds.rem_euclid(DAY), out)?;
    out.push('Z');
    Some(())
}

/// Days since 1970 of `2000-01-31`; `None` for anything else, and outside of the years 1 to 9999.
pub(crate) fn read_date(text: &str) -> Option<i32> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let days = days_from_civil(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
    // Only what is written so is read so.
    let mut written = String::with_capacity(10);
    write_date(days, &mut written)?;
    (written == text).then_some(days)
}

/// Microseconds since midnight of `23:59:59.999999`, with up to six digits behind the point; `None` for anything else.
pub(crate) fn read_time(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if whole.len() != 8 || fraction.is_empty() || fraction.len() > 6 {
        return None;
    }
    let number =
        |digits: &str| if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse::<i64>().ok() } else { None };
    let mut parts = whole.split(':').map(number);
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let microseconds = number(fraction)? * 10_i64.pow(6 - fraction.len() as u32);
    Some((hours * 3600 + minutes * 60 + seconds) * 1_000_000 + microseconds)
}

/// Microseconds since 1970 of `2000-01-31T23:59:59.999999+00:00` and its like in UTC; `None` for anything else.
pub(crate) fn read_timestamp(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', ' '])?;
    let time = ["+00:00", "+00", "Z"].iter().find_map(|zone| time.strip_suffix(zone)).unwrap_or(time);
    Some(i64::from(read_date(date)?) * DAY + read_time(time)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_are_written() {
        for (microseconds, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_700_000_000_123_456, "2023-11-14T22:13:20.123456Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
        ] {
            let mut out = String::new();
            assert!(write_timestamp(microseconds, &mut out).is_some());
            assert_eq!(out, text);
        }
        assert!(write_timestamp(253_402_300_800_000_000, &mut String::new()).is_none());
        assert!(write_timestamp(-62_135_596_800_000_001, &mut String::new()).is_none());
    }

    #[test]
    fn what_is_written_is_read() {
        for days in (-719_162..=2_932_896).step_by(13) {
            let mut text = String::new();
            assert!(write_date(days, &mut text).is_some());
            assert_eq!(read_date(&text), Some(days), "{text}");
        }
        for (text, microseconds) in [
            ("1970-01-01T00:00:00", Some(0)),
            ("1969-12-31T23:59:59.999999+00:00", Some(-1)),
            ("2023-11-14 22:13:20.12+00", Some(1_700_000_000_120_000)),
            ("2023-11-14 22:13:20+01", None),
            ("2023-02-30T00:00:00", None),
            ("12023-02-03T00:00:00", None),
            ("0044-03-15T00:00:00 BC", None),
            ("infinity", None),
            ("2023-11-14", None),
        ] {
            assert_eq!(read_timestamp(text), microseconds, "{text}");
        }
        for text in ["24:00:00", "1:00:00", "00:00:60", "00:00:00.", "00:00:00.1234567", "00:00:0-", "+1:00:00", ""] {
            assert_eq!(read_time(text), None, "{text}");
        }
        assert_eq!(read_time("23:59:59.000001"), Some(86_399_000_001));
    }
}
