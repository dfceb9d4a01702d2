//! What counts as one address.

use core::net::IpAddr;

/// What is counted together: an IPv4 address, or the 64 bits that a network of IPv6 is given at the least (RFC 6177), since
/// one host has all 2^64 addresses below them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    V4(u32),
    V6(u64),
}

impl From<IpAddr> for Key {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}
