//! JSON without the white space between its tokens.

use alloc::string::String;

/// The same tokens, byte for byte, and how deep they are nested: a value that is neither array nor object counts 0. What is
/// no JSON comes out as something; it has been checked before.
pub(super) fn compact(json: &str) -> (String, usize) {
    let mut out = String::with_capacity(json.len());
    let (mut depth, mut deepest) = (0_usize, 0);
    let bytes = json.as_bytes();
    let (mut kept, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at + 1),
            b' ' | b'\t' | b'\r' | b'\n' => {
                out.push_str(&json[kept..at]);
                at += 1;
                kept = at;
                continue;
            }
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    out.push_str(&json[kept.min(json.len())..]);
    (out, deepest)
}

/// Where the quote is that ends the string, or the end of it all.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tokens_stay_and_nesting_is_counted() {
        let (json, depth) =
            compact(" { \"b\" : 1.50e+3,\r\n\t\"a\":\"x \\\" \\\\\", \"é\": [ 12345678901234567890123 ] } ");
        assert_eq!(
            (json.as_str(), depth),
            (r#"{"b":1.50e+3,"a":"x \" \\","é":[12345678901234567890123]}"#, 2)
        );
        assert_eq!(compact("1"), ("1".into(), 0));
        assert_eq!(compact("[[],[[]]]").1, 3);
        assert_eq!(compact("\"[[\\"), ("\"[[\\".into(), 0));
    }

    proptest! {
        #[test]
        fn it_is_the_same_json(text in ".*", more in proptest::collection::vec("[ \t\r\na\"\\\\]*", 0..4)) {
            let value = serde_json::json!({"a": text, "b": [more, {"c": null}]});
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compact(&pretty).0, serde_json::to_string(&value).unwrap());
        }

        #[test]
        fn anything_comes_through(text in "[\\[\\]{}\"\\\\ a-zé]*") {
            compact(&text);
        }
    }
}
