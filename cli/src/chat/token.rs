//! What somebody shows to be the same user again.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use wharf::base::Entropy;
use wharf::service::history::TokenHash;

/// A new token: 32 bytes that nobody can guess, in hexadecimal.
pub(super) fn new_token(entropy: &mut Entropy) -> String {
    entropy.bytes::<32>().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether `text` may be a token.
pub(super) fn is_token(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What is kept of a token.
pub(super) fn hash_of(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_kept_as_their_sha_256() {
        let mut entropy = Entropy::from_seed([7; 32]);
        let (a, b) = (new_token(&mut entropy), new_token(&mut entropy));
        assert!(a != b && is_token(&a) && is_token(&b));
        assert!(!is_token("") && !is_token(&a[1..]) && !is_token(&a.replace(&a[..1], "x")));
        // FIPS 180-2, appendix B.1.
        assert_eq!(hash_of("abc").0[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
