//! Streams of tokio that are no socket of its own.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wharf_async::Transport;

/// Any byte stream of tokio as a [`Carrier::Other`](wharf_async::Carrier::Other): one over TLS of your own, a pipe,
/// what an HTTP server upgraded.
///
/// ```
/// use wharf_tokio::{Carrier, Foreign};
///
/// let (ours, _theirs) = tokio::io::duplex(64);
/// let carrier = Carrier::Other(Box::new(Foreign::from(ours)));
/// # let _ = carrier;
/// ```
#[derive(Debug)]
pub struct Foreign<T> {
    stream: T,
    /// Bytes that it has taken and that may stand in a buffer of its own: they are not told as written yet.
    taken: usize,
    /// Its writing side is to end, and has not yet.
    ending: bool,
}

impl<T> From<T> for Foreign<T> {
    fn from(stream: T) -> Self {
        Self { stream, taken: 0, ending: false }
    }
}

impl<T: AsyncWrite + Unpin> Foreign<T> {
    /// Goes on with the end, if that was begun. How it fails is told by the next read.
    fn push_on(&mut self, cx: &mut Context<'_>) {
        if self.ending && Pin::new(&mut self.stream).poll_shutdown(cx).is_ready() {
            self.ending = false;
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Transport for Foreign<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.push_on(cx);
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(buffer.filled().len())),
            Poll::Ready(Err(e)) => Poll::Ready(Err(e)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.taken == 0 {
            self.taken = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        }
        // A stream with a buffer of its own sends nothing before it is asked to. What counts as written is no longer waited
        // for: at the end it would be lost with the buffer.
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        Poll::Ready(Ok(std::mem::take(&mut self.taken)))
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.ending = true;
        // It goes on with the reads that follow, should it not be done at once.
        self.push_on(&mut Context::from_waker(Waker::noop()));
        Ok(())
    }

    fn reset_on_drop(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};

    /// Its buffer is passed on, and its end too, though there was no room for it at first.
    #[tokio::test]
    async fn a_stream_with_a_buffer_is_flushed_and_ended() {
        let (ours, mut theirs) = tokio::io::duplex(4);
        let mut foreign = Foreign::from(BufWriter::new(ours));
        let reading = tokio::spawn(async move {
            let mut came = Vec::new();
            theirs.read_to_end(&mut came).await.unwrap();
            theirs.write_all(b"bye").await.unwrap();
            came
        });
        let slices = [IoSlice::new(b"ahoy, "), IoSlice::new(b"there")];
        let written = std::future::poll_fn(|cx| foreign.poll_write(cx, &slices)).await.unwrap();
        foreign.shutdown_write().unwrap();
        let mut buffer = [0; 8];
        let n = std::future::poll_fn(|cx| foreign.poll_read(cx, &mut buffer)).await.unwrap();
        assert_eq!(&buffer[..n], b"bye");
        assert_eq!(reading.await.unwrap(), b"ahoy, there"[..written]);
    }

    /// A connection ends once all is written: what then still stood in a buffer would go with it.
    #[tokio::test]
    async fn nothing_counts_as_written_before_it_has_left_the_buffer() {
        let (ours, mut theirs) = tokio::io::duplex(4);
        let mut foreign = Foreign::from(BufWriter::new(ours));
        let reading = tokio::spawn(async move {
            let mut came = Vec::new();
            theirs.read_to_end(&mut came).await.unwrap();
            came
        });
        let slices = [IoSlice::new(b"ahoy, "), IoSlice::new(b"there")];
        let written = std::future::poll_fn(|cx| foreign.poll_write(cx, &slices)).await.unwrap();
        assert!(written > 4);
        drop(foreign);
        assert_eq!(reading.await.unwrap(), b"ahoy, there"[..written]);
    }
}
