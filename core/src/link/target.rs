//! Where a client connects, and what it asks for there.

use super::{Address, OpenError};
use crate::ws::handshake::{ClientRequest, Redirects, RequestError};
use crate::ws::{Url, UrlError};
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

/// Where a client connects, and what it asks for there: a WebSocket, or nothing, where messages are framed by
/// [`Config::framing`](super::Config::framing).
///
/// | text | what it means |
/// |---|---|
/// | `ws://HOST[:PORT][/PATH]`, `wss://…` | a WebSocket, plain or over TLS |
/// | `tcp://HOST:PORT`, `tls://HOST:PORT` | framed messages, plain or over TLS |
/// | `unix:PATH` | framed messages over a Unix socket |
///
/// Where the framing is that of the WebSocket, the last two ask for `/` of that host, or of `localhost`.
///
/// ```
/// use wharf::link::{Address, Target};
/// use wharf::ws::handshake::ClientRequest;
///
/// let target: Target = "tls://example.org:7000".parse().unwrap();
/// assert_eq!((target.host(), target.port(), target.is_secure()), ("example.org", 7000, true));
/// assert!(target.request().is_none());
///
/// // A WebSocket over a Unix socket: the URL says what is asked for, the address where.
/// let request = ClientRequest::new("ws://localhost/chat").unwrap();
/// let target = Target::from(request).at(Address::Unix("/run/chat.sock".into()));
/// assert_eq!(target.to_string(), "ws://localhost/chat at unix:/run/chat.sock");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    host: String,
    port: u16,
    secure: bool,
    request: Option<ClientRequest>,
    address: Option<Address>,
}

/// Why a text names no target. The fault is in the text; trying again does not help. Of the text, a user with a password and
/// a query are not told: there may be secrets in them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// None of the schemes.
    #[error("{0:?} does not begin with ws://, wss://, tcp://, tls:// or unix:")]
    Scheme(String),
    /// A WebSocket's URL.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// `tcp` or `tls` without a port, or with more than host and port.
    #[error("{0:?} is not HOST:PORT behind its scheme")]
    HostPort(String),
    /// `unix:` without a path.
    #[error("unix: names no path")]
    NoPath,
}

impl Target {
    /// A framed peer at `host` and `port`.
    #[must_use]
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, secure: false, request: None, address: None }
    }

    /// A framed peer at a Unix socket's path.
    #[must_use]
    pub fn unix(path: impl Into<String>) -> Self {
        Self::tcp("localhost", 0).at(Address::Unix(path.into()))
    }

    /// The same over TLS, whose certificate must be for `name`.
    #[must_use]
    pub fn over_tls(mut self, name: impl Into<String>) -> Self {
        self.host = name.into();
        self.secure = true;
        self
    }

    /// Connects to `address` instead of looking the host up. What is asked for, and whose certificate is expected,
    /// stays.
    #[must_use]
    pub fn at(mut self, address: Address) -> Self {
        self.address = Some(address);
        self
    }

    /// The host: its name is looked up, and its certificate must be for it. An IPv6 address stands without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 0 where there is only an address.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// What is asked for, where it is a WebSocket.
    #[must_use]
    pub fn request(&self) -> Option<&ClientRequest> {
        self.request.as_ref()
    }

    /// Where to connect, if that is not the host.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// Where to go on after a client's connection failed with `error`; `None` where nothing redirects it and the error
    /// stands.
    ///
    /// As long as the URL's scheme, host and port stay, so do the address and the name that were given for them
    /// ([`at`](Self::at), [`over_tls`](Self::over_tls)): what is meant for one peer is not told to another.
    ///
    /// # Errors
    /// [`OpenError::Redirect`] for a redirect that must not or cannot be followed.
    pub fn redirected(
        &self,
        redirects: &mut Redirects,
        error: &OpenError,
    ) -> Option<Result<Self, OpenError>> {
        let OpenError::Handshake(error) = error else { return None };
        let request = self.request.as_ref()?;
        let next = redirects.follow(request, error).map_err(OpenError::from).transpose()?;
        Some(next.map(|next| {
            let (old, new) = (request.url(), next.url());
            let stays =
                (old.is_secure(), old.host(), old.port()) == (new.is_secure(), new.host(), new.port());
            if stays { Self { request: Some(next), ..self.clone() } } else { next.into() }
        }))
    }

    /// What a WebSocket asks for here if nothing was said.
    pub(super) fn default_request(&self) -> Result<ClientRequest, RequestError> {
        let host =
            if self.host.contains(':') { alloc::format!("[{}]", self.host) } else { self.host.clone() };
        let scheme = if self.secure { "wss" } else { "ws" };
        match self.port {
            0 => ClientRequest::new(&alloc::format!("{scheme}://{host}/")),
            port => ClientRequest::new(&alloc::format!("{scheme}://{host}:{port}/")),
        }
    }
}

impl From<ClientRequest> for Target {
    fn from(request: ClientRequest) -> Self {
        let url = request.url();
        let (host, port, secure) = (url.host().to_string(), url.port(), url.is_secure());
        Self { host, port, secure, request: Some(request), address: None }
    }
}

impl From<&ClientRequest> for Target {
    fn from(request: &ClientRequest) -> Self {
        request.clone().into()
    }
}

/// From what [`ClientRequest`] is made from.
macro_rules! from_request {
    ($(($($generics:tt)*) $type:ty;)*) => {$(
        impl<$($generics)*> TryFrom<$type> for Target {
            type Error = TargetError;

            fn try_from(what: $type) -> Result<Self, TargetError> {
                Ok(ClientRequest::try_from(what)?.into())
            }
        }
    )*};
}

from_request! {
    () Url;
}

#[cfg(feature = "http")]
from_request! {
    () ::http::Uri;
    () &::http::Uri;
    (B) ::http::Request<B>;
    (B) &::http::Request<B>;
}

macro_rules! from_text {
    ($($type:ty),*) => {$(
        impl TryFrom<$type> for Target {
            type Error = TargetError;

            fn try_from(text: $type) -> Result<Self, TargetError> {
                text.parse()
            }
        }
    )*};
}

from_text!(&str, &String, String);

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(TargetError::NoPath) } else { Ok(Self::unix(path)) };
        }
        match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tcp") => host_port(rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tls") => {
                host_port(rest).map(|target| Self { secure: true, ..target })
            }
            _ => match ClientRequest::new(text) {
                Ok(request) => Ok(request.into()),
                Err(RequestError::Url(UrlError::Scheme)) => Err(TargetError::Scheme(shown(text))),
                Err(e) => Err(e.into()),
            },
        }
    }
}

/// A host and a port, by the rules of a URL.
fn host_port(text: &str) -> Result<Target, TargetError> {
    let wrong = || TargetError::HostPort(shown(text));
    let url = Url::parse(&alloc::format!("ws://{text}")).map_err(|_| wrong())?;
    let named = text.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    if url.target() != "/" || url.user_info().is_some() || text.ends_with('/') || !named {
        return Err(wrong());
    }
    Ok(Target::tcp(url.host(), url.port()))
}

/// A text as an error may tell it.
fn shown(text: &str) -> String {
    let (scheme, rest) = text.split_at(text.find("://").map_or(0, |at| at + 3));
    let (user, rest) = rest.rfind('@').map_or(("", rest), |at| ("***", &rest[at..]));
    match rest.split_once(['?', '#']) {
        Some((front, _)) => alloc::format!("{scheme}{user}{front}?***"),
        None => alloc::format!("{scheme}{user}{rest}"),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.request, &self.address) {
            (Some(request), _) => request.url().fmt(f)?,
            (None, Some(_)) if self.port == 0 => {}
            (None, _) => {
                let scheme = if self.secure { "tls" } else { "tcp" };
                let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
                write!(f, "{scheme}://{open}{}{close}:{}", self.host, self.port)?;
            }
        }
        match &self.address {
            Some(address) if self.request.is_none() && self.port == 0 => address.fmt(f),
            Some(address) => write!(f, " at {address}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ResponseHead;
    use crate::ws::handshake::{HandshakeError, RefusedBy};
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    #[test]
    fn texts_both_ways() {
        for text in
            ["ws://a/", "wss://a:81/x?y", "tcp://a:1", "tls://[::1]:70", "unix:/a b", "tcp://127.0.0.1:80"]
        {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn faults_are_named() {
        let error = |text: &str| text.parse::<Target>().unwrap_err();
        assert_eq!(error("http://a"), TargetError::Scheme("http://a".into()));
        assert_eq!(error("unix:"), TargetError::NoPath);
        assert_eq!(error("ws://"), TargetError::Request(UrlError::Host.into()));
        for rest in ["a", "a:", "a:0", "a:1/", "a:1/x", "[::1]", ":1"] {
            assert_eq!(error(&alloc::format!("tcp://{rest}")), TargetError::HostPort(rest.into()));
        }
    }

    /// Credentials follow a redirect within the same host, so it must lead to the same peer.
    #[test]
    fn a_redirect_within_the_host_stays_at_the_address() {
        let unix = Address::Unix("/run/chat.sock".into());
        let target = Target::from(ClientRequest::new("ws://localhost/a").unwrap()).at(unix.clone());
        for (location, url, address) in [
            ("/b", "ws://localhost/b", Some(&unix)),
            ("ws://localhost:81/b", "ws://localhost:81/b", None),
            ("ws://elsewhere/b", "ws://elsewhere/b", None),
        ] {
            let answer = alloc::format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n");
            let headers = ResponseHead::parse(answer.as_bytes()).unwrap().headers().clone();
            let refused = RefusedBy { status: 302, headers, body: Vec::new(), body_is_whole: true };
            let error = HandshakeError::Refused(Box::new(refused)).into();
            let next = target.redirected(&mut Redirects::limited(1), &error).unwrap().unwrap();
            assert_eq!(
                (next.request().unwrap().url().to_string(), next.address()),
                (url.to_string(), address)
            );
        }
    }

    #[test]
    fn faults_tell_no_secrets() {
        for (text, told) in [
            ("https://u:secret@a/b", "https://***@a/b"),
            ("https://a/b?key=secret", "https://a/b?***"),
            ("u:sec?ret@a:80", "***@a:80"),
            ("tls://u:secret@a:1", "***@a:1"),
            ("tcp://a:1?secret", "a:1?***"),
        ] {
            let error = text.parse::<Target>().unwrap_err();
            assert!(!alloc::format!("{error} {error:?}").contains("secret"), "{error:?}");
            assert!(error.to_string().starts_with(&alloc::format!("{told:?}")), "{error}");
        }
    }

    #[test]
    fn a_websocket_is_asked_for_where_nothing_was_said() {
        for (text, url) in
            [("tcp://a:1", "ws://a:1/"), ("unix:/x", "ws://localhost/"), ("tls://[::1]:443", "wss://[::1]/")]
        {
            let request = text.parse::<Target>().unwrap().default_request().unwrap();
            assert_eq!(request.url().to_string(), url);
        }
    }
}
