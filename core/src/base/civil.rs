//! Calendar time in the parts that people read.

use super::Wall;
use alloc::format;
use alloc::string::String;

/// The parts of a moment in UTC, months and days from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: u64,
    pub(crate) month: u64,
    pub(crate) day: u64,
    pub(crate) hour: u64,
    pub(crate) minute: u64,
    pub(crate) second: u64,
}

impl Civil {
    /// The calendar is Howard Hinnant's `civil_from_days`.
    pub(crate) fn of(wall: Wall) -> Self {
        let (days, secs) = (wall.as_secs() / 86_400, wall.as_secs() % 86_400);
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // Counted from March.
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let year = year_of_era + era * 400 + u64::from(month >= 10);
        let month = (month + 2) % 12 + 1;
        Self { year, month, day, hour: secs / 3600, minute: secs / 60 % 60, second: secs % 60 }
    }
}

impl Wall {
    /// The moment in UTC with milliseconds, as `2026-01-31T12:00:00.000Z` (RFC 3339 section 5.6).
    ///
    /// ```
    /// use wharf::base::Wall;
    ///
    /// assert_eq!(Wall::from_millis(784_111_777_042).to_rfc3339(), "1994-11-06T08:49:37.042Z");
    /// ```
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let Civil { year, month, day, hour, minute, second } = Civil::of(self);
        let millis = self.as_millis() % 1000;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_001, "2000-02-29T00:00:00.001Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (1_709_251_199_000, "2024-02-29T23:59:59.000Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
            (4_102_444_799_000, "2099-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(Wall::from_millis(millis).to_rfc3339(), text);
        }
    }

    /// Four centuries, after which the calendar repeats.
    #[test]
    fn each_day_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..146_097 + 365 {
            let civil = Civil::of(Wall::from_millis(days * 86_400_000 + 45_296_000));
            assert_eq!((civil.year, civil.month, civil.day), (year, month, day));
            assert_eq!((civil.hour, civil.minute, civil.second), (12, 34, 56));
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last =
                [31, 28 + u64::from(is_leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize - 1];
            (year, month, day) = match (day == last, month) {
                (false, _) => (year, month, day + 1),
                (true, 12) => (year + 1, 1, 1),
                (true, _) => (year, month + 1, 1),
            };
        }
    }
}
