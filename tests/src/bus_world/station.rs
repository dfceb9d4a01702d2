//! The bus's process: it dies, and comes back with what is on its disk.

use super::{Disk, Ledger, Shared};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use wharf::base::{Closed, Instant, Message};
use wharf::http::{Request, Response};
use wharf::link::{ConnId, Context, JobToken, Service, Verdict};
use wharf::service::bus::{
    Batch, BusCommand, BusConfig, BusEvent, BusNotice, BusService, BusStats, Name, Reason, StoreFailure,
};

/// What a [`Station`] is told.
#[derive(Debug)]
pub enum Order {
    /// Something of the bus.
    Bus(BusCommand),
    /// Die.
    Die,
    /// Come up again.
    Start,
    /// Break all connections.
    Reset,
}

/// A bus in a process. It is looked at after each call.
#[derive(Debug)]
pub struct Station {
    bus: Option<BusService>,
    config: BusConfig,
    disk: Shared<Disk>,
    ledger: Shared<Ledger>,
    heard: Arc<Mutex<Vec<BusNotice>>>,
    /// Who is registered, and by which connection.
    registered: BTreeMap<Name, ConnId>,
    /// When it died last, if it is not there.
    pub died_at: Option<Instant>,
    /// It was told to end in order.
    is_draining: bool,
    /// It has come to its end in order.
    pub has_drained: bool,
    /// Messages that it found on its disk, and those that were put back since.
    brought: u64,
}

impl Station {
    /// A bus whose process is not there yet.
    #[must_use]
    pub fn new(config: BusConfig, disk: Shared<Disk>, ledger: Shared<Ledger>) -> Self {
        Self {
            bus: None,
            config,
            disk,
            ledger,
            heard: Arc::default(),
            registered: BTreeMap::new(),
            died_at: None,
            is_draining: false,
            has_drained: false,
            brought: 0,
        }
    }

    /// What the bus counts, while it is there.
    #[must_use]
    pub fn stats(&self) -> Option<BusStats> {
        self.bus.as_ref().map(|bus| bus.broker().stats())
    }

    /// Whether it is there and takes messages.
    #[must_use]
    pub fn is_well(&self) -> bool {
        !self.is_draining && self.stats().is_some_and(|stats| !stats.has_failed)
    }

    fn start(&mut self, cx: &Context<'_, Batch>) {
        let broker = self.disk.borrow_mut().open(&self.config, cx.now(), cx.wall());
        let stats = broker.stats();
        let on_disk = self.ledger.borrow().on_disk();
        assert!(stats.pending <= on_disk.0 && stats.pending + stats.dead_letters == on_disk.0 + on_disk.1);
        self.brought = on_disk.0 as u64;
        self.ledger.borrow_mut().restarts += 1;
        let heard = Arc::clone(&self.heard);
        let tell = move |notice: &BusNotice| heard.lock().expect("nobody panicked").push(notice.clone());
        self.bus = Some(BusService::new(broker).on_notice(tell));
        (self.died_at, self.is_draining, self.has_drained) = (None, false, false);
    }

    fn die(&mut self, now: Instant) {
        self.hear();
        self.ledger.borrow().note("the bus dies");
        if let Some(stats) = self.stats() {
            self.count(&stats);
        }
        self.bus = None;
        self.registered.clear();
        self.died_at = Some(now);
        self.disk.borrow_mut().abandon();
    }

    /// Its counters go into the ledger's.
    pub fn count(&self, stats: &BusStats) {
        let tally = &mut self.ledger.borrow_mut().tally;
        tally.add("bus: redelivered", stats.redelivered);
        tally.add("bus: deduplicated", stats.deduplicated);
        tally.add("bus: forgotten", stats.forgotten);
        for (reason, what) in [
            (Reason::Full, "bus: rejected, full"),
            (Reason::Store, "bus: rejected, store"),
            (Reason::Closing, "bus: rejected, closing"),
        ] {
            tally.add(what, stats.rejected.of(reason));
        }
        for (reason, what) in [
            (Reason::UnknownMessage, "bus: late acknowledgements"),
            (Reason::Gone, "bus: gone"),
            (Reason::Replaced, "bus: replaced"),
            (Reason::Token, "bus: wrong tokens"),
            (Reason::Invalid, "bus: invalid frames"),
            (Reason::Unregistered, "bus: unregistered"),
            (Reason::TooBig, "bus: too big"),
        ] {
            tally.add(what, stats.errors.of(reason));
        }
        tally.add("bus: forged", stats.rejected.of(Reason::From));
    }

    fn with(&mut self, act: impl FnOnce(&mut BusService)) {
        if let Some(bus) = &mut self.bus {
            act(bus);
        }
        self.hear();
        self.check();
    }

    /// Hears what the bus tells: no two connections are one service at the same time.
    fn hear(&mut self) {
        let all = std::mem::take(&mut *self.heard.lock().expect("nobody panicked"));
        for notice in all {
            match notice {
                BusNotice::Event(BusEvent::Registered { conn, service }) => {
                    let before = self.registered.insert(service.clone(), conn);
                    assert_eq!(before, None, "{service} has two connections");
                    self.ledger.borrow_mut().registered(&service);
                }
                BusNotice::Event(BusEvent::Unregistered { conn, service, .. }) => {
                    assert_eq!(self.registered.remove(&service), Some(conn), "{service} was not registered");
                }
                BusNotice::Event(BusEvent::Refused { reason, .. }) => {
                    if matches!(reason, Reason::Full | Reason::Store | Reason::Closing) {
                        self.ledger.borrow_mut().keeps_order = false;
                    }
                }
                BusNotice::Told { ticket, outcome: Ok(changed) } if ticket.is_multiple_of(2) => {
                    self.brought += changed.letters;
                }
                BusNotice::StoreFailed(_) => self.ledger.borrow_mut().keeps_order = false,
                BusNotice::Drained => self.has_drained = true,
                _ => {}
            }
        }
    }

    fn check(&self) {
        let Some(stats) = self.stats() else { return };
        let (config, registered) = (&self.config, self.registered.len());
        let most = config.window * registered;
        assert!(stats.unacknowledged <= most, "{} are out, of {most}", stats.unacknowledged);
        assert!(stats.unacknowledged <= stats.pending && registered <= stats.services);
        assert!(stats.services <= config.max_services && stats.remembered <= config.max_dedupe);
        assert!(stats.pending <= config.max_pending * stats.services);
        assert!(stats.redelivered <= stats.delivered);
        let mut ledger = self.ledger.borrow_mut();
        if stats.unacknowledged == most && most > 0 {
            ledger.tally.count("bus: all windows full");
        }
        ledger.keeps_order &= stats.rejected.of(Reason::Store) == 0;
    }

    /// Whether nothing is on its way to the disk.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.stats()
            .is_some_and(|stats| (stats.pending, stats.dead_letters) == self.ledger.borrow().on_disk())
    }

    /// At rest, what was brought in and what went out is what there is.
    ///
    /// # Panics
    /// If it is not.
    pub fn check_sum(&self) {
        let stats = self.stats().expect("it is there");
        let went = stats.acknowledged + stats.dead;
        assert_eq!(stats.pending as u64 + went, self.brought + stats.accepted, "{stats:?}");
    }
}

impl Service for Station {
    type Job = Batch;
    type Done = Result<(), StoreFailure>;
    type Command = Order;

    fn request(&mut self, cx: &mut Context<'_, Batch>, conn: ConnId, request: &Request) -> Verdict {
        match &mut self.bus {
            Some(bus) => bus.request(cx, conn, request),
            None => Verdict::Respond(Response::plain(503)),
        }
    }

    fn opened(&mut self, cx: &mut Context<'_, Batch>, conn: ConnId) {
        if self.bus.is_none() {
            cx.abort(conn);
        }
        self.with(|bus| bus.opened(cx, conn));
    }

    fn message(&mut self, cx: &mut Context<'_, Batch>, conn: ConnId, message: Message<'_>) {
        self.with(|bus| bus.message(cx, conn, message));
    }

    fn drained(&mut self, cx: &mut Context<'_, Batch>, conn: ConnId) {
        self.with(|bus| bus.drained(cx, conn));
    }

    fn closed(&mut self, cx: &mut Context<'_, Batch>, conn: ConnId, closed: &Closed) {
        self.with(|bus| bus.closed(cx, conn, closed));
    }

    fn done(&mut self, cx: &mut Context<'_, Batch>, job: JobToken, outcome: Self::Done) {
        self.with(|bus| bus.done(cx, job, outcome));
    }

    fn command(&mut self, cx: &mut Context<'_, Batch>, order: Order) {
        match order {
            Order::Bus(command) => {
                self.is_draining |= command == BusCommand::Drain;
                self.with(|bus| bus.command(cx, command));
            }
            Order::Die if self.bus.is_some() => self.die(cx.now()),
            Order::Start if self.bus.is_none() => self.start(cx),
            Order::Reset => {
                let all: Vec<ConnId> = cx.connections().collect();
                all.into_iter().for_each(|conn| cx.abort(conn));
            }
            Order::Die | Order::Start => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.bus.as_ref().and_then(Service::poll_timeout)
    }

    fn timeout(&mut self, cx: &mut Context<'_, Batch>) {
        self.with(|bus| bus.timeout(cx));
    }
}
