//! Blocks of IP addresses.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

/// A block of addresses, as `10.0.0.0/8` or `fd00::/8` (RFC 4632 section 3.1); an address alone is a block of one.
///
/// IPv4 addresses that are mapped into IPv6 (`::ffff:10.0.0.1`) count as what they are: IPv4. What stands behind the
/// prefix counts as zero.
///
/// ```
/// use wharf::base::Cidr;
///
/// let block: Cidr = "10.1.2.3/16".parse().unwrap();
/// assert_eq!(block.to_string(), "10.1.0.0/16");
/// assert!(block.contains("10.1.255.255".parse().unwrap()));
/// assert!(block.contains("::ffff:10.1.0.1".parse().unwrap()));
/// assert!(!block.contains("10.2.0.0".parse().unwrap()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    first: IpAddr,
    bits: u8,
}

/// Why a text is no block of addresses.
///
/// ```
/// use wharf::base::{Cidr, CidrError};
///
/// assert_eq!("10.0.0.0/33".parse::<Cidr>(), Err(CidrError::Prefix));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CidrError {
    /// What stands before the slash, or alone, is no IP address.
    #[error("not an IP address, or one with a prefix such as 10.0.0.0/8")]
    Address,
    /// What stands behind the slash is no length of a prefix: a number up to 32, for IPv6 up to 128.
    #[error("the prefix is not a number up to 32, or 128 for IPv6")]
    Prefix,
}

impl Cidr {
    /// The block whose addresses have their first `bits` bits in common with `address`.
    ///
    /// # Errors
    /// [`CidrError::Prefix`] if an address of that kind has fewer.
    pub fn new(address: IpAddr, bits: u8) -> Result<Self, CidrError> {
        let (address, bits) = match (address, address.to_canonical()) {
            // A prefix that is longer than that of all mapped addresses is one of IPv4.
            (IpAddr::V6(_), mapped @ IpAddr::V4(_)) if bits >= 96 => (mapped, bits - 96),
            (address, _) => (address, bits),
        };
        let first = match address {
            IpAddr::V4(v4) if bits <= 32 => Ipv4Addr::from_bits(v4.to_bits() & mask_v4(bits)).into(),
            IpAddr::V6(v6) if bits <= 128 => Ipv6Addr::from_bits(v6.to_bits() & mask_v6(bits)).into(),
            _ => return Err(CidrError::Prefix),
        };
        Ok(Self { first, bits })
    }

    /// The first address of the block.
    #[must_use]
    pub const fn first(&self) -> IpAddr {
        self.first
    }

    /// How many bits its addresses have in common.
    #[must_use]
    pub const fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether an address is one of the block.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(other)) => first.to_bits() == other.to_bits() & mask_v4(self.bits),
            (IpAddr::V6(first), IpAddr::V6(other)) => first.to_bits() == other.to_bits() & mask_v6(self.bits),
            _ => false,
        }
    }
}

fn mask_v4(bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)
}

fn mask_v6(bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

impl From<IpAddr> for Cidr {
    fn from(address: IpAddr) -> Self {
        let first = address.to_canonical();
        Self { first, bits: if first.is_ipv4() { 32 } else { 128 } }
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let Some((address, bits)) = text.split_once('/') else {
            return text.parse().map(IpAddr::into).map_err(|_| CidrError::Address);
        };
        let address = address.parse().map_err(|_| CidrError::Address)?;
        let is_number = matches!(bits.len(), 1..=3) && bits.bytes().all(|b| b.is_ascii_digit());
        let bits = bits.parse().ok().filter(|_| is_number).ok_or(CidrError::Prefix)?;
        Self::new(address, bits)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn contains(block: &str, address: &str) -> bool {
        block.parse::<Cidr>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn what_is_in_a_block() {
        for (block, address) in [
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.1/32", "::ffff:10.0.0.1"),
            ("10.1.2.3/16", "10.1.0.0"),
            ("0.0.0.0/0", "255.255.255.255"),
            ("::/0", "2001:db8::1"),
            ("fe80::/10", "febf::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:10.0.0.0/104", "10.255.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
        ] {
            assert!(contains(block, address), "{block}: {address}");
        }
        for (block, address) in [
            ("10.0.0.1", "10.0.0.2"),
            ("10.1.0.0/16", "10.2.0.0"),
            ("0.0.0.0/0", "::1"),
            ("::/0", "10.0.0.1"),
            ("::/0", "::ffff:10.0.0.1"),
            ("fe80::/10", "fec0::"),
            ("::ffff:10.0.0.0/104", "11.0.0.0"),
        ] {
            assert!(!contains(block, address), "{block}: {address}");
        }
    }

    #[test]
    fn what_is_no_block() {
        for (text, error) in [
            ("", CidrError::Address),
            ("localhost", CidrError::Address),
            ("10.0.0/8", CidrError::Address),
            ("010.0.0.1", CidrError::Address),
            ("[::1]/64", CidrError::Address),
            ("10.0.0.0/", CidrError::Prefix),
            ("10.0.0.0/33", CidrError::Prefix),
            ("10.0.0.0/0008", CidrError::Prefix),
            ("10.0.0.0/+8", CidrError::Prefix),
            ("10.0.0.0/255.0.0.0", CidrError::Prefix),
            ("10.0.0.0/8/8", CidrError::Prefix),
            ("::/129", CidrError::Prefix),
            ("::/256", CidrError::Prefix),
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(error), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_holds_its_own(address: IpAddr, bits in 0..=128u8) {
            prop_assert!(Cidr::from(address).contains(address));
            match Cidr::new(address, bits) {
                Ok(block) => {
                    prop_assert!(block.contains(block.first()));
                    prop_assert_eq!(block.to_string().parse(), Ok(block));
                }
                Err(e) => prop_assert!(e == CidrError::Prefix && address.is_ipv4() && bits > 32),
            }
        }

        #[test]
        fn any_text_is_a_block_or_an_error(text in "[0-9a-f:./]{0,24}") {
            let _ = text.parse::<Cidr>();
        }
    }

    #[test]
    fn mapped_addresses_are_counted_as_ipv4() {
        for (text, first, bits) in [
            ("::ffff:0:0/96", "0.0.0.0", 0),
            ("::ffff:0:0/95", "::fffe:0:0", 95),
            ("::ffff:10.1.2.3", "10.1.2.3", 32),
            ("10.1.2.3/32", "10.1.2.3", 32),
            ("::1", "::1", 128),
            ("::1/128", "::1", 128),
        ] {
            let block: Cidr = text.parse().unwrap();
            assert_eq!((block.first(), block.bits()), (first.parse().unwrap(), bits), "{text}");
        }
    }
}
