//! Sessions on their way into the store.

use super::{DeskConfig, MAX_BATCH, Session, TokenHash};
use crate::base::Instant;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Those that wait, the newest of each token.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// At most [`DeskConfig::max_sessions`].
    waiting: BTreeMap<TokenHash, Session>,
    /// When they have waited for long enough.
    due: Option<Instant>,
}

impl Sessions {
    /// One more; false if another one was forgotten for it.
    pub(super) fn keep(&mut self, now: Instant, session: Session, config: &DeskConfig) -> bool {
        self.waiting.insert(session.token, session);
        self.due.get_or_insert(now + config.session_wait);
        self.waiting.len() <= config.max_sessions.max(1) || self.waiting.pop_last().is_none()
    }

    pub(super) fn session(&self, token: &TokenHash) -> Option<&Session> {
        self.waiting.get(token)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether they are to be stored whoever wants to read.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// As many as go into one batch.
    pub(super) fn take(&mut self) -> Vec<Session> {
        let mut taken = Vec::new();
        while let Some((_, session)) = self.waiting.pop_first() {
            taken.push(session);
            if taken.len() == MAX_BATCH {
                break;
            }
        }
        self.due.take_if(|_| self.waiting.is_empty());
        taken
    }
}
