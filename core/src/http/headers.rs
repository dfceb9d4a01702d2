//! Header fields as they came: one buffer and the places in it.

use super::HeadError;
use alloc::vec::Vec;

/// Header fields in their order. Names compare without case (RFC 9110 section 5.1).
///
/// ```
/// use wharf::http::Request;
///
/// let request = Request::parse(b"GET / HTTP/1.1\r\nHost: a\r\nAccept: x, y\r\naccept: z\r\n\r\n").unwrap();
/// let headers = request.headers();
/// assert_eq!(headers.get("host"), Some("a"));
/// assert_eq!(headers.list("Accept").collect::<Vec<_>>(), ["x", "y", "z"]);
/// assert_eq!(headers.count("accept"), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    pub(super) bytes: Vec<u8>,
    pub(super) fields: Vec<Field>,
}

/// Where a field's name and value stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: Span,
    pub(super) value: Span,
}

/// A piece of the head. A head is at most 16 KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    from: u16,
    to: u16,
}

impl Span {
    /// Where `part`, a piece of `whole`, stands in it.
    pub(super) fn of(part: &[u8], whole: &[u8]) -> Self {
        let from = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        if part.is_empty() || from + part.len() > whole.len() {
            return Self::default();
        }
        Self { from: from as u16, to: (from + part.len()) as u16 }
    }

    fn len(self) -> usize {
        usize::from(self.to - self.from)
    }

    pub(super) fn get(self, bytes: &[u8]) -> &[u8] {
        bytes.get(usize::from(self.from)..usize::from(self.to)).unwrap_or_default()
    }
}

impl Headers {
    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// All fields in their order, the values as bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|field| {
            let name = core::str::from_utf8(field.name.get(&self.bytes)).unwrap_or_default();
            (name, field.value.get(&self.bytes))
        })
    }

    /// The values under `name` as bytes.
    pub fn values<'h, 'n>(&'h self, name: &'n str) -> impl Iterator<Item = &'h [u8]> + use<'h, 'n> {
        self.fields
            .iter()
            .filter(move |field| {
                field.name.len() == name.len()
                    && field.name.get(&self.bytes).eq_ignore_ascii_case(name.as_bytes())
            })
            .map(|field| field.value.get(&self.bytes))
    }

    /// The first value under `name`, if it is text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        core::str::from_utf8(self.values(name).next()?).ok()
    }

    /// The value under `name` if there is exactly one, and it is text.
    #[must_use]
    pub fn only(&self, name: &str) -> Option<&str> {
        let mut values = self.values(name);
        let value = values.next().filter(|_| values.next().is_none())?;
        core::str::from_utf8(value).ok()
    }

    /// How many fields have this name.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.values(name).count()
    }

    /// The values under `name` that are text.
    pub fn all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h str> {
        self.values(name).filter_map(|value| core::str::from_utf8(value).ok())
    }

    /// The members of a comma-separated list, over all fields of this name (RFC 9110 section 5.6.1).
    pub fn list<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h str> {
        self.all(name)
            .flat_map(|value| value.split(','))
            .map(str::trim_ascii)
            .filter(|member| !member.is_empty())
    }

    /// Whether a list has `token` as a member, without case.
    #[must_use]
    pub fn list_has(&self, name: &str, token: &str) -> bool {
        // Most lists have one member.
        let alone = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(token.as_bytes());
        self.values(name).any(|value| alone(value) || (value.contains(&b',') && has_member(value, token)))
    }

    /// The one `Content-Length`. Two are refused even if they agree; so is a list, a sign, a space (RFC 9112 section
    /// 6.3).
    pub(super) fn content_length(&self) -> Result<Option<u64>, HeadError> {
        if self.count("content-length") == 0 {
            return Ok(None);
        }
        let digits = self.only("content-length").filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
        let length = digits.and_then(|digits| digits.parse().ok());
        length.map(Some).ok_or(HeadError::AmbiguousLength)
    }
}

/// Whether a list that is text has `token` as a member.
fn has_member(list: &[u8], token: &str) -> bool {
    let is_member =
        |list: &str| list.split(',').any(|member| member.trim_ascii().eq_ignore_ascii_case(token));
    core::str::from_utf8(list).is_ok_and(is_member)
}

/// Whether `text` is a token (RFC 9110 section 5.6.2), as names and subprotocols must be.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether `value` can stand in a field: visible characters, space and tab, and bytes above ASCII.
pub(crate) fn is_value(value: &str) -> bool {
    value.bytes().all(|b| b == b'\t' || (b >= b' ' && b != 0x7f))
}

/// Whether `name` is one of `names`, without case.
pub(crate) fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|n| name.eq_ignore_ascii_case(n))
}
