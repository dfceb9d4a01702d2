//! One WebSocket as a stream and a sink.

use crate::driver::{Driver, Parts};
use crate::runtime::Runtime;
use crate::sender::{Inbox, Sender};
use crate::split::{ReadHalf, WriteHalf, split};
use crate::trace::Name;
use crate::turn;
use crate::{Clock, Error, SendFailed};
use futures_core::Stream;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use wharf::base::Stats;
use wharf::base::{Accepted, CloseCode, Closed, Message, SendError};
use wharf::link::{Event, Link, Welcome};

mod rest;
mod sink;

/// Where a server's socket leaves its connection, to be closed in order after the handler.
pub(crate) type Estate<R> = Arc<Mutex<Option<Box<Driver<R>>>>>;

/// An open WebSocket. It has a connection machine of its own and shares no lock.
///
/// It moves only while it is polled: `next`, `next_with`, `flush` and [`drive_while`](Self::drive_while) read, write,
/// answer pings and keep the deadlines. As a [`Stream`] it yields messages. A close that the configured
/// [`Classifier`](wharf::base::Classifier) calls clean ends it with `None`; any other is one last [`Error::Closed`], and then
/// `None` for ever. [`closed`](Self::closed) has the report either way. As a [`Sink`](futures_sink::Sink) it takes messages with backpressure.
///
/// In an `async fn` that is generic over the runtime, a pipeline of combinators, as in
/// `socket.try_filter_map(..).forward(..)`, may not compile where the future must be `Send` ("implementation of `FnOnce` is not
/// general enough"). It does in a plain function that returns `impl Future<Output = ..> + Send`, which the `async fn` awaits.
///
/// ```
/// # #[cfg(feature = "sim")] {
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use wharf::base::CloseCode;
/// use wharf_async::mock;
///
/// # block_on(async {
/// let (mut socket, peer) = mock::<R>(["ahoy"]);
/// let message = socket.next().await.unwrap()?;
/// socket.send(message).await?;
/// assert_eq!(peer.texts(), ["ahoy"]);
///
/// peer.close(CloseCode::NORMAL, "bye").unwrap();
/// assert!(socket.next().await.is_none(), "a clean end is no error");
/// assert_eq!(socket.closed().unwrap().reason, "bye");
/// # Ok::<(), wharf_async::Error>(()) }).unwrap(); }
/// ```
pub struct Socket<R: Runtime> {
    /// Always there until the socket is dropped or split.
    driver: Option<Box<Driver<R>>>,
    estate: Option<Estate<R>>,
    welcome: Box<Welcome>,
    ended: bool,
}

impl<R: Runtime> Socket<R> {
    pub(crate) fn new(driver: Box<Driver<R>>, welcome: Box<Welcome>, estate: Option<Estate<R>>) -> Self {
        Self { driver: Some(driver), estate, welcome, ended: false }
    }

    /// Leaves the connection to `estate` once the socket is dropped.
    pub(crate) fn bequeath(&mut self, estate: Estate<R>) {
        self.estate = Some(estate);
    }

    /// What the connection is called.
    pub(crate) fn name(&self) -> Name {
        self.driver.as_ref().map(|driver| driver.told.name()).unwrap_or_default()
    }

    /// The clock of its machine.
    #[cfg(feature = "json")]
    pub(crate) fn clock(&self) -> Clock {
        self.driver.as_ref().map_or_else(Clock::new, |driver| driver.clock())
    }

    /// The time of its machine, for who asks for it while the socket is not at hand.
    #[cfg(feature = "json")]
    pub(crate) fn time(&self) -> crate::time::Time {
        let driver = self.driver.as_ref();
        driver.map_or_else(|| crate::time::Time::Clock(Clock::new()), |driver| driver.time())
    }

    /// Whether `next` has come, a deadline of what is built on the socket; if not, it wakes whoever polls once it has. Where the
    /// socket has ended it never comes.
    #[cfg(feature = "json")]
    pub(crate) fn poll_alarm(
        &self,
        cx: &mut Context<'_>,
        next: wharf::base::Instant,
        alarm: &mut Option<crate::driver::alarm::Alarm<R::Timer>>,
    ) -> bool {
        self.driver.as_ref().is_some_and(|driver| driver.poll_other_alarm(cx, next, alarm))
    }

    /// What the opening handshake agreed on.
    #[must_use]
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Takes the socket apart: back to the byte stream and the machine. A server does not close it any more, it belongs to
    /// the caller alone.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "its driver is held until it is dropped")]
    pub fn into_parts(mut self) -> Parts<R> {
        let driver = self.driver.take().expect("held until drop");
        driver.into_parts(std::mem::take(&mut self.welcome), self.ended)
    }

    /// The socket of these parts. Bytes in [`read`](Parts::read) are taken before the stream is read.
    #[must_use]
    pub fn from_parts(mut parts: Parts<R>) -> Self {
        let (welcome, ended) = (std::mem::take(&mut parts.welcome), parts.ended);
        Self { driver: Some(Driver::from_parts(parts)), estate: None, welcome, ended }
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.driver.as_ref().map(|driver| driver.link.stats()).unwrap_or_default()
    }

    /// The report, once the connection has ended.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        self.driver.as_ref()?.closed.as_deref()
    }

    /// Waits for a message and hands it to `act` where it lies, without an allocation. `None` at the end.
    ///
    /// # Errors
    /// [`Error::Closed`] once, if the end was not clean.
    ///
    /// # Cancel safety
    /// Dropped before it is done, `act` was not called and no message is lost.
    pub async fn next_with<T>(
        &mut self,
        mut act: impl FnMut(&mut Link, wharf::base::Instant, Message<'_>) -> T,
    ) -> Option<Result<T, Error>> {
        poll_fn(|cx| self.poll_next_with(cx, &mut act)).await
    }

    /// Waits for a message.
    ///
    /// # Errors
    /// As [`next_with`](Self::next_with).
    ///
    /// # Cancel safety
    /// Dropped before it is done, no message is lost.
    pub async fn next(&mut self) -> Option<Result<Message<'static>, Error>> {
        self.next_with(|_, _, message| message.into_owned()).await
    }

    /// Queues a message, and waits while the output is congested.
    ///
    /// # Errors
    /// [`Error::Send`] with the message if it was not taken: it is too big, the socket closes, or the output is
    /// full, which it is only if sends were cancelled or [`queue`](Self::queue) was used; then [`ready`](Self::ready) waits for
    /// room. [`Error::Closed`] if the connection ended after it was taken.
    ///
    /// # Cancel safety
    /// The first poll queues the message or fails. Dropped after it, the message is sent once, when the socket is polled.
    pub async fn send(&mut self, message: impl Into<Message<'_>>) -> Result<(), Error> {
        self.queue(message)?;
        self.ready().await
    }

    /// Waits until there is room to send: the output is no longer congested. Writes what it can.
    ///
    /// # Errors
    /// [`Error::Closed`] if the connection ended, and not cleanly.
    ///
    /// # Cancel safety
    /// Dropped before it is done, nothing is lost.
    pub async fn ready(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_room(cx)).await
    }

    /// Queues a message without waiting; it goes out when the socket is polled next.
    ///
    /// # Errors
    /// The message, and why it was not taken; nothing was queued.
    pub fn queue<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<Accepted, SendFailed<'m>> {
        let message = message.into();
        match self.driver.as_mut() {
            Some(driver) => driver.queue(message),
            None => Err(SendFailed { error: SendError::Closed, message }),
        }
    }

    /// Waits until all that was queued is written.
    ///
    /// # Errors
    /// [`Error::Closed`] if the connection ended before.
    ///
    /// # Cancel safety
    /// Dropped before it is done, what was queued stays queued.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flushed(cx)).await
    }

    /// Closes, and waits for the peer's answer. Messages that still come are dropped; read to the end with `next`
    /// after [`begin_close`](Self::begin_close) to have them.
    ///
    /// # Errors
    /// [`Error::Close`] if code or reason cannot be sent; [`Error::Closed`] if the end was not clean.
    ///
    /// # Cancel safety
    /// Dropped after its first poll, the close goes on when the socket is polled; to close again goes on waiting.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        if let Err(e @ SendError::InvalidClose) = self.begin_close(code, reason) {
            return Err(Error::Close(e));
        }
        while let Some(message) = self.next_with(|_, _, _| ()).await {
            if let Err(Error::Closed(closed)) = message {
                // The code that this side asked for is the end that it asked for.
                return if closed.code == code { Ok(()) } else { Err(Error::Closed(closed)) };
            }
        }
        Ok(())
    }

    /// Queues a Close frame behind what was sent.
    ///
    /// # Errors
    /// [`SendError`] if code or reason cannot be sent, or the connection is closing already.
    pub fn begin_close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        let driver = self.driver.as_mut().ok_or(SendError::Closed)?;
        driver.link.close(turn::fresh(driver.clock()), code, reason)
    }

    /// Runs `future` while the socket answers pings and writes what is queued. Messages wait; once 64 KiB or 256
    /// of them do, the peer is not read any further until they are taken.
    ///
    /// # Cancel safety
    /// Dropped before it is done, `future` is dropped with it and the socket has lost nothing.
    pub async fn drive_while<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        poll_fn(|cx| {
            if let Some(driver) = &mut self.driver {
                driver.owe_meanwhile();
                driver.poll_waiting(cx);
            }
            future.as_mut().poll(cx)
        })
        .await
    }

    /// Tells whether answers are owed, by a program that asks for more messages while it works on others: where framed messages
    /// are spoken they can be sent after the peer's stream has ended, until nothing is owed or the time of a close is over. Whoever
    /// works on one message at a time, by itself or in [`drive_while`](Self::drive_while), need not say so.
    pub fn owe(&mut self, owes: bool) {
        if let Some(driver) = &mut self.driver {
            driver.owe(owes);
        }
    }

    /// A sender for other tasks, with room for `capacity` messages; a later call gives one for the same inbox.
    #[must_use]
    pub fn sender(&mut self, capacity: usize) -> Sender {
        let driver = self.driver.as_mut();
        if let Some(inbox) = driver.as_ref().and_then(|driver| driver.inbox.as_ref()) {
            return inbox.sender();
        }
        let (sender, inbox) = Inbox::new(capacity);
        if let Some(driver) = driver {
            driver.inbox = Some(inbox);
        }
        sender
    }

    /// Two halves for two tasks. Either drives the whole machine while it is polled.
    #[must_use]
    pub fn split(self) -> (ReadHalf<R>, WriteHalf<R>) {
        split(self)
    }

    /// The machine, for its counters, its ping and its pause.
    pub fn link(&mut self) -> Option<(&mut Link, Clock)> {
        turn::forget();
        self.driver.as_mut().map(|driver| {
            let clock = driver.clock();
            (&mut driver.link, clock)
        })
    }

    /// Lets time pass at once.
    #[cfg(test)]
    pub(crate) fn skip(&mut self, by: std::time::Duration) {
        if let Some(driver) = &mut self.driver {
            driver.skip(by);
        }
    }

    pub(crate) fn poll_next_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: &mut impl FnMut(&mut Link, wharf::base::Instant, Message<'_>) -> T,
    ) -> Poll<Option<Result<T, Error>>> {
        let Some(driver) = self.driver.as_mut().filter(|_| !self.ended) else { return Poll::Ready(None) };
        if let Some(message) = driver.take_waiting() {
            let now = turn::fresh(driver.clock());
            return Poll::Ready(Some(Ok(act(&mut driver.link, now, message))));
        }
        driver.settle_owing();
        let polled = driver.poll_with(cx, |link, now, event| match event {
            Event::Message(message) => Some(act(link, now, message)),
            _ => None,
        });
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(out)) => Poll::Ready(Some(Ok(out))),
            Poll::Ready(None) => {
                self.ended = true;
                let unclean = driver.closed.clone().filter(|closed| !closed.is_clean());
                Poll::Ready(unclean.map(|closed| Err(Error::Closed(closed))))
            }
        }
    }

    /// What there is for a reader, to be compared with what there was.
    pub(crate) fn news(&self) -> (u64, bool) {
        self.driver.as_ref().map_or((0, false), |driver| driver.news())
    }

    /// Writes what it can; ready once there is room for more.
    pub(crate) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let is_written = self.poll_written(cx)?;
        if is_written || !self.is_congested() {
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }

    pub(crate) fn is_congested(&self) -> bool {
        self.driver.as_ref().is_some_and(|driver| driver.link.is_congested())
    }

    /// Writes what it can; ready once all is written.
    pub(crate) fn poll_flushed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.poll_written(cx)? { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Writes what it can; whether all is written.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Result<bool, Error> {
        let Some(driver) = &mut self.driver else { return Ok(true) };
        let is_written = driver.poll_output(cx).is_ready();
        if is_written {
            self.unclean_end()?;
        }
        Ok(is_written)
    }

    /// The end, where it came and was not clean.
    fn unclean_end(&self) -> Result<(), Error> {
        match self.closed() {
            Some(closed) if !closed.is_clean() => Err(Error::Closed(Box::new(closed.clone()))),
            _ => Ok(()),
        }
    }
}

impl<R: Runtime> Stream for Socket<R> {
    type Item = Result<Message<'static>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_next_with(cx, &mut |_, _, message| message.into_owned())
    }
}

impl<R: Runtime> Drop for Socket<R> {
    fn drop(&mut self) {
        let Some(mut driver) = self.driver.take() else { return };
        match &self.estate {
            // It is not, if the handler is gone and left its socket to a task.
            Some(estate) if Arc::strong_count(estate) > 1 => {
                *estate.lock().unwrap_or_else(PoisonError::into_inner) = Some(driver)
            }
            _ => {
                // Nobody is left to wait for the peer: say goodbye if the stream takes it at once.
                let _ = driver.link.close(turn::fresh(driver.clock()), CloseCode::GOING_AWAY, "");
                driver.write_last();
            }
        }
    }
}

impl<R: Runtime> std::fmt::Debug for Socket<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").field("closed", &self.closed()).finish_non_exhaustive()
    }
}
