//! Where a chat listens, and what it speaks there.

use crate::args::address;
use std::fmt;
use std::str::FromStr;
use wharf::link::{Address, AddressError};

/// `ADDR` for the page and its WebSocket, or `tcp://ADDR` for lines.
///
/// ```
/// use wharf_cli::chat::ChatListen;
///
/// let listen: ChatListen = "tcp://localhost:8081".parse().unwrap();
/// assert!(listen.is_lines);
/// assert_eq!(listen.to_string(), "tcp://127.0.0.1:8081");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatListen {
    /// Lines of JSON; else HTTP.
    pub is_lines: bool,
    /// Where.
    pub address: Address,
}

impl FromStr for ChatListen {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let lines = text.strip_prefix("tcp://");
        let at = lines.map_or(text, |rest| rest.strip_suffix('/').unwrap_or(rest));
        Ok(Self { is_lines: lines.is_some(), address: address(at)? })
    }
}

impl fmt::Display for ChatListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_lines { "tcp://" } else { "" };
        write!(f, "{scheme}{}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_and_without_a_scheme() {
        let web: ChatListen = "[::1]:0".parse().unwrap();
        assert_eq!((web.is_lines, web.to_string().as_str()), (false, "[::1]:0"));
        let unix: ChatListen = "tcp://unix:/run/chat".parse().unwrap();
        assert_eq!((unix.is_lines, unix.to_string().as_str()), (true, "tcp://unix:/run/chat"));
        for bad in ["", "tcp://", "ws://127.0.0.1:1", "nowhere:1"] {
            assert!(bad.parse::<ChatListen>().is_err(), "{bad}");
        }
    }
}
