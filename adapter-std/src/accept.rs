//! What accepting fails with, and what that means.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use wharf::link::Address;

/// How long nothing is accepted after [`AcceptFailure::Exhausted`]: the next try would fail the same way.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often such a shortage is told at most: it may come and go with every connection.
pub const ACCEPT_TELL: Duration = Duration::from_secs(60);

/// What a failure of accepting means.
///
/// ```
/// use std::{io, time::Duration};
/// use wharf_std::{ACCEPT_PAUSE, AcceptFailure};
///
/// /// How long to wait until the next try, if one is worth it.
/// fn pause(error: &io::Error) -> Option<Duration> {
///     match AcceptFailure::of(error) {
///         AcceptFailure::Passing => Some(Duration::ZERO),
///         AcceptFailure::Lost => None,
///         _ => Some(ACCEPT_PAUSE),
///     }
/// }
///
/// let error = |code| io::Error::from_raw_os_error(code);
/// assert_eq!(pause(&error(libc::ECONNABORTED)), Some(Duration::ZERO));
/// assert_eq!(pause(&error(libc::EMFILE)), Some(ACCEPT_PAUSE));
/// assert_eq!(pause(&error(libc::EBADF)), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AcceptFailure {
    /// Of one connection, which is gone: the next may be well.
    Passing,
    /// The process or the system has no descriptors, memory or buffers left (EMFILE, ENFILE, ENOBUFS, ENOMEM), or something else
    /// that may go away. Whoever waits in the kernel's queue is taken once it has.
    Exhausted,
    /// The listener listens no more, and never will.
    Lost,
}

impl AcceptFailure {
    /// What `error` means.
    ///
    /// ```
    /// use std::io;
    /// use wharf_std::AcceptFailure;
    ///
    /// let error = io::Error::from(io::ErrorKind::ConnectionAborted);
    /// assert_eq!(AcceptFailure::of(&error), AcceptFailure::Passing);
    /// ```
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EBADF | libc::EINVAL | libc::ENOTSOCK | libc::EOPNOTSUPP) => return Self::Lost,
            // accept(2) hands on what the network has to say of the new connection, and a firewall's no.
            Some(
                libc::ENETDOWN
                | libc::EPROTO
                | libc::ENOPROTOOPT
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
                | libc::ENETUNREACH
                | libc::EPERM,
            ) => return Self::Passing,
            _ => {}
        }
        match error.kind() {
            ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => {
                Self::Passing
            }
            _ => Self::Exhausted,
        }
    }
}

/// A server has lost a listener: nobody can connect there any more.
///
/// ```
/// use wharf_std::ListenerLost;
///
/// let error = std::io::Error::from(std::io::ErrorKind::InvalidInput);
/// let lost = ListenerLost::new(&([127, 0, 0, 1], 80).into(), error);
/// assert!(lost.to_string().starts_with("the listener at 127.0.0.1:80 is lost: "));
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
#[error("the listener at {address} is lost: {error}")]
pub struct ListenerLost {
    /// Where it listened.
    pub address: Address,
    /// What the operating system says.
    pub error: Arc<io::Error>,
}

impl ListenerLost {
    /// The loss of the listener at `address`.
    #[must_use]
    pub fn new(address: &Address, error: io::Error) -> Self {
        Self { address: address.clone(), error: Arc::new(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_away_is_told_from_what_does_not() {
        let of = |code| AcceptFailure::of(&io::Error::from_raw_os_error(code));
        for code in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM] {
            assert_eq!(of(code), AcceptFailure::Exhausted, "{code}");
        }
        for code in [libc::ECONNABORTED, libc::EINTR, libc::EPROTO, libc::EPERM, libc::ENETUNREACH] {
            assert_eq!(of(code), AcceptFailure::Passing, "{code}");
        }
        for code in [libc::EBADF, libc::EINVAL, libc::ENOTSOCK] {
            assert_eq!(of(code), AcceptFailure::Lost, "{code}");
        }
    }

    #[test]
    fn a_listener_that_was_shut_down_is_lost() {
        let listener = crate::listen_tcp(([127, 0, 0, 1], 0).into()).unwrap();
        socket2::SockRef::from(&listener).shutdown(std::net::Shutdown::Both).unwrap();
        let error = listener.accept().unwrap_err();
        assert_eq!(AcceptFailure::of(&error), AcceptFailure::Lost);
        let lost = ListenerLost::new(&listener.local_addr().unwrap().into(), error);
        assert!(lost.to_string().starts_with("the listener at 127.0.0.1:"), "{lost}");
    }
}
