//! Where a client connects, and what it asks for there.

use super::{Address, OpenError};
use crate::http::bracketed;
use crate::ws::handshake::{ClientRequest, RedirectError, Redirects, RequestError};
use crate::ws::{Url, UrlError};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
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
    addresses: Vec<Address>,
}

/// Why a text names no target. The fault is in the text; trying again does not help.
///
/// ```
/// use wharf::link::{Target, TargetError};
///
/// let error = "tcp://database".parse::<Target>().unwrap_err();
/// assert_eq!(error, TargetError::HostPort("database".into()));
/// assert_eq!(error.to_string(), r#""database" is not HOST:PORT behind its scheme"#);
/// assert_eq!("unix:".parse::<Target>(), Err(TargetError::NoPath));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// None of the schemes. The text is told from its last `@` on, since there may be a password before that.
    #[error("{0:?} does not begin with ws://, wss://, tcp://, tls:// or unix:")]
    Scheme(String),
    /// A WebSocket's URL.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// `tcp` or `tls` without a port, or with more than host and port. The text is told from its last `@` on.
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
        Self { host: host.into(), port, secure: false, request: None, addresses: Vec::new() }
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
    pub fn at(self, address: Address) -> Self {
        self.at_any([address])
    }

    /// As [`at`](Self::at), with several addresses, as another resolver than that of the operating system tells them: the
    /// first that answers is taken ([`Eyeballs`](super::Eyeballs)). None at all is as if nothing had been said.
    #[must_use]
    pub fn at_any(mut self, addresses: impl IntoIterator<Item = Address>) -> Self {
        self.addresses = addresses.into_iter().collect();
        self
    }

    /// The same for the attempt of this number ([`ClientRequest::numbered`]).
    #[must_use]
    pub fn numbered(mut self, attempt: u32) -> Self {
        self.request = self.request.map(|request| request.numbered(attempt));
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

    /// Where to connect, if that is not the host; the first of several.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        self.addresses.first()
    }

    /// Where to connect, if that is not the host.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Where to go on after a client's connection failed with `error`; `None` where nothing redirects it and the error
    /// stands. The address that was set by [`at`](Self::at) and TLS that was asked for beside the URL hold for as long as
    /// scheme, host and port stay.
    ///
    /// # Errors
    /// [`OpenError::Redirect`] for a redirect that must not or cannot be followed.
    pub fn redirected(
        &self,
        redirects: &mut Redirects,
        error: &OpenError,
    ) -> Option<Result<Self, OpenError>> {
        let OpenError::Handshake(error) = error else { return None };
        let asked = self.request.as_ref()?;
        let next = redirects.follow(asked, error).transpose()?;
        Some(next.map_err(OpenError::from).and_then(|next| {
            let (here, there) = (asked.url(), next.url());
            if (here.is_secure(), here.host(), here.port()) == (there.is_secure(), there.host(), there.port())
            {
                return Ok(Self { request: Some(next), ..self.clone() });
            }
            // The URL need not say that this target is over TLS.
            if self.secure && !there.is_secure() {
                return Err(RedirectError::Downgrade.into());
            }
            Ok(next.into())
        }))
    }

    /// What a WebSocket asks for here if nothing was said.
    pub(super) fn default_request(&self) -> Result<ClientRequest, RequestError> {
        let host = bracketed(&self.host);
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
        Self { host, port, secure, request: Some(request), addresses: Vec::new() }
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

/// What may be shown of a text: what stands in front of an `@` may be a password.
fn shown(text: &str) -> String {
    text.rsplit('@').next().unwrap_or_default().into()
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

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.request, self.address()) {
            (Some(request), _) => request.url().fmt(f)?,
            (None, Some(_)) if self.port == 0 => {}
            (None, _) => {
                let scheme = if self.secure { "tls" } else { "tcp" };
                write!(f, "{scheme}://{}:{}", bracketed(&self.host), self.port)?;
            }
        }
        let is_bare = self.request.is_none() && self.port == 0;
        for (at, address) in self.addresses.iter().enumerate() {
            f.write_str(if at > 0 {
                ", "
            } else if is_bare {
                ""
            } else {
                " at "
            })?;
            address.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
