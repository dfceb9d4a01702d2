//! What others say.

use super::alarms::Alarm;
use super::events::Events;
use super::peers::{State, Unmet};
use super::roll::{Change, Room};
use super::stream::{Stream, Taken, Told};
use super::wire::{Frame, MESSAGE_OVERHEAD, Malformed, Page, Part, Step, decode};
use super::{Event, Mesh, NodeId, Subject};
use crate::base::Instant;
use bytes::Bytes;

impl Mesh {
    /// Bytes came on a subject. Whatever is not a frame of another node that makes sense here is counted, and changes nothing.
    pub fn handle_delivered(&mut self, now: Instant, subject: &str, bytes: &Bytes) {
        let now = self.clock.advance(now);
        if self.is_closed {
            return;
        }
        if self.events.len() >= self.config.max_events {
            self.stats.unread += 1;
            return;
        }
        let (origin, frame) = match decode(bytes) {
            Ok(read) => read,
            Err(Malformed::Version) => {
                self.stats.other_versions += 1;
                return;
            }
            Err(Malformed::Other) => {
                self.stats.malformed += 1;
                return;
            }
        };
        if origin == self.node {
            self.stats.own += 1;
            return;
        }
        let is_for_nodes = matches!(frame, Frame::Page(_) | Frame::Goodbye);
        let place = if is_for_nodes { Some(Subject::nodes()) } else { self.owns.heard(subject) };
        let Some(place) = place.filter(|place| place.as_str() == subject) else {
            self.stats.misplaced += 1;
            return;
        };
        if matches!(frame, Frame::Message { .. }) && bytes.len() - MESSAGE_OVERHEAD > self.config.max_payload
        {
            self.stats.too_big += 1;
            return;
        }
        if self.is_met(now, origin) {
            self.hear(now, origin, &place, frame);
        }
    }

    /// Whether a node is there, which is met if it was not.
    fn is_met(&mut self, now: Instant, origin: NodeId) -> bool {
        match self.peers.meet(&self.config, now, origin) {
            Ok(false) => {}
            Ok(true) => {
                self.stats.met += 1;
                self.events.push(Event::Met(origin));
                let silent_at = now + self.config.lost_after;
                self.watch_at = Some(self.watch_at.map_or(silent_at, |at| at.min(silent_at)));
            }
            Err(Unmet::Gone) => {
                self.stats.late += 1;
                return false;
            }
            Err(Unmet::Full) => {
                self.stats.nodes_refused += 1;
                return false;
            }
        }
        true
    }

    fn hear(&mut self, now: Instant, origin: NodeId, subject: &Subject, frame: Frame<'_>) {
        match frame {
            Frame::Message { sequence, payload } => {
                self.hear_message(now, origin, subject, sequence, payload)
            }
            Frame::Step(step) => self.hear_step(now, origin, subject, &step),
            Frame::Roll(part) => self.hear_part(now, origin, subject, &part),
            Frame::Ask(nodes) => self.hear_ask(now, subject, &nodes),
            Frame::Page(page) => self.hear_page(now, origin, &page),
            Frame::Goodbye => self.part(now, origin, State::Gone),
        }
    }

    fn hear_message(
        &mut self,
        now: Instant,
        origin: NodeId,
        subject: &Subject,
        sequence: u64,
        payload: Bytes,
    ) {
        let (config, events) = (&self.config, &mut self.events);
        let taken = self.peers.hear(now, origin, subject, |heard, counts| {
            let room = config.max_early_bytes.saturating_sub(counts.early_bytes);
            heard.stream.take(config, now, (sequence, payload), room, &mut tell(events, subject, origin))
        });
        match taken {
            Some(Taken::Duplicate) => self.stats.duplicates += 1,
            Some(Taken::Leap) => self.stats.leaps += 1,
            Some(Taken::Hurried) => self.stats.hurried += 1,
            Some(Taken::Told | Taken::Early) | None => {}
        }
        self.watch_hole(origin, subject);
    }

    fn hear_step(&mut self, now: Instant, origin: NodeId, subject: &Subject, step: &Step<'_>) {
        self.hear_last(now, origin, subject, step.last);
        let (config, events) = (&self.config, &mut self.events);
        let room = self.peers.hear(now, origin, subject, |heard, counts| {
            let mut room = room(config.max_remote_members, counts.members);
            heard.roll.step(config, step, &mut room, &mut change(events, subject, origin));
            room
        });
        self.count(room);
        self.need(now, origin, subject);
    }

    fn hear_part(&mut self, now: Instant, origin: NodeId, subject: &Subject, part: &Part<'_>) {
        self.hear_last(now, origin, subject, part.last);
        let (config, events) = (&self.config, &mut self.events);
        let taken = self.peers.hear(now, origin, subject, |heard, counts| {
            let mut room = room(config.max_remote_members, counts.members);
            let is_whole = heard.roll.part(config, part, &mut room, &mut change(events, subject, origin));
            (room, is_whole)
        });
        self.stats.rolls_taken += u64::from(taken.as_ref().is_some_and(|(_, is_whole)| *is_whole));
        self.count(taken.map(|(room, _)| room));
    }

    fn hear_page(&mut self, now: Instant, origin: NodeId, page: &Page<'_>) {
        for subject in self.peers.subjects(origin, page.after, page.upto) {
            if page.entries.binary_search_by(|entry| entry.subject.cmp(subject.as_str())).is_err() {
                self.hear_nothing(now, origin, &subject, page.clock);
            }
        }
        for entry in &page.entries {
            let Some(subject) = self.owns.heard(entry.subject) else { continue };
            self.hear_last(now, origin, &subject, entry.last);
            let (config, events) = (&self.config, &mut self.events);
            let is_disproved = self.peers.hear(now, origin, &subject, |heard, counts| {
                let room = config.max_remote_members.saturating_sub(counts.members);
                // Nobody was in it when the page was made.
                let said = if entry.members == 0 { (page.clock, 0) } else { (entry.version, entry.members) };
                heard.roll.said(config, now, said, room, &mut change(events, &subject, origin))
            });
            self.stats.disproved += u64::from(is_disproved == Some(true));
            self.need(now, origin, &subject);
        }
        if page.greets {
            self.beat_soon(now);
        }
    }

    /// A node has nothing to say about a subject. If it has not for long, it has forgotten the subject, and its numbers go on elsewhere.
    fn hear_nothing(&mut self, now: Instant, origin: NodeId, subject: &Subject, clock: u64) {
        let Some(at) = self.peers.heard(origin, subject).map(|heard| heard.at) else { return };
        let (config, events) = (&self.config, &mut self.events);
        let is_disproved = self.peers.hear(now, origin, subject, |heard, _| {
            // Nothing was said about it that it would be kept for.
            heard.at = at;
            if now - at >= config.lost_after {
                heard.stream.give_up_all(&mut tell(events, subject, origin));
                heard.stream = Stream::new();
            }
            heard.roll.said_nothing(config, now, clock, &mut change(events, subject, origin))
        });
        self.stats.disproved += u64::from(is_disproved == Some(true));
        self.watch_hole(origin, subject);
    }

    /// A node says what it has published last on a subject.
    fn hear_last(&mut self, now: Instant, origin: NodeId, subject: &Subject, last: u64) {
        let (config, events) = (&self.config, &mut self.events);
        let is_disproved = self.peers.hear(now, origin, subject, |heard, _| {
            heard.stream.said(config, now, last, &mut tell(events, subject, origin))
        });
        self.stats.disproved += u64::from(is_disproved == Some(true));
        self.watch_hole(origin, subject);
    }

    /// Gives up what a node's messages on a subject have waited for too long.
    pub(super) fn give_up(&mut self, now: Instant, origin: NodeId, subject: &Subject) {
        let Some(at) = self.peers.heard(origin, subject).map(|heard| heard.at) else { return };
        let (config, events) = (&self.config, &mut self.events);
        self.peers.hear(now, origin, subject, |heard, _| {
            heard.at = at;
            heard.stream.give_up(config, now, &mut tell(events, subject, origin));
        });
        self.watch_hole(origin, subject);
    }

    fn watch_hole(&mut self, origin: NodeId, subject: &Subject) {
        let deadline =
            self.peers.heard(origin, subject).and_then(|heard| heard.stream.deadline(&self.config));
        let alarm = Alarm::Hole(origin, subject.clone());
        match deadline {
            Some(at) => self.alarms.set(alarm, at),
            None => self.alarms.clear(&alarm),
        }
    }

    /// A live node is lost, or said goodbye.
    pub(super) fn part(&mut self, now: Instant, origin: NodeId, state: State) {
        let (events, is_gone) = (&mut self.events, state == State::Gone);
        for subject in self.peers.subjects(origin, "", "") {
            let Some(at) = self.peers.heard(origin, &subject).map(|heard| heard.at) else { continue };
            self.peers.hear(now, origin, &subject, |heard, _| {
                heard.at = at;
                if is_gone {
                    heard.stream.give_up_all(&mut tell(events, &subject, origin));
                }
                heard.roll.clear(&mut change(events, &subject, origin));
            });
            if is_gone {
                self.alarms.clear(&Alarm::Hole(origin, subject));
            }
        }
        self.peers.part(&self.config, now, origin, state);
        self.stats.lost += 1;
        self.events.push(Event::Lost(origin));
    }

    /// A subject is heard no more.
    pub(super) fn unhear(&mut self, subject: &Subject) {
        for origin in self.peers.unhear(subject) {
            self.alarms.clear(&Alarm::Hole(origin, subject.clone()));
        }
        self.alarms.clear(&Alarm::Ask(subject.clone()));
        self.alarms.clear(&Alarm::Roll(subject.clone()));
    }

    fn count(&mut self, room: Option<Room>) {
        let Some(room) = room else { return };
        self.stats.members_refused += room.refused;
        self.stats.too_big += room.too_big;
    }
}

fn room(limit: usize, members: usize) -> Room {
    Room { members: limit.saturating_sub(members), ..Room::default() }
}

fn tell<'e>(events: &'e mut Events, subject: &'e Subject, origin: NodeId) -> impl FnMut(Told) + 'e {
    move |told| match told {
        Told::Deliver(sequence, payload) => events.deliver(subject, origin, sequence, payload),
        Told::Gap(first, last) => events.gap(subject, origin, first, last),
    }
}

fn change<'e>(events: &'e mut Events, subject: &'e Subject, node: NodeId) -> impl FnMut(Change) + 'e {
    move |change| {
        let subject = subject.clone();
        events.push(match change {
            Change::Found(member, about) => Event::Found { subject, node, member, about },
            Change::Entered(member, about) => Event::Entered { subject, node, member, about },
            Change::Changed(member, about) => Event::Changed { subject, node, member, about },
            Change::Left(member) => Event::Left { subject, node, member },
        });
    }
}
