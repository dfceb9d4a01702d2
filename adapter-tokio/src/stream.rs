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

/// The runtime. Its functions must be called inside a tokio runtime with IO and time enabled.
#[derive(Debug)]
pub struct Tokio;

/// A byte stream of tokio that is a socket.
#[derive(Debug)]
pub struct Stream<T>(T);

/// A TCP stream of tokio.
pub type TcpStream = Stream<tokio::net::TcpStream>;

/// A Unix stream of tokio.
pub type UnixStream = Stream<tokio::net::UnixStream>;

/// A TCP listener of tokio.
#[derive(Debug)]
pub struct TcpListener(tokio::net::TcpListener);

/// A Unix listener of tokio.
#[derive(Debug)]
pub struct UnixListener(tokio::net::UnixListener);

/// A timer of tokio.
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
