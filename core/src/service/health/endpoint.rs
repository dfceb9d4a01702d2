//! What is checked, and how.

use crate::http::{Authority, bracketed};
use crate::link::Target;
use crate::ws::Url;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

/// What is checked, and how: a name of its own, and a URL.
///
/// `tcp://HOST:PORT` is up if it can be connected to. `http://HOST:PORT/PATH` is up if a GET is answered by 200 to 399, or by the
/// status and the text that are set here; redirects are not followed. As text it is `ID=URL`, cut at the first `=` that `tcp://` or
/// `http://` follows.
///
/// ```
/// use std::time::Duration;
/// use wharf::service::health::{Endpoint, Protocol};
///
/// let mut endpoint: Endpoint = "a=b=http://[::1]:3000/ready".parse().unwrap();
/// endpoint.timeout = Some(Duration::from_secs(2));
/// assert_eq!((endpoint.id(), endpoint.host(), endpoint.port()), ("a=b", "::1", 3000));
/// assert_eq!((endpoint.protocol(), endpoint.path()), (Protocol::Http, "/ready"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    id: String,
    host: String,
    port: u16,
    protocol: Protocol,
    path: String,
    /// From one check to the next. Default `None`: as [`Config::interval`](super::Config) says.
    pub interval: Option<Duration>,
    /// How long a check may take, all of it. Default `None`: as [`Config::timeout`](super::Config) says.
    pub timeout: Option<Duration>,
    /// The only status that is up. Default `None`: 200 to 399.
    pub status: Option<u16>,
    /// What must stand in the first 64 KiB of the answer's body, byte for byte. Default `None`: nothing.
    pub body: Option<String>,
}

/// What is spoken with an endpoint.
///
/// ```
/// assert_eq!(wharf::service::health::Protocol::Http.to_string(), "http");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub enum Protocol {
    /// Nothing: it is connected to, and that is all.
    Tcp,
    /// HTTP/1.1.
    Http,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Http => "http",
        })
    }
}

/// Why a text names no endpoint. The fault is in the text.
///
/// ```
/// use wharf::service::health::{Endpoint, EndpointError};
///
/// let error = "db=tcp://database".parse::<Endpoint>().unwrap_err();
/// assert_eq!(error, EndpointError::Url);
/// assert_eq!(error.to_string(), "the URL is not tcp://HOST:PORT or http://HOST:PORT/PATH");
/// assert_eq!("db=database:5432".parse::<Endpoint>(), Err(EndpointError::NoUrl));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The id is empty.
    #[error("the id is empty")]
    NoId,
    /// There is no `=` that a URL follows.
    #[error("it is not ID=tcp://HOST:PORT or ID=http://HOST:PORT/PATH")]
    NoUrl,
    /// Neither `tcp://` nor `http://`.
    #[error("the URL does not begin with tcp:// or http://")]
    Scheme,
    /// What follows the scheme cannot be dialed or asked for.
    #[error("the URL is not tcp://HOST:PORT or http://HOST:PORT/PATH")]
    Url,
}

impl Endpoint {
    /// The endpoint at `url`, under a name that is not empty.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn new(id: impl Into<String>, url: &str) -> Result<Self, EndpointError> {
        let id = id.into();
        if id.is_empty() {
            return Err(EndpointError::NoId);
        }
        let (protocol, rest) = match (url.strip_prefix("tcp://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (Protocol::Tcp, rest),
            (_, Some(rest)) => (Protocol::Http, rest),
            _ => return Err(EndpointError::Scheme),
        };
        // The same rules as for a WebSocket's URL, but the host stays as it was written.
        let parsed = Url::parse(&format!("ws://{rest}")).map_err(|_| EndpointError::Url)?;
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let named = Authority::parse(authority).ok_or(EndpointError::Url)?;
        let is_whole = named.port.is_some() && path.is_empty();
        if protocol == Protocol::Tcp && !is_whole {
            return Err(EndpointError::Url);
        }
        let host = named.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let (port, path) = (parsed.port(), parsed.target().to_owned());
        Ok(Self { id, host, port, protocol, path, interval: None, timeout: None, status: None, body: None })
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The host as it was written, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What is spoken.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// What is asked for by HTTP, with its query; `/` where nothing is.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is dialed.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::tcp(&*self.host, self.port)
    }

    /// The value of `Host`.
    pub(super) fn authority(&self) -> String {
        let host = bracketed(&self.host);
        if self.port == 80 { host.into_owned() } else { format!("{host}:{}", self.port) }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let is_cut = |at: &usize| {
            let rest = &text[at + 1..];
            rest.starts_with("tcp://") || rest.starts_with("http://")
        };
        let at = text.match_indices('=').map(|(at, _)| at).find(is_cut).ok_or(EndpointError::NoUrl)?;
        Self::new(&text[..at], &text[at + 1..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Result<(String, String, u16, Protocol, String), EndpointError> {
        text.parse::<Endpoint>().map(|e| (e.id, e.host, e.port, e.protocol, e.path))
    }

    #[test]
    fn what_is_an_endpoint() {
        for (text, id, host, port, protocol, path) in [
            ("a=tcp://Db.Local:5432", "a", "Db.Local", 5432, Protocol::Tcp, "/"),
            ("a=tcp://[::1]:1", "a", "::1", 1, Protocol::Tcp, "/"),
            ("a=http://h:3000", "a", "h", 3000, Protocol::Http, "/"),
            ("a=http://h", "a", "h", 80, Protocol::Http, "/"),
            ("a=http://h:1?q=http://x", "a", "h", 1, Protocol::Http, "/?q=http://x"),
            ("a=http://[FE80::1]/x/y?z", "a", "FE80::1", 80, Protocol::Http, "/x/y?z"),
            ("a=b==tcp://h:1", "a=b=", "h", 1, Protocol::Tcp, "/"),
            ("ü /=tcp://h:1", "ü /", "h", 1, Protocol::Tcp, "/"),
            ("a=ftp://x=tcp://h:1", "a=ftp://x", "h", 1, Protocol::Tcp, "/"),
        ] {
            assert_eq!(parts(text), Ok((id.into(), host.into(), port, protocol, path.into())), "{text}");
        }
    }

    #[test]
    fn what_is_none() {
        for (text, error) in [
            ("", EndpointError::NoUrl),
            ("a", EndpointError::NoUrl),
            ("tcp://h:1", EndpointError::NoUrl),
            ("a=https://h:1", EndpointError::NoUrl),
            ("=tcp://h:1", EndpointError::NoId),
            ("a=tcp://h", EndpointError::Url),
            ("a=tcp://h:", EndpointError::Url),
            ("a=tcp://h:0", EndpointError::Url),
            ("a=tcp://h:65536", EndpointError::Url),
            ("a=tcp://h:1/", EndpointError::Url),
            ("a=tcp://h:1?q", EndpointError::Url),
            ("a=tcp://:1", EndpointError::Url),
            ("a=tcp://u@h:1", EndpointError::Url),
            ("a=http://u:p@h:1/", EndpointError::Url),
            ("a=http://h:1/#f", EndpointError::Url),
            ("a=http://h:1/ x", EndpointError::Url),
            ("a=http://", EndpointError::Url),
        ] {
            assert_eq!(parts(text), Err(error), "{text}");
        }
        assert_eq!(Endpoint::new("a", "https://h:1"), Err(EndpointError::Scheme));
    }

    #[test]
    fn hosts_in_a_request() {
        let authority = |url| Endpoint::new("a", url).unwrap().authority();
        assert_eq!(authority("http://H:80/"), "H");
        assert_eq!(authority("http://[::1]:81/"), "[::1]:81");
    }
}
