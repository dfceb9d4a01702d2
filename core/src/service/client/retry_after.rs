//! What a refusing server asks for.

use crate::http::Headers;
use crate::link::{DialError, OpenError};
use crate::ws::handshake::HandshakeError;
use core::time::Duration;

/// The `Retry-After` of a refusal (RFC 9110 section 10.2.3), in seconds. A date is not looked at: by the peer's calendar it may be
/// any time.
pub(super) fn retry_after(error: &DialError) -> Option<Duration> {
    let DialError::Open(OpenError::Handshake(HandshakeError::Refused(refused))) = error else { return None };
    seconds(&refused.headers)
}

fn seconds(headers: &Headers) -> Option<Duration> {
    let value = headers.get("retry-after")?.trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // More than can be counted is as long as can be.
    is_number.then(|| Duration::from_secs(value.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Request;
    use alloc::format;

    #[test]
    fn seconds_and_nothing_else() {
        for (value, expected) in
            [("7", Some(7)), (" 0 ", Some(0)), ("99999999999999999999", Some(u64::MAX)), ("-1", None)]
                .into_iter()
                .chain([("Wed, 21 Oct 2015 07:28:00 GMT", None), ("", None), ("+5", None)])
        {
            let head = format!("GET / HTTP/1.1\r\nHost: a\r\nRetry-After: {value}\r\n\r\n");
            let request = Request::parse(head.as_bytes()).unwrap();
            assert_eq!(seconds(request.headers()), expected.map(Duration::from_secs), "{value}");
        }
    }
}
