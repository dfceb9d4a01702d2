//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1).

use crate::http::is_token;
use alloc::string::String;
use alloc::vec::Vec;

/// One extension with its parameters.
///
/// ```
/// use wharf::ws::handshake::Extensions;
///
/// // As in a field of a request: the second is what the client takes if it cannot have the first.
/// let offers = "permessage-deflate; server_max_window_bits=10, permessage-deflate";
/// let preferred = Extensions::parse(offers).unwrap().next().unwrap();
/// assert_eq!(preferred.name, "permessage-deflate");
/// assert_eq!(preferred.parameters, [("server_max_window_bits".to_owned(), Some("10".to_owned()))]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Its parameters in order; the values of quoted strings without quotes and escapes.
    pub parameters: Vec<(String, Option<String>)>,
}

/// The extensions of a list that follows the grammar, in order.
///
/// ```
/// use wharf::ws::handshake::Extensions;
///
/// let mut all = Extensions::parse("permessage-deflate; client_max_window_bits; x=\"10\", y").unwrap();
/// let first = all.next().unwrap();
/// assert_eq!(first.name, "permessage-deflate");
/// assert_eq!(first.parameters[1], ("x".to_owned(), Some("10".to_owned())));
/// assert_eq!(all.next().unwrap().name, "y");
/// assert!(Extensions::parse("a b").is_none());
/// ```
#[derive(Clone, Debug)]
pub struct Extensions<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Extensions<'a> {
    /// The extensions of `list`; `None` if it does not follow the grammar. An empty list has none.
    #[must_use]
    pub fn parse(list: &'a str) -> Option<Self> {
        let mut cursor = Cursor { rest: list };
        while cursor.extension(|_| {})? {}
        Some(Self::unchecked(list))
    }

    /// The extensions of a list that was parsed before.
    pub(super) fn unchecked(list: &'a str) -> Self {
        Self { cursor: Cursor { rest: list } }
    }
}

impl Iterator for Extensions<'_> {
    type Item = Extension;

    fn next(&mut self) -> Option<Extension> {
        let mut extension = Extension { name: String::new(), parameters: Vec::new() };
        let found = self.cursor.extension(|part| match part {
            Part::Name(name) => extension.name = name.into(),
            Part::Parameter(name, value) => {
                let value = value.map(|v| v.chars().filter(|c| *c != '\\').collect());
                extension.parameters.push((name.into(), value));
            }
        });
        found?.then_some(extension)
    }
}

enum Part<'a> {
    Name(&'a str),
    /// A quoted value still has its escapes.
    Parameter(&'a str, Option<&'a str>),
}

#[derive(Clone, Debug)]
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    /// Passes over one extension; `Some(false)` at the end of the list, `None` off the grammar.
    fn extension(&mut self, mut part: impl FnMut(Part<'a>)) -> Option<bool> {
        while self.eat(',') {}
        if self.rest.is_empty() {
            return Some(false);
        }
        part(Part::Name(self.token()?));
        while self.eat(';') {
            let name = self.token()?;
            let value = if self.eat('=') { Some(self.value()?) } else { None };
            part(Part::Parameter(name, value));
        }
        (self.rest.is_empty() || self.rest.starts_with(',')).then_some(true)
    }

    /// Passes over `wanted`, if it is next, and the white space around.
    fn eat(&mut self, wanted: char) -> bool {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let Some(rest) = self.rest.strip_prefix(wanted) else { return false };
        self.rest = rest.trim_start_matches([' ', '\t']);
        true
    }

    fn token(&mut self) -> Option<&'a str> {
        let end = self.rest.find([',', ';', '=', ' ', '\t']).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start_matches([' ', '\t']);
        is_token(token).then_some(token)
    }

    /// A token, or one in quotes. "The value after quoted-string unescaping MUST conform to the 'token' ABNF", so no
    /// escaped quote can be in it, and a backslash is always an escape.
    fn value(&mut self) -> Option<&'a str> {
        // RFC 6455 4.3: "after quoted-string unescaping MUST conform to the 'token' ABNF"
        // RFC 6455 9.1: "after quoted-string unescaping MUST conform to the 'token' ABNF"
        let Some(quoted) = self.rest.strip_prefix('"') else { return self.token() };
        let (value, rest) = quoted.split_once('"')?;
        let escapes = !value.contains("\\\\") && !value.ends_with('\\');
        let mut characters = value.chars().filter(|c| *c != '\\').peekable();
        let token = characters.peek().is_some() && characters.all(|c| is_token(c.encode_utf8(&mut [0; 4])));
        self.rest = rest.trim_start_matches([' ', '\t']);
        (escapes && token).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;

    #[test]
    fn good_lists() {
        for (list, names) in [
            ("", &[][..]),
            (" , ,", &[]),
            ("a", &["a"]),
            ("a,b ; c = d;e=\"f\" , g", &["a", "b", "g"]),
            ("x;y=\"1\\5\"", &["x"]),
        ] {
            let all: Vec<_> = Extensions::parse(list).expect(list).collect();
            assert_eq!(all.iter().map(|e| &*e.name).collect::<Vec<_>>(), names);
        }
        let escaped = Extensions::parse("x;y=\"1\\5\"").unwrap().next().unwrap();
        assert_eq!(escaped.parameters, [("y".to_owned(), Some("15".to_owned()))]);
    }

    #[test]
    fn bad_lists() {
        // RFC 6455 4.3: "after quoted-string unescaping MUST conform to the 'token' ABNF"
        // RFC 6455 9.1: "after quoted-string unescaping MUST conform to the 'token' ABNF"
        for list in [
            "a b",
            ";a",
            "a;",
            "a;;b",
            "a=b",
            "a;b=",
            "a;=b",
            "a;b=\"",
            "a;b=\"\"",
            "a;b=\"c d\"",
            "a;b=\"c\"d",
            "a;b=\"\\\"\"",
            "a;b=\"c\\\\\"",
            "\u{e9}",
            "a;b=\"\u{e9}\"",
            "a/b",
        ] {
            assert!(Extensions::parse(list).is_none(), "{list}");
        }
    }
}
