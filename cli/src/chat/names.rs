//! What people can be called, and which names are the same.

use super::protocol::{Code, Refusal};
use unicode_normalization::UnicodeNormalization;

/// The longest name, in Unicode scalar values.
pub const MAX_NAME: usize = 32;

pub(super) const BAD_NAME: &str =
    "a name must be 1 to 32 characters, none of them a control or bidi character";

/// A name without the white space around it.
///
/// # Errors
/// Nobody can be called so.
///
/// ```
/// use wharf_cli::chat::names::good_name;
///
/// assert_eq!(good_name(" Ada "), Ok("Ada"));
/// assert!(good_name("A\u{202e}da").is_err());
/// ```
pub fn good_name(text: &str) -> Result<&str, Refusal> {
    let name = text.trim();
    let is_good = (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(is_forbidden);
    if is_good { Ok(name) } else { Err(Refusal::new(Code::BadName, BAD_NAME)) }
}

/// What two names have in common that count as the same: compatible forms (NFKC), without case.
///
/// ```
/// use wharf_cli::chat::names::key_of;
///
/// assert_eq!(key_of("ＡＤＡ"), key_of("ada"));
/// assert_ne!(key_of("Ada"), key_of("Eda"));
/// ```
#[must_use]
pub fn key_of(name: &str) -> String {
    // A small letter may be a form of another still.
    name.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// Control characters, ends of lines and paragraphs, and what turns the direction of the text around a name.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_can_be_called() {
        for bad in
            ["", " \t", "a\nb", "a\0", "a\u{85}b", "\u{200f}a", "a\u{2066}b", "a\u{202e}", "a\u{2028}b"]
        {
            assert_eq!(good_name(bad).map_err(|refusal| refusal.code), Err(Code::BadName), "{bad:?}");
        }
        assert!(good_name(&"é".repeat(32)).is_ok() && good_name(&"é".repeat(33)).is_err());
        assert_eq!(good_name("\u{2003}<b>Zoë</b> \n"), Ok("<b>Zoë</b>"));
    }

    #[test]
    fn which_names_are_the_same() {
        for (a, b) in [("Zoë", "zoe\u{308}"), ("ﬁnn", "FINN"), ("①", "1"), ("Å", "\u{212b}"), ("ΣΑΣ", "σας")]
        {
            // A final sigma is another letter.
            assert_eq!(key_of(a) == key_of(b), a != "ΣΑΣ", "{a} {b}");
        }
    }
}
