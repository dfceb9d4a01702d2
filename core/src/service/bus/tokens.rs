//! Who may register as whom.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt;
use core::hint::black_box;

/// The token of each service, and one for those that have none of their own.
///
/// ```
/// use wharf::service::bus::Tokens;
///
/// let tokens: Tokens = [("mail", "secret"), ("*", "open sesame")].into_iter().collect();
/// assert!(tokens.admits("mail", Some("secret")));
/// assert!(!tokens.admits("mail", Some("open sesame")));
/// assert!(tokens.admits("shop", Some("open sesame")));
/// assert!(!tokens.admits("shop", None));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tokens(BTreeMap<String, String>);

impl Tokens {
    /// The id that stands for any that is not named.
    pub const ANY: &'static str = "*";

    /// Whether a service may register with this token. How long it takes tells nothing of the token but its length.
    #[must_use]
    pub fn admits(&self, service_id: &str, token: Option<&str>) -> bool {
        let expected = self.0.get(service_id).or_else(|| self.0.get(Self::ANY));
        match (expected, token) {
            (Some(expected), Some(token)) => is_equal(expected.as_bytes(), token.as_bytes()),
            _ => false,
        }
    }
}

impl<I: Into<String>, T: Into<String>> FromIterator<(I, T)> for Tokens {
    fn from_iter<P: IntoIterator<Item = (I, T)>>(pairs: P) -> Self {
        Self(pairs.into_iter().map(|(id, token)| (id.into(), token.into())).collect())
    }
}

/// Without the tokens.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Looks at every byte, wherever they begin to differ.
fn is_equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let differing = a.iter().zip(b).fold(0, |differing, (a, b)| black_box(differing | (a ^ b)));
    black_box(differing) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_token_is_for_its_service_alone() {
        let tokens: Tokens = [("a", "one"), ("b", "")].into_iter().collect();
        assert!(tokens.admits("a", Some("one")) && tokens.admits("b", Some("")));
        for (id, token) in
            [("a", None), ("a", Some("")), ("a", Some("onE")), ("a", Some("one1")), ("c", Some("one"))]
        {
            assert!(!tokens.admits(id, token), "{id} {token:?}");
        }
        assert_eq!(format!("{tokens:?}"), r#"{"a", "b"}"#);
    }
}
