//! The machine: what its program asks of it.

use super::inbox::Inbox;
use super::outbox::{New, Outbox};
use super::{
    BusClientConfig, BusClientEvent, BusClientState, BusClientStats, Delivery, DeliveryId, Outcome, Outgoing,
    Refused, Seen, WhyRefused,
};
use crate::base::{Clock, Entropy, Instant};
use crate::service::bus::numbers::split;
use crate::service::bus::{Name, Reason};
use crate::service::client::{Attempt, Client};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;

/// A client of the bus, without its connection.
///
/// It is driven as a [`Client`] is, by its [`Machine`](crate::service::client::Machine), and what its connection receives is told by
/// [`receive`](Self::receive); a hub drives it by [`Kept::around`](crate::service::client::Kept::around). After any call,
/// [`poll_delivery`](Self::poll_delivery) and `poll_event` are to be asked until `None`.
///
/// A driver goes on reading whatever waits here: an answer for which the program waits may stand behind deliveries.
///
/// ```
/// use wharf::base::{Entropy, Instant, Message, Wall};
/// use wharf::service::bus::client::{BusClient, BusClientConfig, BusClientEvent, Outcome, Outgoing};
/// use wharf::service::bus::{FromBus, Name};
/// use wharf::service::client::{Action, Machine};
///
/// let now = Instant::ORIGIN;
/// let config = BusClientConfig::new(Name::new("shop")?);
/// let mut client = BusClient::new(now, config, Entropy::from_seed([7; 32]));
/// let sold = Outgoing::new(Name::new("mail")?, "sold", &7, Wall::from_millis(0))?;
/// let id = client.send(now, sold)?;
/// // The driver connects, and sends what it says first: who it is.
/// let Some(Action::Dial(attempt)) = client.poll_action() else { panic!() };
/// assert!(client.client_mut().handle_opened(now, Wall::default(), attempt, false));
/// let Some(Action::Greet(_, greeting)) = client.poll_action() else { panic!() };
/// assert_eq!(greeting.as_text(), Some(r#"{"type":"register","serviceId":"shop"}"#));
/// // The bus answers, and gets the message.
/// let registered = FromBus::Registered { service_id: Name::new("shop")?, pending: 0 };
/// client.receive(now, &registered.encode().into());
/// assert!(matches!(client.poll_action(), Some(Action::Send { .. })));
/// client.receive(now, &FromBus::Accepted { message_id: id.clone() }.encode().into());
/// let told: Vec<_> = std::iter::from_fn(|| client.poll_event()).collect();
/// assert_eq!(told[2], BusClientEvent::Sent { id, outcome: Outcome::Accepted });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BusClient {
    pub(super) config: BusClientConfig,
    pub(super) clock: Clock,
    pub(super) entropy: Entropy,
    pub(super) client: Client,
    /// The connection that is open, and whether it is registered.
    pub(super) link: Option<(Attempt, bool)>,
    pub(super) outbox: Outbox,
    pub(super) inbox: Inbox,
    prefix: Box<str>,
    next_number: u64,
    /// It ends by then at the latest, and before if nothing is left to be done.
    pub(super) drained_by: Option<Instant>,
    /// What the bus said for which it ends.
    pub(super) fatal: Option<Reason>,
    pub(super) last_refusal: Option<Reason>,
    /// Events but outcomes.
    pub(super) news: VecDeque<BusClientEvent>,
    pub(super) version: u64,
    pub(super) stats: BusClientStats,
}

impl BusClient {
    /// One that connects at once.
    #[must_use]
    pub fn new(now: Instant, mut config: BusClientConfig, mut entropy: Entropy) -> Self {
        let digits = entropy
            .bytes::<10>()
            .iter()
            .fold(alloc::string::String::new(), |digits, byte| format!("{digits}{byte:02x}"));
        let client = Client::new(now, config.client(), entropy.fork());
        Self {
            prefix: config.prefix(&digits),
            inbox: Inbox::new(core::mem::take(&mut config.seen)),
            config,
            clock: Clock::new(now),
            entropy,
            client,
            link: None,
            outbox: Outbox::default(),
            next_number: 0,
            drained_by: None,
            fatal: None,
            last_refusal: None,
            news: VecDeque::new(),
            version: 0,
            stats: BusClientStats::default(),
        }
    }

    /// Takes a message; its id, by which its outcome is told, once, by `poll_event`. It is sent, over as many connections as that
    /// needs, until it is accepted, rejected for good, past its deadline, or taken back.
    ///
    /// # Errors
    /// The message, and why it was not taken.
    pub fn send(&mut self, now: Instant, message: Outgoing) -> Result<Name, Refused> {
        let now = self.clock.advance(now);
        match self.try_send(&message) {
            Ok(id) => {
                self.flow(now);
                Ok(id)
            }
            Err(why) => {
                self.stats.refused += 1;
                Err(Refused { why, message: message.into() })
            }
        }
    }

    fn try_send(&mut self, message: &Outgoing) -> Result<Name, WhyRefused> {
        if self.is_ending() {
            return Err(WhyRefused::Stopped);
        }
        let next = || Name::new(&format!("{}-{}", self.prefix, self.next_number)).map_err(|_| WhyRefused::Id);
        let id = message.id.clone().map_or_else(next, Ok)?;
        let is_numbered = message.id.is_none();
        let is_to_come =
            split(&id).is_some_and(|(prefix, number)| *prefix == *self.prefix && number >= self.next_number);
        if self.outbox.knows(&id) || (is_to_come && !is_numbered) {
            return Err(WhyRefused::Id);
        }
        // Whatever made it, it has JSON: it was made of it.
        let envelope =
            message.envelope(id, self.config.service_id.clone()).map_err(|_| WhyRefused::TooBig)?;
        let new = New { envelope, deadline: message.deadline };
        let id = self.outbox.push(&self.config, &mut self.stats, new)?;
        self.next_number += u64::from(is_numbered);
        Ok(id)
    }

    /// Takes a message back, whose outcome then is no event; `None` if that was told or is to be told. It says whether the bus may have
    /// accepted it.
    pub fn cancel(&mut self, now: Instant, id: &str) -> Option<Outcome> {
        let now = self.clock.advance(now);
        let outcome = self.outbox.cancel(&mut self.stats, id);
        self.flow(now);
        outcome
    }

    /// The next message for the program, each once: to be applied, and then to be told by [`ack`](Self::ack) or
    /// [`nack`](Self::nack). What is told of neither holds one of [`BusClientConfig::max_deliveries`], and is delivered to nobody else
    /// until the bus takes it for dead.
    pub fn poll_delivery(&mut self) -> Option<Delivery> {
        self.pump();
        self.inbox.poll()
    }

    /// The program has applied a message, which is then in [`seen`](Self::seen); false if it is not worked on. The bus is told if the
    /// message came over the connection that is there; else it comes again and is acknowledged then.
    pub fn ack(&mut self, now: Instant, id: DeliveryId) -> bool {
        self.end(now, id, None)
    }

    /// The program refuses a message; false if it is not worked on. The bus delivers it again, as often as it does, and then makes it
    /// a dead letter. Of the reason [`MAX_NACK_REASON`](crate::service::bus::MAX_NACK_REASON) bytes are kept.
    pub fn nack(&mut self, now: Instant, id: DeliveryId, reason: &str) -> bool {
        self.end(now, id, Some(reason))
    }

    fn end(&mut self, now: Instant, id: DeliveryId, refusal: Option<&str>) -> bool {
        let now = self.clock.advance(now);
        self.pump();
        let attempt = self.registered();
        let was_worked_on = self.inbox.end(&mut self.stats, id, refusal, attempt);
        self.flow(now);
        was_worked_on
    }

    /// What was applied: what was handed in, and all that was acknowledged since.
    #[must_use]
    pub fn seen(&self) -> &Seen {
        &self.inbox.seen
    }

    /// How it is.
    #[must_use]
    pub fn state(&self) -> BusClientState {
        BusClientState {
            is_registered: self.is_registered(),
            last_refusal: self.last_refusal,
            connection: self.client.state().clone(),
        }
    }

    /// Whether messages flow.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.registered().is_some()
    }

    /// Counts the changes of [`state`](Self::state), for whoever waits for one.
    #[must_use]
    pub fn state_version(&self) -> u64 {
        self.version + self.client.state_version()
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> BusClientStats {
        self.stats
    }

    /// Messages that were taken and are not answered.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.outbox.open()
    }

    /// Deliveries that wait for the program.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inbox.waiting()
    }

    /// Deliveries that were handed over and are neither acknowledged nor refused.
    #[must_use]
    pub fn working(&self) -> usize {
        self.inbox.working()
    }

    /// Ends in order, by this time at the latest: takes no messages and hands none over from now on, waits until all that it took are
    /// answered and all that is worked on is acknowledged or refused, and then stops.
    pub fn drain(&mut self, now: Instant, by: Instant) {
        let now = self.clock.advance(now);
        self.pump();
        if !self.client.is_stopped() {
            self.drained_by = Some(self.drained_by.map_or(by, |before| before.min(by)));
            self.inbox.let_go(&mut self.stats);
            self.flow(now);
        }
    }

    /// Stops at once: what is not answered is given back by its outcome, and an open connection closed in order. What is worked on
    /// may still be acknowledged, which is in [`seen`](Self::seen) then, but not told to the bus.
    pub fn stop(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        self.pump();
        self.halt(now);
    }
}
