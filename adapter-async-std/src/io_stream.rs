//! A socket on async-io's reactor that asks the system for nothing it can know.

use async_io::Async;
use socket2::SockRef;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::AsFd;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use wharf_async::Transport;

/// A byte stream on async-io's reactor, which needs no runtime around it.
///
/// A read that leaves room in its buffer has emptied the socket, and a write that is cut short has filled it: the
/// reactor is waited for then, without the call that would only say so.
///
/// ```
/// use async_io::{Async, block_on};
/// use std::future::poll_fn;
/// use std::io::{IoSlice, Read};
/// use std::os::unix::net::UnixStream;
/// use wharf_async_std::{IoStream, Transport};
///
/// let (ours, mut theirs) = UnixStream::pair()?;
/// let mut stream = IoStream::from(Async::new(ours)?);
/// block_on(poll_fn(|cx| stream.poll_write(cx, &[IoSlice::new(b"ahoy")])))?;
/// stream.shutdown_write()?;
/// let mut heard = String::new();
/// theirs.read_to_string(&mut heard)?;
/// assert_eq!(heard, "ahoy");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct IoStream<T> {
    io: Async<T>,
    /// Nothing is to be read before the reactor says so.
    is_empty: bool,
    /// Nothing can be written before the reactor says so.
    is_full: bool,
}

impl<T> From<Async<T>> for IoStream<T> {
    fn from(io: Async<T>) -> Self {
        Self { io, is_empty: false, is_full: false }
    }
}

impl<T> Transport for IoStream<T>
where
    T: AsFd + Send + Sync + Unpin + 'static,
    for<'a> &'a T: Read + Write,
{
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            if self.is_empty {
                ready!(self.io.poll_readable(cx))?;
                self.is_empty = false;
            }
            match self.io.get_ref().read(buffer) {
                Ok(n) => {
                    self.is_empty = 0 < n && n < buffer.len();
                    return Poll::Ready(Ok(n));
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.is_empty = true,
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            if self.is_full {
                ready!(self.io.poll_writable(cx))?;
                self.is_full = false;
            }
            let written = match slices {
                // A call that costs the kernel less.
                [slice] => self.io.get_ref().write(slice),
                _ => self.io.get_ref().write_vectored(slices),
            };
            match written {
                Ok(n) => {
                    self.is_full = 0 < n && n < slices.iter().map(|slice| slice.len()).sum();
                    return Poll::Ready(Ok(n));
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.is_full = true,
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        SockRef::from(self.io.get_ref()).shutdown(std::net::Shutdown::Write)
    }

    fn reset_on_drop(&mut self) {
        // Without it the close is an ordinary one, which only costs the kernel some memory for a while.
        let _ = SockRef::from(self.io.get_ref()).set_linger(Some(Duration::ZERO));
    }
}
