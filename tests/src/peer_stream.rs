//! The stream of a peer made by hand, of either family.

use crate::adapter::PATIENCE;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use wharf::link::Address;

/// A stream that blocks, at most [`PATIENCE`] long.
#[derive(Debug)]
pub enum PeerStream {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

impl PeerStream {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(address: &Address) -> io::Result<Self> {
        let waits = Some(PATIENCE);
        Ok(match address {
            Address::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(waits)?;
                stream.set_write_timeout(waits)?;
                Self::Unix(stream)
            }
            other => {
                let address = other.tcp().ok_or(io::ErrorKind::Unsupported)?;
                let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
                stream.set_read_timeout(waits)?;
                stream.set_write_timeout(waits)?;
                Self::Tcp(stream)
            }
        })
    }

    /// Ends a side of it.
    ///
    /// # Errors
    /// It has ended already.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
        }
    }

    /// Lets the system keep little of what is not read, where that does not go by the sender: two segments of loopback, as
    /// with less it waits for its timers.
    ///
    /// # Panics
    /// It cannot.
    pub fn hold_little(&self) {
        if let Self::Tcp(stream) = self {
            socket2::SockRef::from(stream).set_recv_buffer_size(128 << 10).expect("it is there");
        }
    }

    /// Resets it, where the family knows such a thing; it ends in any case.
    pub fn reset(self) {
        if let Self::Tcp(stream) = &self {
            socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).expect("it is there");
        }
    }
}

impl Read for PeerStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for PeerStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
