//! User names and passwords: as URLs carry them, and as HTTP sends them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;

/// The value of `Authorization` or `Proxy-Authorization` (RFC 7617 section 2).
pub(crate) fn basic(user: &[u8], password: &[u8]) -> String {
    let credentials = [user, b":", password].concat();
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(credentials))
}

/// Whether both can be sent so: no control characters, and no colon in the user's name (RFC 7617 section 2).
pub(crate) fn is_basic(user: &[u8], password: &[u8]) -> bool {
    !user.contains(&b':') && ![user, password].concat().iter().any(u8::is_ascii_control)
}

/// The two parts of a URL's user info, percent-decoded (RFC 3986 sections 2.1 and 3.2.1). Without a colon the password
/// is empty.
pub(crate) fn user_and_password(user_info: &str) -> (Vec<u8>, Vec<u8>) {
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    (percent_decoded(user), percent_decoded(password))
}

/// A percent sign without two digits behind it stands for itself.
pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let digit = |at: usize| (*tail.get(at)? as char).to_digit(16);
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                rest = &tail[2..];
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_info_is_decoded_after_it_is_split() {
        for (text, user, password) in [
            ("u:p", &b"u"[..], &b"p"[..]),
            ("u", b"u", b""),
            ("", b"", b""),
            ("u%3ax:p:q", b"u:x", b"p:q"),
            ("%40%FF:%", b"@\xff", b"%"),
            ("%4:%+1%zz", b"%4", b"%+1%zz"),
        ] {
            assert_eq!(user_and_password(text), (user.to_vec(), password.to_vec()), "{text}");
        }
    }

    #[test]
    fn basic_is_that_of_the_rfc() {
        assert_eq!(basic(b"Aladdin", b"open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(is_basic(b"", b"a:b") && is_basic("é".as_bytes(), b""));
        assert!(!is_basic(b"a:b", b"") && !is_basic(b"a\n", b"") && !is_basic(b"a", b"\x7f"));
    }
}
