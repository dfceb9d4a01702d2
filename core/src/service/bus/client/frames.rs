//! What the bus says.

use super::{BusClient, BusClientEvent, is_fatal};
use crate::base::{Instant, Message};
use crate::service::bus::{FromBus, Reason};

impl BusClient {
    /// A message came over the connection that is there. What is no frame is counted, and has no effect.
    pub fn receive(&mut self, now: Instant, message: &Message<'_>) {
        let now = self.clock.advance(now);
        self.pump();
        match message.as_text().map(FromBus::decode) {
            Some(Ok(frame)) => self.take(now, frame),
            _ => self.stats.strange += 1,
        }
        self.flow(now);
    }

    fn take(&mut self, now: Instant, frame: FromBus<'_>) {
        match frame {
            FromBus::Registered { service_id, pending } => match &mut self.link {
                Some((attempt, is_registered)) if service_id == self.config.service_id => {
                    if !core::mem::replace(is_registered, true) {
                        self.client.ready(now, *attempt);
                        self.last_refusal = None;
                        self.version += 1;
                        self.stats.registered += 1;
                        self.news.push_back(BusClientEvent::Registered { pending });
                    }
                }
                _ => self.stats.strange += 1,
            },
            // True on whatever connection it was said.
            FromBus::Accepted { message_id } => {
                let (was_expected, ticket) = self.outbox.handle_accepted(&mut self.stats, &message_id);
                self.stats.strange += u64::from(!was_expected);
                if let Some(ticket) = ticket {
                    self.client.acknowledge(now, ticket);
                }
            }
            FromBus::Rejected { message_id, reason, detail } => {
                self.reject(now, &message_id, reason, detail.as_deref());
            }
            FromBus::Message(envelope) => match self.registered() {
                Some(attempt) if self.drained_by.is_none() => {
                    self.inbox.take(&self.config, &mut self.stats, attempt, envelope);
                }
                // It stays with the bus.
                _ => {
                    self.stats.deliveries += 1;
                    self.stats.let_go += 1;
                }
            },
            FromBus::Heartbeat => {}
            FromBus::Dead { message_id: id, reason } => {
                self.stats.dead += 1;
                self.tell(BusClientEvent::Dead { id, reason });
            }
            FromBus::Error { reason: Reason::UnknownMessage, .. } => self.stats.unknown += 1,
            FromBus::Error { reason, detail } => self.refuse(now, reason, detail.as_deref()),
        }
    }

    fn reject(&mut self, now: Instant, id: &str, reason: Reason, detail: Option<&str>) {
        let Self { outbox, stats, entropy, config, .. } = self;
        let Some((ticket, deferred)) =
            outbox.handle_rejected(now, config, stats, entropy, (id, reason, detail))
        else {
            self.stats.strange += 1;
            return;
        };
        self.client.acknowledge(now, ticket);
        if let Some(id) = deferred {
            self.tell(BusClientEvent::Deferred { id, reason });
        }
    }

    /// Something else is refused: a frame, the registration, or the connection.
    fn refuse(&mut self, now: Instant, reason: Reason, detail: Option<&str>) {
        self.stats.errors += 1;
        let is_registered = self.is_registered();
        self.tell(BusClientEvent::Refused { reason, detail: detail.map(Into::into) });
        let is_fatal = is_fatal(reason) && (reason != Reason::Id || !is_registered);
        if !is_fatal && is_registered && !matches!(reason, Reason::TooBig | Reason::Gone | Reason::Closing) {
            return;
        }
        self.last_refusal = Some(reason);
        self.version += 1;
        if is_fatal {
            self.fatal = Some(reason);
            self.halt(now);
        } else if reason == Reason::TooBig {
            // The connection ends of it; sent again, it would end the next one.
            self.outbox.handle_too_big(&mut self.stats, detail);
        } else if !is_registered {
            self.client.reconnect(now);
        }
    }
}
