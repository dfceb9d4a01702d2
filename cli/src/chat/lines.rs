//! Lines of JSON, and what else may come to a port for them.

/// Whether the first line on a connection is another protocol's, such as the request that a page has a browser send: what follows is
/// not to be obeyed then, as if whoever sits before the browser had said it. What is merely no JSON is told so.
pub(super) fn is_foreign(line: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(line) else { return true };
    let (text, last) = (text.trim_start(), text.split_whitespace().next_back().unwrap_or_default());
    // TLS begins with a control character.
    let is_other = last.starts_with("HTTP/") || text.contains(|c: char| c.is_control() && !c.is_whitespace());
    is_other && !text.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_what_is_no_text_are_foreign() {
        for foreign in
            [&b"POST /a HTTP/1.1\r"[..], b"GET / HTTP/1.0", b"\x16\x03\x01\x02", b"\0\x03{}", b"\xff{"]
        {
            assert!(is_foreign(foreign), "{foreign:?}");
        }
        for own in [
            "{\"type\":\"join\"}",
            "{\t}\r",
            "hello",
            "[]",
            "HTTP/1.1 is old",
            "{\"content\":\"a HTTP/1.1\"}",
        ] {
            assert!(!is_foreign(own.as_bytes()), "{own}");
        }
    }
}
