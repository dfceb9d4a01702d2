//! A connection that nobody uses for now.

use super::{Driver, ROUNDS};
use crate::runtime::Runtime;
use crate::scratch::Lent;
use crate::sender::Command;
use crate::turn;
use std::task::{Context, Poll, Waker};
use wharf::base::Instant;
use wharf::link::{Event, Link};

impl<R: Runtime> Driver<R> {
    /// Takes what is there to be read and writes what can be, and touches no timer: some are made inside of their runtime alone.
    /// Whether it is open then, and nothing has come that nobody has read.
    pub(crate) fn is_at_rest(&mut self) -> bool {
        if !self.is_resting() {
            return false;
        }
        let mut lent = Lent::take();
        let buffers = &mut *lent;
        self.link.lend(&mut buffers.scratch);
        let (now, cx) = (turn::fresh(self.clock()), &mut Context::from_waker(Waker::noop()));
        let mut take =
            |_: &mut Link, _: Instant, event: Event<'_>| matches!(event, Event::Message(_)).then_some(());
        let mut is_quiet = false;
        for _ in 0..ROUNDS {
            self.exchange(cx, now);
            let wants = self.link.wants();
            if !wants.read || wants.shutdown.is_some() || self.read_over {
                break;
            }
            match self.poll_read(cx, now, buffers, &mut take) {
                Poll::Ready(None) => {}
                read => {
                    is_quiet = read.is_pending();
                    break;
                }
            }
        }
        self.link.reclaim(&mut buffers.scratch);
        is_quiet && self.is_resting()
    }

    /// The same while it is watched: it wakes whoever polls when something happens, and keeps its deadlines.
    pub(crate) fn poll_at_rest(&mut self, cx: &mut Context<'_>) -> bool {
        self.poll_waiting(cx);
        self.is_resting()
    }

    fn is_resting(&self) -> bool {
        let is_read = self.waiting.is_empty() && self.held_at >= self.held.len();
        is_read
            && !self.read_over
            && self.closed.is_none()
            && self.link.is_open()
            && self.link.is_between_messages()
    }

    /// Takes nothing any more from the senders that there are; whether they had sent nothing.
    pub(crate) fn retire_senders(&mut self) -> bool {
        let Some(mut inbox) = self.inbox.take() else { return true };
        inbox.close();
        let left: Option<Command> = inbox.poll_next(&mut Context::from_waker(Waker::noop()));
        left.is_none()
    }
}
