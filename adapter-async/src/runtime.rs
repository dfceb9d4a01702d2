//! What a runtime has to offer: streams, listeners, timers, tasks, names.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Instant;

/// A byte stream of a runtime.
pub trait Transport: Send + Unpin + 'static {
    /// Reads into the front of `buffer`; 0 is the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes from the front of `slices`.
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

    /// Waits for a connection.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;

    /// The address that it is really bound to.
    ///
    /// # Errors
    /// As the operating system says.
    fn local_addr(&self) -> io::Result<SocketAddr>;
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
    type Stream: Transport;
    /// Its TCP listener.
    type Listener: Listener<Stream = Self::Stream>;
    /// Its timer.
    type Timer: Timer;

    /// A timer, not set.
    fn timer() -> Self::Timer;

    /// Runs a task.
    fn spawn(future: impl Future<Output = ()> + Send + 'static);

    /// All addresses of a name, in the order to try them.
    fn resolve(host: String, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Connects, with TCP_NODELAY.
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Listens, with SO_REUSEADDR; its streams have TCP_NODELAY.
    fn bind(address: SocketAddr) -> impl Future<Output = io::Result<Self::Listener>> + Send;
}
