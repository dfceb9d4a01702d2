//! Where a peer is.

use alloc::string::String;
use core::fmt;
use core::net::SocketAddr;

/// The address of a peer.
///
/// ```
/// use wharf::link::Address;
///
/// let address = Address::from("127.0.0.1:80".parse::<core::net::SocketAddr>().unwrap());
/// assert_eq!(address.to_string(), "127.0.0.1:80");
/// assert!(address.ip().unwrap().is_loopback());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Address {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket's path; empty for an unnamed one.
    Unix(String),
}

impl Address {
    /// The IP address, if it has one.
    #[must_use]
    pub fn ip(&self) -> Option<core::net::IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix(_) => None,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
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
