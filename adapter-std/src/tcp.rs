//! Listening on TCP.

use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};

/// Connections that the kernel keeps for a listener that has not accepted them yet. It may cut that down.
pub(crate) const BACKLOG: i32 = 1024;

/// Listens, with SO_REUSEADDR and without blocking; port 0 picks a port.
///
/// ```
/// let listener = wharf_std::listen_tcp("127.0.0.1:0".parse().unwrap())?;
/// assert_ne!(listener.local_addr()?.port(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// As the operating system says.
pub fn listen_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    listen(address, false)
}

/// As [`listen_tcp`], with SO_REUSEPORT: others that do the same, threads or processes of the same user, may listen there too,
/// and the kernel shares new connections out among them.
///
/// ```
/// let one = wharf_std::listen_tcp_reusing_port("127.0.0.1:0".parse().unwrap())?;
/// let other = wharf_std::listen_tcp_reusing_port(one.local_addr()?)?;
/// assert_eq!(one.local_addr()?, other.local_addr()?);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// As the operating system says: `AddrInUse` where somebody listens who does not share.
pub fn listen_tcp_reusing_port(address: SocketAddr) -> io::Result<TcpListener> {
    listen(address, true)
}

fn listen(address: SocketAddr, reuse_port: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(reuse_port)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
