//! A stream that collects what is written until its reader would have to wait.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes collected. What would not fit goes out at once, behind what was collected and in the same write.
const LIMIT: usize = 64 * 1024;
/// Most pieces handed to one write.
const SLICES: usize = 64;

/// A stream that collects what is written, up to 64 KiB, until its reader would have to wait: then it goes out, all
/// in one write. Flushing does nothing; shutting it down, or an end of what there is to read, writes what is left.
///
/// So a library that writes a message at a time answers all messages of one read at once.
#[derive(Debug)]
pub struct Batched<S> {
    inner: S,
    collected: Vec<u8>,
    /// Bytes of `collected` that went out.
    written: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Batched<S> {
    /// Nothing is collected yet.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self { inner, collected: Vec::new(), written: 0 }
    }

    /// Writes what is collected.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.collected.len() {
            let n = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.collected[self.written..]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += n;
        }
        self.collected.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Whether `len` more bytes can be collected.
    fn has_room(&self, len: usize) -> bool {
        self.collected.len() + len <= LIMIT
    }

    /// Writes what is collected and `slices` behind it; how much of `slices` went out.
    fn poll_through(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        while self.written < self.collected.len() {
            let rest = self.collected.len() - self.written;
            let mut all = [IoSlice::new(&[]); SLICES];
            all[0] = IoSlice::new(&self.collected[self.written..]);
            let more = slices.len().min(SLICES - 1);
            all[1..=more].copy_from_slice(&slices[..more]);
            let n = ready!(Pin::new(&mut self.inner).poll_write_vectored(cx, &all[..=more]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if n > rest {
                self.collected.clear();
                self.written = 0;
                return Poll::Ready(Ok(n - rest));
            }
            self.written += n;
        }
        self.collected.clear();
        self.written = 0;
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Batched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf)?;
        // It would have to wait, or there is an end.
        if buf.filled().len() == before {
            ready!(self.poll_drain(cx))?;
        }
        read.map(Ok)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Batched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.has_room(bytes.len()) {
            return self.poll_through(cx, &[IoSlice::new(bytes)]);
        }
        self.collected.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let len = slices.iter().map(|slice| slice.len()).sum();
        if !self.has_room(len) {
            return self.poll_through(cx, slices);
        }
        for slice in slices {
            self.collected.extend_from_slice(slice);
        }
        Poll::Ready(Ok(len))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
    }

    /// What can be read from `stream` without waiting.
    fn available(stream: &mut DuplexStream) -> Vec<u8> {
        let mut bytes = [0; 4096];
        let mut buf = ReadBuf::new(&mut bytes);
        let _ = Pin::new(stream).poll_read(&mut Context::from_waker(Waker::noop()), &mut buf);
        buf.filled().to_vec()
    }

    /// Whether a read of it has to wait.
    fn is_pending(stream: &mut Batched<DuplexStream>) -> bool {
        let mut bytes = [0; 16];
        let mut buf = ReadBuf::new(&mut bytes);
        Pin::new(stream).poll_read(&mut Context::from_waker(Waker::noop()), &mut buf).is_pending()
    }

    #[test]
    fn what_is_written_goes_out_when_the_reader_would_wait() {
        let (ours, mut theirs) = duplex(4096);
        let mut stream = Batched::new(ours);
        block_on(async {
            theirs.write_all(b"in").await.expect("room");
            stream.write_all(b"one").await.expect("collected");
            stream.write_all(b"two").await.expect("collected");
            stream.flush().await.expect("nothing to do");
            assert_eq!(available(&mut theirs), b"");
            let mut bytes = [0; 2];
            stream.read_exact(&mut bytes).await.expect("what was written");
            assert_eq!((&bytes, &available(&mut theirs)[..]), (b"in", &b""[..]));
        });
        assert!(is_pending(&mut stream));
        assert_eq!(available(&mut theirs), b"onetwo");
    }

    #[test]
    fn what_does_not_fit_goes_out_behind_what_was_collected() {
        let (ours, mut theirs) = duplex(100);
        let mut stream = Batched::new(ours);
        let large = vec![7; LIMIT];
        block_on(async {
            stream.write_all(b"first").await.expect("collected");
            let written = async {
                stream.write_all(&large).await.expect("room in time");
                stream.shutdown().await.expect("room in time");
            };
            let mut read = Vec::new();
            let (_, end) = futures_util::future::join(written, theirs.read_to_end(&mut read)).await;
            assert_eq!(end.expect("an end"), 5 + LIMIT);
            assert!(read.starts_with(b"first") && read[5..] == large[..]);
        });
    }

    #[test]
    fn the_end_of_what_is_read_and_a_shutdown_write_what_is_left() {
        for shutdown in [false, true] {
            let (ours, mut theirs) = duplex(4096);
            let mut stream = Batched::new(ours);
            block_on(async {
                stream.write_all(b"last").await.expect("collected");
                if shutdown {
                    stream.shutdown().await.expect("room");
                } else {
                    theirs.shutdown().await.expect("open");
                    assert_eq!(stream.read(&mut [0; 8]).await.expect("an end"), 0);
                }
            });
            assert_eq!(available(&mut theirs), b"last");
        }
    }
}
