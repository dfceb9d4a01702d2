//! A message that is neither acknowledged nor dead.

use super::wire::DELIVERY_OVERHEAD;
use super::{Accepted, Progress};
use crate::base::Instant;
use slotmap::DefaultKey;

/// A message and where it is.
#[derive(Debug)]
pub(super) struct Held<C> {
    pub(super) accepted: Accepted,
    pub(super) progress: Progress,
    pub(super) place: Place<C>,
    /// Its service.
    pub(super) service: DefaultKey,
    /// When it is to be written down that it was handed out.
    pub(super) mark: Option<Instant>,
}

/// Where a message is.
#[derive(Debug)]
pub(super) enum Place<C> {
    /// On its way to the disk. Whoever asked is told when it is there, as often as it was asked; nobody asks for a dead letter.
    Unstored { asker: Option<C>, times: u32 },
    /// It was never handed out, and waits in line.
    Waiting,
    /// It is to be handed out again.
    Again,
    /// It is handed out, and to be acknowledged by then.
    Out { until: Instant },
    /// It was refused, and is to be handed out again then.
    Resting { until: Instant },
}

impl<C: Copy> Place<C> {
    /// Who asked whether it is on disk, and how often, while it is not.
    pub(super) const fn unstored(&self) -> Option<(Option<C>, u32)> {
        match self {
            Self::Unstored { asker, times } => Some((*asker, *times)),
            _ => None,
        }
    }
}

impl<C> Held<C> {
    /// What it counts for in the limit of bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of_body(self.accepted.body.len())
    }

    /// The body as what it is.
    pub(super) fn body(&self) -> &str {
        // It was text when it came; a store's was checked when it was handed back.
        core::str::from_utf8(&self.accepted.body).unwrap_or_default()
    }
}

/// What a message counts for in the limit of bytes: its delivery.
pub(super) const fn size_of_body(len: usize) -> usize {
    len + DELIVERY_OVERHEAD
}
