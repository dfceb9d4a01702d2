//! The machine: what it keeps, and the contract that it keeps.

use super::assembly::Assembly;
use super::control::ControlPayload;
use super::gate::Gate;
use super::handshake::Agreed;
use super::receive::{Frame, Stage};
use super::wire::header;
use super::{Config, Delivery, Role, Stats};
use crate::base::{
    Accepted, Clock, CloseCode, Closed, Closing, Counters, Deadline, Deadlines, End, Engine, Entropy, Event,
    Input, Instant, Kind, Liveness, Message, Outbox, Output, Phase, Scratch, SendError, Shutdown, Wants,
    least,
};
use alloc::boxed::Box;
use alloc::sync::Arc;
use bytes::Bytes;

/// An open WebSocket connection, in either role: the [`Engine`] of RFC 6455.
///
/// It begins where the opening handshake ends ([`handshake`](crate::ws::handshake)); bytes that came behind the
/// handshake are simply its first input. At rest it owns no heap.
///
/// ```
/// use wharf::base::{Engine, Event, Input, Instant, Message};
/// use wharf::ws::{Config, Connection};
///
/// let now = Instant::ORIGIN;
/// let mut connection = Connection::server(now, &Config::default().into());
/// let mut bytes = *b"\x81\x85\0\0\0\0hello";
/// let mut input = Input::new(&mut bytes);
/// while let Some(event) = connection.receive(now, &mut input) {
///     if let Event::Message(message) = event {
///         connection.send(now, message).unwrap();
///     }
/// }
/// let mut written = Vec::new();
/// connection.output(now).drain_into(&mut written);
/// assert_eq!(written, b"\x81\x05hello");
/// ```
pub struct Connection {
    pub(super) config: Arc<Config>,
    pub(super) outbox: Outbox,
    pub(super) clock: Clock,
    pub(super) deadlines: Deadlines,
    pub(super) liveness: Liveness,
    /// Numbers the pings, so that only the answer to the newest counts.
    pub(super) pings: u32,
    /// The message on its way, on the heap only while there is one.
    pub(super) assembly: Option<Box<Assembly>>,
    pub(super) frame: Frame,
    pub(super) partial: [u8; header::MAX_LEN],
    pub(super) partial_len: u8,
    pub(super) stage: Stage,
    /// Why the fast path is shut; see [`Gate`].
    pub(super) gate: u8,
    pub(super) role: Role,
    pub(super) closing: Closing,
    /// The code of the Close frame that was queued.
    pub(super) close_sent: Option<CloseCode>,
    /// A control frame's payload that a read cut, and the payload of a pong that must wait.
    pub(super) control: Option<Box<ControlPayload>>,
    pub(super) pong: Option<Box<ControlPayload>>,
    /// What may be queued on the fast way out.
    pub(super) fast_room: u32,
    /// Bytes of pongs, and pings of the keepalive, that have come behind the queue's limit into room of their own. When that
    /// is used up only the newest ping is answered (RFC 6455 section 5.5.3), once what was queued has left.
    pub(super) pongs_used: u16,
    /// The report, until it is handed up.
    pub(super) report: Option<Box<Closed>>,
    #[cfg(feature = "deflate")]
    pub(super) compression: super::deflate::Compression,
    pub(super) entropy: Entropy,
    pub(super) counters: Counters,
}

const _: () = assert!(size_of::<Connection>() <= 384);

impl Connection {
    /// A connection whose opening handshake is done. `head` is written before the first frame: a server's answer
    /// to the handshake. `entropy` is what a client's masks are drawn from.
    #[must_use]
    pub fn new(now: Instant, role: Role, config: &Arc<Config>, entropy: Entropy, head: &[u8]) -> Self {
        let streaming = config.delivery == Delivery::Streaming;
        let mut connection = Self {
            config: config.clone(),
            outbox: Outbox::new(),
            clock: Clock::new(now),
            deadlines: Deadlines::new(),
            liveness: Liveness::new(now),
            pings: 0,
            assembly: None,
            frame: Frame::default(),
            partial: [0; header::MAX_LEN],
            partial_len: 0,
            stage: Stage::Rest,
            gate: if streaming { Gate::STREAMING } else { 0 },
            role,
            closing: Closing::new(),
            close_sent: None,
            control: None,
            pong: None,
            fast_room: Self::fast_room(config),
            pongs_used: 0,
            report: None,
            #[cfg(feature = "deflate")]
            compression: Default::default(),
            entropy,
            counters: Counters::default(),
        };
        connection.liveness.rearm(config.patience(), &mut connection.deadlines);
        if !head.is_empty() {
            connection.outbox.cork(now).extend_from_slice(head);
            connection.arm_write_stall(now);
        }
        connection
    }

    /// A server's side, with nothing to write first. A server masks nothing and needs no entropy.
    #[must_use]
    pub fn server(now: Instant, config: &Arc<Config>) -> Self {
        Self::new(now, Role::Server, config, Entropy::from_seed([0; 32]), &[])
    }

    /// A client's side.
    #[must_use]
    pub fn client(now: Instant, config: &Arc<Config>, entropy: Entropy) -> Self {
        Self::new(now, Role::Client, config, entropy, &[])
    }

    /// The same with the extensions that the handshake agreed on, before its first byte comes or goes.
    #[must_use]
    pub fn with_extensions(self, agreed: Agreed) -> Self {
        #[cfg(feature = "deflate")]
        if let Some(parameters) = agreed.deflate() {
            let deflate = self.config.deflate_or_default();
            let compression = super::deflate::Compression::new(self.role, parameters, &deflate);
            return Self { compression, fast_room: 0, ..self };
        }
        let _ = agreed;
        self
    }

    /// Whether messages may be compressed, either way.
    #[must_use]
    pub fn compresses(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.compression.is_negotiated();
        #[cfg(not(feature = "deflate"))]
        return false;
    }

    /// Which side it is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
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

    /// What is wanted where anything is out of the ordinary.
    #[cold]
    fn wants_by_phase(&self) -> Wants {
        let write = !self.outbox.is_empty() || self.gate & Gate::PONG != 0;
        match self.phase() {
            Phase::Open | Phase::Closing => Wants { read: !self.is_paused(), write, shutdown: None },
            Phase::Flushing => Wants { read: !self.closing.read_over(), write, shutdown: None },
            Phase::Lingering => Wants { read: true, write: false, shutdown: Some(Shutdown::Write) },
            Phase::Finished(how) => Wants { read: false, write: false, shutdown: Some(how) },
        }
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
            if self.config.pause_reading_when_congested {
                self.liveness.resume(now, self.config.patience(), &mut self.deadlines);
            }
        }
        if self.gate & Gate::PONG != 0 {
            self.flush_pong(now);
        }
        now
    }

    /// Arms the write deadline unless it is; whether it was needed is worked out when it fires.
    #[inline]
    pub(super) fn arm_write_stall(&mut self, now: Instant) {
        if !self.deadlines.is_armed(Deadline::WriteStall) {
            self.arm_write_stall_from(now);
        }
    }

    #[cold]
    fn arm_write_stall_from(&mut self, now: Instant) {
        if let Some(timeout) = self.config.write_timeout {
            self.deadlines.arm(Deadline::WriteStall, now + least(timeout));
        }
    }
}

impl Engine for Connection {
    #[inline]
    fn receive<'b>(&mut self, now: Instant, input: &mut Input<'b>) -> Option<Event<'b>> {
        if self.gate == 0 && self.stage == Stage::Rest {
            if input.is_empty() {
                return None;
            }
            if let Some(event) = self.receive_fast(now, input) {
                return Some(event);
            }
        }
        self.receive_any(now, input)
    }

    fn receive_end(&mut self, now: Instant, end: End) {
        self.settle(now);
        if end == End::Eof && self.is_inflating() {
            self.gate |= Gate::ENDED;
        } else {
            self.handle_end(end);
        }
    }

    fn read_space(&mut self) -> Option<&mut [u8]> {
        if self.assembly.is_none() || self.is_paused() {
            return None;
        }
        let assembly = self.assembly.as_mut()?;
        assembly.space(self.frame.remaining, self.outbox.spares())
    }

    fn handle_read(&mut self, now: Instant, n: usize) {
        let now = self.settle(now);
        self.fill_space(now, n);
    }

    #[inline(always)]
    fn send(&mut self, now: Instant, message: Message<'_>) -> Result<Accepted, SendError> {
        if self.send_fast(now, &message) { Ok(Accepted::Queued) } else { self.send_message(now, message) }
    }

    fn send_bytes(&mut self, now: Instant, kind: Kind, payload: Bytes) -> Result<Accepted, SendError> {
        let now = self.settle(now);
        self.send_shared(now, kind, payload)
    }

    fn close(&mut self, now: Instant, code: CloseCode, reason: &str) -> Result<(), SendError> {
        let now = self.settle(now);
        self.begin_close(now, code, reason)
    }

    #[inline]
    fn output(&mut self, now: Instant) -> Output<'_> {
        let now = self.settle(now);
        // RFC 6455 6.1: "The frame(s) that have been formed MUST be transmitted"
        Output::new(&mut self.outbox, now)
    }

    #[inline]
    fn wants(&self) -> Wants {
        if self.gate == 0 {
            return Wants { read: true, write: !self.outbox.is_empty(), shutdown: None };
        }
        self.wants_by_phase()
    }

    #[inline]
    fn lend(&mut self, scratch: &mut Scratch) {
        self.outbox.lend(scratch);
        if self.role == Role::Client {
            self.outbox.bind_masks(&self.entropy);
        }
        #[cfg(feature = "deflate")]
        self.compression.lend(scratch);
    }

    #[inline]
    fn reclaim(&mut self, scratch: &mut Scratch) {
        self.outbox.reclaim(scratch);
        #[cfg(feature = "deflate")]
        self.compression.reclaim(scratch);
    }

    #[inline]
    fn poll_timeout(&self) -> Option<Instant> {
        if self.gate == 0 {
            return self.deadlines.next(false);
        }
        if matches!(self.phase(), Phase::Finished(_)) { None } else { self.deadlines.next(self.is_paused()) }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.settle(now);
        self.handle_deadlines(now);
    }
}

impl core::fmt::Debug for Connection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Connection")
            .field("role", &self.role)
            .field("phase", &self.phase())
            .field("queued", &self.outbox.len())
            .finish_non_exhaustive()
    }
}
