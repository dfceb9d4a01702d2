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

/// A byte stream of any runtime that speaks `futures_io`.
#[derive(Debug)]
pub struct Stream<T>(T);

/// A TCP stream on async-io's reactor, which async-std and smol share.
pub type TcpStream = IoStream<std::net::TcpStream>;

/// A Unix stream on async-io's reactor.
pub type UnixStream = IoStream<net::UnixStream>;

/// A TCP listener on async-io's reactor.
#[derive(Debug)]
pub struct TcpListener(Async<std::net::TcpListener>);

/// A Unix listener on async-io's reactor.
#[derive(Debug)]
pub struct UnixListener(Async<net::UnixListener>);

/// A timer of async-io.
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
