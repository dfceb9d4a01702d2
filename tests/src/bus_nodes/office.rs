//! A process of the bus: it dies, and comes back as another node.

use super::Vault;
use crate::bus_world::{Ledger, Shared};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use wharf::base::{Closed, Instant, Message};
use wharf::http::{Request, Response};
use wharf::link::{ConnId, Context, JobToken, Service, Verdict};
use wharf::service::bus::{
    Broker, BusCommand, BusConfig, BusEvent, BusNotice, BusService, BusStats, Name, NodeAnswer, NodeAsk,
    NodeSettings, Reason, Shared as SharedStore, StoreFailure,
};

/// What an [`Office`] is told.
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

/// A node in a process. It is looked at after each call.
#[derive(Debug)]
pub struct Office {
    bus: Option<BusService<SharedStore>>,
    process: usize,
    config: BusConfig,
    settings: NodeSettings,
    vault: Shared<Vault>,
    ledger: Shared<Ledger>,
    heard: Arc<Mutex<Vec<BusNotice>>>,
    registered: BTreeMap<Name, ConnId>,
    /// When it died last, if it is not there.
    pub died_at: Option<Instant>,
    is_draining: bool,
    /// It has come to its end in order.
    pub has_drained: bool,
}

impl Office {
    /// A process that is not there yet.
    #[must_use]
    pub fn new(
        process: usize,
        config: BusConfig,
        settings: NodeSettings,
        vault: Shared<Vault>,
        ledger: Shared<Ledger>,
    ) -> Self {
        Self {
            bus: None,
            process,
            config,
            settings,
            vault,
            ledger,
            heard: Arc::default(),
            registered: BTreeMap::new(),
            died_at: None,
            is_draining: false,
            has_drained: false,
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
        !self.is_draining && self.bus.as_ref().is_some_and(|bus| bus.broker().fence().is_some())
    }

    /// Whether it is there and does not end.
    #[must_use]
    pub fn is_up(&self) -> bool {
        !self.is_draining && self.bus.is_some()
    }

    fn start(&mut self) {
        self.ledger.borrow_mut().restarts += 1;
        let heard = Arc::clone(&self.heard);
        let tell = move |notice: &BusNotice| heard.lock().expect("nobody panicked").push(notice.clone());
        let broker = Broker::node(self.config.clone(), self.settings.clone());
        self.bus = Some(BusService::node(broker).on_notice(tell));
        self.vault.borrow_mut().served.insert(self.process);
        (self.died_at, self.is_draining, self.has_drained) = (None, false, false);
    }

    fn die(&mut self, now: Instant) {
        self.hear();
        self.ledger.borrow().note(format_args!("process {} dies", self.process));
        if let Some(stats) = self.stats() {
            let tally = &mut self.ledger.borrow_mut().tally;
            tally.add("bus: redelivered", stats.redelivered);
            tally.add("bus: deduplicated", stats.deduplicated);
            tally.add("bus: rejected, full", stats.rejected.of(Reason::Full));
            tally.add("bus: rejected, store", stats.rejected.of(Reason::Store));
            tally.add("bus: replaced", stats.errors.of(Reason::Replaced));
            tally.add("bus: sent away", stats.errors.of(Reason::Store));
        }
        self.bus = None;
        self.registered.clear();
        self.died_at = Some(now);
        self.vault.borrow_mut().served.remove(&self.process);
    }

    fn with(
        &mut self,
        cx: &mut Context<'_, NodeAsk>,
        act: impl FnOnce(&mut BusService<SharedStore>, &mut Context<'_, NodeAsk>),
    ) {
        let now = cx.now();
        {
            let mut vault = self.vault.borrow_mut();
            vault.now = vault.now.max(now);
        }
        if let Some(bus) = &mut self.bus {
            act(bus, cx);
        }
        self.hear();
        self.check();
    }

    /// Hears what the bus tells: no two connections of one node are one service at the same time.
    fn hear(&mut self) {
        let all = std::mem::take(&mut *self.heard.lock().expect("nobody panicked"));
        for notice in all {
            match notice {
                BusNotice::Event(BusEvent::Registered { conn, service }) => {
                    self.ledger.borrow().note(format_args!("{service} is at {}", self.process));
                    let before = self.registered.insert(service.clone(), conn);
                    assert_eq!(before, None, "{service} has two connections");
                    self.ledger.borrow_mut().registered(&service);
                }
                BusNotice::Event(BusEvent::Unregistered { conn, service, .. }) => {
                    self.ledger.borrow().note(format_args!("{service} leaves {}", self.process));
                    assert_eq!(self.registered.remove(&service), Some(conn), "{service} was not registered");
                }
                BusNotice::Event(BusEvent::Refused { reason, .. }) => {
                    if matches!(reason, Reason::Full | Reason::Store | Reason::Closing) {
                        self.ledger.borrow_mut().keeps_order = false;
                    }
                }
                BusNotice::Event(BusEvent::Damaged { service, what }) => panic!("{service}: {what}"),
                BusNotice::Event(BusEvent::StoreFailed) => panic!("what the store says contradicts itself"),
                BusNotice::Drained => self.has_drained = true,
                BusNotice::StoreFailed(what) => panic!("the store failed: {what}"),
                _ => {}
            }
        }
    }

    fn check(&self) {
        let Some(stats) = self.stats() else { return };
        let (config, settings, registered) = (&self.config, &self.settings, self.registered.len());
        let most = config.window * registered;
        assert!(stats.unacknowledged <= most, "{} are out, of {most}", stats.unacknowledged);
        let most = registered * (settings.fill + settings.look_each as usize) + settings.max_unstored;
        assert!(stats.pending <= most, "{} messages are in memory, of {most}", stats.pending);
        assert!(stats.remembered <= config.max_dedupe && stats.redelivered <= stats.delivered);
    }
}

impl Service for Office {
    type Job = NodeAsk;
    type Done = Result<NodeAnswer, StoreFailure>;
    type Command = Order;

    fn request(&mut self, cx: &mut Context<'_, NodeAsk>, conn: ConnId, request: &Request) -> Verdict {
        match &mut self.bus {
            Some(bus) => bus.request(cx, conn, request),
            None => Verdict::Respond(Response::plain(503)),
        }
    }

    fn opened(&mut self, cx: &mut Context<'_, NodeAsk>, conn: ConnId) {
        if self.bus.is_none() {
            cx.abort(conn);
        }
        self.with(cx, |bus, cx| bus.opened(cx, conn));
    }

    fn message(&mut self, cx: &mut Context<'_, NodeAsk>, conn: ConnId, message: Message<'_>) {
        self.with(cx, |bus, cx| bus.message(cx, conn, message));
    }

    fn drained(&mut self, cx: &mut Context<'_, NodeAsk>, conn: ConnId) {
        self.with(cx, |bus, cx| bus.drained(cx, conn));
    }

    fn closed(&mut self, cx: &mut Context<'_, NodeAsk>, conn: ConnId, closed: &Closed) {
        self.with(cx, |bus, cx| bus.closed(cx, conn, closed));
    }

    fn done(&mut self, cx: &mut Context<'_, NodeAsk>, job: JobToken, outcome: Self::Done) {
        self.with(cx, |bus, cx| bus.done(cx, job, outcome));
    }

    fn command(&mut self, cx: &mut Context<'_, NodeAsk>, order: Order) {
        match order {
            Order::Bus(command) => {
                self.is_draining |= command == BusCommand::Drain;
                self.with(cx, |bus, cx| bus.command(cx, command));
            }
            Order::Die if self.bus.is_some() => self.die(cx.now()),
            Order::Start if self.bus.is_none() => {
                self.start();
                self.with(cx, |bus, cx| bus.command(cx, BusCommand::Wake));
            }
            Order::Reset => {
                let all: Vec<ConnId> = cx.connections().collect();
                all.into_iter().for_each(|conn| cx.abort(conn));
            }
            Order::Die | Order::Start => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let bus = self.bus.as_ref()?;
        let is_woken = self.vault.borrow().wakes(bus.broker().fence());
        if is_woken { Some(self.vault.borrow().now) } else { bus.poll_timeout() }
    }

    fn timeout(&mut self, cx: &mut Context<'_, NodeAsk>) {
        let fence = self.bus.as_ref().and_then(|bus| bus.broker().fence());
        if self.vault.borrow().wakes(fence) {
            self.vault.borrow_mut().awake(fence);
            self.with(cx, |bus, cx| bus.command(cx, BusCommand::Wake));
        }
        self.with(cx, |bus, cx| bus.timeout(cx));
    }
}
