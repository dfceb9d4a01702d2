//! Streams of `futures_io` and the listeners and timers of async-io, as the shared adapter wants them.
#![cfg_attr(not(any(feature = "async-std", feature = "smol")), allow(dead_code))]

use crate::io_stream::IoStream;
use async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::net;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use wharf::link::Address;
use wharf_async::{Listener, Timer, Transport};
use wharf_std::address_of_unix;

/// A socket of any runtime that speaks `futures_io`, as a [`Carrier::Other`](wharf_async::Carrier::Other).
///
/// ```
/// # #[cfg(feature = "async-std")]
/// # async fn example() -> std::io::Result<()> {
/// use async_io::Async;
/// use std::future::poll_fn;
/// use std::io::IoSlice;
/// use std::os::unix::net::UnixStream;
/// use wharf_async_std::{AsyncStd, Carrier, Stream, Transport};
///
/// let (ours, theirs) = Async::<UnixStream>::pair()?;
/// let mut carrier = Carrier::<AsyncStd>::Other(Box::new(Stream::from(ours)));
/// poll_fn(|cx| carrier.poll_write(cx, &[IoSlice::new(b"ahoy")])).await?;
/// carrier.shutdown_write()?;
///
/// let (mut theirs, mut buffer) = (Stream::from(theirs), [0; 16]);
/// let n = poll_fn(|cx| theirs.poll_read(cx, &mut buffer)).await?;
/// assert_eq!(&buffer[..n], b"ahoy");
/// assert_eq!(poll_fn(|cx| theirs.poll_read(cx, &mut buffer)).await?, 0);
/// # Ok(())
/// # }
/// # #[cfg(feature = "async-std")]
/// # async_std::task::block_on(example()).unwrap();
/// ```
#[derive(Debug)]
pub struct Stream<T>(T);

/// A TCP stream on async-io's reactor, which async-std and smol share.
pub type TcpStream = IoStream<std::net::TcpStream>;

/// A Unix stream on async-io's reactor.
pub type UnixStream = IoStream<net::UnixStream>;

/// A TCP listener on async-io's reactor, of whose streams each has TCP_NODELAY.
///
/// ```
/// # #[cfg(feature = "async-std")]
/// # async fn example() -> std::io::Result<()> {
/// use async_io::Async;
/// use std::net::{TcpListener, TcpStream};
/// use wharf_async::Listener;
/// use wharf_async_std::{AsyncStd, Runtime};
///
/// let bound = TcpListener::bind("127.0.0.1:0")?;
/// let address = bound.local_addr()?;
/// let listener = AsyncStd::tcp_listener(bound)?;
/// let client = Async::<TcpStream>::connect(address).await?;
/// let (_stream, peer) = listener.accept().await?;
/// assert_eq!(peer, client.get_ref().local_addr()?.into());
/// # Ok(())
/// # }
/// # #[cfg(feature = "async-std")]
/// # async_std::task::block_on(example()).unwrap();
/// ```
#[derive(Debug)]
pub struct TcpListener(Async<std::net::TcpListener>);

/// A Unix listener on async-io's reactor. It leaves its file behind; a [`Bound`](wharf_async::Bound) removes it.
///
/// ```
/// # #[cfg(feature = "async-std")]
/// # async fn example() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("wharf-doc-async-std-{}", std::process::id()));
/// use async_io::Async;
/// use std::os::unix::net::{UnixListener, UnixStream};
/// use wharf_async::Listener;
/// use wharf_async_std::{AsyncStd, Runtime};
///
/// let listener = AsyncStd::unix_listener(UnixListener::bind(&path)?)?;
/// let _client = Async::<UnixStream>::connect(&path).await?;
/// let (_stream, peer) = listener.accept().await?;
/// assert!(peer.tcp().is_none(), "who connects has no address");
/// # std::fs::remove_file(&path)?;
/// # Ok(())
/// # }
/// # #[cfg(feature = "async-std")]
/// # async_std::task::block_on(example()).unwrap();
/// ```
#[derive(Debug)]
pub struct UnixListener(Async<net::UnixListener>);

/// A timer of async-io, not set at first: it never fires then.
///
/// ```
/// # #[cfg(feature = "async-std")]
/// # async fn example() -> std::io::Result<()> {
/// use std::future::poll_fn;
/// use std::time::{Duration, Instant};
/// use wharf_async::Timer;
/// use wharf_async_std::{AsyncStd, Runtime};
///
/// let timer = &mut AsyncStd::timer();
/// let at = Instant::now() + Duration::from_millis(5);
/// timer.set(at);
/// poll_fn(|cx| timer.poll(cx)).await;
/// assert!(at <= Instant::now());
/// # Ok(())
/// # }
/// # #[cfg(feature = "async-std")]
/// # async_std::task::block_on(example()).unwrap();
/// ```
#[derive(Debug)]
pub struct IoTimer(async_io::Timer);

impl<T> From<T> for Stream<T> {
    fn from(stream: T) -> Self {
        Self(stream)
    }
}

impl<T: AsyncRead + AsyncWrite + AsFd + Send + Unpin + 'static> Transport for Stream<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        SockRef::from(&self.0).shutdown(std::net::Shutdown::Write)
    }

    fn reset_on_drop(&mut self) {
        // Without it the close is an ordinary one, which only costs the kernel some memory for a while.
        let _ = SockRef::from(&self.0).set_linger(Some(Duration::ZERO));
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Address)> {
        let (stream, peer) = self.0.accept().await?;
        // A peer that is gone already tells so by its read.
        let _ = stream.get_ref().set_nodelay(true);
        Ok((stream.into(), peer.into()))
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Address)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((stream.into(), address_of_unix(&peer)))
    }
}

impl Timer for IoTimer {
    fn set(&mut self, at: Instant) {
        self.0.set_at(at);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Future::poll(Pin::new(&mut self.0), cx).map(drop)
    }
}

pub(crate) fn timer() -> IoTimer {
    IoTimer(async_io::Timer::never())
}

/// A lookup blocks, so it runs on the pool of threads for that.
pub(crate) async fn resolve(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    blocking::unblock(move || Ok(std::net::ToSocketAddrs::to_socket_addrs(&(host.as_str(), port))?.collect()))
        .await
}

pub(crate) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = Async::<std::net::TcpStream>::connect(address).await?;
    stream.get_ref().set_nodelay(true)?;
    Ok(stream.into())
}

pub(crate) fn unix(stream: net::UnixStream) -> io::Result<UnixStream> {
    Async::new(stream).map(IoStream::from)
}

pub(crate) fn tcp_listener(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    Async::new(listener).map(TcpListener)
}

pub(crate) fn unix_listener(listener: net::UnixListener) -> io::Result<UnixListener> {
    Async::new(listener).map(UnixListener)
}
