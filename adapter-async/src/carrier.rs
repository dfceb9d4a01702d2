//! What carries a connection's bytes.

use crate::runtime::{Runtime, Transport};
use std::fmt;
use std::io::{self, IoSlice};
use std::task::{Context, Poll};

/// What carries a connection's bytes: one type over all of them, so that a socket is one type too. TCP pays a branch
/// for that, and only a stream from elsewhere an allocation and a virtual call.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, Pipe, block_on};
/// use std::future::poll_fn;
/// use wharf::base::Input;
/// use wharf::framed::Lines;
/// use wharf::link::{Config, Event, Framing, Link};
/// use wharf_async::{Carrier, Clock, Parts, Socket, Transport};
///
/// # block_on(async {
/// let (mut config, clock) = (Config::default(), Clock::new());
/// config.framing = Framing::codec(Lines::new());
/// let mut link = Link::server(clock.now(), clock.wall(), &config.into());
/// // Where there is no handshake it is open at once.
/// let opened = link.receive(clock.now(), &mut Input::new(&mut []));
/// assert!(matches!(opened, Some(Event::Opened(_))));
///
/// let (ours, mut theirs) = Pipe::pair();
/// let stream = Carrier::<R>::Other(Box::new(ours));
/// let mut socket = Socket::from_parts(Parts::new(stream, link, clock));
/// socket.send("ahoy").await?;
/// let mut line = [0; 16];
/// let n = poll_fn(|cx| theirs.poll_read(cx, &mut line)).await.unwrap();
/// assert_eq!(line[..n], *b"ahoy\n");
/// # Ok::<(), wharf_async::Error>(()) }).unwrap();
/// ```
#[non_exhaustive]
pub enum Carrier<R: Runtime> {
    /// A TCP stream of the runtime.
    Tcp(R::Tcp),
    /// A Unix stream of the runtime.
    Unix(R::Unix),
    /// A stream from elsewhere, such as one that an HTTP server upgraded.
    Other(Box<dyn Transport>),
    /// A mock's, with a time of its own ([`mock`](crate::mock())).
    #[cfg(feature = "sim")]
    Mock(crate::mock::Wire),
}

impl<R: Runtime> Transport for Carrier<R> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => stream.poll_read(cx, buffer),
            Self::Unix(stream) => stream.poll_read(cx, buffer),
            Self::Other(stream) => stream.poll_read(cx, buffer),
            #[cfg(feature = "sim")]
            Self::Mock(wire) => wire.poll_read(cx, buffer),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => stream.poll_write(cx, slices),
            Self::Unix(stream) => stream.poll_write(cx, slices),
            Self::Other(stream) => stream.poll_write(cx, slices),
            #[cfg(feature = "sim")]
            Self::Mock(wire) => wire.poll_write(cx, slices),
        }
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown_write(),
            Self::Unix(stream) => stream.shutdown_write(),
            Self::Other(stream) => stream.shutdown_write(),
            #[cfg(feature = "sim")]
            Self::Mock(wire) => wire.shutdown_write(),
        }
    }

    fn reset_on_drop(&mut self) {
        match self {
            Self::Tcp(stream) => stream.reset_on_drop(),
            Self::Unix(stream) => stream.reset_on_drop(),
            Self::Other(stream) => stream.reset_on_drop(),
            #[cfg(feature = "sim")]
            Self::Mock(wire) => wire.reset_on_drop(),
        }
    }
}

impl<R: Runtime> fmt::Debug for Carrier<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp(..)",
            Self::Unix(_) => "Unix(..)",
            Self::Other(_) => "Other(..)",
            #[cfg(feature = "sim")]
            Self::Mock(_) => "Mock(..)",
        })
    }
}
