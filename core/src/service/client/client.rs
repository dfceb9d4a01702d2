//! The machine: what a program asks of it, and what its driver tells.

use super::ends::{Ending, Open, Phase};
use super::heartbeat::Heartbeat;
use super::outbox::Outbox;
use super::{
    Action, Attempt, ClientConfig, ClientEvent, ClientStats, Failure, Refused, State, Stopped, Ticket,
    WhyRefused,
};
use crate::base::{Clock, Closed, Entropy, Extent, Instant, Message, Progress, SendError, Wall};
use crate::link::DialError;
use crate::service::schedule::Pace;
use alloc::collections::VecDeque;

/// A client that stays up, without its connection: it says when to dial, what to send and when to give up, and is told what came of
/// it.
///
/// A driver does this, in any order: tell what happens by the `handle_` calls; after any call carry out what
/// [`poll_action`](Self::poll_action) says and hand on what [`poll_event`](Self::poll_event) tells, each until `None`; sleep until
/// [`poll_timeout`](Self::poll_timeout), then [`handle_progress`](Self::handle_progress) and
/// [`handle_timeout`](Self::handle_timeout). Forgetting one delays.
///
/// There is one dial or one connection at a time, named by its [`Attempt`]: the next one is asked for only when the one before is
/// [gone](Self::handle_gone). What is told of any other has no effect, and is counted.
///
/// ```
/// use wharf::base::{Entropy, Extent, Instant, Message, Wall};
/// use wharf::base::{Engine, Progress};
/// use wharf::service::client::{Action, Client, ClientEvent, Fate};
/// use wharf::ws;
///
/// let now = Instant::ORIGIN;
/// let mut client = Client::new(now, Default::default(), Entropy::from_seed([7; 32]));
/// let ticket = client.send(now, "ahoy").unwrap();
/// let Some(Action::Dial(attempt)) = client.poll_action() else { panic!() };
/// // The driver connects.
/// let mut connection = ws::Connection::server(now, &ws::Config::default().into());
/// assert!(client.handle_opened(now, Wall::default(), attempt, true));
/// assert_eq!(client.poll_event(), Some(ClientEvent::Connected { attempt, again: false }));
/// assert!(client.state().is_connected);
/// // Once the program has logged in, what waits goes out.
/// client.ready(now, attempt);
/// let Some(Action::Send { kind, payload, .. }) = client.poll_action() else { panic!() };
/// let before = connection.progress();
/// connection.send_bytes(now, kind, payload).unwrap();
/// client.handle_sent(now, ticket, Extent::between(&before, &connection.progress()));
/// connection.output(now).advance(6);
/// client.handle_progress(now, attempt, &connection.progress());
/// assert_eq!(client.poll_event(), Some(ClientEvent::Fate { ticket, fate: Fate::Written }));
/// ```
#[derive(Debug)]
pub struct Client {
    pub(super) config: ClientConfig,
    pub(super) clock: Clock,
    pub(super) entropy: Entropy,
    pub(super) pace: Pace,
    pub(super) phase: Phase,
    pub(super) attempts: u64,
    /// What is to be done about the connection or the dial that ends.
    pub(super) errand: Option<Action>,
    /// What is to be said on the connection before it is ready.
    pub(super) greeting: Option<Message<'static>>,
    /// It ends, for this reason.
    pub(super) stopping: Option<Stopped>,
    /// Events but fates; there are no more than three, since nothing is dialed while there are some.
    pub(super) news: VecDeque<ClientEvent>,
    pub(super) outbox: Outbox,
    pub(super) state: State,
    pub(super) version: u64,
    pub(super) stats: ClientStats,
}

impl Client {
    /// One that connects at once.
    #[must_use]
    pub fn new(now: Instant, config: ClientConfig, entropy: Entropy) -> Self {
        let pace = config.schedule.begin(now);
        Self {
            config,
            clock: Clock::new(now),
            entropy,
            pace,
            phase: Phase::Due,
            attempts: 0,
            errand: None,
            greeting: None,
            stopping: None,
            news: VecDeque::new(),
            outbox: Outbox::default(),
            state: State::default(),
            version: 0,
            stats: ClientStats::default(),
        }
    }

    /// How it is.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Counts the changes of [`state`](Self::state), for whoever waits for one.
    #[must_use]
    pub fn state_version(&self) -> u64 {
        self.version
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        self.stats
    }

    /// Messages that wait for a connection, or for room in it.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.outbox.waiting()
    }

    /// Messages that are with the connection and not known to be wholly written.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.outbox.unwritten()
    }

    /// Messages that are written and wait to be acknowledged.
    #[must_use]
    pub fn unacknowledged(&self) -> usize {
        self.outbox.unacknowledged()
    }

    /// When it connects next; `None` unless it waits for that.
    #[must_use]
    pub fn next_dial(&self) -> Option<Instant> {
        match self.phase {
            Phase::Waiting(at) => Some(at),
            _ => None,
        }
    }

    /// Whether it has stopped, and nothing of it is left but events that were not taken.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self.phase, Phase::Stopped)
    }

    /// Takes a message. Its fate is told once, by [`poll_event`](Self::poll_event): that it is written, if all goes well.
    ///
    /// # Errors
    /// The message, and why it was not taken.
    pub fn send(&mut self, now: Instant, message: impl Into<Message<'static>>) -> Result<Ticket, Refused> {
        self.push(now, message.into(), false)
    }

    /// As [`send`](Self::send), of a message that the peer's program acknowledges in some way of its own: the program then calls
    /// [`acknowledge`](Self::acknowledge), and that is its fate.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_acknowledged(
        &mut self,
        now: Instant,
        message: impl Into<Message<'static>>,
    ) -> Result<Ticket, Refused> {
        self.push(now, message.into(), true)
    }

    /// As [`send_acknowledged`](Self::send_acknowledged), of a text whose bytes are shared.
    #[cfg(feature = "json")]
    pub(in crate::service) fn send_shared(
        &mut self,
        now: Instant,
        text: bytes::Bytes,
        acknowledged: bool,
    ) -> Option<Ticket> {
        self.clock.advance(now);
        let is_ready = matches!(&self.phase, Phase::Open(open) if open.ready_at.is_some());
        let is_taken = self.stopping.is_none() && is_ready;
        is_taken.then(|| self.outbox.put(&mut self.stats, crate::base::Kind::Text, text, acknowledged))
    }

    fn push(&mut self, now: Instant, message: Message<'static>, ack: bool) -> Result<Ticket, Refused> {
        self.clock.advance(now);
        let is_ready = matches!(&self.phase, Phase::Open(open) if open.ready_at.is_some());
        let why = match () {
            () if self.stopping.is_some() || self.is_stopped() => WhyRefused::Stopped,
            () if !self.config.buffer && !is_ready => WhyRefused::NotConnected,
            () => return self.outbox.push(&self.config, &mut self.stats, message, ack),
        };
        self.stats.refused += 1;
        Err(Refused { why, message })
    }

    /// The peer has acknowledged a message; whether one waited for that. A message that was not given to the connection that is
    /// there cannot be acknowledged by it.
    pub fn acknowledge(&mut self, now: Instant, ticket: Ticket) -> bool {
        self.clock.advance(now);
        let was_expected = self.outbox.acknowledge(&mut self.stats, ticket);
        self.stats.stray_acknowledgements += u64::from(!was_expected);
        was_expected
    }

    /// Takes a message back that was not given to a connection; no fate is told of it then. `None` if it is too late for that.
    pub fn cancel(&mut self, ticket: Ticket) -> Option<Message<'static>> {
        self.outbox.cancel(&mut self.stats, ticket)
    }

    /// Says something on a connection that is not [`ready`](Self::ready) yet, past what waits: a login, say. One that was not
    /// sent yet is said no more.
    pub fn greet(&mut self, now: Instant, attempt: Attempt, message: impl Into<Message<'static>>) {
        self.clock.advance(now);
        match &self.phase {
            Phase::Open(open) if open.attempt == attempt && open.ready_at.is_none() => {
                self.greeting = Some(message.into());
            }
            _ => self.stats.late += 1,
        }
    }

    /// What is done on connect is done: messages go out from here on, and so do heartbeats.
    pub fn ready(&mut self, now: Instant, attempt: Attempt) {
        let now = self.clock.advance(now);
        match &mut self.phase {
            Phase::Open(open) if open.attempt == attempt => {
                open.ready_at.get_or_insert(now);
            }
            _ => self.stats.late += 1,
        }
    }

    /// Gives the connection up, if there is one, and connects again by the schedule: for a program that has its own reasons, such as
    /// a login that failed.
    pub fn reconnect(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if let Phase::Open(open) = &self.phase {
            let attempt = open.attempt;
            self.lose(now, Failure::GivenUp);
            self.errand = Some(Action::Abort(attempt));
        }
    }

    /// Stops it for good. Nothing more is dialed or sent, and it has no timer from here on; what waits is given back by its fate. An
    /// open connection is closed in order, which is over within its own close deadline; what was given to it has its fate then, and
    /// [`ClientEvent::Stopped`] is the last event. A second call changes nothing.
    pub fn stop(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        self.begin_stop(now, Stopped::Asked);
    }

    /// The program reads nothing for a while: that no answer to a heartbeat is seen says nothing of the peer.
    pub fn pause(&mut self, now: Instant) {
        self.clock.advance(now);
        if let Phase::Open(open) = &mut self.phase {
            open.heartbeat.pause();
        }
    }

    /// It reads again.
    pub fn resume(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if let Phase::Open(open) = &mut self.phase {
            open.heartbeat.resume(now);
        }
    }

    /// A dial has come to an open connection, of which `is_websocket` says whether it has pings and Close frames. Whether it is the
    /// one that is wanted: if not, it is to be given up, and nothing more is to be told of it.
    #[must_use = "one that is not wanted is to be given up"]
    pub fn handle_opened(&mut self, now: Instant, wall: Wall, attempt: Attempt, is_websocket: bool) -> bool {
        let now = self.clock.advance(now);
        if !matches!(self.phase, Phase::Dialing(dialing) if dialing == attempt) {
            self.stats.late += 1;
            return false;
        }
        let again = self.state.last_connect_time.is_some();
        self.state.is_connected = true;
        self.state.last_error = None;
        self.state.reconnect_count += u64::from(again);
        self.state.last_connect_time = Some(wall);
        self.version += 1;
        self.phase = Phase::Open(Open {
            attempt,
            ready_at: None,
            ready_by: now + self.config.ready_timeout,
            has_close_frames: is_websocket,
            progress: Progress::default(),
            heartbeat: Heartbeat::new(now, &self.config, is_websocket),
        });
        self.greeting = None;
        self.news.push_back(ClientEvent::Connected { attempt, again });
        true
    }

    /// A dial has come to nothing. By the calendar a `Retry-After` that is a date is understood.
    pub fn handle_dial_failed(&mut self, now: Instant, wall: Wall, attempt: Attempt, error: &DialError) {
        let now = self.clock.advance(now);
        if matches!(self.phase, Phase::Dialing(dialing) if dialing == attempt) {
            self.stats.dials_failed += 1;
            self.fail_dial(now, wall, attempt, error);
        } else {
            self.stats.late += 1;
        }
    }

    /// How a connection ended is known: nothing more comes from it and it takes nothing more. What it has may still go out, until it
    /// is [gone](Self::handle_gone).
    pub fn handle_closed(&mut self, now: Instant, attempt: Attempt, closed: &Closed) {
        let now = self.clock.advance(now);
        match &self.phase {
            Phase::Open(open) if open.attempt == attempt => {
                let has_close_frames = open.has_close_frames;
                self.lose(now, Failure::Closed { closed: closed.clone(), has_close_frames });
            }
            // It was given up before.
            Phase::Ending(ending) if ending.attempt == attempt => {}
            _ => self.stats.late += 1,
        }
    }

    /// A connection's transport is closed: nothing of it can leave any more, and `progress` is how far it came. Only now the next
    /// may be dialed.
    pub fn handle_gone(&mut self, now: Instant, attempt: Attempt, progress: &Progress) {
        let now = self.clock.advance(now);
        match &self.phase {
            Phase::Open(open) if open.attempt == attempt => {
                self.lose_untold(now);
                self.bury(now, progress);
            }
            Phase::Ending(Ending { attempt: ending, .. }) if *ending == attempt => self.bury(now, progress),
            _ => self.stats.late += 1,
        }
    }

    /// How far the connection has come. To be told when that has changed, and before [`handle_timeout`](Self::handle_timeout).
    pub fn handle_progress(&mut self, now: Instant, attempt: Attempt, progress: &Progress) {
        let now = self.clock.advance(now);
        match &mut self.phase {
            Phase::Open(open) if open.attempt == attempt => {
                open.progress = *progress;
                open.heartbeat.handle_received(progress.received);
            }
            Phase::Ending(ending) if ending.attempt == attempt => {}
            _ => return self.stats.late += 1,
        }
        self.outbox.handle_progress(now, &self.config, &mut self.stats, progress);
    }

    /// The connection took a message: there it stands in the output.
    pub fn handle_sent(&mut self, now: Instant, ticket: Ticket, extent: Extent) {
        self.clock.advance(now);
        let was_given = self.outbox.handle_sent(ticket, extent);
        self.stats.late += u64::from(!was_given);
    }

    /// The connection did not take a message: without room for it, it is tried again; one that can never be taken is given back.
    pub fn handle_not_sent(&mut self, now: Instant, ticket: Ticket, error: SendError) {
        let now = self.clock.advance(now);
        let written = match &self.phase {
            Phase::Open(open) => open.progress.written,
            _ => 0,
        };
        let was_given = self.outbox.handle_not_sent(now, &mut self.stats, ticket, error, written);
        self.stats.late += u64::from(!was_given);
    }

    /// A heartbeat could not be sent. The next one comes in its time.
    pub fn handle_heartbeat_failed(&mut self, now: Instant, attempt: Attempt) {
        self.clock.advance(now);
        match &mut self.phase {
            Phase::Open(open) if open.attempt == attempt => {
                open.heartbeat.handle_failed();
                self.stats.heartbeats_failed += 1;
            }
            _ => self.stats.late += 1,
        }
    }
}
