//! The machine: what it keeps, and the contract that it keeps.

use super::assembly::Assembly;
use super::receive::{Frame, Stage};
use super::{Codec, Config, MAX_HEADER, Stats};
use crate::base::{
    Accepted, Clock, CloseCode, Closed, Closing, Counters, Deadline, Deadlines, End, Engine, Event, Input,
    Instant, Kind, Liveness, Message, Outbox, Output, Phase, Scratch, SendError, Shutdown, Wants, least,
};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use bytes::Bytes;

/// A connection whose messages are framed by a [`Codec`]: the [`Engine`] of framed TCP, of Unix sockets, of anything that
/// carries bytes in order. Both sides are alike. At rest it owns no heap.
///
/// ```
/// use wharf::base::{Engine, Event, Input, Instant};
/// use wharf::framed::{Config, Connection, Lines};
///
/// let now = Instant::ORIGIN;
/// let mut connection = Connection::new(now, Lines::new(), &Config::default().into());
/// let mut bytes = *b"hello\n";
/// let mut input = Input::new(&mut bytes);
/// while let Some(event) = connection.receive(now, &mut input) {
///     if let Event::Message(message) = event {
///         connection.send(now, message).unwrap();
///     }
/// }
/// let mut written = Vec::new();
/// connection.output(now).drain_into(&mut written);
/// assert_eq!(written, b"hello\n");
/// ```
pub struct Connection<C> {
    pub(super) codec: C,
    pub(super) config: Arc<Config>,
    pub(super) outbox: Outbox,
    pub(super) clock: Clock,
    pub(super) deadlines: Deadlines,
    pub(super) liveness: Liveness,
    /// The message on its way, on the heap only while there is one.
    pub(super) assembly: Option<Box<Assembly>>,
    pub(super) frame: Frame,
    /// The front of a message that a read cut before it could be told what it is; or the cut trailer of one.
    pub(super) held: [u8; MAX_HEADER],
    pub(super) held_len: u8,
    pub(super) stage: Stage,
    pub(super) gate: u8,
    pub(super) closing: Closing,
    /// The code and reason of a local close, for the report.
    pub(super) goodbye: Option<Box<(CloseCode, String)>>,
    /// A message that the end of the stream ended, until it is handed up.
    pub(super) last: Option<Box<Message<'static>>>,
    /// The report, until it is handed up.
    pub(super) report: Option<Box<Closed>>,
    pub(super) counters: Counters,
}

const _: () = assert!(size_of::<Connection<Arc<dyn Codec>>>() <= 384);

/// Bits of [`Connection::gate`].
pub(super) struct Gate;

impl Gate {
    /// Above the high mark; a `Drained` is owed.
    pub(super) const CONGESTED: u8 = 1;
    /// Paused by the local program.
    pub(super) const PAUSED: u8 = 2;
    /// No longer open.
    pub(super) const NOT_OPEN: u8 = 4;
    /// A `Drained` is to be handed up.
    pub(super) const DRAINED: u8 = 8;
    /// The report has been made.
    pub(super) const REPORTED: u8 = 16;
    /// The program owes answers.
    pub(super) const OWES: u8 = 32;
}

impl<C: Codec> Connection<C> {
    /// A connection that begins with the next byte, either way.
    #[must_use]
    pub fn new(now: Instant, codec: C, config: &Arc<Config>) -> Self {
        let mut connection = Self {
            codec,
            config: config.clone(),
            outbox: Outbox::new(),
            clock: Clock::new(now),
            deadlines: Deadlines::new(),
            liveness: Liveness::new(now),
            assembly: None,
            frame: Frame::default(),
            held: [0; MAX_HEADER],
            held_len: 0,
            stage: Stage::Header,
            gate: 0,
            closing: Closing::new(),
            goodbye: None,
            last: None,
            report: None,
            counters: Counters::default(),
        };
        connection.liveness.rearm(config.patience(), &mut connection.deadlines);
        connection
    }

    /// The framing.
    #[must_use]
    pub fn codec(&self) -> &C {
        &self.codec
    }

    /// Whether the connection is over: nothing is read, nothing written, `wants().shutdown` says how to end the
    /// transport.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self.phase(), Phase::Finished(_))
    }

    /// Whether messages can be sent: no close has begun.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closing.is_open()
    }

    /// Whether the output is above the high mark, or has not fallen to the low one since.
    #[must_use]
    pub fn is_congested(&self) -> bool {
        self.gate & Gate::CONGESTED != 0 && self.outbox.len() > self.config.low_mark()
    }

    /// Bytes of output that the transport has not taken.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.outbox.len()
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.stats(self.outbox.written(), self.clock.clamped)
    }

    /// Stops reading: `wants().read` becomes false and no message is handed up. The idle and pong deadlines stand
    /// still meanwhile. Nothing happens once the connection is closing.
    pub fn pause(&mut self, now: Instant) {
        self.settle(now);
        if self.closing.is_open() {
            self.gate |= Gate::PAUSED;
        }
    }

    /// Reads again after [`pause`](Self::pause).
    pub fn resume(&mut self, now: Instant) {
        let now = self.settle(now);
        if self.gate & Gate::PAUSED != 0 {
            self.gate &= !Gate::PAUSED;
            if self.closing.read_over() {
                return;
            }
            self.liveness.resume(now, self.config.patience(), &mut self.deadlines);
        }
    }

    /// Whether the outcome is known: no message is handed up any more.
    pub(crate) fn is_settled(&self) -> bool {
        !self.closing.is_receiving()
    }

    /// Whether reading is paused, by the program or by congestion.
    pub(super) fn is_paused(&self) -> bool {
        let congested = self.config.pause_reading_when_congested && self.is_congested();
        self.closing.is_receiving() && (congested || self.gate & Gate::PAUSED != 0)
    }

    #[inline]
    pub(super) fn phase(&self) -> Phase {
        self.closing.phase(self.outbox.is_empty())
    }

    /// Makes what follows from time passing and output leaving true, and returns the time that counts.
    #[inline]
    pub(super) fn settle(&mut self, now: Instant) -> Instant {
        let now = self.clock.advance(now);
        if self.gate & Gate::CONGESTED != 0 && self.outbox.len() <= self.config.low_mark() {
            self.gate &= !Gate::CONGESTED;
            if self.closing.is_receiving() {
                self.gate |= Gate::DRAINED;
            }
            if self.config.pause_reading_when_congested && self.closing.is_open() && !self.closing.read_over()
            {
                self.liveness.resume(now, self.config.patience(), &mut self.deadlines);
            }
        }
        now
    }

    /// Arms the write deadline unless it is; whether it was needed is worked out when it fires.
    #[inline]
    pub(super) fn arm_write_stall(&mut self, now: Instant) {
        if !self.deadlines.is_armed(Deadline::WriteStall)
            && let Some(timeout) = self.config.write_timeout
        {
            self.deadlines.arm(Deadline::WriteStall, now + least(timeout));
        }
    }
}

impl<C: Codec> Engine for Connection<C> {
    fn receive<'b>(&mut self, now: Instant, input: &mut Input<'b>) -> Option<Event<'b>> {
        let now = self.settle(now);
        let before = input.len();
        if before > 0 {
            self.liveness.last_read = now;
        }
        let event = self.next_event(now, input);
        self.counters.bytes_in += (before - input.len()) as u64;
        event
    }

    fn receive_end(&mut self, now: Instant, end: End) {
        self.settle(now);
        self.handle_end(end);
    }

    fn read_space(&mut self) -> Option<&mut [u8]> {
        if !self.closing.is_receiving() || self.is_paused() {
            return None;
        }
        let remaining = self.sized_remaining();
        self.assembly.as_mut()?.space(remaining, self.outbox.spares())
    }

    fn handle_read(&mut self, now: Instant, n: usize) {
        let now = self.settle(now);
        self.fill_space(now, n);
    }

    fn send(&mut self, now: Instant, message: Message<'_>) -> Result<Accepted, SendError> {
        let now = self.settle(now);
        self.send_message(now, message)
    }

    fn send_bytes(&mut self, now: Instant, kind: Kind, payload: Bytes) -> Result<Accepted, SendError> {
        let now = self.settle(now);
        self.send_shared(now, kind, &payload)
    }

    /// Writes what was accepted, then ends the writing side and waits for the peer's end of stream; its messages are
    /// still handed up. The peer is told neither code nor reason, and the report has both.
    fn close(&mut self, now: Instant, code: CloseCode, reason: &str) -> Result<(), SendError> {
        let now = self.settle(now);
        self.begin_close(now, code, reason)
    }

    fn output(&mut self, now: Instant) -> Output<'_> {
        let now = self.settle(now);
        Output::new(&mut self.outbox, now)
    }

    fn wants(&self) -> Wants {
        let write = !self.outbox.is_empty();
        match self.phase() {
            Phase::Open => {
                let read = !self.is_paused() && !self.closing.read_over();
                Wants { read, write, shutdown: None }
            }
            // The end of our stream is all the Close frame there is.
            Phase::Closing => {
                Wants { read: !self.is_paused(), write, shutdown: (!write).then_some(Shutdown::Write) }
            }
            Phase::Flushing => Wants { read: !self.closing.read_over(), write, shutdown: None },
            Phase::Lingering => Wants { read: true, write: false, shutdown: Some(Shutdown::Write) },
            Phase::Finished(how) => Wants { read: false, write: false, shutdown: Some(how) },
        }
    }

    fn lend(&mut self, scratch: &mut Scratch) {
        self.outbox.lend(scratch);
    }

    fn reclaim(&mut self, scratch: &mut Scratch) {
        self.outbox.reclaim(scratch);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.is_finished() { None } else { self.deadlines.next(self.is_paused()) }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.settle(now);
        self.handle_deadlines(now);
    }
}

impl<C: Codec> core::fmt::Debug for Connection<C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Connection")
            .field("codec", &self.codec)
            .field("phase", &self.phase())
            .field("queued", &self.outbox.len())
            .finish_non_exhaustive()
    }
}
