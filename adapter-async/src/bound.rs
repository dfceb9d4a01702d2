//! A listener that is bound.

use crate::carrier::Carrier;
use crate::runtime::{Listener, Runtime};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use wharf::link::{Address, Config};
use wharf_std::{SocketFile, listen_tcp, listen_tcp_reusing_port, listen_unix};

/// A listener that is bound, with the address that it really has. Dropped, it no longer listens, and a Unix socket's
/// file is removed.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use wharf_async::Bound;
///
/// # block_on(async {
/// let bound = Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
/// let address = bound.local_addr().clone();
/// assert_ne!(address.tcp().unwrap().port(), 0, "one was picked");
/// let taken = Bound::<R>::bind(address.clone()).await.unwrap_err();
/// assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
/// drop(bound);
/// assert!(Bound::<R>::bind(address).await.is_ok());
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub struct Bound<R: Runtime> {
    listening: Listening<R>,
    address: Address,
    /// What is spoken there, if that differs from the rest.
    config: Option<Arc<Config>>,
}

enum Listening<R: Runtime> {
    Tcp(R::TcpListener),
    /// The file goes first: as long as its listener is open no other socket can have its inode.
    Unix(#[allow(dead_code, reason = "removed when it is dropped")] SocketFile, R::UnixListener),
}

impl<R: Runtime> Bound<R> {
    /// Binds; port 0 picks a port. A Unix socket is bound as [`bind_unix`](Self::bind_unix) does it, with the mode that the
    /// umask leaves.
    ///
    /// # Errors
    /// As the operating system says.
    ///
    /// # Cancel safety
    /// It never waits. Dropped before its poll, nothing is bound.
    #[allow(clippy::unused_async, reason = "the runtime's reactor is found inside of it")]
    pub async fn bind(address: impl Into<Address>) -> io::Result<Self> {
        match address.into() {
            Address::Tcp(address) => Self::over_tcp(listen_tcp(address)?),
            Address::Unix(path) => Self::over_unix(path, None),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Binds a Unix socket, whose file has the permissions `mode` before anybody can connect, and is removed at the end.
    /// A file that a dead listener left behind there is taken over.
    ///
    /// # Errors
    /// As [`listen_unix`](wharf_std::listen_unix): `AddrInUse` where somebody listens, `AlreadyExists` where something else
    /// than a socket lies, `InvalidInput` for a path that is too long.
    ///
    /// # Cancel safety
    /// It never waits. Dropped before its poll, nothing is bound.
    #[allow(clippy::unused_async, reason = "the runtime's reactor is found inside of it")]
    pub async fn bind_unix(path: impl Into<String>, mode: u32) -> io::Result<Self> {
        Self::over_unix(path.into(), Some(mode))
    }

    /// Binds a TCP address that others may be bound to as well, who do the same: several servers behind one port, among which the
    /// kernel shares the connections out ([`listen_tcp_reusing_port`]).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// It never waits. Dropped before its poll, nothing is bound.
    #[allow(clippy::unused_async, reason = "the runtime's reactor is found inside of it")]
    pub async fn bind_reusing_port(address: SocketAddr) -> io::Result<Self> {
        Self::over_tcp(listen_tcp_reusing_port(address)?)
    }

    /// Takes a listener that is bound already, such as one that a supervisor hands over.
    ///
    /// # Errors
    /// It cannot be registered.
    ///
    /// # Cancel safety
    /// It never waits.
    #[allow(clippy::unused_async, reason = "the runtime's reactor is found inside of it")]
    pub async fn from_std(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Self::over_tcp(listener)
    }

    fn over_tcp(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?.into();
        Ok(Self { listening: Listening::Tcp(R::tcp_listener(listener)?), address, config: None })
    }

    fn over_unix(path: String, mode: Option<u32>) -> io::Result<Self> {
        let (listener, file) = listen_unix(&path, mode)?;
        let listening = Listening::Unix(file, R::unix_listener(listener)?);
        Ok(Self { listening, address: Address::Unix(path), config: None })
    }

    /// What its connections speak, and their limits, where that is not what the service's own configuration says
    /// ([`Hub::accept_as`](wharf::link::Hub::accept_as)): TLS on one port and none on another, a WebSocket here and lines there.
    /// [`serve_service`](crate::serve_service) refuses one that contradicts itself.
    #[must_use]
    pub fn speaking(mut self, config: &Arc<Config>) -> Self {
        self.config = Some(config.clone());
        self
    }

    pub(crate) fn config(&self) -> Option<&Arc<Config>> {
        self.config.as_ref()
    }

    /// The address that it is bound to.
    #[must_use]
    pub fn local_addr(&self) -> &Address {
        &self.address
    }

    /// Waits for a connection.
    pub(crate) async fn accept(&self) -> io::Result<(Carrier<R>, Address)> {
        match &self.listening {
            Listening::Tcp(listener) => listener.accept().await.map(|(s, peer)| (Carrier::Tcp(s), peer)),
            Listening::Unix(_, listener) => listener.accept().await.map(|(s, peer)| (Carrier::Unix(s), peer)),
        }
    }
}

impl<R: Runtime> fmt::Debug for Bound<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("address", &self.address).finish_non_exhaustive()
    }
}
