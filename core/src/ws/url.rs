//! WebSocket URLs (RFC 6455 section 3).

use crate::http::bracketed;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::net::Ipv6Addr;

mod reference;

/// Why a URL cannot be connected to. The fault is in the URL; trying again does not help.
///
/// ```
/// use wharf::ws::{Url, UrlError};
///
/// let error = Url::parse("ws://localhost:70000/").unwrap_err();
/// assert_eq!((error, &*error.to_string()), (UrlError::Port, "the URL's port is not 1 to 65535"));
/// assert_eq!(Url::parse("ws://localhost/#top"), Err(UrlError::Fragment));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The scheme is not `ws` or `wss`.
    #[error("the URL does not begin with ws:// or wss://")]
    Scheme,
    /// No host, or one with characters that no host has.
    #[error("the URL has no valid host")]
    Host,
    /// A port that is not 1 to 65535.
    #[error("the URL's port is not 1 to 65535")]
    Port,
    /// A user name or password, which is not sent unless asked for.
    #[error("the URL has a user name or password; allow Basic authentication to send it")]
    UserInfo,
    /// A fragment, which a WebSocket URL must not have.
    #[error("the URL has a fragment (#), which a WebSocket URL must not have")]
    Fragment,
    /// A space, a control character or a byte above ASCII; percent-encode it.
    #[error("the URL has a character that must be percent-encoded")]
    Character,
}

/// A parsed WebSocket URL.
///
/// ```
/// use wharf::ws::Url;
///
/// let url = Url::parse("wss://[::1]/chat?room=1").unwrap();
/// assert_eq!((url.host(), url.port(), url.is_secure()), ("::1", 443, true));
/// assert_eq!((url.target(), &*url.authority()), ("/chat?room=1", "[::1]"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url {
    secure: bool,
    host: String,
    port: u16,
    target: String,
    user_info: Option<String>,
}

impl Url {
    /// Parses a `ws` or `wss` URL.
    ///
    /// # Errors
    /// [`UrlError`], never [`UrlError::UserInfo`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        // RFC 6455 4.1: "MUST be valid according to the specification of WebSocket URIs"
        // RFC 6455 4.1: "If any of the components are invalid, the client MUST _Fail"
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let secure = match scheme {
            s if s.eq_ignore_ascii_case("ws") => false,
            s if s.eq_ignore_ascii_case("wss") => true,
            _ => return Err(UrlError::Scheme),
        };
        // RFC 6455 3: "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT"
        // RFC 6455 3: "when not indicating the start of a fragment, MUST be escaped as %23"
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        // RFC 6455 11.1.1: "Characters in the host component that are excluded by the syntax"
        // RFC 6455 11.1.1: "Characters in other components that are excluded by the syntax"
        // RFC 6455 11.1.2: "Characters in the host component that are excluded by the syntax"
        // RFC 6455 11.1.2: "Characters in other components that are excluded by the syntax"
        if rest.bytes().any(|b| b <= b' ' || b >= 0x7f) {
            return Err(UrlError::Character);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (user_info, host_port) = match authority.rsplit_once('@') {
            Some((user_info, host_port)) => (Some(user_info.to_string()), host_port),
            None => (None, authority),
        };
        let (host, port) = split_port(host_port)?;
        let port = match port {
            None => {
                if secure {
                    443
                } else {
                    80
                }
            }
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port != 0).ok_or(UrlError::Port)?
            }
            Some(_) => return Err(UrlError::Port),
        };
        let target = if target.starts_with('/') { target.to_string() } else { format!("/{target}") };
        Ok(Self { secure, host: host.to_ascii_lowercase(), port, target, user_info })
    }

    /// Whether it is `wss`.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host in lower case, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, 80 or 443 if the URL has none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Path and query.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// User name and password, as they stand in the URL.
    #[must_use]
    pub fn user_info(&self) -> Option<&str> {
        self.user_info.as_deref()
    }

    /// The value of `Host`: the port stands in it unless it is the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = bracketed(&self.host);
        match if self.secure { 443 } else { 80 } {
            own if own == self.port => host.into_owned(),
            _ => format!("{host}:{}", self.port),
        }
    }
}

impl fmt::Display for Url {
    /// Without user name and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.target)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), UrlError> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(UrlError::Host)?;
        let valid = host.parse::<Ipv6Addr>().is_ok();
        return match after.strip_prefix(':') {
            Some(port) if valid => Ok((host, Some(port))),
            None if valid && after.is_empty() => Ok((host, None)),
            _ => Err(UrlError::Host),
        };
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let valid = matches!(host.len(), 1..=253)
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    if valid { Ok((host, port)) } else { Err(UrlError::Host) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (text, host, port, target, authority) in [
            ("ws://a", "a", 80, "/", "a"),
            ("WS://A:80/x", "a", 80, "/x", "a"),
            ("wss://a:80?q", "a", 80, "/?q", "a:80"),
            ("ws://[::1]:9/p?q=/", "::1", 9, "/p?q=/", "[::1]:9"),
            ("ws://u:p@a.example/", "a.example", 80, "/", "a.example"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!(
                (url.host(), url.port(), url.target(), &*url.authority()),
                (host, port, target, authority)
            );
        }
        let url = Url::parse("ws://u:p@a").unwrap();
        assert_eq!(url.user_info(), Some("u:p"));
        assert_eq!((format!("{url}"), format!("{url:?}")), ("ws://a/".into(), "Url(ws://a/)".into()));
    }

    #[test]
    fn faults_are_named() {
        // RFC 6455 3: "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT"
        // RFC 6455 3: "when not indicating the start of a fragment, MUST be escaped as %23"
        // RFC 6455 4.1: "MUST be valid according to the specification of WebSocket URIs"
        // RFC 6455 4.1: "If any of the components are invalid, the client MUST _Fail"
        // RFC 6455 11.1.1: "Characters in the host component that are excluded by the syntax"
        // RFC 6455 11.1.1: "Characters in other components that are excluded by the syntax"
        // RFC 6455 11.1.2: "Characters in the host component that are excluded by the syntax"
        // RFC 6455 11.1.2: "Characters in other components that are excluded by the syntax"
        for (text, error) in [
            ("a:80", UrlError::Scheme),
            ("http://a", UrlError::Scheme),
            ("ws://", UrlError::Host),
            ("ws:///x", UrlError::Host),
            ("ws://[::1", UrlError::Host),
            ("ws://[a]", UrlError::Host),
            ("ws://[1:2]", UrlError::Host),
            ("ws://[fe80::1%25eth0]", UrlError::Host),
            ("ws://a%2f/", UrlError::Host),
            ("ws://a,b/", UrlError::Host),
            ("ws://[::1]x", UrlError::Host),
            ("ws://a:", UrlError::Port),
            ("ws://a:0", UrlError::Port),
            ("ws://a:65536", UrlError::Port),
            ("ws://a:+1", UrlError::Port),
            ("ws://a/#x", UrlError::Fragment),
            ("ws://a/é", UrlError::Character),
            ("ws://a/ b", UrlError::Character),
        ] {
            assert_eq!(Url::parse(text), Err(error), "{text}");
        }
    }
}
