//! Where a proxy is, what it speaks, and as whom it is spoken to.

use super::host::Host;
use crate::http::{Authority, bracketed, is_basic, user_and_password};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// Why the URL of a proxy cannot be used. The fault is in the URL, of which nothing is told: there may be a password in
/// it.
///
/// ```
/// use wharf::proxy::{Proxy, ProxyUrlError};
///
/// let error = Proxy::parse("https://proxy:3128").unwrap_err();
/// assert_eq!(error, ProxyUrlError::Tls);
/// assert_eq!(error.to_string(), "TLS to the proxy itself (https://) is not supported; give it by http://");
/// assert_eq!(Proxy::parse("http://proxy:0"), Err(ProxyUrlError::Port));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// The scheme is none of `http`, `socks5` and `socks5h`.
    #[error("the proxy's scheme is not http, socks5 or socks5h")]
    Scheme,
    /// The scheme is `https`: TLS to the proxy itself is not spoken. A proxy by `http` tunnels `wss` just as well.
    #[error("TLS to the proxy itself (https://) is not supported; give it by http://")]
    Tls,
    /// No host, or one with characters that no host has.
    #[error("the proxy's URL has no valid host")]
    Host,
    /// A port that is not 1 to 65535.
    #[error("the proxy's port is not 1 to 65535")]
    Port,
    /// A path, a query or a fragment: it is no proxy's URL then.
    #[error("the proxy's URL has a path, a query or a fragment")]
    Path,
    /// A user name or password that the proxy's protocol cannot carry: for `http` one with control characters, or a
    /// colon in the name; for `socks5` an empty name, or either over 255 bytes.
    #[error("the proxy's user name or password cannot be sent")]
    Credentials,
}

/// What a proxy speaks.
///
/// ```
/// use wharf::proxy::{Proxy, ProxyKind};
///
/// assert_eq!(Proxy::parse("socks5h://localhost").unwrap().kind(), ProxyKind::Socks5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyKind {
    /// CONNECT of HTTP/1.1 (RFC 9110 section 9.3.6), without TLS.
    Http,
    /// SOCKS version 5 (RFC 1928).
    Socks5,
}

/// A proxy: where it is, what it speaks, and as whom it is spoken to. Neither `Display` nor `Debug` show user name or
/// password.
///
/// ```
/// use wharf::proxy::{Proxy, ProxyKind};
///
/// let proxy = Proxy::parse("http://user:pass%20word@proxy.example:3128").unwrap();
/// assert_eq!((proxy.kind(), proxy.host(), proxy.port()), (ProxyKind::Http, "proxy.example", 3128));
/// assert_eq!(proxy.to_string(), "http://proxy.example:3128");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    kind: ProxyKind,
    host: String,
    port: u16,
    credentials: Option<Credentials>,
}

/// User name and password as they are sent.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Credentials {
    pub(super) user: Vec<u8>,
    pub(super) password: Vec<u8>,
}

impl Proxy {
    /// Parses `http://`, `socks5://` or `socks5h://`, then `[user[:password]@]host[:port]`; without a scheme it is
    /// `http`. The port is else 80 for `http` and 1080 for SOCKS. User name and password are percent-decoded.
    ///
    /// Both SOCKS schemes mean the same: a target's name is resolved by the proxy, since nothing here resolves names.
    ///
    /// # Errors
    /// [`ProxyUrlError`].
    pub fn parse(text: &str) -> Result<Self, ProxyUrlError> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (kind, default) = match &*scheme.to_ascii_lowercase() {
            "http" => (ProxyKind::Http, 80),
            "socks5" | "socks5h" => (ProxyKind::Socks5, 1080),
            "https" => return Err(ProxyUrlError::Tls),
            _ => return Err(ProxyUrlError::Scheme),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if !matches!(path, "" | "/") {
            return Err(ProxyUrlError::Path);
        }
        let (user_info, host_port) = match authority.rsplit_once('@') {
            Some((user_info, host_port)) => (Some(user_info), host_port),
            None => (None, authority),
        };
        let (host, port) = host_and_port(host_port)?;
        let proxy = Self { kind, host, port: port.unwrap_or(default), credentials: None };
        match user_info.map(user_and_password) {
            Some((user, password)) => proxy.with(Credentials { user, password }),
            None => Ok(proxy),
        }
    }

    /// The same proxy, spoken to as `user`.
    ///
    /// # Errors
    /// [`ProxyUrlError::Credentials`].
    pub fn with_credentials(self, user: &str, password: &str) -> Result<Self, ProxyUrlError> {
        self.with(Credentials { user: user.into(), password: password.into() })
    }

    /// What it speaks.
    #[must_use]
    pub fn kind(&self) -> ProxyKind {
        self.kind
    }

    /// Its host in lower case, an IPv6 address without its brackets: where to connect to.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    fn with(mut self, credentials: Credentials) -> Result<Self, ProxyUrlError> {
        let Credentials { user, password } = &credentials;
        let valid = match self.kind {
            ProxyKind::Http => is_basic(user, password),
            // RFC 1929 section 2: each has one byte for its length. An empty password is no more than a convention.
            ProxyKind::Socks5 => matches!(user.len(), 1..=255) && password.len() <= 255,
        };
        self.credentials = Some(credentials);
        if valid { Ok(self) } else { Err(ProxyUrlError::Credentials) }
    }
}

impl FromStr for Proxy {
    type Err = ProxyUrlError;

    /// As [`Proxy::parse`].
    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for Proxy {
    /// Without user name and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            ProxyKind::Http => "http",
            ProxyKind::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}:{}", bracketed(&self.host), self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

fn host_and_port(text: &str) -> Result<(String, Option<u16>), ProxyUrlError> {
    // An authority that cannot be parsed has a fault in its port if its host alone would do.
    let Some(authority) = Authority::parse(text) else {
        let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
        let port = Host::parse(host).is_some() && text.parse::<core::net::Ipv6Addr>().is_err();
        return Err(if port { ProxyUrlError::Port } else { ProxyUrlError::Host });
    };
    match (Host::parse(authority.host), authority.port) {
        (None, _) => Err(ProxyUrlError::Host),
        (_, Some(0)) => Err(ProxyUrlError::Port),
        (Some(Host::Address(address)), port) => Ok((address.to_string(), port)),
        (Some(Host::Name(name)), port) => Ok((name, port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn forms() {
        for (text, shown, credentials) in [
            ("http://a", "http://a:80", None),
            ("HTTP://A.Example:3128/", "http://a.example:3128", None),
            ("proxy:3128", "http://proxy:3128", None),
            ("u:p@proxy", "http://proxy:80", Some(("u", "p"))),
            ("socks5://a", "socks5://a:1080", None),
            ("socks5h://u@[::1]:9", "socks5://[::1]:9", Some(("u", ""))),
            ("http://[::1]", "http://[::1]:80", None),
            ("http://a:", "http://a:80", None),
            ("http://d%5cu:p%40%3a@q@10.0.0.1:1", "http://10.0.0.1:1", Some(("d\\u", "p@:@q"))),
        ] {
            let proxy = Proxy::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!((&*format!("{proxy}"), &*format!("{proxy:?}")), (shown, &*format!("Proxy({shown})")));
            let found = proxy.credentials().map(|c| (c.user.clone(), c.password.clone()));
            assert_eq!(found, credentials.map(|(user, password)| (user.into(), password.into())), "{text}");
            assert_eq!(text.parse(), Ok(proxy));
        }
    }

    #[test]
    fn faults_are_named() {
        let long = format!("socks5://u:{}@a", "p".repeat(256));
        for (text, error) in [
            ("https://a", ProxyUrlError::Tls),
            ("ftp://a", ProxyUrlError::Scheme),
            ("socks4://a", ProxyUrlError::Scheme),
            ("://a", ProxyUrlError::Scheme),
            ("", ProxyUrlError::Host),
            ("http://", ProxyUrlError::Host),
            ("http://:80", ProxyUrlError::Host),
            ("http://a b", ProxyUrlError::Host),
            ("http://::1", ProxyUrlError::Host),
            ("http://[::1", ProxyUrlError::Host),
            ("http://a%20:80", ProxyUrlError::Host),
            ("http://a:0", ProxyUrlError::Port),
            ("http://a:65536", ProxyUrlError::Port),
            ("http://a:x", ProxyUrlError::Port),
            ("http://a/x", ProxyUrlError::Path),
            ("http://a?x", ProxyUrlError::Path),
            ("http://u%3ax:p@a", ProxyUrlError::Credentials),
            ("http://u:%0d%0a@a", ProxyUrlError::Credentials),
            ("socks5://:p@a", ProxyUrlError::Credentials),
            (&long, ProxyUrlError::Credentials),
        ] {
            assert_eq!(Proxy::parse(text), Err(error), "{text}");
        }
        assert!(Proxy::parse("a").unwrap().with_credentials("a:b", "").is_err());
        assert!(
            Proxy::parse("socks5://a").unwrap().with_credentials("a:b", "").unwrap().credentials().is_some()
        );
    }
}
