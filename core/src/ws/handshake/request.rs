//! What a client asks for.

use super::key;
use super::server::{field, is_reserved};
use crate::base::Entropy;
use crate::http::{is_token, is_value};
use crate::ws::{Url, UrlError};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;

/// Why a request cannot be made; the fault is the local program's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The URL.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// A field that belongs to the handshake, or that cannot stand in a head.
    #[error("the header {0:?} cannot be set")]
    Header(String),
    /// A subprotocol that is no token, or one that is named twice.
    #[error("the subprotocol {0:?} is not valid")]
    Subprotocol(String),
}

/// A client's request: where to, with which subprotocols and fields.
///
/// ```
/// use wharf::ws::handshake::ClientRequest;
///
/// let request = ClientRequest::new("ws://localhost:8080/chat")
///     .unwrap()
///     .subprotocol("chat.v2")
///     .unwrap()
///     .header("X-Token", "secret")
///     .unwrap();
/// assert_eq!(request.url().port(), 8080);
/// assert!(ClientRequest::new("http://localhost").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRequest {
    url: Url,
    subprotocols: Vec<String>,
    headers: Vec<(String, String)>,
}

impl ClientRequest {
    /// A request for `url`.
    ///
    /// # Errors
    /// [`RequestError::Url`], also for a URL with user name or password: those are not sent unasked.
    pub fn new(url: &str) -> Result<Self, RequestError> {
        let url = Url::parse(url)?;
        if url.user_info().is_some() {
            return Err(UrlError::UserInfo.into());
        }
        Ok(Self { url, subprotocols: Vec::new(), headers: Vec::new() })
    }

    /// A request for `url`, whose user name and password are sent as Basic authentication (RFC 7617),
    /// percent-decoded.
    ///
    /// # Errors
    /// [`RequestError::Url`].
    pub fn with_basic_auth(url: &str) -> Result<Self, RequestError> {
        let url = Url::parse(url)?;
        let mut headers = Vec::new();
        if let Some(user_info) = url.user_info() {
            let credentials = base64::engine::general_purpose::STANDARD.encode(percent_decoded(user_info));
            headers.push(("Authorization".into(), format!("Basic {credentials}")));
        }
        Ok(Self { url, subprotocols: Vec::new(), headers })
    }

    /// Offers a subprotocol, the preferred one first.
    ///
    /// # Errors
    /// [`RequestError::Subprotocol`].
    pub fn subprotocol(mut self, subprotocol: impl Into<String>) -> Result<Self, RequestError> {
        let subprotocol = subprotocol.into();
        if !is_token(&subprotocol) || self.subprotocols.contains(&subprotocol) {
            return Err(RequestError::Subprotocol(subprotocol));
        }
        self.subprotocols.push(subprotocol);
        Ok(self)
    }

    /// Adds a field. `Host` and those of the handshake are written by the client itself.
    ///
    /// # Errors
    /// [`RequestError::Header`].
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Result<Self, RequestError> {
        let (name, value) = (name.into(), value.into());
        if is_reserved(&name) || name.eq_ignore_ascii_case("host") || !is_token(&name) || !is_value(&value) {
            return Err(RequestError::Header(name));
        }
        self.headers.push((name, value));
        Ok(self)
    }

    /// Where to.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The subprotocols that are offered.
    #[must_use]
    pub fn subprotocols(&self) -> &[String] {
        &self.subprotocols
    }

    /// The bytes of the request with a fresh key, and the answer that the key demands.
    pub(super) fn encode(&self, entropy: &mut Entropy) -> (Vec<u8>, [u8; 28]) {
        let nonce = key::encode(entropy.bytes());
        let key = core::str::from_utf8(&nonce).unwrap_or_default();
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(format!("GET {} HTTP/1.1\r\n", self.url.target()).as_bytes());
        field(&mut out, "Host", self.url.authority().as_bytes());
        field(&mut out, "Upgrade", b"websocket");
        field(&mut out, "Connection", b"Upgrade");
        field(&mut out, "Sec-WebSocket-Key", key.as_bytes());
        field(&mut out, "Sec-WebSocket-Version", b"13");
        if !self.subprotocols.is_empty() {
            field(&mut out, "Sec-WebSocket-Protocol", self.subprotocols.join(", ").as_bytes());
        }
        for (name, value) in &self.headers {
            field(&mut out, name, value.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        (out, key::accept(key))
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|d| core::str::from_utf8(d).ok()).filter(|_| *first == b'%');
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &tail[2..];
            }
            None => {
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
    fn what_cannot_be_asked_is_refused() {
        let request = ClientRequest::new("ws://a").unwrap();
        for name in ["Host", "upgrade", "Sec-WebSocket-Key", "a b", ""] {
            assert_eq!(request.clone().header(name, "x"), Err(RequestError::Header(name.into())));
        }
        assert!(request.clone().header("X", "a\r\nb").is_err());
        assert!(request.clone().subprotocol("a,b").is_err());
        assert!(request.subprotocol("a").unwrap().subprotocol("a").is_err());
    }

    #[test]
    fn user_info_is_refused_or_basic() {
        assert_eq!(ClientRequest::new("ws://u@a"), Err(UrlError::UserInfo.into()));
        let request = ClientRequest::with_basic_auth("ws://us%40er:p@a").unwrap();
        let (bytes, _) = request.encode(&mut Entropy::from_seed([0; 32]));
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("\r\nAuthorization: Basic dXNAZXI6cA==\r\n"), "{text}");
    }
}
