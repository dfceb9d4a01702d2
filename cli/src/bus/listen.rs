//! Where a bus listens, and what it speaks there.

use crate::args::address;
use std::fmt;
use std::str::FromStr;
use wharf::link::Address;

/// `tcp://ADDR` or `ws://ADDR`.
///
/// ```
/// use wharf_cli::bus::BusListen;
///
/// let listen: BusListen = "ws://localhost:9091".parse().unwrap();
/// assert!(listen.is_websocket);
/// assert_eq!(listen.to_string(), "ws://127.0.0.1:9091");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusListen {
    /// A WebSocket; else lines.
    pub is_websocket: bool,
    /// Where.
    pub address: Address,
}

impl FromStr for BusListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (is_websocket, rest) = match text.split_once("://") {
            Some(("tcp", rest)) => (false, rest),
            Some(("ws", rest)) => (true, rest),
            _ => return Err("neither tcp://ADDR nor ws://ADDR".to_owned()),
        };
        let address = address(rest.strip_suffix('/').unwrap_or(rest)).map_err(|e| e.to_string())?;
        Ok(Self { is_websocket, address })
    }
}

impl fmt::Display for BusListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_websocket { "ws" } else { "tcp" };
        write!(f, "{scheme}://{}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_schemes_and_no_other() {
        let tcp: BusListen = "tcp://[::1]:9090".parse().unwrap();
        assert_eq!((tcp.is_websocket, tcp.to_string().as_str()), (false, "tcp://[::1]:9090"));
        let unix: BusListen = "tcp://unix:/run/bus".parse().unwrap();
        assert_eq!(unix.to_string(), "tcp://unix:/run/bus");
        for bad in ["", "127.0.0.1:1", "http://127.0.0.1:1", "tcp://nowhere:1", "wss://127.0.0.1:1"] {
            assert!(bad.parse::<BusListen>().is_err(), "{bad}");
        }
    }
}
