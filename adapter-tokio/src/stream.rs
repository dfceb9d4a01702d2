//! tokio's streams, listeners and timers, as the shared adapter wants them.

use socket2::SockRef;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::net;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wharf::link::Address;
use wharf_async::{Listener, Runtime, Timer, Transport};
use wharf_std::address_of_unix;

/// The runtime, for what is generic over one. Its functions panic outside of a tokio runtime with IO and time enabled.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use wharf_async::{Error, Runtime, Socket};
/// use wharf_tokio::Tokio;
///
/// /// A handler for any runtime.
/// async fn greet<R: Runtime>(mut socket: Socket<R>) -> Result<(), Error> {
///     socket.send("welcome").await
/// }
///
/// let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// let url = format!("ws://{}/", bound.local_addr());
/// let server = wharf_tokio::serve(bound, Default::default(), greet::<Tokio>);
/// let mut socket = wharf_tokio::connect(&url).await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("welcome"));
/// # drop(socket);
/// # server.drain().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Tokio;

/// A byte stream of tokio that is a socket. What is none is carried by [`Foreign`](crate::Foreign).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::future::poll_fn;
/// use std::io::IoSlice;
/// use tokio::io::AsyncReadExt;
/// use wharf_tokio::{Carrier, Stream, Transport};
///
/// let (ours, mut theirs) = tokio::net::UnixStream::pair()?;
/// let mut carrier = Carrier::Unix(Stream::from(ours));
/// poll_fn(|cx| carrier.poll_write(cx, &[IoSlice::new(b"ahoy")])).await?;
/// carrier.shutdown_write()?;
/// let mut heard = String::new();
/// theirs.read_to_string(&mut heard).await?;
/// assert_eq!(heard, "ahoy");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Stream<T>(T);

/// A TCP stream of tokio.
pub type TcpStream = Stream<tokio::net::TcpStream>;

/// A Unix stream of tokio.
pub type UnixStream = Stream<tokio::net::UnixStream>;

/// A TCP listener of tokio, of whose streams each has TCP_NODELAY.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use wharf_async::{Listener, Runtime};
/// use wharf_tokio::Tokio;
///
/// let bound = std::net::TcpListener::bind("127.0.0.1:0")?;
/// bound.set_nonblocking(true)?;
/// let address = bound.local_addr()?;
/// let listener = Tokio::tcp_listener(bound)?;
/// let client = tokio::net::TcpStream::connect(address).await?;
/// let (_stream, peer) = listener.accept().await?;
/// assert_eq!(peer, client.local_addr()?.into());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TcpListener(tokio::net::TcpListener);

/// A Unix listener of tokio. It leaves its file behind; a [`Bound`](crate::Bound) removes it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join(format!("wharf-doc-tokio-{}", std::process::id()));
/// use wharf_async::{Listener, Runtime};
/// use wharf_tokio::Tokio;
///
/// let bound = std::os::unix::net::UnixListener::bind(&path)?;
/// bound.set_nonblocking(true)?;
/// let listener = Tokio::unix_listener(bound)?;
/// let _client = tokio::net::UnixStream::connect(&path).await?;
/// let (_stream, peer) = listener.accept().await?;
/// assert!(peer.tcp().is_none(), "who connects has no address");
/// # std::fs::remove_file(&path)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct UnixListener(tokio::net::UnixListener);

/// A timer of tokio, which counts in milliseconds. The default is not set: it never fires.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::future::poll_fn;
/// use std::time::{Duration, Instant};
/// use wharf_async::{Runtime, Timer};
/// use wharf_tokio::Tokio;
///
/// let timer = &mut Tokio::timer();
/// let at = Instant::now() + Duration::from_millis(5);
/// timer.set(at);
/// poll_fn(|cx| timer.poll(cx)).await;
/// assert!(at <= Instant::now());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct TokioTimer(Option<Pin<Box<tokio::time::Sleep>>>);

impl<T> From<T> for Stream<T> {
    fn from(stream: T) -> Self {
        Self(stream)
    }
}

impl Runtime for Tokio {
    type Tcp = TcpStream;
    type Unix = UnixStream;
    type TcpListener = TcpListener;
    type UnixListener = UnixListener;
    type Timer = TokioTimer;

    fn timer() -> TokioTimer {
        TokioTimer(None)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(future);
    }

    async fn resolve(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }

    async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Stream(stream))
    }

    fn unix(stream: net::UnixStream) -> io::Result<UnixStream> {
        tokio::net::UnixStream::from_std(stream).map(Stream)
    }

    fn tcp_listener(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        tokio::net::TcpListener::from_std(listener).map(TcpListener)
    }

    fn unix_listener(listener: net::UnixListener) -> io::Result<UnixListener> {
        tokio::net::UnixListener::from_std(listener).map(UnixListener)
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Address)> {
        let (stream, peer) = self.0.accept().await?;
        // A peer that is gone already tells so by its read.
        let _ = stream.set_nodelay(true);
        Ok((Stream(stream), peer.into()))
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Address)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((Stream(stream), address_of_unix(&peer.into())))
    }
}

impl<T: AsyncRead + AsyncWrite + AsFd + Send + Unpin + 'static> Transport for Stream<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut self.0).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(buffer.filled().len())),
            Poll::Ready(Err(e)) => Poll::Ready(Err(e)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match slices {
            // A call that costs the kernel less.
            [slice] => Pin::new(&mut self.0).poll_write(cx, slice),
            _ => Pin::new(&mut self.0).poll_write_vectored(cx, slices),
        }
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        SockRef::from(&self.0).shutdown(std::net::Shutdown::Write)
    }

    fn reset_on_drop(&mut self) {
        // Without it the close is an ordinary one, which only costs the kernel some memory for a while.
        let _ = SockRef::from(&self.0).set_linger(Some(Duration::ZERO));
    }
}

impl Timer for TokioTimer {
    fn set(&mut self, at: Instant) {
        let at = tokio::time::Instant::from_std(at);
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.0 = Some(Box::pin(tokio::time::sleep_until(at))),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
