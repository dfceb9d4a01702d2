//! Dates, as they are written and read (RFC 9110 section 5.6.7). Days are counted as Howard Hinnant's `days_from_civil` does.

use crate::base::{Civil, Wall};
use alloc::string::String;
use core::fmt::Write;

/// From March on, so that a leap day is the last of its year.
const MONTHS: [&str; 12] =
    ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"];

/// Days from the first of March of the year 0, by which all here is counted, to 1970.
const EPOCH: u64 = 719_468;

/// Writes an IMF-fixdate.
pub(super) fn write_date(out: &mut String, wall: Wall) {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let Civil { year, month, day, hour, minute, second } = Civil::of(wall);
    let weekday = DAYS[(wall.as_secs() / 86_400 % 7) as usize];
    let name = MONTHS[((month + 9) % 12) as usize];
    // Writing to a String cannot fail.
    let _ = write!(out, "{weekday}, {day:02} {name} {year:04} {hour:02}:{minute:02}:{second:02} GMT");
}

/// Reads a date in any of the three forms that a recipient must take. Which day of the week it says is not compared. One before
/// 1970 counts as its begin. A year of two digits is the latest such year that is no more than 50 years after `now`.
pub(super) fn parse_date(text: &str, now: Wall) -> Option<Wall> {
    if !text.is_ascii() {
        return None;
    }
    let (weekday, rest) = text.split_once(' ')?;
    let Some(weekday) = weekday.strip_suffix(',') else {
        // Sun Nov  6 08:49:37 1994
        let (month, rest) = rest.split_once(' ')?;
        let (day, rest) = rest.split_at_checked(2)?;
        let (time, year) = rest.strip_prefix(' ')?.split_once(' ')?;
        let day = day.strip_prefix(' ').map_or_else(|| number(day, 2), |day| number(day, 1))?;
        return (weekday.len() == 3).then(|| moment(number(year, 4)?, month, day, time))?;
    };
    let rest = rest.strip_suffix(" GMT")?;
    let (date, time) = rest.rsplit_once(' ')?;
    match weekday.len() {
        // Sun, 06 Nov 1994 08:49:37 GMT
        3 => {
            let (day, date) = date.split_once(' ')?;
            let (month, year) = date.split_once(' ')?;
            moment(number(year, 4)?, month, number(day, 2)?, time)
        }
        // Sunday, 06-Nov-94 08:49:37 GMT
        6..=9 => {
            let (day, date) = date.split_once('-')?;
            let (month, year) = date.split_once('-')?;
            let latest = Civil::of(now).year + 50;
            let year = latest - (latest - number(year, 2)?) % 100;
            moment(year, month, number(day, 2)?, time)
        }
        _ => None,
    }
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<u64> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn moment(year: u64, month: &str, day: u64, time: &str) -> Option<Wall> {
    let month = MONTHS.iter().position(|name| *name == month)?;
    let (hour, time) = time.split_once(':')?;
    let (minute, second) = time.split_once(':')?;
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    // A leap second is one.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days(year, month, day)?;
    let secs = days.saturating_sub(EPOCH) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(if days < EPOCH { Wall::default() } else { Wall::from_millis(secs * 1000) })
}

/// The day, counted from the first of March of the year 0; `None` if there is no such day, or none that is counted.
fn days(year: u64, month: usize, day: u64) -> Option<u64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let longest = match month {
        11 => 28 + u64::from(is_leap),
        // April, June, September, November.
        1 | 3 | 6 | 8 => 30,
        _ => 31,
    };
    let year = year.checked_sub(u64::from(month >= 10))?;
    let of_year = (153 * month as u64 + 2) / 5 + day.checked_sub(1)?;
    let of_era = year % 400 * 365 + year % 400 / 4 - year % 400 / 100 + of_year;
    (day <= longest).then_some(year / 400 * 146_097 + of_era)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::format;

    const EXAMPLE: Wall = Wall::from_millis(784_111_777_000);

    fn written(wall: Wall) -> String {
        let mut out = String::new();
        write_date(&mut out, wall);
        out
    }

    #[test]
    fn dates_are_written() {
        for (secs, text) in [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] {
            assert_eq!(written(Wall::from_millis(secs * 1000)), text);
        }
    }

    #[test]
    fn the_three_forms_of_the_rfc_are_one_moment() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse_date(text, EXAMPLE), Some(EXAMPLE), "{text}");
        }
    }

    #[test]
    fn a_year_of_two_digits_is_no_more_than_fifty_years_ahead() {
        for (now, digits, year) in
            [("1994", "94", "1994"), ("2026", "76", "2076"), ("2026", "77", "1977"), ("2090", "10", "2110")]
        {
            let now = parse_date(&format!("Thu, 01 Jul {now} 00:00:00 GMT"), EXAMPLE).unwrap();
            let short = parse_date(&format!("Sunday, 06-Nov-{digits} 08:49:37 GMT"), now);
            assert_eq!(short, parse_date(&format!("Sun, 06 Nov {year} 08:49:37 GMT"), now), "{digits}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "0",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Wed, 29 Feb 1900 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 1994 08:49:+7 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sunday, 06 Nov 1994 08:49:37 GMT",
            "Sun Nov 06 08:49:37 94",
            "Sün Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse_date(text, EXAMPLE), None, "{text}");
        }
        assert_eq!(parse_date("Tue, 29 Feb 2000 00:00:60 GMT", EXAMPLE).map(written), {
            Some("Tue, 29 Feb 2000 00:01:00 GMT".into())
        });
        assert_eq!(parse_date("Wed, 31 Dec 1969 23:59:59 GMT", EXAMPLE), Some(Wall::default()));
        assert_eq!(parse_date("Sat, 01 Jan 0000 00:00:00 GMT", EXAMPLE), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(secs in 0..253_402_300_800u64) {
            let wall = Wall::from_millis(secs * 1000);
            prop_assert_eq!(parse_date(&written(wall), EXAMPLE), Some(wall));
        }

        #[test]
        fn whatever_is_read_nothing_breaks(text in "[A-Za-z]{3,9},? [ 0-9A-Z:a-z-]{0,30}", now: u32) {
            parse_date(&text, Wall::from_millis(u64::from(now) * 1_000_000));
        }
    }
}
