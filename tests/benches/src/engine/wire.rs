//! A transport in memory.

use bytes::Bytes;
use futures_util::io as futures_io;
use std::hint::black_box;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A transport in memory. What it reads is the same batch over and over, a read never crossing from one to the next; what
/// is written is looked at and counted. Where there is nothing to read it would block.
#[derive(Clone, Debug)]
pub struct Wire {
    batch: Bytes,
    at: usize,
    repeats: bool,
    vectored: bool,
    written: Written,
}

/// How many bytes were written so far.
#[derive(Clone, Debug, Default)]
pub struct Written(Arc<AtomicUsize>);

impl Written {
    /// The count.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// There is one thread, so that nothing is lost and nothing is locked.
    fn add(&self, n: usize) {
        self.0.store(self.bytes() + n, Ordering::Relaxed);
    }
}

impl Wire {
    /// One that brings `batch` over and over.
    #[must_use]
    pub fn repeating(batch: Bytes) -> Self {
        Self { batch, at: 0, repeats: true, vectored: true, written: Written::default() }
    }

    /// One that brings `batch` once.
    #[must_use]
    pub fn once(batch: Bytes) -> Self {
        Self { repeats: false, ..Self::repeating(batch) }
    }

    /// One that is only written to.
    #[must_use]
    pub fn silent() -> Self {
        Self::once(Bytes::new())
    }

    /// The same, that takes one piece at a time.
    #[must_use]
    pub fn unvectored(self) -> Self {
        Self { vectored: false, ..self }
    }

    /// What counts the bytes written to it.
    #[must_use]
    pub fn written(&self) -> Written {
        self.written.clone()
    }

    fn next(&mut self, most: usize) -> Option<&[u8]> {
        if self.at == self.batch.len() {
            if !self.repeats || self.batch.is_empty() {
                return None;
            }
            self.at = 0;
        }
        let from = self.at;
        self.at += most.min(self.batch.len() - from);
        Some(&self.batch[from..self.at])
    }

    fn accept(&mut self, slices: &[IoSlice<'_>]) -> usize {
        let n = slices.iter().map(|slice| black_box(&**slice).len()).sum();
        self.written.add(n);
        n
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let came = self.next(buf.len()).ok_or(io::ErrorKind::WouldBlock)?;
        buf[..came.len()].copy_from_slice(came);
        Ok(came.len())
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.accept(&[IoSlice::new(bytes)]))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(came) = self.next(buf.remaining()) else { return Poll::Pending };
        buf.put_slice(came);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.accept(slices)))
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl futures_io::AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        match self.read(buf) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            read => Poll::Ready(read),
        }
    }
}

impl futures_io::AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.accept(slices)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_ends_with_the_batch_and_the_next_begins_it() {
        let mut wire = Wire::repeating(Bytes::from_static(b"abcde"));
        let mut read = |n: usize| {
            let mut bytes = vec![0; n];
            let n = Read::read(&mut wire, &mut bytes).expect("always more");
            String::from_utf8(bytes[..n].to_vec()).expect("letters")
        };
        assert_eq!([read(3), read(3), read(9)], ["abc", "de", "abcde"]);
    }

    #[test]
    fn what_is_read_once_blocks_then_and_what_is_written_counts() {
        let mut wire = Wire::once(Bytes::from_static(b"ab"));
        assert_eq!(Read::read(&mut wire, &mut [0; 4]).expect("what there is"), 2);
        let blocked = Read::read(&mut wire, &mut [0; 4]).expect_err("nothing is left");
        assert_eq!(blocked.kind(), io::ErrorKind::WouldBlock);
        Write::write_all(&mut wire, b"abc").expect("always room");
        assert_eq!(wire.written().bytes(), 3);
    }
}
