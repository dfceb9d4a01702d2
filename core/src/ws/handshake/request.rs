//! What a client asks for.

use super::key;
use super::server::{field, is_reserved};
use crate::base::Entropy;
use crate::http::{Authority, is_one_of, is_token, is_value};
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
    /// A field that cannot stand in a head, that contradicts the handshake, or that is there twice.
    #[error("the header {0:?} cannot be set to this")]
    Header(String),
    /// A request by another method than GET, or in another version than HTTP/1.1.
    #[error("a WebSocket is asked for by GET in HTTP/1.1")]
    NotGet,
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
#[derive(Clone, PartialEq, Eq)]
pub struct ClientRequest {
    url: Url,
    host: Option<String>,
    key: Option<String>,
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
        Ok(Self::from_url(url))
    }

    /// A request for `url`, whose user name and password are sent as Basic authentication (RFC 7617),
    /// percent-decoded.
    ///
    /// # Errors
    /// [`RequestError::Url`].
    pub fn with_basic_auth(url: &str) -> Result<Self, RequestError> {
        let mut request = Self::from_url(Url::parse(url)?);
        if let Some(user_info) = request.url.user_info() {
            let mut credentials = percent_decoded(user_info);
            if !user_info.contains(':') {
                credentials.push(b':');
            }
            let credentials = base64::engine::general_purpose::STANDARD.encode(credentials);
            request.headers.push(("Authorization".into(), format!("Basic {credentials}")));
        }
        Ok(request)
    }

    fn from_url(url: Url) -> Self {
        Self { url, host: None, key: None, subprotocols: Vec::new(), headers: Vec::new() }
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

    /// Adds a field. Those of the handshake are written by the client itself; given here all the same, as when a request
    /// comes from elsewhere, they must say what the handshake says. A `Host` or a valid `Sec-WebSocket-Key` is used,
    /// and a `Sec-WebSocket-Protocol` offers its members.
    ///
    /// # Errors
    /// [`RequestError::Header`], or [`RequestError::Subprotocol`].
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Result<Self, RequestError> {
        let (name, value) = (name.into(), value.into());
        if is_one_of(&name, &["sec-websocket-protocol"]) {
            let mut names = value.split(',').map(str::trim_ascii).filter(|name| !name.is_empty());
            return names.try_fold(self, |request, name| request.subprotocol(name));
        }
        let known = self.agree(&name, &value);
        if known == Some(false) || !is_token(&name) || !is_value(&value) {
            return Err(RequestError::Header(name));
        }
        if known.is_none() {
            self.headers.push((name, value));
        }
        Ok(self)
    }

    /// Whether a field of the handshake says what the handshake says; `None` if it is none of them.
    fn agree(&mut self, name: &str, value: &str) -> Option<bool> {
        let name = name.to_ascii_lowercase();
        Some(match &*name {
            "host" => {
                let valid = Authority::parse(value).is_some_and(|authority| !authority.host.is_empty());
                valid && self.host.replace(value.into()).is_none()
            }
            "sec-websocket-key" => key::is_valid(value) && self.key.replace(value.into()).is_none(),
            "sec-websocket-version" => value == "13",
            "upgrade" => value.eq_ignore_ascii_case("websocket"),
            "connection" => {
                let mut options = value.split(',').map(str::trim_ascii);
                options.clone().any(|option| option.eq_ignore_ascii_case("upgrade"))
                    && options.all(|option| is_one_of(option, &["upgrade", "keep-alive"]))
            }
            "authorization" if self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) => {
                false
            }
            "expect" | "te" | "trailer" => false,
            reserved if is_reserved(reserved) => false,
            _ => return None,
        })
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
    pub(super) fn encode(&self, entropy: &mut Entropy, extensions: Option<&str>) -> (Vec<u8>, [u8; 28]) {
        let nonce = key::encode(entropy.bytes());
        let fresh = core::str::from_utf8(&nonce).unwrap_or_default();
        let key = self.key.as_deref().unwrap_or(fresh);
        let authority = self.url.authority();
        let host = self.host.as_deref().unwrap_or(&authority);
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(format!("GET {} HTTP/1.1\r\n", self.url.target()).as_bytes());
        field(&mut out, "Host", host.as_bytes());
        field(&mut out, "Upgrade", b"websocket");
        field(&mut out, "Connection", b"Upgrade");
        field(&mut out, "Sec-WebSocket-Key", key.as_bytes());
        field(&mut out, "Sec-WebSocket-Version", b"13");
        if !self.subprotocols.is_empty() {
            field(&mut out, "Sec-WebSocket-Protocol", self.subprotocols.join(", ").as_bytes());
        }
        if let Some(extensions) = extensions {
            field(&mut out, "Sec-WebSocket-Extensions", extensions.as_bytes());
        }
        for (name, value) in &self.headers {
            field(&mut out, name, value.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        (out, key::accept(key))
    }
}

impl core::fmt::Debug for ClientRequest {
    /// Without the values of the fields: there are secrets among them.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ClientRequest")
            .field("url", &self.url)
            .field("subprotocols", &self.subprotocols)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "http")]
impl<B> TryFrom<&::http::Request<B>> for ClientRequest {
    type Error = RequestError;

    /// A GET in HTTP/1.1 of a whole `ws` or `wss` URL. Its body is not looked at.
    fn try_from(request: &::http::Request<B>) -> Result<Self, RequestError> {
        if request.method() != ::http::Method::GET || request.version() != ::http::Version::HTTP_11 {
            return Err(RequestError::NotGet);
        }
        let converted = Self::new(&format!("{}", request.uri()))?;
        request.headers().iter().try_fold(converted, |converted, (name, value)| {
            let text = core::str::from_utf8(value.as_bytes());
            converted.header(name.as_str(), text.map_err(|_| RequestError::Header(name.as_str().into()))?)
        })
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

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn plain() -> ClientRequest {
        ClientRequest::new("ws://a:81/x").unwrap()
    }

    fn written(request: &ClientRequest) -> String {
        let (bytes, _) = request.encode(&mut Entropy::from_seed([0; 32]), None);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for (name, value) in [
            ("Host", "a, b"),
            ("Host", ""),
            ("upgrade", "h2c"),
            ("Connection", "close"),
            ("Connection", "keep-alive"),
            ("Sec-WebSocket-Key", "x"),
            ("Sec-WebSocket-Version", "8"),
            ("Sec-WebSocket-Extensions", "x"),
            ("Content-Length", "0"),
            ("a b", "x"),
            ("", "x"),
            ("X", "a\r\nb"),
        ] {
            assert_eq!(
                plain().header(name, value),
                Err(RequestError::Header(name.into())),
                "{name}: {value}"
            );
        }
        assert!(plain().header("Host", "b").unwrap().header("Host", "b").is_err());
        assert!(plain().subprotocol("a,b").is_err());
        assert!(plain().subprotocol("a").unwrap().header("Sec-WebSocket-Protocol", "b, a").is_err());
    }

    #[test]
    fn fields_of_the_handshake_may_agree() {
        let fields = [
            ("Host", "b"),
            ("upgrade", "WebSocket"),
            ("Connection", "keep-alive, Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", KEY),
            ("Sec-WebSocket-Protocol", "p, q"),
            ("X", "y"),
        ];
        let request =
            fields.into_iter().fold(plain(), |request, (name, value)| request.header(name, value).unwrap());
        assert_eq!(
            written(&request),
            "GET /x HTTP/1.1\r\nHost: b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Protocol: p, q\r\nX: y\r\n\r\n"
        );
    }

    #[test]
    fn user_info_is_refused_or_basic_and_never_shown() {
        assert_eq!(ClientRequest::new("ws://u@a"), Err(UrlError::UserInfo.into()));
        for (url, basic) in [("ws://us%40er:p@a", "dXNAZXI6cA=="), ("ws://u@a", "dTo=")] {
            let request = ClientRequest::with_basic_auth(url).unwrap();
            let line = format!("\r\nAuthorization: Basic {basic}\r\n");
            assert!(written(&request).contains(&line), "{url}");
            assert!(!format!("{request:?}").contains(basic) && !format!("{request:?}").contains('@'));
            assert!(request.header("authorization", "x").is_err());
        }
    }

    #[cfg(feature = "http")]
    #[test]
    fn from_the_http_crate() {
        let theirs = ::http::Request::get("ws://a:81/x").header("Upgrade", "websocket").body(()).unwrap();
        assert_eq!(ClientRequest::try_from(&theirs), Ok(plain()));
        let post = ::http::Request::post("ws://a/").body(()).unwrap();
        assert_eq!(ClientRequest::try_from(&post), Err(RequestError::NotGet));
        let relative = ::http::Request::get("/x").body(()).unwrap();
        assert_eq!(ClientRequest::try_from(&relative), Err(UrlError::Scheme.into()));
        let conflict = ::http::Request::get("ws://a/").header("Upgrade", "h2c").body(()).unwrap();
        assert_eq!(ClientRequest::try_from(&conflict), Err(RequestError::Header("upgrade".into())));
    }
}
