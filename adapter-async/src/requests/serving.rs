//! The side that answers: a future for each request, all in the task of their connection.

use super::work::Work;
use crate::driver::alarm::Alarm;
use crate::runtime::Runtime;
use crate::socket::Socket;
use crate::{Error, turn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::{Future, poll_fn};
use std::task::{Context, Poll};
use wharf::service::requests::{AnswersConfig, ErrorReply};

/// Messages of one poll, after which other tasks get their turn.
const TURNS: usize = 256;

/// Answers the requests of a connection to its end (feature `json`). `handler` makes a future of each; they run side by side in this task, and
/// answers go out as they come. At most [`AnswersConfig::max_in_flight`] run at a time, the next is refused; while the peer takes no answers,
/// nothing is read.
///
/// A future is dropped when its request is given up, when its time is over, and with the connection. One that panics is answered
/// by [`INTERNAL`](ErrorReply::INTERNAL), a request whose data is no `Q` by [`INVALID`](ErrorReply::INVALID), and so is what is no
/// request at all, without an id. A peer of framed messages that ends its stream still gets the answers that it is owed, those
/// that come within the time of a close.
///
/// # Errors
/// [`Error::Closed`] if the end was not clean.
///
/// # Cancel safety
/// Dropped before it is done, all that runs is dropped with it, and the socket is.
pub async fn serve_requests<R, Q, A, F, Fut>(
    socket: Socket<R>,
    config: AnswersConfig,
    handler: F,
) -> Result<(), Error>
where
    R: Runtime,
    Q: DeserializeOwned,
    A: Serialize,
    F: FnMut(Q) -> Fut,
    Fut: Future<Output = Result<A, ErrorReply>>,
{
    let (work, mut handler) = (Work::new(config, socket.name()), handler);
    let mut serving = Serving { socket, work, alarm: None };
    poll_fn(|cx| serving.poll(cx, &mut handler)).await
}

struct Serving<R: Runtime, A, J: Future> {
    socket: Socket<R>,
    work: Work<A, J>,
    alarm: Option<Alarm<R::Timer>>,
}

impl<R, A, J> Serving<R, A, J>
where
    R: Runtime,
    A: Serialize,
    J: Future<Output = Result<A, ErrorReply>>,
{
    fn poll<Q: DeserializeOwned>(
        &mut self,
        cx: &mut Context<'_>,
        handler: &mut impl FnMut(Q) -> J,
    ) -> Poll<Result<(), Error>> {
        for _ in 0..TURNS {
            self.poll_timer(cx);
            self.work.poll_done(cx);
            let is_full = self.work.send(&mut self.socket);
            self.socket.owe(self.work.is_owed());
            let polled = match () {
                () if is_full => self.socket.poll_flushed(cx).map_ok(Some),
                () if self.socket.is_congested() => self.socket.poll_room(cx).map_ok(Some),
                () => self.poll_request(cx, handler),
            };
            // The end may be known long before the stream ends.
            if self.socket.closed().is_some() {
                self.work.end();
            }
            match polled {
                Poll::Ready(Ok(Some(()))) => {}
                Poll::Ready(Ok(None)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                // What was written made room for more.
                Poll::Pending if !is_full && !self.socket.is_congested() && self.work.has_more() => {}
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads a message and takes it; `None` at the end.
    fn poll_request<Q: DeserializeOwned>(
        &mut self,
        cx: &mut Context<'_>,
        handler: &mut impl FnMut(Q) -> J,
    ) -> Poll<Result<Option<()>, Error>> {
        let Self { socket, work, .. } = self;
        let polled = socket.poll_next_with(cx, &mut |_, now, message| work.receive(now, &message, handler));
        polled.map(|out| out.transpose())
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) {
        while let Some(next) = self.work.poll_timeout() {
            if !self.socket.poll_alarm(cx, next, &mut self.alarm) {
                return;
            }
            self.work.handle_timeout(turn::fresh(self.socket.clock()));
        }
    }
}
