//! Registrations that wait for their service's claim, and claims that are given up.

use super::asking::BREATH;
use super::state::{Claim, Phase, Waiting};
use crate::base::{CloseCode, Instant};
use crate::service::bus::broker::Out;
use crate::service::bus::{Action, Broker, Name, Reason, Record};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use slotmap::DefaultKey;

/// What whoever is replaced is told.
pub(super) const REPLACED: &str = "another connection has registered the id";

impl<C: Ord + Copy> Broker<C> {
    /// The connection is to be the service's once that is claimed.
    pub(in crate::service::bus) fn wait_for_claim(&mut self, now: Instant, conn: C, name: Name) {
        if self.is_out_of_reach(now) {
            self.close_with(
                conn,
                CloseCode::TRY_AGAIN_LATER,
                Reason::Store,
                "the store is not to be reached",
            );
            return;
        }
        let waiting = self.node.waiting_for(&name);
        if let Some(other) = self.conn_of(&name).or(waiting) {
            self.turn_out(other, Reason::Replaced, REPLACED);
        }
        let max = self.config.max_services;
        let node = &mut self.node;
        let is_full = !node.claims.contains_key(&name) && node.claims.len() >= max;
        if is_full || node.waiting.len() >= node.settings.max_waiting {
            self.error(conn, Reason::Full, "there are too many services");
            return;
        }
        node.waiting.insert(conn, Waiting { name: name.clone(), frames: VecDeque::new(), is_held: false });
        let until = now + node.settings.claim_wait;
        // What was read before an end of stream, by a bus that stood still, is nobody's registration: the end is there by then.
        let at = now + BREATH;
        if let Some(claim) = node.claims.get_mut(&name) {
            // Nobody has been told of this one yet.
            (claim.conn, claim.since, claim.tries) = (Some(conn), now, 0);
            node.schedule(&name, at);
        } else {
            let phase = Phase::Absent { at };
            node.claims.insert(
                name.clone(),
                Claim { conn: Some(conn), since: now, given: now, phase, tries: 0, rest: 0 },
            );
            node.agenda.insert((at, name));
        }
        self.peers.wait(now, conn, until);
    }

    /// Whether a frame has to wait, since its connection does.
    pub(in crate::service::bus) fn is_held(&mut self, conn: C, frame: &str) -> bool {
        let most = 2 * self.config.max_message;
        let node = &mut self.node;
        let Some(waiting) = node.waiting.get_mut(&conn) else { return false };
        let bytes = waiting.frames.iter().map(String::len).sum::<usize>() + frame.len();
        let (all, settings) = (node.held_bytes + frame.len(), &node.settings);
        let is_too_much = bytes > most || all > 2 * settings.max_held_bytes;
        if waiting.frames.len() >= settings.max_held_frames || is_too_much {
            self.turn_out(conn, Reason::Full, "too much came before the registration was answered");
            return true;
        }
        waiting.frames.push_back(frame.into());
        node.held_bytes = all;
        // One that says nothing meanwhile is read on, or its end would be seen by nobody.
        let is_much = 2 * bytes >= most || all >= settings.max_held_bytes;
        let is_much = is_much || 2 * waiting.frames.len() >= settings.max_held_frames;
        if is_much && !core::mem::replace(&mut waiting.is_held, true) {
            self.hold(conn);
        }
        true
    }

    pub(in crate::service::bus) fn is_waiting(&self, conn: C) -> bool {
        self.node.waiting.contains_key(&conn)
    }

    /// A connection has waited too long; but what is claimed is read to its end, however much it is, or nobody would ever have it.
    pub(in crate::service::bus) fn send_on(&mut self, now: Instant, conn: C) {
        let node = &self.node;
        let claim = node.waiting.get(&conn).and_then(|waiting| node.claims.get(&waiting.name));
        let is_loading = claim.is_some_and(|claim| claim.phase == Phase::Loading);
        if is_loading && !self.is_out_of_reach(now) {
            return self.peers.wait(now, conn, now + node.settings.claim_wait);
        }
        let detail = "the service could not be taken over in time";
        self.close_with(conn, CloseCode::TRY_AGAIN_LATER, Reason::Store, detail);
    }

    /// The connection waits no more, and its service is not claimed for it.
    pub(in crate::service::bus) fn stop_waiting(&mut self, conn: C) {
        let node = &mut self.node;
        let Some(Waiting { name, is_held, .. }) = node.stop_waiting(conn) else { return };
        if let Some(claim) = node.claims.get_mut(&name).filter(|claim| claim.conn == Some(conn)) {
            claim.conn = None;
            let is_asked = node.asked.as_ref().is_some_and(|asked| asked.is_for_claim(&name));
            if matches!(claim.phase, Phase::Absent { .. }) && !is_asked {
                self.abandon(&name);
            }
        }
        self.let_go(conn, is_held);
    }

    /// A claim that is not had or not used is given up: the store may have it, or know that it is wanted.
    pub(super) fn abandon(&mut self, name: &Name) {
        // Something of the sender may have been forgotten by now, which only who has the claim can write.
        let last = self.last_batch_of(name);
        let node = &mut self.node;
        node.enter(name, Phase::Leaving);
        node.loading.retain(|(other, _)| other != name);
        node.leaving.push_back((last, name.clone()));
        node.sated.insert(name.clone());
        self.dedupe.unload(name);
    }

    /// The claim is had, and with it some of what is remembered.
    pub(super) fn claimed(
        &mut self,
        now: Instant,
        (name, since): (&Name, Instant),
        pending: u64,
        records: Vec<Record>,
        is_all: bool,
    ) {
        let claim = self.node.enter(name, Phase::Loading).into_iter();
        claim.for_each(|claim| (claim.rest, claim.given) = (pending, since));
        self.recalled(now, name, records, is_all);
    }

    /// More of what is remembered of a sender; once it is all, the service is ours.
    pub(super) fn recalled(&mut self, now: Instant, name: &Name, records: Vec<Record>, is_all: bool) {
        let last = records.iter().rev().find_map(|record| match record {
            Record::Id { id, .. } => Some(id.clone()),
            _ => None,
        });
        self.node.loading.retain(|(other, _)| other != name);
        let Some(conn) = self.node.waiting_for(name) else { return self.abandon(name) };
        if !self.remember(records) {
            let what = "two of the ids or numbers that are remembered contradict";
            return self.refuse_damaged(name, what.into());
        }
        while self.dedupe.size() > self.config.max_dedupe {
            self.forget_some(now);
        }
        match last.filter(|_| !is_all) {
            Some(after) => {
                self.node.loading.push_back((name.clone(), after));
                // What the store took for ours would be nowhere.
                self.node.sated.insert(name.clone());
            }
            None => self.own(now, name, conn),
        }
    }

    /// What is remembered of a sender goes to where a broker has it.
    fn remember(&mut self, records: Vec<Record>) -> bool {
        records.into_iter().all(|record| match record {
            Record::Id { from, id, seq } => self.dedupe.restore_id(&from, &id, seq).is_ok(),
            Record::Numbers(numbers) => self.dedupe.restore_numbers(&numbers).is_ok(),
            _ => false,
        })
    }

    fn own(&mut self, now: Instant, name: &Name, conn: C) {
        let queue = self.queue_for(name);
        let node = &mut self.node;
        let waiting = node.stop_waiting(conn);
        let (frames, is_held) = waiting.map(|waiting| (waiting.frames, waiting.is_held)).unwrap_or_default();
        node.sated.remove(name);
        node.look_at = now;
        let is_younger = node.enter(name, Phase::Owned).is_some_and(|claim| {
            claim.conn = None;
            claim.since != claim.given
        });
        if is_younger {
            // The store takes the claim for that of an older one, and who registered elsewhere meanwhile for younger.
            node.kept.insert(name.clone());
        }
        self.let_go(conn, is_held);
        let Some(service) = queue else {
            self.abandon(name);
            self.error(conn, Reason::Full, "there are too many services");
            return;
        };
        self.tell_registered(conn, service);
        self.attach(now, conn, service);
        frames.iter().for_each(|frame| self.read(now, conn, frame));
    }

    /// The service has no connection here any more: its claim is given up, once what is known of it is stored.
    pub(in crate::service::bus) fn give_up_claim(&mut self, name: &Name, service: DefaultKey) {
        if !self.node.is_owned(name) {
            return;
        }
        let last = self.last_batch_of(name);
        let node = &mut self.node;
        node.enter(name, Phase::Leaving);
        node.leaving.push_back((last, name.clone()));
        node.sated.insert(name.clone());
        let stored = self.queues.get(service).map(|queue| queue.stored()).unwrap_or_default();
        for seq in stored {
            self.leave(seq);
            self.remove(seq);
        }
        self.dedupe.unload(name);
    }

    /// The batch that has the last of what is known of a service. It is put out soon, and not at once: others may leave as well.
    fn last_batch_of(&mut self, name: &Name) -> u64 {
        let soon = self.clock.last() + BREATH;
        let dirty = self.gather.dirty.iter().filter(|(from, _)| from == name).cloned();
        for key in dirty.collect::<Vec<_>>() {
            self.gather.dirty.remove(&key);
            let written = self.dedupe.written(&key.0, &key.1);
            written.into_iter().for_each(|change| self.gather.push(change, soon));
        }
        self.gather.hurry(soon);
        self.gather.last()
    }

    /// The claim is given up.
    pub(super) fn released(&mut self, now: Instant, name: &Name) {
        let node = &mut self.node;
        node.sated.remove(name);
        if node.waiting_for(name).is_none() {
            node.claims.remove(name);
        }
        let claim = node.enter(name, Phase::Absent { at: now }).into_iter();
        claim.for_each(|claim| (claim.tries, claim.rest) = (0, 0));
    }

    fn hold(&mut self, conn: C) {
        self.out.push_back(Out::Action(Action::Hold { conn, holds: true }));
    }

    fn let_go(&mut self, conn: C, is_held: bool) {
        if is_held {
            self.out.push_back(Out::Action(Action::Hold { conn, holds: false }));
        }
    }
}
