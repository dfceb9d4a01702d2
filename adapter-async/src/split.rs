//! A socket in two halves.

use crate::runtime::Runtime;
use crate::socket::Socket;
use crate::{Error, SendFailed};
use futures_core::Stream;
use futures_sink::Sink;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use wharf::base::{Accepted, CloseCode, Closed, Message};
use wharf::ws::Stats;

/// The half that yields messages. Dropped, the socket stays with the other half.
///
/// ```
/// # #[cfg(feature = "sim")] {
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use wharf::base::CloseCode;
/// use wharf_async::mock;
///
/// # block_on(async {
/// let (socket, peer) = mock::<R>(["one", "two"]);
/// peer.close(CloseCode::NORMAL, "").unwrap();
/// let (mut reader, _) = socket.split();
/// let mut heard = Vec::new();
/// while let Some(message) = reader.next().await {
///     heard.push(message?);
/// }
/// assert_eq!(heard, peer.received());
/// assert!(reader.closed().unwrap().is_clean());
/// # Ok::<(), wharf_async::Error>(()) }).unwrap(); }
/// ```
pub struct ReadHalf<R: Runtime>(Arc<Shared<R>>);

/// The half that takes messages. Dropped, the socket stays with the other half.
///
/// ```
/// # #[cfg(feature = "sim")] {
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use wharf::base::CloseCode;
/// use wharf_async::mock;
///
/// # block_on(async {
/// let (socket, peer) = mock::<R>([""; 0]);
/// let (_reader, mut writer) = socket.split();
/// writer.send("there").await?;
/// writer.close(CloseCode::NORMAL, "bye").await?;
/// assert_eq!(peer.texts(), ["there"]);
/// assert_eq!(peer.closed().unwrap().reason, "bye");
/// let late = writer.queue("late").unwrap_err();
/// assert_eq!(late.message.as_text(), Some("late"));
/// # Ok::<(), wharf_async::Error>(()) }).unwrap(); }
/// ```
pub struct WriteHalf<R: Runtime>(Arc<Shared<R>>);

/// Two halves that are not of one socket, given back ([`ReadHalf::reunite`]).
///
/// ```
/// # #[cfg(feature = "sim")] {
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::Local as R;
/// use wharf_async::{ReuniteError, mock};
///
/// let (ours, _peer) = mock::<R>(["ahoy"]);
/// let (theirs, _other) = mock::<R>(["ahoy"]);
/// let ((reader, writer), (_, foreign)) = (ours.split(), theirs.split());
/// let ReuniteError(reader, _foreign) = reader.reunite(foreign).unwrap_err();
/// assert!(reader.reunite(writer).is_ok(), "nothing is lost");
/// # }
/// ```
#[derive(thiserror::Error)]
#[error("the halves are of different sockets")]
pub struct ReuniteError<R: Runtime>(pub ReadHalf<R>, pub WriteHalf<R>);

struct Shared<R: Runtime> {
    socket: Mutex<Socket<R>>,
    wakers: Arc<Wakers>,
}

/// Both halves' wakers: the stream knows only one, so that one wakes both.
#[derive(Default)]
struct Wakers([Mutex<Option<Waker>>; 2]);

const READ: usize = 0;
const WRITE: usize = 1;

impl Wakers {
    fn register(&self, half: usize, waker: &Waker) {
        let mut slot = self.0[half].lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *slot {
            Some(old) if old.will_wake(waker) => {}
            slot => *slot = Some(waker.clone()),
        }
    }
}

impl Wakers {
    fn wake_half(&self, half: usize) {
        let waker = self.0[half].lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_half(READ);
        self.wake_half(WRITE);
    }
}

pub(crate) fn split<R: Runtime>(socket: Socket<R>) -> (ReadHalf<R>, WriteHalf<R>) {
    let shared = Arc::new(Shared { socket: Mutex::new(socket), wakers: Arc::default() });
    (ReadHalf(shared.clone()), WriteHalf(shared))
}

impl<R: Runtime> Shared<R> {
    fn socket(&self) -> MutexGuard<'_, Socket<R>> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls the socket for one half, with a waker that wakes both.
    fn poll<T>(
        &self,
        half: usize,
        cx: &Context<'_>,
        act: impl FnOnce(Pin<&mut Socket<R>>, &mut Context<'_>) -> T,
    ) -> T {
        self.wakers.register(half, cx.waker());
        let waker = Waker::from(self.wakers.clone());
        let mut socket = self.socket();
        let before = socket.news();
        let out = act(Pin::new(&mut *socket), &mut Context::from_waker(&waker));
        let is_news = socket.news() != before;
        drop(socket);
        if is_news {
            // The stream told this half of what the other one waits for, and may not tell it again.
            self.wakers.wake_half(1 - half);
        }
        out
    }
}

impl<R: Runtime> ReadHalf<R> {
    /// Waits for a message.
    ///
    /// # Errors
    /// As [`Socket::next_with`].
    ///
    /// # Cancel safety
    /// Dropped before it is done, no message is lost.
    pub async fn next(&mut self) -> Option<Result<Message<'static>, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The report, once the connection has ended.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.0.socket().closed().cloned()
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.socket().stats()
    }

    /// The whole socket again.
    ///
    /// # Errors
    /// Both halves, if they are not of one socket.
    pub fn reunite(self, other: WriteHalf<R>) -> Result<Socket<R>, ReuniteError<R>> {
        if !Arc::ptr_eq(&self.0, &other.0) {
            return Err(ReuniteError(self, other));
        }
        drop(other);
        match Arc::try_unwrap(self.0) {
            Ok(shared) => Ok(shared.socket.into_inner().unwrap_or_else(PoisonError::into_inner)),
            Err(shared) => Err(ReuniteError(Self(shared.clone()), WriteHalf(shared))),
        }
    }
}

impl<R: Runtime> WriteHalf<R> {
    /// Lets time pass at once.
    #[cfg(test)]
    pub(crate) fn skip(&self, by: std::time::Duration) {
        self.0.socket().skip(by);
    }

    /// Queues a message, and waits while the output is congested ([`Socket::send`]).
    ///
    /// # Errors
    /// As [`Socket::send`].
    ///
    /// # Cancel safety
    /// The first poll queues the message or fails. Dropped after it, the message is sent once, when either half is polled.
    pub async fn send(&mut self, message: impl Into<Message<'_>>) -> Result<(), Error> {
        self.queue(message)?;
        self.ready().await
    }

    /// Waits until there is room to send ([`Socket::ready`]).
    ///
    /// # Errors
    /// As [`Socket::ready`].
    ///
    /// # Cancel safety
    /// Dropped before it is done, nothing is lost.
    pub async fn ready(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.0.poll(WRITE, cx, |mut socket, cx| socket.poll_room(cx))).await
    }

    /// Queues a message without waiting; it goes out when either half is polled next.
    ///
    /// # Errors
    /// As [`Socket::queue`].
    pub fn queue<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<Accepted, SendFailed<'m>> {
        self.0.socket().queue(message)
    }

    /// Waits until all that was queued is written ([`Socket::flush`]).
    ///
    /// # Errors
    /// As [`Socket::flush`].
    ///
    /// # Cancel safety
    /// Dropped before it is done, what was queued stays queued.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.0.poll(WRITE, cx, |mut socket, cx| socket.poll_flushed(cx))).await
    }

    /// Queues a Close frame behind what was sent, and writes it. The reading half yields what still comes, to the end.
    ///
    /// # Errors
    /// [`Error::Close`] if code or reason cannot be sent, or the connection is closing already; [`Error::Closed`] if it
    /// ended meanwhile, and not cleanly.
    ///
    /// # Cancel safety
    /// Dropped after its first poll, the close goes on while either half is polled.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        let begun = self.0.socket().begin_close(code, reason);
        begun.map_err(Error::Close)?;
        self.flush().await
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.socket().stats()
    }

    /// The report, once the connection has ended.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.0.socket().closed().cloned()
    }
}

impl<R: Runtime> Stream for ReadHalf<R> {
    type Item = Result<Message<'static>, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll(READ, cx, |socket, cx| socket.poll_next(cx))
    }
}

impl<R: Runtime> Sink<Message<'static>> for WriteHalf<R> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll(WRITE, cx, |socket, cx| socket.poll_ready(cx))
    }

    fn start_send(self: Pin<&mut Self>, message: Message<'static>) -> Result<(), Error> {
        Pin::new(&mut *self.0.socket()).start_send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll(WRITE, cx, |socket, cx| socket.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // The reading half hears what comes until the end; this one has said its last word.
        let _ = self.0.socket().begin_close(CloseCode::NORMAL, "");
        self.0.poll(WRITE, cx, |socket, cx| socket.poll_flush(cx))
    }
}

macro_rules! debug_as {
    ($($half:ident)*) => {$(
        impl<R: Runtime> std::fmt::Debug for $half<R> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($half)).finish_non_exhaustive()
            }
        }
    )*};
}
debug_as!(ReadHalf WriteHalf ReuniteError);
