//! What a client asks for.

use super::fresh::Fresh;
use super::key;
use super::server::{field, is_reserved};
use crate::base::Entropy;
use crate::http::{Authority, basic, is_basic, is_one_of, is_token, is_value, user_and_password};
use crate::ws::{Url, UrlError};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Why a request cannot be made; the fault is the local program's.
///
/// ```
/// use wharf::ws::UrlError;
/// use wharf::ws::handshake::{ClientRequest, RequestError};
///
/// assert_eq!(ClientRequest::new("http://a/"), Err(RequestError::Url(UrlError::Scheme)));
/// let request = ClientRequest::new("ws://a/").unwrap();
/// let error = request.header("Transfer-Encoding", "chunked").unwrap_err();
/// assert_eq!(error, RequestError::Header("Transfer-Encoding".into()));
/// assert_eq!(error.to_string(), r#"the header "Transfer-Encoding" cannot be set to this"#);
/// ```
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
    /// A user name or password with a control character, or a name with a colon, which Basic authentication cannot carry.
    #[error("the user name or password cannot be sent")]
    Credentials,
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
    pub(super) fresh: Option<Fresh>,
    /// The number of the attempt, from 1 on.
    pub(super) attempt: u32,
    /// Fields that a redirect took away, and that are not made afresh either; names in lower case.
    withheld: &'static [&'static str],
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
            let (user, password) = user_and_password(user_info);
            request.headers.push(("Authorization".into(), basic(&user, &password)));
        }
        Ok(request)
    }

    pub(super) fn from_url(url: Url) -> Self {
        let (subprotocols, headers) = (Vec::new(), Vec::new());
        Self { url, host: None, key: None, subprotocols, headers, fresh: None, attempt: 1, withheld: &[] }
    }

    /// Sends user name and password as Basic authentication (RFC 7617), in UTF-8.
    ///
    /// # Errors
    /// [`RequestError::Credentials`], or [`RequestError::Header`] if there is an `Authorization` already.
    pub fn basic_auth(self, user: &str, password: &str) -> Result<Self, RequestError> {
        let (user, password) = (user.as_bytes(), password.as_bytes());
        if !is_basic(user, password) {
            return Err(RequestError::Credentials);
        }
        self.header("Authorization", basic(user, password))
    }

    /// Offers a subprotocol, the preferred one first.
    ///
    /// # Errors
    /// [`RequestError::Subprotocol`].
    pub fn subprotocol(mut self, subprotocol: impl Into<String>) -> Result<Self, RequestError> {
        let subprotocol = subprotocol.into();
        // RFC 6455 4.1: "The elements that comprise this value MUST be non-empty strings"
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

    /// The request of one attempt, with the fields that are made afresh.
    pub(super) fn attempt(&self) -> Result<Cow<'_, Self>, RequestError> {
        let Some(fresh) = &self.fresh else { return Ok(Cow::Borrowed(self)) };
        let mut made = Self { fresh: None, ..self.clone() };
        for (name, value) in fresh.make(self.attempt) {
            if !is_one_of(&name, self.withheld) {
                made = made.header(name, value)?;
            }
        }
        Ok(Cow::Owned(made))
    }

    /// The request after a redirect to `url`, without the fields of these names; what a redirect before took away does
    /// not come back.
    pub(super) fn redirected(&self, url: Url, withheld: &'static [&'static str]) -> Self {
        let mut next = Self { url, host: None, key: None, ..self.clone() };
        next.headers.retain(|(name, _)| !is_one_of(name, withheld));
        if withheld.len() > next.withheld.len() {
            next.withheld = withheld;
        }
        next
    }

    /// The bytes of the request with a fresh key, and the answer that the key demands.
    pub(super) fn encode(&self, entropy: &mut Entropy, extensions: Option<&str>) -> (Vec<u8>, [u8; 28]) {
        // RFC 6455 4.1: "MUST be a nonce consisting of a randomly selected 16-byte value"
        // RFC 6455 4.1: "The nonce MUST be selected randomly for each connection"
        let nonce = key::encode(entropy.bytes());
        let fresh = core::str::from_utf8(&nonce).unwrap_or_default();
        let key = self.key.as_deref().unwrap_or(fresh);
        let authority = self.url.authority();
        let host = self.host.as_deref().unwrap_or(&authority);
        let mut out = Vec::with_capacity(512);
        // RFC 6455 4.1: "The handshake MUST be a valid HTTP request"
        // RFC 6455 4.1: "The method of the request MUST be GET"
        // RFC 6455 4.1: "part of the request MUST match the /resource name/"
        out.extend_from_slice(format!("GET {} HTTP/1.1\r\n", self.url.target()).as_bytes());
        // RFC 6455 4.1: "The request MUST contain a |Host| header field"
        field(&mut out, "Host", host.as_bytes());
        // RFC 6455 4.1: "The request MUST contain an |Upgrade| header field"
        field(&mut out, "Upgrade", b"websocket");
        // RFC 6455 4.1: "The request MUST contain a |Connection| header field"
        field(&mut out, "Connection", b"Upgrade");
        // RFC 6455 4.1: "The request MUST include a header field with the name |Sec-WebSocket-Key|"
        // RFC 6455 11.3.1: "The |Sec-WebSocket-Key| header field MUST NOT appear more than once"
        field(&mut out, "Sec-WebSocket-Key", key.as_bytes());
        // RFC 6455 4.1: "The request MUST include a header field with the name |Sec-WebSocket-Version|"
        // RFC 6455 4.1: "The value of this header field MUST be 13"
        // RFC 6455 11.3.5: "the |Sec-WebSocket-Version| header field MUST NOT appear more than once"
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
            .field("fresh", &self.fresh)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
