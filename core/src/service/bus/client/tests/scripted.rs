//! A bus in a few lines: it keeps what it accepted, and hands it out until it is acknowledged.

use crate::service::bus::{Envelope, FromBus, Name, Reason, ToBus};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

/// What it has of a service.
#[derive(Debug, Default)]
pub(super) struct Box {
    pub(super) pending: VecDeque<Envelope>,
    pub(super) out: Vec<Envelope>,
    is_registered: bool,
}

#[derive(Debug, Default)]
pub(super) struct Bus {
    pub(super) boxes: BTreeMap<Name, Box>,
    /// In order.
    pub(super) accepted: Vec<(Name, Name)>,
    pub(super) known: BTreeSet<(Name, Name)>,
    /// Receivers for whom nothing is taken, and why.
    pub(super) rejects: BTreeMap<Name, Reason>,
    /// It answers no message.
    pub(super) is_mute: bool,
    /// It takes no longer frame.
    pub(super) max_frame: Option<usize>,
    /// Messages and acknowledgements that it does not hold.
    pub(super) unknown: usize,
    pub(super) nacks: Vec<String>,
    pub(super) beats: usize,
}

const WINDOW: usize = 8;

impl Bus {
    /// A frame came from a service; what it says to it.
    pub(super) fn take(&mut self, who: &Name, frame: &str) -> Vec<String> {
        if self.max_frame.is_some_and(|max| frame.len() > max) {
            return [FromBus::Error { reason: Reason::TooBig, detail: None }.encode()].into();
        }
        let mut said = Vec::new();
        match ToBus::decode(frame).expect("a client speaks the protocol") {
            ToBus::Register { service_id, .. } => {
                assert_eq!(service_id, *who);
                self.lost(who);
                let own = self.boxes.entry(service_id.clone()).or_default();
                own.is_registered = true;
                said.push(FromBus::Registered { service_id, pending: own.pending.len() as u64 }.encode());
            }
            ToBus::Message(envelope) => said.extend(self.judge(envelope)),
            ToBus::Ack { message_id, from } => drop(self.end(who, &message_id, from.as_ref())),
            ToBus::Nack { message_id, from, reason } => {
                self.nacks.push(reason.into());
                if let Some(mut envelope) = self.end(who, &message_id, from.as_ref()) {
                    envelope.retry_count += 1;
                    self.boxes.entry(who.clone()).or_default().pending.push_front(envelope);
                }
            }
            ToBus::Heartbeat => self.beats += 1,
        }
        said
    }

    fn judge(&mut self, envelope: Envelope) -> Option<String> {
        let (id, key) = (envelope.id.clone(), (envelope.from.clone(), envelope.id.clone()));
        if self.is_mute {
            return None;
        }
        if let Some(reason) = self.rejects.get(&envelope.to).filter(|_| !self.known.contains(&key)) {
            return Some(
                FromBus::Rejected { message_id: id.as_str().into(), reason: *reason, detail: None }.encode(),
            );
        }
        if self.known.insert(key.clone()) {
            self.accepted.push(key);
            self.boxes.entry(envelope.to.clone()).or_default().pending.push_back(envelope);
        }
        Some(FromBus::Accepted { message_id: id }.encode())
    }

    fn end(&mut self, who: &Name, id: &Name, from: Option<&Name>) -> Option<Envelope> {
        let out = &mut self.boxes.entry(who.clone()).or_default().out;
        let at = out.iter().position(|e| e.id == *id && from.is_none_or(|from| e.from == *from));
        self.unknown += usize::from(at.is_none());
        at.map(|at| out.remove(at))
    }

    /// The next delivery for a service.
    pub(super) fn deliver(&mut self, who: &Name) -> Option<String> {
        let own = self.boxes.get_mut(who).filter(|own| own.is_registered && own.out.len() < WINDOW)?;
        let envelope = own.pending.pop_front()?;
        own.out.push(envelope.clone());
        Some(FromBus::Message(envelope).encode())
    }

    /// No acknowledgement came in time: the `n`th of those that are out is delivered again.
    pub(super) fn again(&mut self, who: &Name, n: u64) -> Option<String> {
        let own = self.boxes.get_mut(who).filter(|own| own.is_registered && !own.out.is_empty())?;
        let at = usize::try_from(n % own.out.len() as u64).ok()?;
        own.out[at].retry_count += 1;
        Some(FromBus::Message(own.out[at].clone()).encode())
    }

    /// A service's connection is gone.
    pub(super) fn lost(&mut self, who: &Name) {
        let own = self.boxes.entry(who.clone()).or_default();
        own.is_registered = false;
        while let Some(envelope) = own.out.pop() {
            own.pending.push_front(envelope);
        }
    }

    /// Messages that are not acknowledged.
    pub(super) fn held(&self) -> usize {
        self.boxes.values().map(|own| own.pending.len() + own.out.len()).sum()
    }
}
