//! The Gregorian calendar: counts of days since 1970 as dates, and back.
//!
//! The algorithms are those of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms":
//! <https://howardhinnant.github.io/date_algorithms.html>. Years count from 1 BC as 0, and the calendar goes on before its
//! introduction.

/// Days from 0000-03-01, where the algorithms begin, to 1970-01-01.
const SHIFT: i64 = 719_468;
/// Days of 400 years.
const ERA: i64 = 146_097;

/// Year, month (1 to 12) and day (1 to 31) of so many days since 1970-01-01.
pub const fn civil_from_days(days: i32) -> (i32, u8, u8) {
    let shifted = days as i64 + SHIFT;
    let (era, day_of_era) = (shifted.div_euclid(ERA), shifted.rem_euclid(ERA));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Years begin in March here, so that the day that comes and goes is their last.
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + (month <= 2) as i64;
    (year as i32, month as u8, day as u8)
}

/// Days since 1970-01-01 of a date; `None` for what is no day, such as the 31st of February, and for days that an `i32`
/// does not count.
pub const fn days_from_civil(year: i32, month: u8, day: u8) -> Option<i32> {
    if day == 0 || day > days_of_month(year, month) {
        return None;
    }
    let shifted_year = year as i64 - (month <= 2) as i64;
    let (era, year_of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
    let shifted_month = (month as i64 + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day as i64 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * ERA + day_of_era - SHIFT;
    if days < i32::MIN as i64 || days > i32::MAX as i64 { None } else { Some(days as i32) }
}

/// No days where there is no such month.
const fn days_of_month(year: i32, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_their_days() {
        for (date, days) in [
            ((1970, 1, 1), 0),
            ((1969, 12, 31), -1),
            ((2000, 2, 29), 11_016),
            ((2000, 3, 1), 11_017),
            ((1900, 3, 1), -25_508),
            ((1, 1, 1), -719_162),
            ((0, 3, 1), -719_468),
            ((-1, 12, 31), -719_529),
            ((9999, 12, 31), 2_932_896),
        ] {
            assert_eq!(days_from_civil(date.0, date.1, date.2), Some(days), "{date:?}");
            assert_eq!(civil_from_days(days), date, "{days}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let (mut year, mut month, mut day) = civil_from_days(-800_001);
        for days in -800_000..=800_000 {
            (year, month, day) = match (month, day == days_of_month(year, month)) {
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
            assert_eq!(civil_from_days(days), (year, month, day));
            assert_eq!(days_from_civil(year, month, day), Some(days));
        }
    }

    #[test]
    fn what_is_no_day_is_none() {
        for (year, month, day) in
            [(2020, 0, 1), (2020, 13, 1), (2020, 1, 0), (2020, 1, 32), (2023, 2, 29), (1900, 2, 29), (2023, 4, 31)]
        {
            assert_eq!(days_from_civil(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn the_ends_of_the_count_come_back() {
        for days in [i32::MIN, i32::MIN + 1, i32::MAX - 1, i32::MAX] {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), Some(days));
        }
        assert_eq!((days_from_civil(i32::MIN, 1, 1), days_from_civil(i32::MAX, 1, 1)), (None, None));
    }
}
