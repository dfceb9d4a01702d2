//! JSON for people: the same text, set out.

use serde::de::IgnoredAny;

/// What stands around a piece, by colour.
#[derive(Clone, Copy)]
enum Ink {
    Key,
    Text,
    Other,
}

/// Deepest nesting that is set out. Each level indents all within it, so a text of brackets alone would come to its square.
const DEEPEST: usize = 64;

/// `text` over several lines, if it is a JSON object or array, of at most 64 levels; else `None`. Only white space is changed: keys keep
/// their order, and numbers their digits.
///
/// ```
/// use wharf_cli::connect::set_out;
///
/// assert_eq!(set_out(r#"{"b":1.0,"a":[]}"#, false).unwrap(), "{\n  \"b\": 1.0,\n  \"a\": []\n}");
/// assert_eq!(set_out("17", false), None);
/// ```
#[must_use]
pub fn set_out(text: &str, is_coloured: bool) -> Option<String> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) || serde_json::from_str::<IgnoredAny>(text).is_err() {
        return None;
    }
    let mut out = String::with_capacity(2 * text.len());
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            '{' | '[' => {
                let inner = rest[1..].trim_start();
                out.push(first);
                if let Some(end) = inner.chars().next().filter(|c| matches!(c, '}' | ']')) {
                    out.push(end);
                    rest = &inner[1..];
                } else {
                    depth += 1;
                    if depth > DEEPEST {
                        return None;
                    }
                    break_line(&mut out, depth);
                    rest = inner;
                }
                continue;
            }
            '}' | ']' => {
                depth -= 1;
                break_line(&mut out, depth);
                out.push(first);
            }
            ',' => {
                out.push(first);
                break_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ if first.is_ascii_whitespace() => {}
            _ => {
                let (piece, behind) = rest.split_at(piece_len(rest));
                let ink = match first {
                    '"' if behind.trim_start().starts_with(':') => Ink::Key,
                    '"' => Ink::Text,
                    _ => Ink::Other,
                };
                write_piece(&mut out, piece, Some(ink).filter(|_| is_coloured));
                rest = behind;
                continue;
            }
        }
        rest = &rest[first.len_utf8()..];
    }
    Some(out)
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    (0..depth).for_each(|_| out.push_str("  "));
}

/// The length of the string, number or word that `text` begins with. That it is one is known.
fn piece_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    if bytes[0] != b'"' {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b",:]}".contains(byte);
        return bytes.iter().position(ends).unwrap_or(bytes.len());
    }
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn write_piece(out: &mut String, piece: &str, ink: Option<Ink>) {
    let colour = match ink {
        None => return out.push_str(piece),
        Some(Ink::Key) => "\x1b[34m",
        Some(Ink::Text) => "\x1b[32m",
        Some(Ink::Other) => "\x1b[36m",
    };
    out.push_str(colour);
    out.push_str(piece);
    out.push_str("\x1b[0m");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn it_is_set_out() {
        let text = r#" { "k" : [1e400, {"a\"}":null},[ ],{ }] , "é":"x, y: [z]"}"#;
        let set = "{\n  \"k\": [\n    1e400,\n    {\n      \"a\\\"}\": null\n    },\n    [],\n    {}\n  ],\n  \
                   \"é\": \"x, y: [z]\"\n}";
        assert_eq!(set_out(text, false).unwrap(), set);
        let coloured = set_out(r#"{"a":"b","c":1}"#, true).unwrap();
        let plain =
            "{\n  \x1b[34m\"a\"\x1b[0m: \x1b[32m\"b\"\x1b[0m,\n  \x1b[34m\"c\"\x1b[0m: \x1b[36m1\x1b[0m\n}";
        assert_eq!(coloured, plain);
    }

    #[test]
    fn what_is_no_object_or_array_is_left() {
        for text in ["", "{", "[1,]", "{}x", "\"a\"", "1", "null", "ahoy", "[01]"] {
            assert_eq!(set_out(text, false), None, "{text}");
        }
        let nested = |depth| "[".repeat(depth) + "1" + &"]".repeat(depth);
        assert!(set_out(&nested(DEEPEST), false).is_some());
        assert!(set_out(&nested(DEEPEST + 1), false).is_none());
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect()))
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_what_serde_sets_out(value in json()) {
            let text = value.to_string();
            let expected = (value.is_object() || value.is_array()).then(|| serde_json::to_string_pretty(&value).unwrap());
            prop_assert_eq!(set_out(&text, false), expected);
        }
    }
}
