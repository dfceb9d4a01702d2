//! What goes out: messages of the program and of other tasks, and the bytes that they become.

use super::{Driver, ROUNDS};
use crate::SendFailed;
use crate::runtime::{Runtime, Transport};
use crate::sender::Command;
use crate::trace;
use crate::turn;
use std::io::IoSlice;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use wharf::base::{Accepted, End, Instant, Message, SendError, Wants};

/// A smaller message is sent from where it lies: it would be copied anyway, and so it need not be asked for first.
const COPIED: usize = 4096;

/// A program that only writes has the stream read this often: pings are answered and the peer's close is heard.
const READ_AT_LEAST: Duration = Duration::from_millis(100);

/// Slices of one write.
const SLICES: usize = 16;

impl<R: Runtime> Driver<R> {
    /// Queues a message, to go out when it is driven next.
    pub(crate) fn queue<'m>(&mut self, message: Message<'m>) -> Result<Accepted, SendFailed<'m>> {
        // While something waits, the time decides nothing.
        let now = match turn::last(self.clock()) {
            Some(last) if self.link.queued() > 0 => last,
            _ => turn::fresh(self.clock()),
        };
        let sent = if message.payload().len() < COPIED {
            self.link.send(now, message.as_lent())
        } else if let Err(error) = self.link.can_send(now, &message) {
            Err(error)
        } else {
            // At the same time it cannot fail.
            return Ok(self.link.send(now, message).unwrap_or(Accepted::Queued));
        };
        sent.map_err(|error| SendFailed { error, message })
    }

    /// Writes what is queued. Where that takes time, or nothing was read for a while, the stream is read as well.
    pub(crate) fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut now = turn::now(self.clock(), cx);
        if self.has_nothing_to_do(now) {
            return Poll::Ready(());
        }
        // One that has fired is set anew, so that the deadline behind it wakes too.
        while self.poll_timer(cx, &mut now) {}
        self.exchange(cx, now);
        self.take_outcome(now);
        if !self.link.output(now).is_empty() || now - self.driven_at >= READ_AT_LEAST {
            self.poll_waiting(cx);
        }
        if self.link.output(now).is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Whether all is written and nothing has come of that, no deadline is due, and the stream was read not long ago.
    fn has_nothing_to_do(&self, now: Instant) -> bool {
        let read_only = Wants { read: true, write: false, shutdown: None };
        self.inbox.is_none()
            && self.link.is_open()
            && self.link.wants() == read_only
            && now - self.driven_at < READ_AT_LEAST
            && self.link.poll_timeout().is_none_or(|at| now < at)
    }

    /// Writes what the stream takes at once, of a connection that nobody drives any more. No timer is touched: some are
    /// made inside of their runtime alone, and this may be outside or after it.
    pub(crate) fn write_last(&mut self) {
        self.flush(&mut Context::from_waker(Waker::noop()), turn::fresh(self.clock()));
    }

    /// Takes what other tasks sent and writes, in turns, since either makes room for the other; whether something
    /// was written.
    pub(super) fn exchange(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        if self.inbox.is_none() {
            return self.flush(cx, now);
        }
        for round in 0..ROUNDS {
            self.take_commands(cx, now);
            if !self.flush(cx, now) {
                return round > 0;
            }
        }
        cx.waker().wake_by_ref();
        true
    }

    /// Writes until there is nothing or the stream takes no more; whether something was written.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let mut wrote = false;
        while self.link.wants().write {
            let mut output = self.link.output(now);
            let mut slices: [&[u8]; SLICES] = [&[]; SLICES];
            let written = match output.slices(&mut slices) {
                0 => return wrote,
                1 => self.stream.poll_write(cx, &[IoSlice::new(slices[0])]),
                filled => self.stream.poll_write(cx, &slices.map(IoSlice::new)[..filled]),
            };
            match written {
                Poll::Ready(Ok(n)) if n > 0 => {
                    output.advance(n);
                    wrote = true;
                }
                Poll::Ready(_) => {
                    self.link.receive_end(now, End::WriteFailed);
                    return true;
                }
                Poll::Pending => return wrote,
            }
        }
        wrote
    }

    /// Takes what other tasks sent, as long as the output is not congested.
    fn take_commands(&mut self, cx: &mut Context<'_>, now: Instant) {
        let Some(inbox) = &mut self.inbox else { return };
        if self.closed.is_some() {
            return inbox.close();
        }
        while self.link.is_open() && !self.link.is_congested() {
            match inbox.poll_next(cx) {
                Some(Command::Message(message)) => match self.link.can_send(now, &message) {
                    Ok(()) => drop(self.link.send(now, message)),
                    Err(SendError::Full) => return inbox.put_back(Command::Message(message)),
                    // The link counts it.
                    Err(e) => trace::not_sent(e),
                },
                Some(Command::Close(code, reason)) => drop(self.link.close(now, code, &reason)),
                None => return,
            }
        }
    }
}
