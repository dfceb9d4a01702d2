//! Addresses, as the operating system tells them.

use std::os::unix;
use wharf::link::Address;

/// Where the peer of a Unix socket is: the path that it is bound to, empty for the usual client, which is bound to
/// none. What is not UTF-8 in a path is replaced.
///
/// ```
/// use std::os::unix::net::UnixStream;
///
/// let (here, _there) = UnixStream::pair()?;
/// assert_eq!(wharf_std::address_of_unix(&here.peer_addr()?).to_string(), "unix:");
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn address_of_unix(address: &unix::net::SocketAddr) -> Address {
    let path = address.as_pathname().map(|path| path.to_string_lossy().into_owned());
    Address::Unix(path.unwrap_or_default())
}
