//! When to come again (RFC 9110 section 10.2.3).

use super::Headers;
use super::date::parse_date;
use crate::base::Wall;
use core::time::Duration;

impl Headers {
    /// How long to wait before asking again, as the field `Retry-After` of an answer that has just come says; `None` where there
    /// is none, more than one, or one that says nothing.
    ///
    /// It is a number of seconds, or a date. A date is compared with the answer's own `Date`, so that a clock here that goes wrong
    /// does not matter, and without one with `wall`; one that is past is no wait at all. Nothing bounds what a server may ask for:
    /// whoever obeys sets a limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wharf::base::Wall;
    /// use wharf::http::ResponseHead;
    ///
    /// let answer = b"HTTP/1.1 503 Busy\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
    /// let head = ResponseHead::parse(answer).unwrap();
    /// let wall = Wall::from_millis(784_111_770_000);
    /// assert_eq!(head.headers().retry_after(wall), Some(Duration::from_secs(7)));
    /// ```
    #[must_use]
    pub fn retry_after(&self, wall: Wall) -> Option<Duration> {
        let text = self.only("retry-after")?;
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            // What is too large for a number is the largest one (RFC 9111 section 1.2.2).
            return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
        }
        let at = parse_date(text, wall)?;
        let now = self.only("date").and_then(|date| parse_date(date, wall)).unwrap_or(wall);
        Some(Duration::from_millis(at.as_millis().saturating_sub(now.as_millis())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ResponseHead;
    use proptest::prelude::*;
    use std::format;

    const WALL: Wall = Wall::from_millis(784_111_770_500);

    fn said(fields: &str) -> Option<Duration> {
        let head = format!("HTTP/1.1 503 x\r\n{fields}\r\n");
        ResponseHead::parse(head.as_bytes()).unwrap().headers().retry_after(WALL)
    }

    #[test]
    fn seconds_and_dates() {
        for (fields, millis) in [
            ("Retry-After: 120\r\n", Some(120_000)),
            ("retry-after:  0 \r\n", Some(0)),
            ("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", Some(6500)),
            ("Retry-After: Sunday, 06-Nov-94 08:49:37 GMT\r\n", Some(6500)),
            ("Retry-After: Sun Nov  6 08:49:37 1994\r\n", Some(6500)),
            ("Retry-After: Sun, 06 Nov 1994 08:49:29 GMT\r\n", Some(0)),
            // By the server's own clock.
            (
                "Date: Sun, 06 Nov 2044 08:49:00 GMT\r\nRetry-After: Sun, 06 Nov 2044 08:49:37 GMT\r\n",
                Some(37_000),
            ),
            ("Date: never\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", Some(6500)),
            ("", None),
            ("Retry-After: \r\n", None),
            ("Retry-After: -1\r\n", None),
            ("Retry-After: +1\r\n", None),
            ("Retry-After: 1.5\r\n", None),
            ("Retry-After: 1, 2\r\n", None),
            ("Retry-After: 1\r\nRetry-After: 2\r\n", None),
            ("Retry-After: soon\r\n", None),
        ] {
            assert_eq!(said(fields), millis.map(Duration::from_millis), "{fields}");
        }
        let most = said("Retry-After: 99999999999999999999999\r\n");
        assert_eq!(most, Some(Duration::from_secs(u64::MAX)));
    }

    proptest! {
        #[test]
        fn any_number_of_seconds_is_what_it_says(seconds: u64) {
            prop_assert_eq!(said(&format!("Retry-After: {seconds}\r\n")), Some(Duration::from_secs(seconds)));
        }

        #[test]
        fn whatever_it_says_nothing_breaks(text in "[ -~]{0,40}", date in "[ -~]{0,40}") {
            said(&format!("Retry-After: {text}\r\nDate: {date}\r\n"));
        }
    }
}
