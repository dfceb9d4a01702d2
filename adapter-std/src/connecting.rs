//! What the operating system says of an address that cannot be connected to.

use crate::ConnectError;
use std::fmt::Write;
use std::io::{self, ErrorKind};
use wharf::base::Instant;
use wharf::link::{Eyeballs, Fault, Unconnected};

/// Tells `eyeballs` what came of an attempt that failed, or that the system had no room for it yet.
///
/// ```
/// use std::io;
/// use std::time::Duration;
/// use wharf::base::Instant;
/// use wharf::link::Eyeballs;
/// use wharf_std::{ConnectError, tell_failed};
///
/// let (now, delay) = (Instant::ORIGIN, Duration::from_millis(250));
/// let addresses = vec!["127.0.0.1:1".parse().unwrap()];
/// let mut eyeballs = Eyeballs::<io::Error>::new(now, addresses, now + delay * 40, delay);
/// eyeballs.poll_action();
/// tell_failed(&mut eyeballs, now, 0, io::ErrorKind::ConnectionRefused.into());
/// let error = ConnectError::from(eyeballs.poll_outcome().unwrap().unwrap_err());
/// assert_eq!(error.to_string(), "connect: 127.0.0.1:1: connection refused");
/// ```
pub fn tell_failed(eyeballs: &mut Eyeballs<io::Error>, now: Instant, attempt: usize, error: io::Error) {
    let fault = match error.kind() {
        // A Unix socket whose queue is full says so at once instead of letting us wait.
        ErrorKind::WouldBlock => return eyeballs.handle_busy(now, attempt),
        ErrorKind::ConnectionRefused => Fault::Refused,
        ErrorKind::TimedOut => Fault::TimedOut,
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::AddrNotAvailable => {
            Fault::Unreachable
        }
        _ => Fault::Other,
    };
    eyeballs.handle_failed(now, attempt, fault, error);
}

/// Addresses that a text names.
const TOLD: usize = 4;

impl From<Unconnected<io::Error>> for ConnectError {
    /// The error has the kind of the most telling one, and the text of the first four.
    fn from(unconnected: Unconnected<io::Error>) -> Self {
        let failures = unconnected.failures();
        let kind = match unconnected.most_telling() {
            _ if unconnected.is_timed_out() => return Self::TimedOut,
            None => {
                return Self::Lookup(io::Error::new(ErrorKind::NotFound, "the name has no address"));
            }
            Some((_, _, error)) => error.kind(),
        };
        let mut text = String::new();
        for (at, (address, _, error)) in failures.iter().take(TOLD).enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}{address}: {error}", if at == 0 { "" } else { "; " });
        }
        if failures.len() > TOLD {
            let _ = write!(text, "; and {} more", failures.len() - TOLD);
        }
        Self::Connect(io::Error::new(kind, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use wharf::link::Address;

    /// All of these addresses fail, each so.
    fn failed(kinds: &[ErrorKind]) -> ConnectError {
        let addresses: Vec<Address> =
            (1..=kinds.len()).map(|n| format!("192.0.2.{n}:80").parse().unwrap()).collect();
        let (now, delay) = (Instant::ORIGIN, Duration::from_millis(250));
        let mut eyeballs = Eyeballs::new(now, addresses, now + delay * 40, delay);
        for (attempt, kind) in kinds.iter().enumerate() {
            assert!(eyeballs.poll_action().is_some());
            tell_failed(&mut eyeballs, now, attempt, (*kind).into());
        }
        eyeballs.poll_outcome().unwrap().unwrap_err().into()
    }

    #[test]
    fn each_address_is_told_with_its_error() {
        use ErrorKind::{ConnectionRefused, NetworkUnreachable, PermissionDenied, TimedOut};
        let error = failed(&[NetworkUnreachable, ConnectionRefused]);
        assert_eq!(
            error.to_string(),
            "connect: 192.0.2.1:80: network unreachable; 192.0.2.2:80: connection refused"
        );
        assert!(matches!(error, ConnectError::Connect(e) if e.kind() == ConnectionRefused));
        assert!(failed(&[ConnectionRefused; 6]).to_string().ends_with("; and 2 more"));
        assert!(!failed(&[NetworkUnreachable, PermissionDenied]).is_retryable());
        assert!(failed(&[ConnectionRefused, PermissionDenied]).is_retryable());
        assert!(matches!(failed(&[NetworkUnreachable, TimedOut]), ConnectError::TimedOut));
        assert!(matches!(failed(&[]), ConnectError::Lookup(_)));
    }
}
