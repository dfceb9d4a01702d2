//! What a runtime has to offer: streams, listeners, timers, tasks, names.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Instant;
use wharf::link::Address;

/// A byte stream of a runtime. After `Pending` the waker of the last read is woken, and that of the last write: a task may wait for both.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Pipe, block_on};
/// use std::future::poll_fn;
/// use std::io::{self, IoSlice};
/// use std::task::{Context, Poll};
/// use wharf_async::Transport;
///
/// /// Counts what is written to another stream.
/// struct Metered<T> {
///     stream: T,
///     written: usize,
/// }
///
/// impl<T: Transport> Transport for Metered<T> {
///     fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
///         self.stream.poll_read(cx, buffer)
///     }
///
///     fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
///         self.stream.poll_write(cx, slices).map_ok(|n| {
///             self.written += n;
///             n
///         })
///     }
///
///     fn shutdown_write(&mut self) -> io::Result<()> {
///         self.stream.shutdown_write()
///     }
///
///     fn reset_on_drop(&mut self) {
///         self.stream.reset_on_drop();
///     }
/// }
///
/// # block_on(async {
/// # let (ours, mut theirs) = Pipe::pair();
/// let mut metered = Metered { stream: ours, written: 0 };
/// poll_fn(|cx| metered.poll_write(cx, &[IoSlice::new(b"ahoy")])).await?;
/// metered.shutdown_write()?;
/// assert_eq!(metered.written, 4);
/// let mut buffer = [0; 16];
/// assert_eq!(poll_fn(|cx| theirs.poll_read(cx, &mut buffer)).await?, 4);
/// assert_eq!(poll_fn(|cx| theirs.poll_read(cx, &mut buffer)).await?, 0);
/// # Ok::<(), io::Error>(()) }).unwrap();
/// ```
pub trait Transport: Send + Unpin + 'static {
    /// Reads into the front of `buffer`; 0 is the end of the stream, and so is an error, of an abnormal kind.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes from the front of `slices`. What it tells as written is not waited for at the end, so nothing may be left of it in a
    /// buffer of the stream's own. After `Pending` it is called again with slices that begin with the same bytes. 0 of
    /// some bytes counts as an error.
    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Ends the writing side. It does not wait for the network.
    ///
    /// # Errors
    /// The stream is gone already, which nobody hears here: its next read tells.
    fn shutdown_write(&mut self) -> io::Result<()>;

    /// Makes the drop of the stream a reset, which frees what the kernel still holds for a peer that takes nothing.
    fn reset_on_drop(&mut self);
}

/// A listening socket of a runtime. What an error of it means is judged by [`AcceptFailure`](wharf_std::AcceptFailure): it is asked
/// again, but where the listener is lost.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Pipe, block_on};
/// use std::io::{self, ErrorKind};
/// use std::sync::Mutex;
/// use wharf::link::Address;
/// use wharf_async::Listener;
///
/// /// Takes whoever comes from this machine, and nobody else.
/// struct Near<L>(L);
///
/// impl<L: Listener> Listener for Near<L> {
///     type Stream = L::Stream;
///
///     async fn accept(&self) -> io::Result<(L::Stream, Address)> {
///         loop {
///             let (stream, peer) = self.0.accept().await?;
///             if peer.tcp().is_none_or(|peer| peer.ip().is_loopback()) {
///                 return Ok((stream, peer));
///             }
///         }
///     }
/// }
///
/// /// Where those come from whom it yields, the last one first.
/// struct Callers(Mutex<Vec<[u8; 4]>>);
///
/// impl Listener for Callers {
///     type Stream = Pipe;
///
///     async fn accept(&self) -> io::Result<(Pipe, Address)> {
///         let caller = self.0.lock().unwrap().pop().ok_or(ErrorKind::ConnectionAborted)?;
///         Ok((Pipe::pair().0, (caller, 4000).into()))
///     }
/// }
///
/// # block_on(async {
/// let callers = Callers(Mutex::new(vec![[127, 0, 0, 2], [192, 0, 2, 1], [127, 0, 0, 1], [198, 51, 100, 1]]));
/// let near = Near(callers);
/// assert_eq!(near.accept().await?.1, ([127, 0, 0, 1], 4000).into());
/// assert_eq!(near.accept().await?.1, ([127, 0, 0, 2], 4000).into());
/// assert!(near.accept().await.is_err(), "nobody is left");
/// # Ok::<(), io::Error>(()) }).unwrap();
/// ```
pub trait Listener: Send + Sync + 'static {
    /// The streams that it yields.
    type Stream: Transport;

    /// Waits for a connection; a TCP stream has TCP_NODELAY. It is told with its peer.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Address)>> + Send;
}

/// A timer that can be set again.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use std::future::poll_fn;
/// use std::task::{Context, Waker};
/// use std::time::{Duration, Instant};
/// use wharf_async::{Runtime, Timer};
///
/// # block_on(async {
/// let mut timer = R::timer();
/// let at = Instant::now() + Duration::from_millis(5);
/// timer.set(at);
/// poll_fn(|cx| timer.poll(cx)).await;
/// assert!(at <= Instant::now());
///
/// let cx = &mut Context::from_waker(Waker::noop());
/// assert!(timer.poll(cx).is_ready(), "it stays so");
/// timer.set(Instant::now() + Duration::from_secs(60));
/// assert!(timer.poll(cx).is_pending(), "until it is set again");
/// # });
/// ```
pub trait Timer: Send + Unpin + 'static {
    /// Sets when it fires next.
    fn set(&mut self, at: Instant);

    /// Whether the time has come. Once it has, it stays ready until it is set again.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// A runtime. It has no state of its own: the functions find it as the runtime's own do.
///
/// Here is a whole one, of threads and locks, on which the examples of this crate run:
///
/// ```
#[doc = include_str!("../doc/local.rs")]
/// // It carries what any other does.
/// # block_on(async {
/// let bound = wharf_async::Bound::<Local>::bind(([127, 0, 0, 1], 0)).await?;
/// let url = format!("ws://{}/", bound.local_addr());
/// let server = wharf_async::serve(bound, Default::default(), |mut socket| async move {
///     while let Some(message) = socket.next().await {
///         socket.send(message?).await?;
///     }
///     Ok::<(), wharf_async::Error>(())
/// });
/// let config = Arc::new(wharf::link::Config::client());
/// let mut socket = wharf_async::connect::<Local>(&url, &config).await?;
/// socket.send("ahoy").await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("ahoy"));
/// # drop(socket);
/// # server.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
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
