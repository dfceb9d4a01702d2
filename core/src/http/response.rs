//! An answer, to be written or as it was read.

use super::headers::{is_one_of, is_token, is_value};
use crate::base::{Civil, Wall};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt::Write;

/// An answer to a request. `Content-Length`, `Date` and `Connection` are written by the
/// [`Responder`](super::Responder).
///
/// ```
/// use wharf::http::Response;
///
/// let response = Response::new(200).with("Content-Type", "text/plain; charset=utf-8").body("ahoy");
/// assert_eq!(response.status(), 200);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    status: u16,
    fields: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    body: Bytes,
    closes: bool,
}

/// Fields that the responder writes itself: a second one would break the framing.
const RESERVED: [&str; 4] = ["Content-Length", "Transfer-Encoding", "Connection", "Date"];

impl Response {
    /// An answer with this status, no fields and no body. A status outside 200 to 599 counts as 500.
    #[must_use]
    pub fn new(status: u16) -> Self {
        let status = if (200..600).contains(&status) { status } else { 500 };
        Self { status, fields: Vec::new(), body: Bytes::new(), closes: false }
    }

    /// An answer whose body is the status in words, and which is not to be taken for anything else.
    #[must_use]
    pub fn plain(status: u16) -> Self {
        let response = Self::new(status);
        let words = reason(response.status);
        response.text(words)
    }

    /// Sets the body, as plain text that is not to be taken for anything else.
    #[must_use]
    pub fn text(self, text: impl Into<Bytes>) -> Self {
        self.with("Content-Type", "text/plain; charset=utf-8")
            .with("X-Content-Type-Options", "nosniff")
            .body(text)
    }

    /// Adds a field. Left out is one that could break the answer: a name that is no token, a value with a control
    /// character, and `Content-Length`, `Transfer-Encoding`, `Connection` and `Date`.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) -> Self {
        let (name, value) = (name.into(), value.into());
        if is_token(&name) && is_value(&value) && !is_one_of(&name, &RESERVED) {
            self.fields.push((name, value));
        }
        self
    }

    /// Closes the connection behind this answer.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The fields that were added.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The body.
    #[must_use]
    pub fn content(&self) -> &Bytes {
        &self.body
    }

    /// Whether the connection is closed behind it.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.closes
    }

    /// What of the body is sent: none with 204 and 304 (RFC 9112 section 6.3).
    pub(super) fn sent_body(&self) -> &Bytes {
        static NONE: Bytes = Bytes::new();
        if has_body(self.status) { &self.body } else { &NONE }
    }

    /// Appends the head. A length is written for every status that can have a body (RFC 9110 section 8.6).
    pub(super) fn write_head(&self, out: &mut Vec<u8>, wall: Wall, keep_alive: bool) {
        let mut head = String::with_capacity(256);
        // Writing to a String cannot fail.
        let _ = write!(head, "HTTP/1.1 {} {}\r\nDate: ", self.status, reason(self.status));
        write_date(&mut head, wall);
        head.push_str("\r\n");
        for (name, value) in self.fields() {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if has_body(self.status) {
            let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
        }
        // "A sender of Upgrade MUST also send an Upgrade connection option" (RFC 9110 section 7.8).
        let upgrade = self.fields().any(|(name, _)| name.eq_ignore_ascii_case("upgrade"));
        match (upgrade, keep_alive) {
            (true, true) => head.push_str("Connection: upgrade\r\n"),
            (true, false) => head.push_str("Connection: upgrade, close\r\n"),
            (false, false) => head.push_str("Connection: close\r\n"),
            (false, true) => {}
        }
        head.push_str("\r\n");
        out.extend_from_slice(head.as_bytes());
    }
}

const fn has_body(status: u16) -> bool {
    !matches!(status, 204 | 304)
}

/// The words that go with a status (RFC 9110 section 15).
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Unknown",
    }
}

/// An IMF-fixdate (RFC 9110 section 5.6.7).
fn write_date(out: &mut String, wall: Wall) {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Civil { year, month, day, hour, minute, second } = Civil::of(wall);
    let weekday = DAYS[(wall.as_secs() / 86_400 % 7) as usize];
    let name = MONTHS[(month - 1) as usize];
    let _ = write!(out, "{weekday}, {day:02} {name} {year:04} {hour:02}:{minute:02}:{second:02} GMT");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(secs: u64) -> String {
        let mut out = String::new();
        write_date(&mut out, Wall::from_millis(secs * 1000));
        out
    }

    #[test]
    fn dates() {
        assert_eq!(date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(date(4_102_444_799), "Thu, 31 Dec 2099 23:59:59 GMT");
    }

    #[test]
    fn fields_cannot_break_the_head() {
        let response =
            Response::new(200).with("X-A", "b\r\nX-Evil: c").with("bad name", "x").with("X-Ok", "y");
        let response = RESERVED.into_iter().fold(response, |response, name| response.with(name, "1"));
        assert_eq!(response.fields().collect::<Vec<_>>(), [("X-Ok", "y")]);
    }

    fn head(response: &Response, keep_alive: bool) -> String {
        let mut out = Vec::new();
        response.write_head(&mut out, Wall::default(), keep_alive);
        String::from_utf8(out).unwrap().split_once("GMT\r\n").unwrap().1.into()
    }

    #[test]
    fn lengths_and_connection_options() {
        assert_eq!(head(&Response::new(204).body("x"), true), "\r\n");
        assert!(Response::new(304).body("x").sent_body().is_empty());
        assert_eq!(
            head(&Response::new(200).body("é"), false),
            "Content-Length: 2\r\nConnection: close\r\n\r\n"
        );
        let upgrade = Response::new(426).with("Upgrade", "websocket");
        assert!(head(&upgrade, true).ends_with("\r\nConnection: upgrade\r\n\r\n"));
        assert!(head(&upgrade, false).ends_with("\r\nConnection: upgrade, close\r\n\r\n"));
    }
}
