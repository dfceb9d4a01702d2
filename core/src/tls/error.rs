//! Why a TLS session failed, or was never configured.

use alloc::string::String;
use alloc::vec::Vec;

/// Why a TLS session failed. It is told once it has happened and never changes; a fatal alert has been put on the wire
/// where the protocol has one.
///
/// ```
/// use wharf::tls::TlsError;
///
/// assert!(!TlsError::Expired.is_retryable());
/// assert!(TlsError::Alert { code: 80, name: "InternalError" }.is_retryable());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The name to connect to is neither a DNS name nor an IP address. Correct the name.
    #[error("the server's name is neither a DNS name nor an IP address")]
    InvalidName,
    /// The peer does not speak TLS: its first bytes are no record. Connect without TLS, or to the port that has it.
    #[error("the peer does not speak TLS; is it a port for plain text?")]
    NotTls,
    /// The peer's certificate was issued by an authority that is not among the roots. Add its root if it is to be
    /// trusted; a server that leaves out its intermediate certificates looks the same.
    #[error("the peer's certificate is from an unknown authority; add its root if it is to be trusted")]
    UnknownAuthority,
    /// The peer's certificate is no longer valid by the calendar time that was handed in. The peer must renew it,
    /// unless the clock here is wrong.
    #[error("the peer's certificate has expired, or the clock here is wrong")]
    Expired,
    /// The peer's certificate is not valid yet by the calendar time that was handed in. Mostly the clock here is wrong.
    #[error("the peer's certificate is not valid yet, or the clock here is wrong")]
    NotYetValid,
    /// The certificate is for other names than the one connected to. Connect by one of those.
    #[error("the server's certificate is for other names: {presented:?}")]
    WrongName {
        /// The names in the certificate, as far as they are told.
        presented: Vec<String>,
    },
    /// The certificate was revoked. The peer needs a new one.
    #[error("the peer's certificate has been revoked")]
    Revoked,
    /// The certificate is damaged, wrongly signed, or made for another purpose. The peer needs a proper one.
    #[error("the peer's certificate cannot be accepted: {detail}")]
    BadCertificate {
        /// What is wrong with it.
        detail: String,
    },
    /// This server demands a client certificate, and the client has none.
    #[error("the client has no certificate, and one is demanded")]
    NoCertificate,
    /// None of the application protocols (ALPN) is known to both sides. Change one of the lists.
    #[error("no application protocol (ALPN) is known to both sides")]
    NoCommonProtocol,
    /// The sides share no version, cipher suite, group or signature scheme. The older one must be updated.
    #[error("the two sides of TLS have too little in common: {detail}")]
    Incompatible {
        /// What is lacking.
        detail: String,
    },
    /// The peer refused with a fatal alert (RFC 8446 section 6): its log says why. As a client, `CertificateRequired`
    /// and the `…Certificate…` names are about our certificate or the lack of one.
    #[error("the peer refused with the alert {name} ({code})")]
    Alert {
        /// Its number.
        code: u8,
        /// Its name, `unknown` for a number without one.
        name: &'static str,
    },
    /// A handshake message, in the pieces that it came in, is larger than is held.
    #[error("a handshake message is over {limit} bytes")]
    HandshakeTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The peer broke the protocol, or the bytes were damaged on their way.
    #[error("the peer broke the TLS protocol: {detail}")]
    Violation {
        /// How.
        detail: String,
    },
    /// The keys of this session have sealed as much as they may, and its version cannot change them. Connect anew.
    #[error("the keys of the TLS session are used up")]
    KeysExhausted,
    /// This side failed: no randomness, or an algorithm that the provider lacks.
    #[error("TLS failed on this side: {detail}")]
    Local {
        /// How.
        detail: String,
    },
}

impl TlsError {
    /// Whether the same attempt may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        const INTERNAL_ERROR: u8 = 80;
        matches!(self, Self::Alert { code: INTERNAL_ERROR, .. } | Self::KeysExhausted)
    }
}

/// Why a TLS configuration cannot be built. The fault is in what was handed in.
///
/// ```
/// use wharf::tls::{ClientConfig, TlsConfigError};
///
/// assert_eq!(ClientConfig::builder().build().unwrap_err(), TlsConfigError::NoRoots);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// No root certificate to judge the peer by.
    #[error("there is no root certificate; add roots")]
    NoRoots,
    /// The PEM text is damaged.
    #[error("the PEM text is damaged: {detail}")]
    BadPem {
        /// Where.
        detail: String,
    },
    /// The PEM text has no certificate in it.
    #[error("the PEM text has no certificate")]
    NoCertificate,
    /// The PEM text has no private key in it, or only one that is encrypted: decrypt it first.
    #[error("the PEM text has no private key, or only an encrypted one")]
    NoKey,
    /// A certificate cannot be read.
    #[error("a certificate cannot be read: {detail}")]
    BadCertificate {
        /// Why.
        detail: String,
    },
    /// The private key is of a kind that is not known, or damaged. RSA, ECDSA (P-256, P-384) and Ed25519 are known.
    #[error("the private key cannot be used: {detail}")]
    BadKey {
        /// Why.
        detail: String,
    },
    /// The private key does not belong to the certificate.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// An application protocol (ALPN) with an empty name, or one over 255 bytes.
    #[error("the name of an application protocol is empty or over 255 bytes")]
    BadProtocol,
}
