//! A service of the bus: a process that sends and applies, dies and comes back.

use super::work::Then;
use super::{Books, Hand, Key, Ledger, Shared};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use wharf::base::{Closed, Instant, Message};
use wharf::link::{ConnId, Context, DialError, DialId, Service, Target};
use wharf::service::bus::client::{BusClient, BusClientConfig, BusClientEvent, BusStopped, DeliveryId};
use wharf::service::bus::{Name, Reason};
use wharf::service::client::Kept;
use wharf::sim::Dice;

/// What a [`Party`] is to send.
#[derive(Clone, Debug)]
pub struct Say {
    /// To whom.
    pub to: Name,
    /// What kind of message, of `Manner::KINDS`.
    pub kind: &'static str,
    /// How much there is in it.
    pub len: usize,
    /// It is sent until it is accepted, over all lives of the process.
    pub is_durable: bool,
    /// After so long it is given up.
    pub within: Option<Duration>,
}

/// What a [`Party`] is told.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Begin, if it has not.
    Start,
    /// Die, for so long.
    Die(Duration),
    /// Send something.
    Say(Say),
    /// Take back what was sent last.
    Cancel,
    /// Break the connection.
    Reset,
    /// Connect to another place from now on.
    Move(Box<Target>),
    /// Read nothing until it is told to read again.
    Pause(bool),
    /// From now on apply all at once, and be there.
    Behave,
    /// End in order, for good.
    Retire,
}

/// A process of a service.
#[derive(Debug)]
pub struct Party {
    /// Its name.
    pub me: Name,
    target: Target,
    pub(super) config: BusClientConfig,
    /// What it has on disk, with all processes of its name.
    pub books: Shared<Books>,
    pub(super) ledger: Shared<Ledger>,
    pub(super) dice: Dice<'static>,
    /// Its client, while the process lives.
    pub kept: Option<Kept<BusClient>>,
    pub(super) up_at: Option<Instant>,
    /// Durable messages that no client of this life has.
    pub(super) unsent: VecDeque<u64>,
    /// Those that its client has had.
    pub(super) handed: BTreeSet<u64>,
    pub(super) works: BTreeMap<(Instant, u64), (DeliveryId, Key, Then)>,
    pub(super) drawn: u64,
    pub(super) hand: Hand,
    pub(super) is_good: bool,
    /// It does not come back.
    is_retired: bool,
    is_paused: bool,
    pub(super) last_sent: Option<Name>,
    /// Most that it may have in hand.
    pub(super) window: Option<usize>,
}

impl Party {
    /// A process that is to begin.
    #[must_use]
    pub fn new(
        target: Target,
        config: BusClientConfig,
        window: Option<usize>,
        (books, ledger): (Shared<Books>, Shared<Ledger>),
        dice: Dice<'static>,
    ) -> Self {
        Self {
            me: config.service_id.clone(),
            target,
            config,
            books,
            ledger,
            dice,
            kept: None,
            up_at: None,
            unsent: VecDeque::new(),
            handed: BTreeSet::new(),
            works: BTreeMap::new(),
            drawn: 0,
            hand: Hand::default(),
            is_good: false,
            is_retired: false,
            is_paused: false,
            last_sent: None,
            window,
        }
    }

    pub(super) fn count(&self, what: &'static str) {
        self.ledger.borrow_mut().tally.count(what);
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        self.up_at = None;
        let mut config = self.config.clone();
        config.seen = self.books.borrow().seen.clone();
        let client = BusClient::new(cx.now(), config, cx.entropy().fork());
        self.kept = Some(Kept::around(self.target.clone(), client));
        self.look_up();
    }

    /// What is to be sent, by the books, whoever wrote it there.
    fn look_up(&mut self) {
        let is_new = |number: &&u64| !self.handed.contains(number);
        self.unsent = self.books.borrow().outbox.keys().filter(is_new).copied().collect();
    }

    /// All that the process has in memory is gone, and its connections are reset.
    pub(super) fn die(&mut self, cx: &mut Context<'_>, up_at: Option<Instant>) {
        self.ledger.borrow().note(format_args!("{} dies", self.me));
        self.count("services died");
        self.leave();
        self.up_at = up_at;
        let all: Vec<ConnId> = cx.connections().collect();
        all.into_iter().for_each(|conn| cx.abort(conn));
    }

    fn leave(&mut self) {
        if let Some(kept) = self.kept.take() {
            let (stats, mut ledger) = (kept.machine().stats(), self.ledger.borrow_mut());
            ledger.tally.add("clients: duplicates", stats.duplicates);
            ledger.tally.add("clients: repeated", stats.repeated);
            ledger.tally.add("clients: overflowed", stats.overflowed);
            ledger.tally.add("clients: resent", stats.resent);
            ledger.tally.add("clients: deferred", stats.deferred);
            ledger.tally.add("clients: unsaid", stats.unsaid);
            ledger.tally.add("clients: silent", kept.client().stats().silent);
            ledger.tally.add("clients: heard what they did not expect", stats.strange);
        }
        self.unsent.clear();
        self.handed.clear();
        self.works.clear();
        self.last_sent = None;
    }

    /// Hears all that there is to hear.
    fn settle(&mut self, cx: &mut Context<'_>) {
        loop {
            self.feed(cx);
            let Some(kept) = &mut self.kept else { return };
            if let Some(event) = kept.poll_event(cx) {
                self.hear(cx, event);
            } else if let Some(delivery) = kept.act(cx, |bus, _| bus.poll_delivery()) {
                self.take(cx, &delivery);
            } else if kept.poll_timeout().is_some_and(|at| at <= cx.now()) {
                // What was handed in may be past its deadline.
                kept.timeout(cx);
            } else {
                return self.check(cx.now());
            }
        }
    }

    fn hear(&mut self, cx: &mut Context<'_>, event: BusClientEvent) {
        match event {
            BusClientEvent::Connected { .. } => self.hand = Hand::default(),
            BusClientEvent::Sent { id, outcome } => self.sent(&(self.me.clone(), id), &outcome),
            BusClientEvent::Dead { id, reason } => {
                self.ledger.borrow_mut().told_dead(&(self.me.clone(), id), &reason);
            }
            BusClientEvent::Refused { reason, .. } => self.count(match reason {
                Reason::Gone => "services gone",
                Reason::Replaced => "services replaced",
                Reason::TooBig => "services cut off for a frame that was too big",
                _ => "services refused otherwise",
            }),
            BusClientEvent::Stopped(why) => {
                let was_replaced = why == BusStopped::Refused(Reason::Replaced);
                assert!(was_replaced || self.is_good, "{} stopped: {why}", self.me);
                self.leave();
                // Somebody starts it again, sooner or later.
                let most = if self.is_good { 5 } else { 60 };
                let later = Duration::from_secs(self.dice.between(5, most) as u64);
                self.up_at = (was_replaced && !self.is_retired).then_some(cx.now() + later);
            }
            _ => {}
        }
    }

    /// Messages that it has to send, or that were sent and not answered.
    #[must_use]
    pub fn open(&self) -> usize {
        let unanswered = self.kept.as_ref().map_or(0, |kept| kept.machine().unanswered());
        unanswered.max(self.books.borrow().outbox.len())
    }

    /// Whether messages flow.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.machine().is_registered())
    }

    /// What came and what was taken is somewhere.
    fn check(&self, now: Instant) {
        let Some(kept) = &self.kept else { return };
        let (bus, stats) = (kept.machine(), kept.machine().stats());
        let ended = stats.acked + stats.nacked + stats.duplicates + stats.repeated;
        let not_taken = stats.overflowed + stats.let_go;
        let held = bus.waiting() + bus.working();
        assert_eq!(stats.deliveries, ended + not_taken + held as u64, "{} at {now:?}: {stats:?}", self.me);
        assert!(held <= self.config.max_deliveries);
        let open = stats.taken - stats.accepted - stats.undelivered - stats.cancelled;
        assert!(open <= bus.unanswered() as u64 && bus.unanswered() <= self.config.max_messages);
    }
}

impl Service for Party {
    type Job = ();
    type Done = ();
    type Command = Ask;

    fn command(&mut self, cx: &mut Context<'_>, ask: Ask) {
        match ask {
            Ask::Start if self.kept.is_none() && !self.is_good => self.start(cx),
            Ask::Die(down) if self.kept.is_some() => self.die(cx, Some(cx.now() + down)),
            Ask::Say(say) => self.say(cx, &say),
            Ask::Cancel => {
                if let (Some(kept), Some(id)) = (&mut self.kept, self.last_sent.take())
                    && let Some(outcome) = kept.act(cx, |bus, now| bus.cancel(now, &id))
                {
                    self.ledger.borrow_mut().told(&(self.me.clone(), id), &outcome);
                    self.count("clients: cancelled");
                }
            }
            Ask::Reset => {
                let all: Vec<ConnId> = cx.connections().collect();
                all.into_iter().for_each(|conn| cx.abort(conn));
            }
            Ask::Move(target) => {
                self.target = *target;
                if let Some(kept) = &mut self.kept {
                    kept.set_target(self.target.clone());
                }
            }
            Ask::Pause(is_paused) => {
                self.is_paused = is_paused;
                let all: Vec<ConnId> = cx.connections().collect();
                for conn in all {
                    if is_paused { cx.pause(conn) } else { cx.resume(conn) }
                }
            }
            Ask::Behave => {
                self.is_good = true;
                if self.kept.is_none() {
                    self.start(cx);
                }
                self.look_up();
                self.end_due(cx);
            }
            Ask::Retire => {
                (self.is_good, self.is_retired, self.up_at) = (true, true, None);
                if let Some(kept) = &mut self.kept {
                    kept.act(cx, |bus, now| bus.stop(now));
                }
            }
            Ask::Start | Ask::Die(_) => {}
        }
        self.settle(cx);
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let is_ours = self.kept.as_mut().is_some_and(|kept| kept.opened(cx, conn));
        if is_ours && self.is_paused {
            cx.pause(conn);
        } else if !is_ours {
            // A dial of an earlier life.
            cx.abort(conn);
        }
        self.settle(cx);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        if self.kept.as_mut().is_some_and(|kept| kept.progressed(cx, conn)) {
            self.look(cx.now(), &message);
            if let Some(kept) = &mut self.kept {
                kept.act(cx, |bus, now| bus.receive(now, &message));
            }
        }
        self.settle(cx);
    }

    fn written(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if let Some(kept) = &mut self.kept {
            kept.progressed(cx, conn);
        }
        self.settle(cx);
    }

    fn drained(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.written(cx, conn);
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, closed: &Closed) {
        if let Some(kept) = &mut self.kept {
            kept.closed(cx, conn, closed);
        }
        self.settle(cx);
    }

    fn dial_failed(&mut self, cx: &mut Context<'_>, dial: DialId, error: &DialError) {
        if let Some(kept) = &mut self.kept {
            kept.dial_failed(cx, dial, error);
        }
        self.settle(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let client = self.kept.as_ref().and_then(Kept::poll_timeout);
        let work = self.works.keys().next().map(|(at, _)| *at);
        [self.up_at, client, work].into_iter().flatten().min()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        if self.up_at.is_some_and(|at| at <= cx.now()) {
            self.start(cx);
        }
        self.end_due(cx);
        self.kept.iter_mut().for_each(|kept| kept.timeout(cx));
        self.settle(cx);
    }
}
