//! The server's side: is the request one, may it be, and the answer.

use super::key;
use crate::http::{Request, Response, Version, is_token, is_value};
use alloc::string::String;
use alloc::vec::Vec;

/// Which pages may connect (RFC 6455 section 10.2). A request without `Origin` comes from no browser and is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// Any.
    #[default]
    Any,
    /// Pages of the host and port that the request names in `Host`, by `http` or `https`.
    SameHost,
    /// These, as a browser writes them: `https://example.org`.
    List(Vec<String>),
    /// These, and pages of the same host.
    SameHostOr(Vec<String>),
}

impl OriginPolicy {
    /// Whether `request` may connect.
    #[must_use]
    pub fn allows(&self, request: &Request) -> bool {
        let Some(origin) = request.headers().get("origin") else {
            return request.headers().count("origin") == 0;
        };
        let same = || {
            let host = request.headers().get("host").unwrap_or_default();
            let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            !host.is_empty() && authority.is_some_and(|a| a.eq_ignore_ascii_case(host))
        };
        let listed = |list: &[String]| list.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin));
        match self {
            Self::Any => true,
            Self::SameHost => same(),
            Self::List(list) => listed(list),
            Self::SameHostOr(list) => listed(list) || same(),
        }
    }
}

/// What a server asks of those who want a WebSocket.
///
/// ```
/// let policy = wharf::ws::handshake::ServerPolicy::default();
/// assert!(policy.subprotocols.is_empty());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ServerPolicy {
    /// Which pages may connect.
    pub origins: OriginPolicy,
    /// The subprotocols that the server speaks, the preferred one first.
    pub subprotocols: Vec<String>,
    /// Takes the first subprotocol offered when none of `subprotocols` is.
    pub accept_first_subprotocol: bool,
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
}

/// Why a request for a WebSocket is refused.
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
}

impl Refusal {
    /// The answer that says so.
    #[must_use]
    pub fn response(self) -> Response {
        match self {
            Self::NotGet | Self::NoConnectionUpgrade | Self::BadKey => Response::plain(400),
            Self::NoUpgrade => {
                Response::plain(426).with("Upgrade", "websocket").with("Connection", "Upgrade")
            }
            Self::Version => Response::plain(426)
                .with("Sec-WebSocket-Version", "13")
                .with("Upgrade", "websocket")
                .with("Connection", "Upgrade"),
            Self::Origin => Response::plain(403),
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
        let headers = request.headers();
        if request.method() != "GET" || request.version() != Version::Http11 {
            return Err(Refusal::NotGet);
        }
        if !request.is_websocket() {
            return Err(Refusal::NoUpgrade);
        }
        if !headers.list_has("connection", "upgrade") {
            return Err(Refusal::NoConnectionUpgrade);
        }
        if headers.count("sec-websocket-version") != 1 || headers.get("sec-websocket-version") != Some("13") {
            return Err(Refusal::Version);
        }
        let key = headers.get("sec-websocket-key").filter(|key| key::is_valid(key)).ok_or(Refusal::BadKey)?;
        if headers.count("sec-websocket-key") != 1 {
            return Err(Refusal::BadKey);
        }
        if !policy.origins.allows(request) {
            return Err(Refusal::Origin);
        }
        let offered: Vec<String> =
            headers.list("sec-websocket-protocol").filter(|p| is_token(p)).map(String::from).collect();
        let preferred = policy.subprotocols.iter().find(|p| offered.contains(p)).cloned();
        let chosen = match preferred {
            None if policy.accept_first_subprotocol => offered.first().cloned(),
            chosen => chosen,
        };
        Ok(Self { accept: key::accept(key), offered, chosen })
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

    /// The bytes of the answer with status 101. No extension is accepted.
    ///
    /// # Errors
    /// [`AcceptError`] if `acceptance` asks for what cannot be.
    pub fn accept(&self, acceptance: &Acceptance) -> Result<Vec<u8>, AcceptError> {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        );
        if let Some(subprotocol) = self.subprotocol(acceptance) {
            if !self.offered.iter().any(|p| p == subprotocol) {
                return Err(AcceptError::SubprotocolNotOffered(subprotocol.into()));
            }
            field(&mut out, "Sec-WebSocket-Protocol", subprotocol.as_bytes());
        }
        for (name, value) in &acceptance.headers {
            if is_reserved(name) || !is_token(name) || !is_value(value) {
                return Err(AcceptError::Header(name.clone()));
            }
            field(&mut out, name, value.as_bytes());
        }
        field(&mut out, "Sec-WebSocket-Accept", &self.accept);
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }
}

/// Fields that the handshake itself writes, or that would frame a body.
pub(super) fn is_reserved(name: &str) -> bool {
    ["upgrade", "connection", "content-length", "transfer-encoding"]
        .iter()
        .any(|n| name.eq_ignore_ascii_case(n))
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
