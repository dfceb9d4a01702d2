//! Beats: that a node is there, and what it has; and who was not heard for long.

use super::peers::State;
use super::wire::{Entry, Frame, Page};
use super::{Mesh, Subject};
use crate::base::Instant;
use alloc::vec::Vec;
use bytes::Bytes;

impl Mesh {
    /// Beats as soon as may be, and has the others do so.
    pub(super) fn greet(&mut self, now: Instant) {
        self.greets = true;
        self.beat_at = self.earliest_beat(now);
        if self.beat_at <= now {
            self.beat(now);
        }
    }

    /// Another wants to know what this node has; others may want it just now.
    pub(super) fn beat_soon(&mut self, now: Instant) {
        if self.is_up {
            let at = self.earliest_beat(now) + self.up_to(self.config.hesitation);
            self.beat_at = self.beat_at.min(at);
        }
    }

    /// However many greet, there are at most four times as many beats.
    fn earliest_beat(&self, now: Instant) -> Instant {
        self.last_beat.map_or(now, |last| now.max(last + self.config.beat / 4))
    }

    /// Tells that this node is there, and what it has.
    pub(super) fn beat(&mut self, now: Instant) {
        self.last_beat = Some(now);
        self.beat_at = now + self.config.beat;
        let greets = core::mem::take(&mut self.greets);
        let mut after = self.page_after.take();
        for page in 0..self.config.max_pages {
            let (bytes, upto) = self.page(after.as_ref(), greets && page == 0);
            self.outbox.notice(&self.config, Subject::nodes(), bytes);
            self.stats.pages_sent += 1;
            after = upto;
            if after.is_none() {
                break;
            }
        }
        self.page_after = after;
    }

    /// The page behind `after`, and where the next one begins.
    fn page(&self, after: Option<&Subject>, greets: bool) -> (Bytes, Option<Subject>) {
        let clock = self.owns.clock();
        let (mut entries, mut len, mut next) = (Vec::<Entry<'_>>::new(), 0, None);
        for (subject, own) in self.owns.behind(after) {
            if own.members.is_empty() && own.sequence == 0 && !subject.is_all() {
                continue;
            }
            let entry = if self.is_closed {
                Entry { subject: subject.as_str(), last: own.sequence, version: clock, members: 0 }
            } else {
                let members = u32::try_from(own.members.len()).unwrap_or(u32::MAX);
                Entry { subject: subject.as_str(), last: own.sent, version: own.version, members }
            };
            len += entry.len();
            if let Some(last) = entries.last().filter(|_| len > self.config.max_part) {
                next = self.owns.name(last.subject);
                break;
            }
            entries.push(entry);
        }
        let after = after.map_or("", Subject::as_str);
        let upto = next.as_ref().map_or("", Subject::as_str);
        let page = Page { clock, greets, after, upto, entries };
        (Frame::Page(page).encode(self.node), next)
    }

    /// What there is to tell behind all messages: what was published last, and that nobody is in anything.
    pub(super) fn last_pages(&mut self) {
        self.owns.step();
        let mut after = None;
        loop {
            let (bytes, upto) = self.page(after.as_ref(), false);
            self.outbox.last_word(Subject::nodes(), bytes);
            after = upto;
            if after.is_none() {
                break;
            }
        }
    }

    /// Parts with the nodes that were not heard for long.
    pub(super) fn watch(&mut self, now: Instant) {
        let (silent, next) = self.peers.silent(now, self.config.lost_after);
        silent.into_iter().for_each(|origin| self.part(now, origin, State::Lost));
        self.watch_at = next;
    }

    /// Forgets what nobody needs any more.
    pub(super) fn tidy(&mut self, now: Instant) {
        let keep = self.config.keep;
        self.tidy_at = now + keep / 4;
        self.peers.tidy(now, keep);
        self.owns.tidy(now, keep);
    }
}
