//! What waits to be published.

use super::wire::MESSAGE_OVERHEAD;
use super::{Config, Subject};
use alloc::collections::VecDeque;
use bytes::Bytes;

/// A frame on its way out.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) subject: Subject,
    /// 0 for what the machine itself says.
    pub(super) sequence: u64,
    pub(super) bytes: Bytes,
}

impl Queued {
    /// Bytes of its payload, if it is a message.
    fn len(&self) -> usize {
        self.bytes.len().saturating_sub(MESSAGE_OVERHEAD)
    }
}

/// Frames of the machine's own, then messages, then the last words.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// At most [`Config::max_notices`].
    notices: VecDeque<Queued>,
    /// At most [`Config::max_outbox`] of [`Config::max_outbox_bytes`].
    messages: VecDeque<Queued>,
    bytes: usize,
    last: VecDeque<Queued>,
    pub(super) dropped: u64,
    pub(super) notices_dropped: u64,
}

impl Outbox {
    /// How many more notices have room.
    pub(super) fn room(&self, config: &Config) -> usize {
        config.max_notices.saturating_sub(self.notices.len())
    }

    pub(super) fn notice(&mut self, config: &Config, subject: Subject, bytes: Bytes) {
        if self.room(config) == 0 {
            self.notices_dropped += 1;
        } else {
            self.notices.push_back(Queued { subject, sequence: 0, bytes });
        }
    }

    /// A part of a roll, for which there was room, or nothing else waits: a roll that is cut is none.
    pub(super) fn part(&mut self, subject: Subject, bytes: Bytes) {
        self.notices.push_back(Queued { subject, sequence: 0, bytes });
    }

    /// A message, for which the oldest make room.
    pub(super) fn message(&mut self, config: &Config, message: Queued, mut dropped: impl FnMut(Queued)) {
        self.bytes += message.len();
        self.messages.push_back(message);
        while self.messages.len() > config.max_outbox || self.bytes > config.max_outbox_bytes {
            let Some(oldest) = self.messages.pop_front() else { break };
            self.bytes -= oldest.len();
            self.dropped += 1;
            dropped(oldest);
        }
    }

    /// What is said behind all messages.
    pub(super) fn last_word(&mut self, subject: Subject, bytes: Bytes) {
        self.last.push_back(Queued { subject, sequence: 0, bytes });
    }

    pub(super) fn pop(&mut self) -> Option<Queued> {
        let next = self.notices.pop_front();
        let next = next.or_else(|| self.messages.pop_front().inspect(|message| self.bytes -= message.len()));
        next.or_else(|| self.last.pop_front())
    }

    /// What the machine itself says is true now and not later.
    pub(super) fn forget_notices(&mut self) {
        self.notices.clear();
        self.last.clear();
    }

    pub(super) fn clear(&mut self) {
        self.forget_notices();
        self.messages.clear();
        self.bytes = 0;
    }

    /// All frames that wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.notices.len() + self.messages.len() + self.last.len()
    }

    pub(super) fn messages(&self) -> (usize, usize) {
        (self.messages.len(), self.bytes)
    }
}
