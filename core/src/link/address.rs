//! Where a peer is, or where to listen.

use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};
use core::str::FromStr;

/// Where a peer is, where a listener listens, where a dial leads.
///
/// As text it is `HOST:PORT` or `[V6]:PORT` with numbers alone, since no name is looked up here, or `unix:PATH`. What
/// [`Display`](fmt::Display) writes is read back as the same address; only the unnamed Unix socket, `unix:`, is no place to
/// listen or connect and is refused.
///
/// ```
/// use wharf::link::Address;
///
/// let address: Address = "127.0.0.1:80".parse().unwrap();
/// assert!(address.ip().unwrap().is_loopback());
/// let address: Address = "unix:/run/wharf.sock".parse().unwrap();
/// assert_eq!(address, Address::Unix("/run/wharf.sock".to_owned()));
/// assert_eq!(address.to_string(), "unix:/run/wharf.sock");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Address {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket's path; empty for an unnamed one, which most clients have.
    Unix(String),
}

/// Why a text is no address.
///
/// ```
/// use wharf::link::{Address, AddressError};
///
/// assert_eq!("unix:".parse::<Address>(), Err(AddressError::NoPath));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither numbers with a port nor a path.
    #[error("not HOST:PORT, [V6]:PORT or unix:PATH")]
    Unknown,
    /// `unix:` with nothing behind it.
    #[error("unix: needs a path behind it")]
    NoPath,
    /// A path with a zero byte in it.
    #[error("a path has no zero byte in it")]
    ZeroByte,
}

impl Address {
    /// The IP address, if it has one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.tcp().map(|address| address.ip())
    }

    /// The address, if it is one of TCP.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// The path, if it is a Unix socket's; empty for an unnamed one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(path) => Some(path),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl From<SocketAddrV4> for Address {
    fn from(address: SocketAddrV4) -> Self {
        Self::Tcp(address.into())
    }
}

impl From<SocketAddrV6> for Address {
    fn from(address: SocketAddrV6) -> Self {
        Self::Tcp(address.into())
    }
}

impl<I: Into<IpAddr>> From<(I, u16)> for Address {
    fn from(address: (I, u16)) -> Self {
        Self::Tcp(address.into())
    }
}

impl From<&Self> for Address {
    fn from(address: &Self) -> Self {
        address.clone()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.strip_prefix("unix:") {
            Some("") => Err(AddressError::NoPath),
            Some(path) if path.contains('\0') => Err(AddressError::ZeroByte),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|_| AddressError::Unknown),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use core::net::{Ipv4Addr, Ipv6Addr};
    use proptest::prelude::*;

    #[test]
    fn what_is_no_address() {
        for (text, error) in [
            ("", AddressError::Unknown),
            ("127.0.0.1", AddressError::Unknown),
            ("localhost:80", AddressError::Unknown),
            ("::1:80", AddressError::Unknown),
            ("[::1]:65536", AddressError::Unknown),
            ("/run/socket", AddressError::Unknown),
            ("UNIX:/run/socket", AddressError::Unknown),
            ("unix:", AddressError::NoPath),
            ("unix:a\0b", AddressError::ZeroByte),
        ] {
            assert_eq!(text.parse::<Address>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn an_unnamed_socket_is_told_and_not_read() {
        assert_eq!(Address::Unix(String::new()).to_string(), "unix:");
        assert_eq!(Address::Unix("a".into()).path(), Some("a"));
        assert_eq!(Address::from(([127, 0, 0, 1], 80)).tcp(), Some(([127, 0, 0, 1], 80).into()));
    }

    fn address() -> impl Strategy<Value = Address> {
        let v4 = any::<(Ipv4Addr, u16)>().prop_map(Address::from);
        let v6 = any::<(Ipv6Addr, u16, u32)>()
            .prop_map(|(ip, port, scope)| Address::from(SocketAddrV6::new(ip, port, 0, scope)));
        prop_oneof![v4, v6, "[^\0]{1,40}".prop_map(Address::Unix)]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(address in address()) {
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }

        #[test]
        fn any_text_is_an_address_or_an_error(text in ".{0,40}") {
            let _ = text.parse::<Address>();
        }
    }
}
