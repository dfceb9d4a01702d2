//! What comes of an ask.

use super::asking::BREATH;
use super::state::{Asked, Claim, Phase, Purpose};
use super::{
    DeathNotice, Fence, MAX_NOTICES, NodeAnswer, NodeAsk, NodeLimits, NodeRequest, NodeRoom, Standing,
};
use crate::base::{CloseCode, Instant, Wall};
use crate::service::bus::broker::After;
use crate::service::bus::dedupe::Dedupe;
use crate::service::bus::delivery::is_contradiction;
use crate::service::bus::gather::Gather;
use crate::service::bus::held::{Held, Place};
use crate::service::bus::{
    Accepted, Batch, Broker, BusEvent, Change, CommandError, End, FromBus, Name, Progress, Reason, Seq,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;
use slotmap::DefaultKey;

impl<C: Ord + Copy> Broker<C> {
    /// What came of the [ask](crate::service::bus::Action::Ask) under way. Ignored if there is none.
    pub fn answered(&mut self, now: Instant, wall: Wall, answer: NodeAnswer) {
        let now = self.begin(now, wall);
        let Some(asked) = self.node.asked.take() else { return };
        match answer {
            NodeAnswer::Crowded => return self.not_let_in(now, asked),
            NodeAnswer::Away => return self.not_taken(now, asked),
            NodeAnswer::Fenced => return self.fenced(now),
            _ => {}
        }
        let node = &mut self.node;
        let was_over = node.lease_until <= now;
        if was_over {
            // So may others have been that are right behind, and whom a trim would fence.
            node.trim_at = node.trim_at.max(now + node.settings.trim);
        }
        node.lease_until = asked.since + node.settings.lease;
        node.grace_until = node.lease_until + node.settings.grace;
        node.away_since = None;
        if core::mem::take(&mut node.is_told_away) {
            self.out_event(BusEvent::Away { is_away: false });
        }
        let is_woken = asked.is_woken;
        self.take_answer(now, asked, answer);
        if was_over {
            self.wake_all();
        }
        if is_woken {
            self.node.wake(now);
        }
    }

    fn take_answer(&mut self, now: Instant, asked: Asked, answer: NodeAnswer) {
        let NodeAsk { fence, request, .. } = asked.ask;
        match (asked.purpose, request, answer) {
            (Purpose::Join, _, NodeAnswer::Joined { fence, floor }) => self.joined(now, fence, floor),
            (Purpose::Commit, _, NodeAnswer::Committed { left }) => self.carried_out(&left),
            (_, NodeRequest::Commit { batch, room, limits }, NodeAnswer::Full { seqs }) => {
                self.refused(now, batch, room, limits, &seqs);
            }
            (Purpose::Claim(services), _, NodeAnswer::Claimed { floor, outcomes }) => {
                self.rise_to(fence, floor);
                for ((name, since), outcome) in services.into_iter().zip(outcomes) {
                    self.claim_came_to(now, &name, since, outcome);
                }
            }
            (Purpose::Recall(name), _, NodeAnswer::Recalled { records, is_all }) => {
                self.recalled(now, &name, records, is_all);
            }
            (Purpose::Recall(name), _, NodeAnswer::Damaged { what }) => self.refuse_damaged(&name, what),
            (Purpose::Release(names), _, _) => names.iter().for_each(|name| self.released(now, name)),
            (Purpose::Look, _, NodeAnswer::Looked { messages, damaged, next, wanted, notices, standing }) => {
                self.looked(now, messages, next, wanted, notices, standing);
                damaged.into_iter().for_each(|(name, what)| self.refuse_damaged(&name, what));
            }
            (Purpose::Command, _, NodeAnswer::Changed { letters, full, next }) => {
                self.changed(letters, full, next);
            }
            (Purpose::Trim, _, NodeAnswer::Trimmed { forgotten }) => {
                self.dedupe.forgotten += forgotten;
                let settings = &self.node.settings;
                self.node.trim_at = now + if forgotten > 0 { settings.poll } else { settings.trim };
            }
            (Purpose::Leave, _, _) => {
                // What comes from here on is not written down: it is the next node's.
                self.gather.give_up();
                self.node.has_left = true;
            }
            // No store answers so; what was asked stays to be asked.
            _ => {}
        }
    }

    /// There is no place for one more node; there may be one later.
    fn not_let_in(&mut self, now: Instant, asked: Asked) {
        self.out_event(BusEvent::Crowded);
        self.node.again = Some((now + self.node.settings.poll, asked.ask, asked.purpose));
    }

    /// The store did not take it: it is asked again, but for what somebody waits for by hand.
    fn not_taken(&mut self, now: Instant, asked: Asked) {
        if !core::mem::replace(&mut self.node.is_told_away, true) {
            self.out_event(BusEvent::Away { is_away: true });
        }
        let node = &mut self.node;
        node.away_since.get_or_insert(asked.since);
        if asked.purpose == Purpose::Command {
            // The next ask has its number. There is no command where a drain has refused it meanwhile.
            node.number = asked.ask.number;
            let command = node.commands.pop_front();
            return command
                .into_iter()
                .for_each(|command| self.tell(command.ticket, Err(CommandError::Store)));
        }
        if let Purpose::Claim(services) = asked.purpose {
            node.number = asked.ask.number;
            return services.iter().for_each(|(name, _)| self.ask_again(now, name));
        }
        if asked.purpose == Purpose::Trim {
            // One that takes longer than the store lets it must not keep all others from being asked.
            (node.number, node.trim_at) = (asked.ask.number, now + node.settings.trim);
            return;
        }
        let mut ask = asked.ask;
        if let NodeRequest::Look { kept, .. } = &mut ask.request {
            let later = now - asked.since + node.settings.retry;
            kept.iter_mut().for_each(|(_, age)| *age += later);
        }
        node.again = Some((now + node.settings.retry, ask, asked.purpose));
    }

    /// Another one is in its place: all that is not stored is given up without an answer, and it begins anew.
    fn fenced(&mut self, now: Instant) {
        self.out_event(BusEvent::Fenced);
        self.node.claims.clear();
        self.node.kept.clear();
        for conn in self.peers.all() {
            if self.peers.get(conn).is_some_and(|peer| !peer.is_closing) {
                let detail = "another node has taken this one's place";
                self.close_with(conn, CloseCode::SERVICE_RESTART, Reason::Closing, detail);
            }
        }
        self.forget_all();
        for command in core::mem::take(&mut self.node.commands) {
            self.tell(command.ticket, Err(CommandError::Store));
        }
        let node = &mut self.node;
        (node.fence, node.lease_until, node.grace_until) = (None, Instant::ORIGIN, Instant::NEVER);
        (node.look_at, node.after) = (now, None);
        node.has_left = self.is_draining;
    }

    fn forget_all(&mut self) {
        (self.queues, self.by_name) = (slotmap::SlotMap::new(), Default::default());
        self.held.clear();
        self.unstored.clear();
        self.due.clear();
        self.marks.clear();
        self.line.clear();
        self.gather = Gather::new();
        let forgotten = self.dedupe.forgotten;
        self.dedupe = Dedupe::default();
        self.dedupe.forgotten = forgotten;
        self.unacknowledged = 0;
        let node = &mut self.node;
        node.agenda.clear();
        node.loading.clear();
        node.leaving.clear();
        node.sated.clear();
        node.full.clear();
        (node.unstored_bytes, node.loaded_bytes) = (0, 0);
    }

    fn joined(&mut self, now: Instant, fence: Fence, floor: Seq) {
        let node = &mut self.node;
        node.fence = Some(fence);
        (node.look_at, node.trim_at) = (now + node.settings.poll, now + node.settings.trim);
        self.rise_to(fence, floor);
        self.out_event(BusEvent::Joined { slot: fence.slot });
    }

    /// All places that it names from here on are greater: a sender that comes from another node goes on in its order.
    fn rise_to(&mut self, fence: Fence, floor: Seq) {
        self.next = Seq(self.next.0 - 1).max(floor).next_of(fence.slot);
    }

    fn looked(
        &mut self,
        now: Instant,
        messages: Vec<(Accepted, Progress)>,
        next: Option<Name>,
        wanted: Vec<(Name, Duration)>,
        notices: Vec<DeathNotice>,
        standing: Standing,
    ) {
        let node = &mut self.node;
        let wait = if next.is_some() || !notices.is_empty() {
            Duration::ZERO
        } else if wanted.len() >= MAX_NOTICES {
            // There may be more, and nobody calls again for those: they come once some of these are given up.
            BREATH
        } else {
            node.settings.poll
        };
        (node.look_at, node.after, node.standing) = (now + wait, next, standing);
        for (accepted, progress) in messages {
            self.load(now, accepted, progress);
        }
        for DeathNotice { from, id, reason } in notices {
            if let Some(conn) = self.conn_of(&from) {
                self.say(conn, &FromBus::Dead { message_id: id, reason });
            }
        }
        for (name, _) in wanted {
            if let Some(conn) = self.conn_of(&name) {
                self.turn_out(conn, Reason::Replaced, "another connection has registered the id");
            }
        }
    }

    /// A message comes out of the store.
    fn load(&mut self, now: Instant, accepted: Accepted, mut progress: Progress) {
        let Some((service, claim)) = self.owned(&accepted.to) else { return };
        claim.rest = claim.rest.saturating_sub(1);
        if is_contradiction(&progress) {
            progress = Progress::default();
        }
        let (seq, is_out, deliveries) = (accepted.seq, progress.is_out, progress.deliveries);
        let held = Held { accepted, progress, place: Place::Waiting, service, mark: None };
        let queue = &mut self.queues[service];
        queue.pending += 1;
        queue.pending_bytes += held.bytes();
        if deliveries == 0 {
            queue.waiting.push_back(seq);
        } else {
            queue.hold(&held.accepted.id, &held.accepted.from, seq);
        }
        self.node.loaded_bytes += held.bytes() as u64;
        self.held.insert(seq, Box::new(held));
        self.weigh(service);
        match deliveries {
            0 => self.wake(service),
            _ if is_out => self.end(now, seq, &End::Lost),
            _ => self.again(seq),
        }
    }

    fn owned(&mut self, name: &Name) -> Option<(DefaultKey, &mut Claim<C>)> {
        let claim = self.node.claims.get_mut(name).filter(|claim| claim.phase == Phase::Owned)?;
        Some((*self.by_name.get(name)?, claim))
    }

    /// There is no room for these: they are rejected, nothing remembers them, and the rest is asked for again.
    fn refused(&mut self, now: Instant, batch: Batch, room: NodeRoom, limits: NodeLimits, seqs: &[Seq]) {
        let mut changes = [batch.into_changes()];
        let is_refused = |seq: &Seq| seqs.binary_search(seq).is_ok();
        for seq in seqs {
            let Some(held) = self.held.get(seq) else { continue };
            let Accepted { from, id, to, .. } = held.accepted.clone();
            let lists = changes.iter_mut().chain(self.gather.behind());
            self.dedupe.take_back((&from, &id), *seq, lists);
            if self.node.full.len() < self.config.max_services {
                self.node.full.insert(to, now + BREATH * 20);
            }
            self.reject(*seq, Reason::Full, "too much waits for the service, or there are too many");
        }
        self.gather.retain(|after| !matches!(after, After::Accept(seq) if is_refused(seq)));
        let [mut changes] = changes;
        changes.retain(|change| !matches!(change, Change::Accept(accepted) if is_refused(&accepted.seq)));
        if changes.is_empty() {
            return self.carried_out(&[]);
        }
        let node = &mut self.node;
        let request = NodeRequest::Commit { batch: Batch::new(changes), room, limits };
        let ask = NodeAsk::new(node.fence.unwrap_or_default(), node.number, node.settings.lease, request);
        node.number += 1;
        node.again = Some((now, ask, Purpose::Commit));
    }
}
