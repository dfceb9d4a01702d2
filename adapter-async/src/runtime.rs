//! What a runtime has to offer: streams, listeners, timers, tasks, names.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Instant;
use wharf::link::Address;

/// A byte stream of a runtime.
pub trait Transport: Send + Unpin + 'static {
    /// Reads into the front of `buffer`; 0 is the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes from the front of `slices`. What it tells as written is not waited for at the end, so nothing may be left of it in a
    /// buffer of the stream's own. After `Pending` it is called again with slices that begin with the same bytes.
    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Ends the writing side. It does not wait for the network.
    fn shutdown_write(&mut self) -> io::Result<()>;

    /// Makes the drop of the stream a reset, which frees what the kernel still holds for a peer that takes nothing.
    fn reset_on_drop(&mut self);
}

/// A listening socket of a runtime.
pub trait Listener: Send + Sync + 'static {
    /// The streams that it yields.
    type Stream: Transport;

    /// Waits for a connection; a TCP stream has TCP_NODELAY. It is told with its peer.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Address)>> + Send;
}

/// A timer that can be set again.
pub trait Timer: Send + Unpin + 'static {
    /// Sets when it fires next.
    fn set(&mut self, at: Instant);

    /// Whether the time has come. Once it has, it stays ready until it is set again.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// A runtime. It has no state of its own: the functions find it as the runtime's own do.
pub trait Runtime: fmt::Debug + Send + Sync + Unpin + 'static {
    /// Its TCP stream.
    type Tcp: Transport;
    /// Its Unix stream.
    type Unix: Transport;
    /// Its TCP listener.
    type TcpListener: Listener<Stream = Self::Tcp>;
    /// Its Unix listener.
    type UnixListener: Listener<Stream = Self::Unix>;
    /// Its timer.
    type Timer: Timer;

    /// A timer, not set.
    fn timer() -> Self::Timer;

    /// Runs a task.
    fn spawn(future: impl Future<Output = ()> + Send + 'static);

    /// All addresses of a name, in the order to try them.
    fn resolve(host: String, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Connects, with TCP_NODELAY.
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Tcp>> + Send;

    /// Takes a Unix stream that is connected and does not block.
    ///
    /// # Errors
    /// It cannot be registered.
    fn unix(stream: std::os::unix::net::UnixStream) -> io::Result<Self::Unix>;

    /// Takes a listener that does not block.
    ///
    /// # Errors
    /// It cannot be registered.
    fn tcp_listener(listener: std::net::TcpListener) -> io::Result<Self::TcpListener>;

    /// Takes a listener that does not block.
    ///
    /// # Errors
    /// It cannot be registered.
    fn unix_listener(listener: std::os::unix::net::UnixListener) -> io::Result<Self::UnixListener>;
}
