//! What drives the socket of those who ask.

use super::desk::{Desk, Outgoing};
use crate::driver::alarm::Alarm;
use crate::runtime::Runtime;
use crate::socket::Socket;
use crate::{Error, turn};
use futures_core::Stream;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use wharf::base::{Cause, Classifier, CloseCode, Closed, End, Message, Origin, SendError};

/// Messages of one poll, after which other tasks get their turn.
const TURNS: usize = 256;

/// Drives the socket of a [`Requester`](super::Requester) (feature `json`): nothing is sent and no answer is heard unless it is polled, by
/// [`run`](Self::run) in a task of its own, by [`drive_while`](Self::drive_while), or as a [`Stream`].
///
/// As a stream it yields the messages that are no replies, and ends as the [`Socket`] does. Dropped, it drops the socket, and every
/// request fails.
///
/// ```
/// # #[cfg(feature = "sim")] {
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use wharf_async::{RequestError, mock};
///
/// # block_on(async {
/// let (socket, _peer) = mock::<R>(["the ferry leaves at nine"]);
/// let (requester, mut driving) = socket.requests(Default::default());
/// let notice = driving.next().await.unwrap()?;
/// assert_eq!(notice.as_text(), Some("the ferry leaves at nine"));
///
/// drop(driving);
/// let unheard = requester.request::<u8>("which pier?").await;
/// assert!(matches!(unheard, Err(RequestError::Closed(_))));
/// # Ok::<(), wharf_async::Error>(()) }).unwrap(); }
/// ```
pub struct RequestLoop<R: Runtime> {
    socket: Socket<R>,
    desk: Arc<Desk>,
    /// It is made by the first poll: some timers are made only inside of their runtime.
    alarm: Option<Alarm<R::Timer>>,
}

impl<R: Runtime> RequestLoop<R> {
    pub(super) fn new(socket: Socket<R>, desk: Arc<Desk>) -> Self {
        Self { socket, desk, alarm: None }
    }

    /// The report, once the connection has ended.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        self.socket.closed()
    }

    /// Drives to the end of the connection. Once the last handle is gone it is closed with 1000. Messages that are no
    /// replies are dropped, and counted.
    ///
    /// # Errors
    /// [`Error::Closed`] if the end was not clean.
    ///
    /// # Cancel safety
    /// Dropped before it is done, the socket is dropped with it, and every request fails.
    pub async fn run(mut self) -> Result<(), Error> {
        poll_fn(|cx| {
            if !self.desk.is_held() {
                self.desk.close(CloseCode::NORMAL, "");
            }
            self.poll_end(cx)
        })
        .await
    }

    /// Runs `future` while the socket is driven. Messages that are no replies are dropped, and counted.
    ///
    /// # Cancel safety
    /// Dropped before it is done, `future` is dropped with it and the socket has lost nothing.
    pub async fn drive_while<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            // What came is there when the future is asked, and what that asks for is sent at once.
            let _ = self.poll_end(cx);
            let out = future.as_mut().poll(cx);
            let _ = self.poll_end(cx);
            out
        })
        .await
    }

    /// Waits for a message that is no reply, and drives the socket meanwhile. `None` at the end.
    ///
    /// # Errors
    /// [`Error::Closed`] once, if the end was not clean.
    ///
    /// # Cancel safety
    /// Dropped before it is done, no message is lost.
    pub async fn next(&mut self) -> Option<Result<Message<'static>, Error>> {
        poll_fn(|cx| self.poll_with(cx)).await
    }

    fn poll_with(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message<'static>, Error>>> {
        self.desk.register(cx.waker());
        for _ in 0..TURNS {
            match self.poll_turn(cx) {
                Poll::Ready(Some(Ok(None))) => {}
                Poll::Ready(Some(Ok(Some(message)))) => return Poll::Ready(Some(Ok(message))),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// To the end of the connection, for one who has no use for messages that are no replies.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.desk.register(cx.waker());
        for _ in 0..TURNS {
            match self.poll_turn(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sends and reads once; a message is told if it is no reply.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Option<Message<'static>>, Error>>> {
        self.poll_timer(cx);
        let is_full = self.send();
        let desk = &self.desk;
        let polled = self.socket.poll_next_with(cx, &mut |_, _, message| {
            if desk.receive(&message) { None } else { Some(message.into_owned()) }
        });
        // It may be known long before the stream ends.
        if let Some(closed) = self.socket.closed() {
            self.desk.handle_closed(closed);
        } else if polled.is_pending() && !is_full && !self.socket.is_congested() && self.desk.unsent() > 0 {
            // What was written made room for more.
            return Poll::Ready(Some(Ok(None)));
        }
        polled
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) {
        while let Some(next) = self.desk.poll_timeout() {
            if !self.socket.poll_alarm(cx, next, &mut self.alarm) {
                return;
            }
            self.desk.handle_timeout(turn::fresh(self.socket.clock()));
        }
    }

    /// Hands the socket what it has room for; whether one found none.
    fn send(&mut self) -> bool {
        while !self.socket.is_congested() {
            let Some(Outgoing { place, call, message }) = self.desk.next_outgoing() else { break };
            let Err(failed) = self.socket.queue(message) else { continue };
            match (failed.error, call) {
                (SendError::Full, call) => {
                    self.desk.put_back(Outgoing { place, call, message: failed.message });
                    return true;
                }
                // The end, which is near, says why.
                (SendError::Closing | SendError::Closed, _) | (_, None) => {}
                (error, Some(id)) => self.desk.not_sent(id, error),
            }
        }
        if let Some((code, reason)) = self.desk.next_close() {
            // One that is closing already goes on with the code it has.
            let _ = self.socket.begin_close(code, &reason);
        }
        false
    }
}

impl<R: Runtime> Stream for RequestLoop<R> {
    type Item = Result<Message<'static>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_with(cx)
    }
}

impl<R: Runtime> Drop for RequestLoop<R> {
    fn drop(&mut self) {
        let cause = Cause::Transport(End::Dropped);
        let dropped = || Closed::new(Origin::Local, CloseCode::GOING_AWAY, "", cause, Classifier::default());
        self.desk.handle_closed(&self.socket.closed().cloned().unwrap_or_else(dropped));
    }
}

impl<R: Runtime> fmt::Debug for RequestLoop<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestLoop").field("socket", &self.socket).finish_non_exhaustive()
    }
}
