//! The machine: connections, messages and the store.

use super::dedupe::Dedupe;
use super::gather::Gather;
use super::held::Held;
use super::node::Node;
use super::peers::{Due, Peers};
use super::queue::Queue;
use super::wire::delivery;
use super::{
    Accepted, Action, BusConfig, BusEvent, BusStats, DeadReason, Death, FromBus, Name, NodeSettings, Reason,
    Seq, ToBus,
};
use crate::base::{Clock, CloseCode, Instant, Wall};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use slotmap::{DefaultKey, SlotMap};

/// A message bus between services, whose connections are called `C`: [`ConnId`](crate::link::ConnId) in a hub.
///
/// It is told of connections and of the frames that come from them, and says by [`poll_action`](Self::poll_action) what is to be
/// sent and stored; actions are to be taken after each call until there is none. Nothing is answered or delivered before it is
/// stored.
///
/// All is bounded: what each service may have by [`BusConfig`], and nothing is done for a service that takes the time of others. Its
/// memory is that of the messages and dead letters that wait, and of what it remembers.
///
/// ```
/// use wharf::base::{Instant, Wall};
/// use wharf::service::bus::{Action, Broker, BusConfig, Memory};
///
/// let (now, wall) = (Instant::ORIGIN, Wall::default());
/// let mut broker = Broker::new(BusConfig::default());
/// let mut memory = Memory::default();
/// for conn in ["shop", "mail"] {
///     broker.opened(now, conn);
///     broker.receive(now, wall, conn, &format!(r#"{{"type":"register","serviceId":"{conn}"}}"#));
/// }
/// let message = r#"{"id":"m-1","from":"shop","to":"mail","type":"sold","payload":7,"timestamp":0}"#;
/// broker.receive(now, wall, "shop", &format!(r#"{{"type":"message","message":{message}}}"#));
/// let mut sent = Vec::new();
/// while let Some(action) = broker.poll_action() {
///     match action {
///         Action::Store(batch) => {
///             memory.carry_out(&batch).unwrap();
///             broker.stored(now, wall);
///         }
///         Action::Send { conn, frame } => sent.push((conn, frame)),
///         _ => {}
///     }
/// }
/// assert_eq!(sent[2], ("shop", r#"{"type":"accepted","messageId":"m-1"}"#.into()));
/// assert!(sent[3].0 == "mail" && sent[3].1.contains(r#""payload":7,"timestamp":0,"retryCount":0}"#));
/// ```
#[derive(Debug)]
pub struct Broker<C> {
    pub(super) config: BusConfig,
    pub(super) clock: Clock,
    pub(super) wall: Wall,
    pub(super) peers: Peers<C>,
    pub(super) queues: SlotMap<DefaultKey, Queue<C>>,
    pub(super) by_name: BTreeMap<Name, DefaultKey>,
    /// All messages that are neither acknowledged nor dead.
    pub(super) held: BTreeMap<Seq, Box<Held<C>>>,
    /// Those among them that are on their way to the disk, by sender and id.
    pub(super) unstored: BTreeMap<(Name, Name), Seq>,
    /// Those that are handed out or rest, by when that ends.
    pub(super) due: BTreeSet<(Instant, Seq)>,
    /// Those of which it is to be written down that they were handed out.
    pub(super) marks: BTreeSet<(Instant, Seq)>,
    pub(super) dead: BTreeMap<Seq, Box<(Accepted, Death)>>,
    /// The same by id and sender.
    pub(super) dead_by_id: BTreeSet<(Name, Option<Name>, Seq)>,
    pub(super) dedupe: Dedupe,
    pub(super) gather: Gather<After>,
    /// The place of the next message.
    pub(super) next: Seq,
    /// Services that may be handed something, each once, in turn.
    pub(super) line: VecDeque<DefaultKey>,
    /// What was said and is to be sent: what one call brings about, taken before the next.
    pub(super) out: VecDeque<Out<C>>,
    pub(super) is_draining: bool,
    pub(super) has_failed: bool,
    pub(super) unacknowledged: usize,
    pub(super) stats: BusStats,
    /// It is one of several over a store that they share.
    pub(super) is_node: bool,
    /// What there is more of at one that is. Otherwise it stays as it was made: nothing is asked, claimed, or waited for.
    pub(super) node: Box<Node<C>>,
}

/// What is done once a batch is stored.
#[derive(Debug)]
pub(super) enum After {
    /// The message is accepted.
    Accept(Seq),
    /// The message is buried.
    Bury { from: Name, id: Name, to: Name, reason: DeadReason },
    /// A command is carried out.
    Tell { ticket: u64, changed: super::Changed },
}

/// What is to be sent, and made when it is.
#[derive(Debug)]
pub(super) enum Out<C> {
    /// As often as it was asked.
    Accepted {
        conn: C,
        id: Name,
        times: u32,
    },
    Action(Action<C>),
}

impl<C: Ord + Copy> Broker<C> {
    /// A broker that knows of no message. One that is to know those of a store is [restored](super::Restoring).
    #[must_use]
    pub fn new(config: BusConfig) -> Self {
        Self {
            config: config.settled(),
            clock: Clock::default(),
            wall: Wall::default(),
            peers: Peers::new(),
            queues: SlotMap::new(),
            by_name: BTreeMap::new(),
            held: BTreeMap::new(),
            unstored: BTreeMap::new(),
            due: BTreeSet::new(),
            marks: BTreeSet::new(),
            dead: BTreeMap::new(),
            dead_by_id: BTreeSet::new(),
            dedupe: Dedupe::default(),
            gather: Gather::new(),
            next: Seq(1),
            line: VecDeque::new(),
            out: VecDeque::new(),
            is_draining: false,
            has_failed: false,
            unacknowledged: 0,
            stats: BusStats::default(),
            is_node: false,
            node: Box::new(Node::new(NodeSettings::default())),
        }
    }

    /// The counters, and how things stand.
    #[must_use]
    pub fn stats(&self) -> BusStats {
        BusStats {
            forgotten: self.dedupe.forgotten,
            services: self.queues.len(),
            connections: self.peers.len(),
            pending: self.held.len(),
            unacknowledged: self.unacknowledged,
            dead_letters: self.letters_known(),
            remembered: self.dedupe.size(),
            has_failed: self.has_failed,
            away_since: self.away_since(),
            ..self.stats
        }
    }

    /// Whether the store has failed: nothing is accepted any more, and nothing delivered.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// A connection is open. From here on it may register. One that was there under this name has ended.
    pub fn opened(&mut self, now: Instant, conn: C) {
        let now = self.clock.advance(now);
        self.gone(conn);
        self.peers.open(now, conn, &self.config);
    }

    /// A frame came from a connection: the payload of a text, or a line. One of a connection that is being closed is ignored.
    pub fn receive(&mut self, now: Instant, wall: Wall, conn: C, frame: &str) {
        let now = self.begin(now, wall);
        if self.peers.heard(now, conn).is_none() {
            return;
        }
        if frame.len() > self.config.max_message {
            self.refuse_too_big(conn);
        } else if !self.is_held(conn, frame) {
            self.read(now, conn, frame);
        }
    }

    pub(super) fn read(&mut self, now: Instant, conn: C, frame: &str) {
        match ToBus::decode(frame) {
            Ok(ToBus::Heartbeat) => {}
            Ok(ToBus::Register { service_id, token }) => {
                self.register(now, conn, service_id, token.as_deref())
            }
            Ok(ToBus::Message(envelope)) => self.take(now, conn, &envelope),
            Ok(ToBus::Ack { message_id, from }) => self.ack(now, conn, &message_id, from.as_ref()),
            Ok(ToBus::Nack { message_id, from, reason }) => {
                self.nack(now, conn, &message_id, from.as_ref(), &reason);
            }
            Err(refusal) => self.refuse(conn, &refusal),
        }
    }

    /// A frame came that is no text.
    pub fn receive_binary(&mut self, now: Instant, wall: Wall, conn: C) {
        let now = self.begin(now, wall);
        if self.peers.heard(now, conn).is_some() {
            self.error(conn, Reason::Invalid, "a frame is text");
        }
    }

    /// The connection's output is above its high mark: nothing is delivered to it until it has [drained](Self::drained).
    pub fn congested(&mut self, conn: C) {
        if let Some(peer) = self.peers.get_mut(conn) {
            peer.is_congested = true;
        }
    }

    /// The connection's output has drained.
    pub fn drained(&mut self, now: Instant, conn: C) {
        self.clock.advance(now);
        let Some(peer) = self.peers.get_mut(conn) else { return };
        peer.is_congested = false;
        if let Some(service) = peer.service {
            self.wake(service);
        }
    }

    /// The connection has ended, however it did.
    pub fn closed(&mut self, now: Instant, wall: Wall, conn: C) {
        self.begin(now, wall);
        self.gone(conn);
    }

    fn gone(&mut self, conn: C) {
        self.stop_waiting(conn);
        if let Some(service) = self.peers.remove(conn).and_then(|peer| peer.service) {
            self.detach(conn, service, None);
        }
    }

    /// What is to be done next.
    pub fn poll_action(&mut self) -> Option<Action<C>> {
        if (self.is_draining || self.gather.is_due(self.clock.last())) && self.may_ask() {
            self.close_batch();
        }
        if self.is_node {
            if let Some(ask) = self.next_ask() {
                return Some(Action::Ask(ask));
            }
        } else if let Some(batch) = self.gather.put_out() {
            return Some(Action::Store(batch));
        }
        match self.out.pop_front() {
            Some(Out::Accepted { conn, id, times }) => {
                let action = send(conn, &FromBus::Accepted { message_id: id.clone() });
                if times > 1 {
                    self.out.push_front(Out::Accepted { conn, id, times: times - 1 });
                }
                return Some(action);
            }
            Some(Out::Action(action)) => return Some(action),
            None => {}
        }
        while let Some(service) = self.line.pop_front() {
            if let Some((conn, seq)) = self.hand_out(service) {
                let held = &self.held[&seq];
                let frame = delivery(held.body(), held.progress.attempts);
                return Some(Action::Send { conn, frame });
            }
        }
        None
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let first =
            |set: &BTreeSet<(Instant, Seq)>| set.first().map(|(at, _)| *at).filter(|_| !self.has_failed);
        let store = if self.is_node { self.ask_due() } else { self.gather.due() };
        [self.peers.next(), store, first(&self.due), first(&self.marks)].into_iter().flatten().min()
    }

    /// Acts on what is due.
    pub fn handle_timeout(&mut self, now: Instant, wall: Wall) {
        let now = self.begin(now, wall);
        while let Some((conn, due)) = self.peers.pop_due(now, &self.config) {
            match due {
                Due::Unregistered if self.is_waiting(conn) => self.send_on(now, conn),
                Due::Unregistered => self.turn_out(conn, Reason::Unregistered, "it did not register in time"),
                Due::Gone => self.turn_out(conn, Reason::Gone, "nothing was heard of it"),
                Due::Beat => {
                    if self.peers.get(conn).is_some_and(|peer| !peer.is_congested) {
                        self.say(conn, &FromBus::Heartbeat);
                    }
                }
            }
        }
        if !self.has_failed {
            self.handle_due(now);
            if self.is_node {
                self.handle_node_due(now);
            }
        }
    }

    pub(super) fn begin(&mut self, now: Instant, wall: Wall) -> Instant {
        self.wall = wall;
        self.clock.advance(now)
    }

    pub(super) fn say(&mut self, conn: C, frame: &FromBus<'_>) {
        self.out.push_back(Out::Action(send(conn, frame)));
    }

    pub(super) fn error(&mut self, conn: C, reason: Reason, detail: &str) {
        self.stats.errors.count(reason);
        self.out_event(BusEvent::Refused { conn, reason });
        self.say(conn, &FromBus::Error { reason, detail: Some(detail.into()) });
    }

    /// Tells a connection why, and closes it.
    pub(super) fn turn_out(&mut self, conn: C, reason: Reason, detail: &'static str) {
        self.close_with(conn, CloseCode::POLICY_VIOLATION, reason, detail);
    }

    fn refuse_too_big(&mut self, conn: C) {
        self.close_with(conn, CloseCode::MESSAGE_TOO_BIG, Reason::TooBig, "the frame is too long");
    }

    pub(super) fn close_with(&mut self, conn: C, code: CloseCode, reason: Reason, detail: &'static str) {
        self.stop_waiting(conn);
        self.error(conn, reason, detail);
        self.answered_to(conn, u32::MAX);
        self.out.push_back(Out::Action(Action::Close { conn, code, reason }));
        if let Some(service) = self.peers.closing(conn) {
            self.detach(conn, service, Some(reason));
        }
    }

    fn refuse(&mut self, conn: C, refusal: &super::Refusal) {
        let counts = match refusal.message_id {
            Some(_) => &mut self.stats.rejected,
            None => &mut self.stats.errors,
        };
        counts.count(refusal.reason);
        self.out_event(BusEvent::Refused { conn, reason: refusal.reason });
        self.say(conn, &refusal.frame());
    }
}

fn send<C>(conn: C, frame: &FromBus<'_>) -> Action<C> {
    let frame: String = frame.encode();
    Action::Send { conn, frame }
}
