//! The key and its answer (RFC 6455 sections 4.1 and 4.2.2).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Unused bits of the last character may be set: such a key decodes to 16 bytes all the same.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Accept` that answers `key`.
pub(super) fn accept(key: &str) -> [u8; 28] {
    let mut out = [0; 28];
    // 20 bytes are 28 characters, always.
    let _ = STANDARD.encode_slice(digest(key.as_bytes()), &mut out);
    out
}

#[cfg(feature = "simd")]
fn digest(key: &[u8]) -> [u8; 20] {
    use sha1::Digest;
    sha1::Sha1::new().chain_update(key).chain_update(GUID).finalize().into()
}

#[cfg(not(feature = "simd"))]
fn digest(key: &[u8]) -> [u8; 20] {
    let mut sha = sha1_smol::Sha1::new();
    sha.update(key);
    sha.update(GUID);
    sha.digest().bytes()
}

/// A client's key: 16 random bytes in base64.
pub(super) fn encode(nonce: [u8; 16]) -> [u8; 24] {
    let mut out = [0; 24];
    let _ = STANDARD.encode_slice(nonce, &mut out);
    out
}

/// Whether it is "a base64-encoded value that, when decoded, is 16 bytes in length" (section 4.2.1).
pub(super) fn is_valid(key: &str) -> bool {
    let mut out = [0; 18];
    key.len() == 24 && LENIENT.decode_slice(key, &mut out) == Ok(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(&accept("dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(&encode(*b"the sample nonce"), b"dGhlIHNhbXBsZSBub25jZQ==");
    }

    #[test]
    fn keys_are_sixteen_bytes() {
        for good in ["dGhlIHNhbXBsZSBub25jZQ==", "abcdefghijklmnopqrstuv==", "+/+/+/+/+/+/+/+/+/+/+w=="] {
            assert!(is_valid(good), "{good}");
        }
        for bad in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ===",
            "?GhlIHNhbXBsZSBub25jZQ==",
            "dGhlIHNhbXBsZSBub25jZTE=",
            "dGhlIHNhbXBsZSBub25jZTEh",
            "dGhlIHNhbXBsZSBub25jZQ= ",
            "_-_-_-_-_-_-_-_-_-_-_w==",
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
