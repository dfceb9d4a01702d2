//! What the node's own members do.

use super::outbox::Queued;
use super::wire::{Frame, Step};
use super::{EnterError, Mesh, PublishError, Subject};
use crate::base::Instant;
use bytes::Bytes;

impl Mesh {
    /// A member of this node is in a subject. If it is already, `about` is what is told about it from now on; if that is the same,
    /// nothing happens. With its first member a subject is heard.
    ///
    /// # Errors
    /// [`EnterError`]: it is not in it, or nothing else is told about it.
    pub fn enter(
        &mut self,
        now: Instant,
        subject: &Subject,
        member: &str,
        about: Bytes,
    ) -> Result<(), EnterError> {
        let now = self.clock.advance(now);
        let config = self.config;
        let refused = match () {
            () if self.is_closed => Some(EnterError::Closed),
            () if subject.is_nodes() => Some(EnterError::Reserved),
            () if member.is_empty() || member.len() > config.max_name => {
                Some(EnterError::BadName { limit: config.max_name })
            }
            () if about.len() > config.max_about => Some(EnterError::AboutTooBig { limit: config.max_about }),
            () => None,
        };
        if let Some(error) = refused {
            return Err(error);
        }
        let Some(own) = self.owns.open(&config, now, subject) else {
            return Err(EnterError::TooManySubjects { limit: config.max_subjects });
        };
        match own.members.get(member) {
            Some(known) if *known == about => return Ok(()),
            None if own.members.len() >= config.max_members => {
                return Err(EnterError::TooManyMembers { limit: config.max_members });
            }
            _ => {}
        }
        let (last, before) = (own.sent, own.before());
        let version = self.owns.step();
        if self.is_up {
            let step = Step { last, before, version, member, about: Some(&about) };
            self.outbox.notice(&config, subject.clone(), Frame::Step(step).encode(self.node));
        }
        if self.owns.put(subject, member, about, version) && !subject.is_all() {
            self.dirty.insert(subject.clone());
            if let Some(own) = self.owns.get_mut(subject.as_str()) {
                own.asks_all = true;
            }
            self.ask(now, subject);
        }
        Ok(())
    }

    /// A member of this node is in a subject no more, if it was. With its last member the subject is no longer heard: what was known of other
    /// nodes' members is forgotten, and nothing is told of that.
    pub fn leave(&mut self, now: Instant, subject: &Subject, member: &str) {
        let now = self.clock.advance(now);
        let Some(own) = self.owns.get(subject.as_str()) else { return };
        if self.is_closed || !own.members.contains_key(member) {
            return;
        }
        let (last, before) = (own.sent, own.before());
        let version = self.owns.step();
        if self.is_up {
            let step = Step { last, before, version, member, about: None };
            self.outbox.notice(&self.config, subject.clone(), Frame::Step(step).encode(self.node));
        }
        if self.owns.remove(now, subject, member, version) && !subject.is_all() {
            self.dirty.insert(subject.clone());
            self.unhear(subject);
        }
    }

    /// Publishes a message, for all other nodes that have a member in the subject; the node itself needs none in it. While the transport is
    /// down it waits. The sequence is the message's number among all of this node on this subject; the first is 1.
    ///
    /// # Errors
    /// [`PublishError`]: it is not published.
    pub fn publish(&mut self, now: Instant, subject: &Subject, payload: Bytes) -> Result<u64, PublishError> {
        let now = self.clock.advance(now);
        let limit = self.config.max_payload.min(self.config.max_outbox_bytes);
        match () {
            () if self.is_closed => return Err(PublishError::Closed),
            () if subject.is_nodes() => return Err(PublishError::Reserved),
            () if payload.len() > limit => return Err(PublishError::TooBig { limit }),
            () => {}
        }
        let Some(own) = self.owns.open(&self.config, now, subject) else {
            return Err(PublishError::TooManySubjects { limit: self.config.max_subjects });
        };
        (own.sequence, own.used) = (own.sequence + 1, now);
        let sequence = own.sequence;
        let bytes = Frame::Message { sequence, payload }.encode(self.node);
        let message = Queued { subject: subject.clone(), sequence, bytes };
        let owns = &mut self.owns;
        self.outbox.message(&self.config, message, |dropped| owns.sent(&dropped.subject, dropped.sequence));
        Ok(sequence)
    }
}
