//! Frames of plain text fields.

use alloc::string::String;

/// How a frame begins that carries a message.
pub(super) const MESSAGE: &str = r#"{"type":"message","message":"#;

/// An object of a type and of the fields that are there.
pub(super) fn object<const N: usize>(kind: &str, fields: [Option<(&str, &str)>; N]) -> String {
    let mut out = String::with_capacity(64);
    out.push_str(r#"{"type":""#);
    out.push_str(kind);
    out.push('"');
    for (key, value) in fields.into_iter().flatten() {
        out.push_str(",\"");
        out.push_str(key);
        out.push_str("\":");
        push_text(&mut out, value);
    }
    out.push('}');
    out
}

/// A text as JSON.
fn push_text(out: &mut String, text: &str) {
    let is_plain = text.bytes().all(|b| b >= b' ' && b != b'"' && b != b'\\');
    if is_plain {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        // A text always has JSON.
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}
