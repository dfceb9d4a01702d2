//! The server's side: is the request one, may it be, and the answer.

use super::extension::Extensions;
use super::{Agreed, OriginPolicy, key};
use crate::http::{Headers, Request, Response, Version, is_one_of, is_token, is_value};
use crate::ws::Config;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a server asks of those who want a WebSocket.
///
/// ```
/// let policy = wharf::ws::handshake::ServerPolicy::default();
/// assert!(policy.subprotocols.is_empty());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ServerPolicy {
    /// Which pages may connect. Default [`OriginPolicy::Any`].
    pub origins: OriginPolicy,
    /// The subprotocols that the server speaks, the preferred one first. Default none.
    pub subprotocols: Vec<String>,
    /// Takes the first subprotocol offered when none of `subprotocols` is. Default `false`: none is chosen.
    pub accept_first_subprotocol: bool,
}

impl ServerPolicy {
    fn choose(&self, offered: &[String]) -> Option<String> {
        match self.subprotocols.iter().find(|p| offered.contains(p)) {
            None if self.accept_first_subprotocol => offered.first().cloned(),
            preferred => preferred.cloned(),
        }
    }
}

/// A checked request for a WebSocket.
///
/// ```
/// use wharf::http::Request;
/// use wharf::ws::handshake::{Acceptance, Offer, ServerPolicy};
///
/// let request = Request::parse(
///     b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
/// )
/// .unwrap();
/// let offer = Offer::from_request(&request, &ServerPolicy::default()).unwrap();
/// let answer = offer.accept(&Acceptance::default()).unwrap();
/// assert!(answer.ends_with(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    accept: [u8; 28],
    offered: Vec<String>,
    chosen: Option<String>,
    /// A list that follows the grammar.
    extensions: String,
    agreed: Agreed,
}

/// Why a request for a WebSocket is refused.
///
/// ```
/// use wharf::http::Request;
/// use wharf::ws::handshake::{Offer, Refusal, ServerPolicy};
///
/// let head = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n";
/// let refusal = Offer::from_request(&Request::parse(head).unwrap(), &ServerPolicy::default()).unwrap_err();
/// assert_eq!((refusal, &*refusal.to_string()), (Refusal::Version, "the version is not 13"));
/// let answer = refusal.response();
/// assert_eq!(answer.status(), 426);
/// assert!(answer.fields().any(|field| field == ("Sec-WebSocket-Version", "13")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not a GET by HTTP/1.1 (section 4.2.1, 1).
    #[error("not a GET by HTTP/1.1")]
    NotGet,
    /// `Upgrade` does not name `websocket` (3).
    #[error("the request does not ask for an upgrade to websocket")]
    NoUpgrade,
    /// `Connection` does not name `Upgrade` (4).
    #[error("Connection does not name Upgrade")]
    NoConnectionUpgrade,
    /// Not exactly one `Sec-WebSocket-Key` of 16 bytes in base64 (5).
    #[error("Sec-WebSocket-Key is not 16 bytes in base64")]
    BadKey,
    /// A version other than 13 (6).
    #[error("the version is not 13")]
    Version,
    /// The page's origin is not allowed.
    #[error("the origin is not allowed")]
    Origin,
    /// `Host` is empty (2).
    #[error("Host is empty")]
    NoHost,
    /// `Sec-WebSocket-Protocol` is no list of tokens (8).
    #[error("Sec-WebSocket-Protocol is not a list of tokens")]
    BadSubprotocol,
    /// `Sec-WebSocket-Extensions` does not follow the grammar (9).
    #[error("Sec-WebSocket-Extensions is malformed")]
    BadExtensions,
}

impl Refusal {
    /// The answer that says so, and what would do. The connection is kept where the client may do better on it.
    #[must_use]
    pub fn response(self) -> Response {
        let refused = |status| Response::new(status).text(self.to_string());
        match self {
            Self::NoUpgrade => refused(426).with("Upgrade", "websocket"),
            // The version that is spoken must be named (section 4.4).
            // RFC 6455 4.2.2: "the server MUST abort the WebSocket handshake described in this section and instead"
            // RFC 6455 4.4: "If the server doesn't support the requested version, it MUST respond"
            Self::Version => refused(426).with("Sec-WebSocket-Version", "13").with("Upgrade", "websocket"),
            // RFC 6455 4.2.2: "If the server does not wish to accept this connection, it MUST return"
            Self::Origin => refused(403),
            // RFC 6455 7.2.2: "To do so, the server MUST simply _Close the WebSocket Connection_"
            _ => refused(400).closing(),
        }
    }
}

/// What the server's answer says beside the accept key.
///
/// ```
/// use wharf::ws::handshake::Acceptance;
///
/// let acceptance = Acceptance::default().subprotocol("chat").header("X-Served-By", "7");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acceptance {
    subprotocol: Option<String>,
    headers: Vec<(String, String)>,
}

impl Acceptance {
    /// What it is made of.
    pub(crate) fn parts(&self) -> (Option<&str>, &[(String, String)]) {
        (self.subprotocol.as_deref(), &self.headers)
    }

    /// Takes this subprotocol instead of the one that the policy chose. It must have been offered.
    #[must_use]
    pub fn subprotocol(mut self, subprotocol: impl Into<String>) -> Self {
        self.subprotocol = Some(subprotocol.into());
        self
    }

    /// Adds a field to the answer.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Why an answer cannot be written; the fault is the local program's.
///
/// ```
/// use wharf::http::Request;
/// use wharf::ws::handshake::{AcceptError, Acceptance, Offer, ServerPolicy};
///
/// let head = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// let offer = Offer::from_request(&Request::parse(head).unwrap(), &ServerPolicy::default()).unwrap();
/// let error = offer.accept(&Acceptance::default().subprotocol("chat")).unwrap_err();
/// assert_eq!(error, AcceptError::SubprotocolNotOffered("chat".into()));
/// assert_eq!(error.to_string(), r#"the subprotocol "chat" was not offered"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The subprotocol was not offered.
    #[error("the subprotocol {0:?} was not offered")]
    SubprotocolNotOffered(String),
    /// A field that belongs to the handshake, or that cannot stand in a head.
    #[error("the header {0:?} cannot be set")]
    Header(String),
}

impl Offer {
    /// Checks a request by RFC 6455 section 4.2.1 and by `policy`.
    ///
    /// # Errors
    /// The first [`Refusal`] found.
    pub fn from_request(request: &Request, policy: &ServerPolicy) -> Result<Self, Refusal> {
        // RFC 6455 4.2.1: "the server MUST stop processing the client's handshake and return an HTTP response"
        let headers = request.headers();
        if request.method() != "GET" || request.version() != Version::Http11 {
            return Err(Refusal::NotGet);
        }
        if request.host().is_none_or(str::is_empty) {
            return Err(Refusal::NoHost);
        }
        if !request.is_websocket() {
            return Err(Refusal::NoUpgrade);
        }
        if !headers.list_has("connection", "upgrade") {
            return Err(Refusal::NoConnectionUpgrade);
        }
        if headers.only("sec-websocket-version") != Some("13") {
            return Err(Refusal::Version);
        }
        let key =
            headers.only("sec-websocket-key").filter(|key| key::is_valid(key)).ok_or(Refusal::BadKey)?;
        if !policy.origins.allows(request) {
            return Err(Refusal::Origin);
        }
        let offered = offered(headers).ok_or(Refusal::BadSubprotocol)?;
        let extensions = joined(headers, "sec-websocket-extensions").ok_or(Refusal::BadExtensions)?;
        // RFC 6455 9.1: "the recipient of such malformed data MUST immediately _Fail"
        Extensions::parse(&extensions).ok_or(Refusal::BadExtensions)?;
        let chosen = policy.choose(&offered);
        Ok(Self { accept: key::accept(key), offered, chosen, extensions, agreed: Agreed::default() })
    }

    /// The subprotocols that the client offers, in its order.
    #[must_use]
    pub fn subprotocols(&self) -> &[String] {
        &self.offered
    }

    /// The subprotocol that the answer will name.
    #[must_use]
    pub fn subprotocol<'a>(&'a self, acceptance: &'a Acceptance) -> Option<&'a str> {
        acceptance.subprotocol.as_deref().or(self.chosen.as_deref())
    }

    /// The extensions that the client offers, in its order.
    #[must_use]
    pub fn extensions(&self) -> Extensions<'_> {
        // The grammar was checked when the offer was made.
        Extensions::unchecked(&self.extensions)
    }

    /// The same with the extensions accepted that `config` wants: of several offers of one the first that can be met.
    #[must_use]
    pub fn with_extensions(self, config: &Config) -> Self {
        Self { agreed: Agreed::answer(self.extensions(), config), ..self }
    }

    /// The extensions that the answer will name; none without [`with_extensions`](Self::with_extensions).
    #[must_use]
    pub fn agreed(&self) -> Agreed {
        self.agreed
    }

    /// The bytes of the answer with status 101.
    ///
    /// # Errors
    /// [`AcceptError`] if `acceptance` asks for what cannot be.
    pub fn accept(&self, acceptance: &Acceptance) -> Result<Vec<u8>, AcceptError> {
        // RFC 6455 4.2.2: "the server MUST complete the following steps to accept the connection"
        // RFC 6455 4.2.2: "it MUST reply with a valid HTTP response indicating the following"
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        );
        // RFC 6455 4.2.2: "it MUST NOT send back a |Sec-WebSocket-Protocol| header field"
        // RFC 6455 11.3.4: "the |Sec-WebSocket-Protocol| header field MUST NOT appear more than once"
        if let Some(subprotocol) = self.subprotocol(acceptance) {
            // RFC 6455 4.2.2: "specifically by selecting one of the values from the |Sec-WebSocket-Protocol| field"
            if !self.offered.iter().any(|p| p == subprotocol) {
                return Err(AcceptError::SubprotocolNotOffered(subprotocol.into()));
            }
            field(&mut out, "Sec-WebSocket-Protocol", subprotocol.as_bytes());
        }
        // RFC 6455 5.8: "MUST negotiate the use of any extensions during the opening handshake"
        // RFC 6455 11.3.2: "MUST NOT appear more than once in an HTTP response"
        // RFC 7692 5: "A server declining all offered PMCEs MUST NOT include"
        // RFC 7692 5: "To accept the use of an offered PMCE, a server MUST include"
        if let Some(extensions) = self.agreed.to_field() {
            field(&mut out, "Sec-WebSocket-Extensions", extensions.as_bytes());
        }
        for (name, value) in &acceptance.headers {
            if is_reserved(name) || !is_token(name) || !is_value(value) {
                return Err(AcceptError::Header(name.clone()));
            }
            field(&mut out, name, value.as_bytes());
        }
        // RFC 6455 11.3.3: "The |Sec-WebSocket-Accept| header MUST NOT appear more than once"
        field(&mut out, "Sec-WebSocket-Accept", &self.accept);
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }
}

/// The subprotocols offered; `None` if one is no token.
fn offered(headers: &Headers) -> Option<Vec<String>> {
    let list = joined(headers, "sec-websocket-protocol")?;
    let names = list.split(',').map(str::trim_ascii).filter(|name| !name.is_empty());
    names.map(|name| is_token(name).then(|| name.into())).collect()
}

/// The values of all fields of this name as one list, as if they had been one field (RFC 9110 section 5.3). `None` if
/// that is not text.
fn joined(headers: &Headers, name: &str) -> Option<String> {
    let mut list = String::new();
    for value in headers.values(name) {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(core::str::from_utf8(value).ok()?);
    }
    Some(list)
}

/// Fields that the handshake itself writes, or that would frame a body.
pub(super) fn is_reserved(name: &str) -> bool {
    is_one_of(name, &["upgrade", "connection", "content-length", "transfer-encoding"])
        || name.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("sec-websocket-"))
}

pub(super) fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
