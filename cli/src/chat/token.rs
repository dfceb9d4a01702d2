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
        assert!(a.len() == 64 && a != b && a.bytes().all(|b| b.is_ascii_hexdigit()));
        // FIPS 180-2, appendix B.1.
        assert_eq!(hash_of("abc").0[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
