//! A message as a line of output.

use std::borrow::Cow;
use std::fmt::Write;
use wharf::base::{Kind, Message};

/// Text as it is, bytes as `binary ` and hex. On a transport that does not tell text from bytes, what is UTF-8 is text;
/// typed messages have their type before them.
///
/// ```
/// use wharf::base::Message;
/// use wharf_cli::connect::line_of;
///
/// assert_eq!(line_of(&Message::binary(&b"ahoy"[..]), true), "binary 61686f79");
/// assert_eq!(line_of(&Message::binary(&b"ahoy"[..]), false), "ahoy");
/// assert_eq!(line_of(&Message::typed(7, &b"\xff"[..]), false), "7 binary ff");
/// ```
#[must_use]
pub fn line_of<'m>(message: &'m Message<'_>, tells_text: bool) -> Cow<'m, str> {
    match message.kind() {
        Kind::Typed(tag) => format!("{tag} {}", text_or_hex(message.payload())).into(),
        Kind::Binary if tells_text => hex(message.payload()).into(),
        _ => text_or_hex(message.payload()),
    }
}

fn text_or_hex(payload: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(payload).map_or_else(|_| hex(payload).into(), Cow::Borrowed)
}

fn hex(payload: &[u8]) -> String {
    let mut line = String::with_capacity(7 + 2 * payload.len());
    line.push_str("binary ");
    for byte in payload {
        // Writing to a String cannot fail.
        let _ = write!(line, "{byte:02x}");
    }
    line
}
