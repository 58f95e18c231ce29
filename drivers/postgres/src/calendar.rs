//! The calendar: dates and times as text, for literals and for elements of arrays.

use std::fmt::Write as _;

const DAY: i64 = 86_400_000_000;

/// Year, month and day of a count of days since 1970, in the Gregorian calendar. The algorithm is `civil_from_days` of
/// Howard Hinnant (<https://howardhinnant.github.io/date_algorithms.html>).
fn civil(days: i32) -> (i64, i64, i64) {
    let days = i64::from(days) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Appends `2000-01-31`; `None` outside of the years 1 to 9999.
pub(crate) fn write_date(days: i32, out: &mut String) -> Option<()> {
    let (year, month, day) = civil(days);
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
}
