//! One link and its stream: reads, writes and sleeps as the link wants. No decision is made here.

use crate::Clock;
use crate::carrier::Carrier;
use crate::runtime::{Runtime, Transport};
use crate::scratch::{Buffers, Lent, READ};
use crate::sender::Inbox;
use crate::trace::Told;
use crate::turn;
use crate::waiting::Waiting;
use std::task::{Context, Poll};
use wharf::base::{Closed, End, Input, Instant, Message, Shutdown};
use wharf::link::{Event, Link};
use wharf_std::end_of;

pub(crate) mod alarm;
mod outgoing;
mod parts;
mod rest;
use alarm::Alarm;
pub use parts::Parts;

/// Reads of one poll, after which other tasks get their turn.
const ROUNDS: usize = 16;

pub(crate) struct Driver<R: Runtime> {
    pub(crate) link: Link,
    clock: Clock,
    /// The report, once it came.
    pub(crate) closed: Option<Box<Closed>>,
    pub(crate) inbox: Option<Inbox>,
    pub(crate) told: Told,
    stream: Carrier<R>,
    alarm: Alarm<R::Timer>,
    /// What was read and is not yet taken, from `held_at`.
    held: Vec<u8>,
    held_at: usize,
    /// Messages that came while the program only wrote.
    waiting: Waiting,
    /// When the stream was read last, or asked for more.
    driven_at: Instant,
    read_over: bool,
    write_shut: bool,
    /// The program says that it owes answers, and what the link was told.
    owes: bool,
    told_owing: bool,
}

impl<R: Runtime> Driver<R> {
    /// `input` is what was read from the stream already, by whoever had it before. It is boxed, since futures are made of
    /// what they hold, several times over.
    pub(crate) fn new(link: Link, stream: Carrier<R>, clock: Clock, input: Vec<u8>) -> Box<Self> {
        Box::new(Self {
            link,
            clock,
            closed: None,
            inbox: None,
            told: Told::default(),
            stream,
            alarm: Alarm::new(R::timer()),
            held: input,
            held_at: 0,
            waiting: Waiting::default(),
            driven_at: Instant::ORIGIN,
            read_over: false,
            write_shut: false,
            owes: false,
            told_owing: false,
        })
    }

    /// Whose time the link knows.
    #[inline]
    pub(crate) fn clock(&self) -> Clock {
        #[cfg(feature = "sim")]
        if let Carrier::Mock(mock) = &self.stream {
            return mock.clock();
        }
        self.clock
    }

    /// The same, for one who asks for it while the driver is not at hand.
    #[cfg(feature = "json")]
    pub(crate) fn time(&self) -> crate::time::Time {
        #[cfg(feature = "sim")]
        if let Carrier::Mock(mock) = &self.stream {
            return crate::time::Time::Mock(mock.time());
        }
        crate::time::Time::Clock(self.clock)
    }

    /// Lets time pass at once.
    #[cfg(test)]
    pub(crate) fn skip(&mut self, by: std::time::Duration) {
        self.clock = Clock::since(self.clock.std(Instant::ORIGIN) - by);
    }

    /// Drives until `take` makes something of an event. `Ready(None)`: the link is finished and so is its stream.
    pub(crate) fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&mut Link, Instant, Event<'_>) -> Option<T>,
    ) -> Poll<Option<T>> {
        let mut lent = Lent::take();
        let buffers = &mut *lent;
        self.link.lend(&mut buffers.scratch);
        let now = turn::now(self.clock(), cx);
        self.driven_at = now;
        // What one read brought is mostly many messages, and each but the first is taken here.
        let held = if self.held.is_empty() { None } else { self.take_held(now, buffers, &mut take) };
        let out = match held {
            Some(out) => Poll::Ready(Some(out)),
            None => self.drive(cx, now, buffers, &mut take),
        };
        self.link.reclaim(&mut buffers.scratch);
        out
    }

    /// Drives without a wish for messages: pings are answered, output is written. Messages wait, and when much of them
    /// does, nothing more is read.
    pub(crate) fn poll_waiting(&mut self, cx: &mut Context<'_>) {
        while !self.waiting.is_full() {
            let mut waiting = std::mem::take(&mut self.waiting);
            let polled = self.poll_with(cx, |link, now, event| match event {
                Event::Message(message) => {
                    // It is owed an answer until the program has taken it and asks for the next.
                    link.owe(now, true);
                    waiting.push(message.into_owned()).then_some(())
                }
                _ => None,
            });
            self.told_owing |= !waiting.is_empty();
            self.waiting = waiting;
            if !matches!(polled, Poll::Ready(Some(_))) {
                return;
            }
            // The peer is not to blame that it is not heard from here on.
            self.link.pause(turn::fresh(self.clock()));
        }
        let mut now = turn::now(self.clock(), cx);
        while self.poll_timer(cx, &mut now) {}
        self.exchange(cx, now);
        self.take_outcome(now);
    }

    /// Tells whether the program owes answers. It does also to a message that waits.
    pub(crate) fn owe(&mut self, owes: bool) {
        self.owes = owes;
        self.tell_owing(owes || !self.waiting.is_empty());
    }

    /// Tells the same while the program works on what it was handed and does not ask for more.
    pub(crate) fn owe_meanwhile(&mut self) {
        self.tell_owing(true);
    }

    /// The program asks for more, so it owes what it says, and nothing beside.
    #[inline]
    pub(crate) fn settle_owing(&mut self) {
        if self.told_owing != self.owes {
            self.tell_owing(self.owes);
        }
    }

    fn tell_owing(&mut self, owing: bool) {
        if self.told_owing != owing {
            self.told_owing = owing;
            self.link.owe(turn::fresh(self.clock()), owing);
        }
    }

    /// A message that came while the program only wrote.
    pub(crate) fn take_waiting(&mut self) -> Option<Message<'static>> {
        if self.waiting.is_empty() {
            return None;
        }
        let was_full = self.waiting.is_full();
        let message = self.waiting.pop()?;
        if was_full {
            self.link.resume(turn::fresh(self.clock()));
        }
        Some(message)
    }

    /// What there is for a reader, to be compared with what there was: messages that came, and whether the end did.
    pub(crate) fn news(&self) -> (u64, bool) {
        (self.waiting.came(), self.closed.is_some())
    }

    /// The report, if there is one: it needs no input.
    fn take_outcome(&mut self, now: Instant) {
        self.take_from(now, &mut Input::default(), &mut |_, _, _| None::<()>);
    }

    #[inline(never)]
    fn drive<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut now: Instant,
        buffers: &mut Buffers,
        take: &mut impl FnMut(&mut Link, Instant, Event<'_>) -> Option<T>,
    ) -> Poll<Option<T>> {
        for _ in 0..ROUNDS {
            if let Some(out) = self.take_held(now, buffers, take) {
                return Poll::Ready(Some(out));
            }
            if self.exchange(cx, now) {
                // What was written may have let an event or held input through.
                if let Some(out) = self.take_held(now, buffers, take) {
                    return Poll::Ready(Some(out));
                }
            }
            let wants = self.link.wants();
            match wants.shutdown {
                Some(how @ (Shutdown::Both | Shutdown::Abort)) => {
                    self.end_stream(how);
                    return Poll::Ready(None);
                }
                Some(Shutdown::Write) if !self.write_shut => {
                    self.write_shut = true;
                    // A stream that is gone already tells so by its read.
                    let _ = self.stream.shutdown_write();
                }
                _ => {}
            }
            if self.poll_timer(cx, &mut now) {
                continue;
            }
            if !wants.read || self.read_over || self.held_at < self.held.len() {
                return Poll::Pending;
            }
            match self.poll_read(cx, now, buffers, take) {
                Poll::Ready(None) => {}
                out => return out,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One read, straight into a large message's own buffer where there is one.
    fn poll_read<T>(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        buffers: &mut Buffers,
        take: &mut impl FnMut(&mut Link, Instant, Event<'_>) -> Option<T>,
    ) -> Poll<Option<T>> {
        let Buffers { read, plain, held, .. } = buffers;
        let direct = match self.link.read_space() {
            Some(space) => Some(self.stream.poll_read(cx, space)),
            None => None,
        };
        let is_direct = direct.is_some();
        let n = match direct.unwrap_or_else(|| self.stream.poll_read(cx, read)) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(0)) => {
                self.read_over = true;
                self.link.receive_end(now, End::Eof);
                return Poll::Ready(None);
            }
            Poll::Ready(Err(e)) => {
                self.read_over = true;
                self.link.receive_end(now, end_of(&e));
                return Poll::Ready(None);
            }
            Poll::Ready(Ok(n)) => n,
        };
        if is_direct {
            self.link.handle_read(now, n);
            return Poll::Ready(None);
        }
        let mut input = self.link.input(now, &mut read[..n], plain);
        let out = self.take_from(now, &mut input, take);
        if !input.is_empty() {
            self.held = std::mem::take(held);
            self.held.extend_from_slice(input.as_slice());
        }
        Poll::Ready(out)
    }

    #[inline]
    fn take_held<T>(
        &mut self,
        now: Instant,
        buffers: &mut Buffers,
        take: &mut impl FnMut(&mut Link, Instant, Event<'_>) -> Option<T>,
    ) -> Option<T> {
        if self.held.is_empty() {
            return match self.link.is_silent() {
                true => None,
                false => self.take_from(now, &mut Input::default(), take),
            };
        }
        let mut held = std::mem::take(&mut self.held);
        let mut input = Input::new(&mut held[self.held_at..]);
        let out = self.take_from(now, &mut input, take);
        let left = input.len();
        if left > 0 {
            (self.held_at, self.held) = (held.len() - left, held);
            return out;
        }
        self.held_at = 0;
        if held.capacity() > buffers.held.capacity() && held.capacity() <= READ {
            held.clear();
            buffers.held = held;
        }
        out
    }

    fn take_from<T>(
        &mut self,
        now: Instant,
        input: &mut Input<'_>,
        take: &mut impl FnMut(&mut Link, Instant, Event<'_>) -> Option<T>,
    ) -> Option<T> {
        while let Some(event) = self.link.receive(now, input) {
            if let Event::Closed(report) = &event {
                self.told.closed(report);
                self.closed = Some(report.clone());
            }
            if let Some(out) = take(&mut self.link, now, event) {
                return Some(out);
            }
        }
        None
    }

    /// Sees to the link's next deadline; whether it had come, of which it may be later than `now`.
    fn poll_timer(&mut self, cx: &mut Context<'_>, now: &mut Instant) -> bool {
        let Some(next) = self.link.poll_timeout() else { return false };
        if !self.poll_alarm(cx, *now, next) {
            return false;
        }
        *now = turn::fresh(self.clock());
        self.link.handle_timeout(*now);
        true
    }

    /// Whether `next` has come; if not, it wakes whoever polls once it has.
    fn poll_alarm(&mut self, cx: &mut Context<'_>, now: Instant, next: Instant) -> bool {
        #[cfg(feature = "sim")]
        if let Carrier::Mock(mock) = &self.stream {
            return mock.poll_timer(cx, next, true);
        }
        self.alarm.poll(cx, now, next, self.clock)
    }

    /// The same for a deadline of what is built on the socket, which keeps a timer for it.
    #[cfg(feature = "json")]
    pub(crate) fn poll_other_alarm(
        &self,
        cx: &mut Context<'_>,
        next: Instant,
        alarm: &mut Option<Alarm<R::Timer>>,
    ) -> bool {
        #[cfg(feature = "sim")]
        if let Carrier::Mock(mock) = &self.stream {
            return mock.poll_timer(cx, next, false);
        }
        let alarm = alarm.get_or_insert_with(|| Alarm::new(R::timer()));
        alarm.poll(cx, turn::now(self.clock, cx), next, self.clock)
    }

    fn end_stream(&mut self, how: Shutdown) {
        if how == Shutdown::Abort {
            self.stream.reset_on_drop();
        } else if !self.write_shut {
            let _ = self.stream.shutdown_write();
        }
        self.write_shut = true;
    }
}

#[cfg(test)]
pub(crate) mod tests;
