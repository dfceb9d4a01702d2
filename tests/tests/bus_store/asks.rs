//! What a node may ask, or may not.

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wharf::base::Wall;
use wharf::service::bus::{
    Accepted, Batch, BusConfig, Change, ClaimOutcome, DeadReason, Death, End, Ended, Fence, Letters, Name,
    NodeAnswer, NodeLimits, NodeRequest, NodeRoom, Numbers, Progress, Seq,
};
use wharf::sim::Dice;

/// What a node has been answered.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) fence: Option<Fence>,
    pub(crate) claims: BTreeSet<Name>,
    /// Messages that it has taken, and whose they are.
    taken: BTreeMap<Seq, Name>,
}

/// What all together have done.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// The greatest place.
    last: u64,
    /// Ids that may be remembered.
    ids: BTreeSet<(Name, Name)>,
    numbers: BTreeSet<(Name, Name)>,
}

const SERVICES: usize = 10;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn service(dice: &mut Dice<'_>) -> Name {
    // One is the beginning of another, and they are in another order in most languages.
    name(["a", "B", "b", "ab", "a-b", "a.b", "Z", "z", "_", "0"][dice.below(SERVICES)])
}

pub(crate) fn limits(max_pending: usize, max_services: usize) -> NodeLimits {
    let mut config = BusConfig::default();
    (config.max_pending, config.max_services) = (max_pending, max_services);
    (config.max_pending_bytes, config.max_dead, config.max_dead_bytes) = (3000, 6, 1500);
    NodeLimits::of(&config)
}

fn few(dice: &mut Dice<'_>) -> NodeLimits {
    limits(dice.between(3, 12), dice.between(7, 12))
}

fn room(dice: &mut Dice<'_>) -> NodeRoom {
    let except: BTreeSet<Name> = (0..dice.below(3)).map(|_| service(dice)).collect();
    let (rows, each) = (dice.below(9) as u32, dice.below(6) as u32);
    NodeRoom::new(rows, dice.below(2000) as u64, each, except.into_iter().collect())
}

fn letters(dice: &mut Dice<'_>) -> Letters {
    match dice.below(4) {
        0 => Letters::Id(name(&format!("m-{}", dice.below(20)))),
        1 => Letters::Of { from: service(dice), id: name(&format!("m-{}", dice.below(20))) },
        _ => Letters::All,
    }
}

impl World {
    /// A place that nobody had, of this node's.
    fn place(&mut self, fence: Fence) -> Seq {
        let seq = Seq(self.last).next_of(fence.slot);
        self.last = seq.0;
        seq
    }

    pub(crate) fn request(&mut self, known: &Known, dice: &mut Dice<'_>) -> NodeRequest {
        let Some(fence) = known.fence else { return NodeRequest::Join };
        match dice.below(100) {
            0..35 => {
                let batch = self.batch(known, fence, dice);
                NodeRequest::Commit { batch, room: room(dice), limits: few(dice) }
            }
            35..55 => {
                // So far apart that it does not matter how long a game takes.
                let all: BTreeMap<Name, Duration> = (0..dice.between(1, 4))
                    .map(|_| (service(dice), Duration::from_secs(1000 * dice.below(3) as u64)))
                    .collect();
                let mut services: Vec<_> = all.into_iter().collect();
                if dice.percent(50) {
                    services.reverse();
                }
                NodeRequest::Claim { services, rows: dice.below(4) as u32, limits: few(dice) }
            }
            55..58 => {
                let after = name(&format!("m-{}", dice.below(20)));
                NodeRequest::Recall { name: service(dice), after, rows: dice.below(4) as u32 }
            }
            58..66 => NodeRequest::Release { names: (0..dice.below(4)).map(|_| service(dice)).collect() },
            66..88 => {
                let after = dice.percent(50).then(|| service(dice));
                let kept = dice.percent(10).then(|| (service(dice), Duration::from_secs(500)));
                NodeRequest::Look { room: room(dice), after, kept: kept.into_iter().collect() }
            }
            88..92 => {
                let rows = dice.below(5) as u32;
                let (letters, after) = (letters(dice), Seq(dice.below(self.last as usize + 1) as u64 / 2));
                NodeRequest::Requeue { letters, after, rows, limits: few(dice) }
            }
            92..95 => {
                let after = Seq(dice.below(self.last as usize + 1) as u64 / 2);
                NodeRequest::Purge { letters: letters(dice), after, rows: dice.below(5) as u32 }
            }
            95..98 => NodeRequest::Trim { max: dice.below(30) as u64, rows: dice.below(9) as u32 },
            _ => NodeRequest::Leave,
        }
    }

    /// Now and then with a change that does not fit.
    fn batch(&mut self, known: &Known, fence: Fence, dice: &mut Dice<'_>) -> Batch {
        let mut changes = Vec::new();
        let senders: Vec<&Name> = known.claims.iter().collect();
        for _ in 0..dice.below(8) {
            let Some(from) = senders.get(dice.below(senders.len().max(1))) else { break };
            let from = if dice.percent(1) { service(dice) } else { (*from).clone() };
            let seq = self.place(fence);
            let id = name(&format!("m-{}", dice.below(20)));
            let kind = ["", "sold", "nul \0 and \u{1a}", "日本語"][dice.below(4)];
            let body = Bytes::from(vec![b'x'; dice.below(400)]);
            let at = Wall::from_millis(dice.below(1 << 40) as u64);
            changes.push(Change::Accept(Accepted::new(seq, id, from.clone(), service(dice), kind, body, at)));
            changes.push(self.remember(from, seq, dice));
        }
        for seq in known.taken.keys() {
            if dice.percent(25) {
                changes.push(end(*seq, dice));
            }
        }
        let of = |(from, _): &&(Name, Name)| known.claims.contains(from);
        for (from, id) in self.ids.iter().filter(of).filter(|_| dice.percent(4)).cloned().collect::<Vec<_>>()
        {
            self.ids.remove(&(from.clone(), id.clone()));
            changes.push(Change::ForgetId { from, id });
        }
        for (from, prefix) in
            self.numbers.iter().filter(of).filter(|_| dice.percent(4)).cloned().collect::<Vec<_>>()
        {
            self.numbers.remove(&(from.clone(), prefix.clone()));
            changes.push(Change::ForgetNumbers { from, prefix });
        }
        Batch::new(changes)
    }

    fn remember(&mut self, from: Name, seq: Seq, dice: &mut Dice<'_>) -> Change {
        if dice.percent(50) {
            // Hardly ever one that is remembered.
            let id = name(&format!("m-{}", dice.below(1 << 16)));
            self.ids.insert((from.clone(), id.clone()));
            return Change::RememberId { from, id, seq };
        }
        let prefix = name(["p", "q", "P"][dice.below(3)]);
        self.numbers.insert((from.clone(), prefix.clone()));
        let gaps = (0..dice.below(3) as u64).map(|at| (at * 3, at * 3 + 1)).collect();
        let high = if dice.percent(10) { u64::MAX } else { dice.below(1 << 20) as u64 + 9 };
        Change::RememberNumbers(Numbers::new(from, prefix, seq, high, gaps))
    }
}

fn end(seq: Seq, dice: &mut Dice<'_>) -> Change {
    let at = Wall::from_millis(dice.below(1 << 40) as u64);
    let mut progress = Progress::default();
    progress.deliveries = dice.below(3) as u32;
    progress.is_out = progress.deliveries > 0 && dice.percent(50);
    if progress.deliveries > 1 {
        progress.history.push(Ended::new(at, End::Nack("no \0 \"it\"".into())));
    }
    let reason = [DeadReason::AckTimeout, DeadReason::Nack("\0 nul".into()), DeadReason::MaxDeliveries];
    match dice.below(3) {
        0 => Change::Progress(seq, progress),
        1 => Change::Remove(seq),
        _ => {
            progress.is_out = false;
            Change::Bury(seq, Death::new(reason[dice.below(3)].clone(), at, progress))
        }
    }
}

impl Known {
    /// Learns what came of a request.
    pub(crate) fn learn(&mut self, request: &NodeRequest, answer: &NodeAnswer) {
        match (request, answer) {
            (_, NodeAnswer::Joined { fence, .. }) => *self = Self { fence: Some(*fence), ..Self::default() },
            (_, NodeAnswer::Fenced) | (NodeRequest::Leave, _) => *self = Self::default(),
            (NodeRequest::Claim { services, .. }, NodeAnswer::Claimed { outcomes, .. }) => {
                for ((name, _), outcome) in services.iter().zip(outcomes) {
                    if matches!(outcome, ClaimOutcome::Had { .. }) {
                        self.claims.insert(name.clone());
                        self.taken.retain(|_, to| to != name);
                    }
                }
            }
            (NodeRequest::Release { names }, NodeAnswer::Done) => {
                self.claims.retain(|name| !names.contains(name));
                self.taken.retain(|_, to| !names.contains(to));
            }
            (_, NodeAnswer::Looked { messages, .. }) => {
                self.taken.extend(messages.iter().map(|(accepted, _)| (accepted.seq, accepted.to.clone())));
            }
            (NodeRequest::Commit { batch, .. }, NodeAnswer::Committed { left }) => {
                for change in batch.changes() {
                    match change {
                        Change::Accept(accepted) if !left.contains(&accepted.seq) => {
                            self.taken.insert(accepted.seq, accepted.to.clone());
                        }
                        Change::Remove(seq) | Change::Bury(seq, _) => drop(self.taken.remove(seq)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}
