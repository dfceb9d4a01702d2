//! How a node stands: whether it may hand out and take, and what it has room for.

use super::asking::BREATH;
use super::state::{Command, Phase};
use crate::base::{CloseCode, Instant, Wall};
use crate::service::bus::broker::Out;
use crate::service::bus::{Action, Broker, Changed, CommandError, Letters, Name, Reason, Seq};
use alloc::vec::Vec;
use slotmap::DefaultKey;

impl<C: Ord + Copy> Broker<C> {
    /// Whether this broker hands out the messages of a service.
    pub(in crate::service::bus) fn is_claimed(&self, service: DefaultKey) -> bool {
        !self.is_node || self.queues.get(service).is_some_and(|queue| self.node.is_owned(&queue.name))
    }

    /// Whether nobody can have taken its place yet.
    pub(in crate::service::bus) fn is_in_force(&self) -> bool {
        !self.is_node || self.clock.last() < self.node.lease_until
    }

    /// Messages of a service that wait in the store, as far as is known.
    pub(in crate::service::bus) fn rest(&self, name: &Name) -> u64 {
        let claim = self.node.claims.get(name);
        claim.filter(|claim| claim.phase == Phase::Owned).map_or(0, |claim| claim.rest)
    }

    pub(in crate::service::bus) fn letters_known(&self) -> usize {
        if !self.is_node {
            return self.dead.len();
        }
        usize::try_from(self.node.standing.dead_letters).unwrap_or(usize::MAX)
    }

    /// Whether the store has not answered for so long that others are better off elsewhere.
    pub(super) fn is_out_of_reach(&self, now: Instant) -> bool {
        let node = &self.node;
        let over = node.lease_until + node.settings.grace;
        node.fence.is_some() && over <= now
    }

    /// Since when the store has not been reached, or not answered for too long.
    pub(in crate::service::bus) fn away_since(&self) -> Option<Wall> {
        let (node, now) = (&self.node, self.clock.last());
        let asked = node.asked.as_ref().map(|asked| asked.since).filter(|_| self.is_late(now));
        let ago = now - [node.away_since, asked].into_iter().flatten().min()?;
        let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
        Some(Wall::from_millis(self.wall.as_millis().saturating_sub(ago)))
    }

    fn is_late(&self, now: Instant) -> bool {
        let node = &self.node;
        let asked = node.asked.as_ref().map(|asked| asked.since);
        let since = [node.away_since, asked].into_iter().flatten().min();
        since.is_some_and(|since| since + node.settings.patience <= now)
    }

    /// Whether a message may go to the store.
    pub(in crate::service::bus) fn judge_as_node(
        &mut self,
        now: Instant,
        to: &Name,
        bytes: u64,
    ) -> Result<(), (Reason, &'static str)> {
        if self.is_late(now) {
            return Err((Reason::Store, "the store is not to be reached"));
        }
        let unstored = self.unstored.len();
        let node = &mut self.node;
        let settings = &node.settings;
        if unstored >= settings.max_unstored || node.unstored_bytes + bytes > settings.max_unstored_bytes {
            return Err((Reason::Full, "too much is on its way to the store"));
        }
        match node.full.get(to) {
            Some(until) if *until > now => Err((Reason::Full, "too much waits for the service")),
            Some(_) => {
                node.full.remove(to);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// A message is in memory no more.
    pub(in crate::service::bus) fn unload(&mut self, bytes: u64) {
        if self.is_node {
            self.node.loaded_bytes -= bytes;
        }
    }

    /// Has it said of a service whether there is enough of it in memory.
    pub(in crate::service::bus) fn weigh(&mut self, service: DefaultKey) {
        let now = self.clock.last();
        let node = &mut self.node;
        let Some(queue) = self.queues.get(service).filter(|queue| node.is_owned(&queue.name)) else { return };
        let (count, bytes) = (queue.pending, queue.pending_bytes as u64);
        let settings = &node.settings;
        if count >= settings.fill || bytes >= settings.fill_bytes {
            node.sated.insert(queue.name.clone());
        } else if count <= settings.fill / 2
            && bytes <= settings.fill_bytes / 2
            && node.sated.remove(&queue.name)
        {
            node.look_at = node.look_at.min((node.looked_at + BREATH).max(now));
        }
    }

    /// What was not handed out since the lease was over is.
    pub(super) fn wake_all(&mut self) {
        let all: Vec<DefaultKey> = self.queues.keys().collect();
        all.into_iter().for_each(|service| self.wake(service));
    }

    /// Acts on what is due of a node.
    pub(in crate::service::bus) fn handle_node_due(&mut self, now: Instant) {
        let node = &mut self.node;
        if node.drain_until <= now {
            node.drain_until = Instant::NEVER;
            return self.give_up_drain();
        }
        if node.grace_until <= now {
            node.grace_until = Instant::NEVER;
            for conn in self.peers.all() {
                if self.peers.get(conn).is_some_and(|peer| !peer.is_closing) {
                    let detail = "the store is not to be reached";
                    self.close_with(conn, CloseCode::TRY_AGAIN_LATER, Reason::Store, detail);
                }
            }
        }
    }

    /// It begins to end.
    pub(in crate::service::bus) fn drain_node(&mut self, now: Instant) {
        if !self.is_node {
            return;
        }
        let node = &mut self.node;
        node.drain_until = now + node.settings.drain_timeout;
        node.has_left = node.fence.is_none() && node.asked.is_none();
        let waiting: Vec<C> = node.waiting.keys().copied().collect();
        for conn in waiting {
            self.stop_waiting(conn);
            self.error(conn, Reason::Closing, "the bus is shutting down");
        }
        let commands = core::mem::take(&mut self.node.commands);
        commands.iter().for_each(|command| self.tell(command.ticket, Err(CommandError::Closing)));
    }

    /// The store does not answer, and there is no more time: what was taken is stored or is not, and nobody is told.
    fn give_up_drain(&mut self) {
        self.gather.give_up();
        for conn in self.peers.all() {
            self.answered_to(conn, u32::MAX);
        }
        (self.node.has_left, self.node.again) = (true, None);
    }

    pub(in crate::service::bus) fn has_left(&self) -> bool {
        self.has_failed || !self.is_node || self.node.has_left
    }

    /// Dead letters are to be sent again or thrown away: the store has them.
    pub(in crate::service::bus) fn command(
        &mut self,
        now: Instant,
        wall: Wall,
        letters: &Letters,
        ticket: u64,
        is_requeue: bool,
    ) {
        let now = self.begin(now, wall);
        let is_late = self.is_late(now);
        let node = &mut self.node;
        let refused = if self.is_draining {
            Some(CommandError::Closing)
        } else if self.has_failed
            || is_late
            || node.fence.is_none()
            || node.commands.len() >= node.settings.max_commands
        {
            Some(CommandError::Store)
        } else {
            None
        };
        if let Some(error) = refused {
            return self.tell(ticket, Err(error));
        }
        let (after, changed, letters) = (Seq(0), Changed::default(), letters.clone());
        node.commands.push_back(Command { ticket, letters, is_requeue, after, changed });
    }

    /// Some of them are.
    pub(super) fn changed(&mut self, letters: u64, full: u64, next: Option<Seq>) {
        // A drain may have refused it meanwhile.
        let Some(mut command) = self.node.commands.pop_front() else { return };
        command.changed.letters += letters;
        command.changed.full += full;
        if let Some(next) = next {
            command.after = next;
            self.node.commands.push_front(command);
            return;
        }
        let Command { ticket, letters, changed, .. } = command;
        let is_unknown = letters != Letters::All && changed == Changed::default();
        self.tell(ticket, if is_unknown { Err(CommandError::Unknown) } else { Ok(changed) });
    }

    pub(super) fn tell(&mut self, ticket: u64, outcome: Result<Changed, CommandError>) {
        self.out.push_back(Out::Action(Action::Told { ticket, outcome }));
    }
}
