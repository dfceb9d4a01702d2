//! What a seed chooses.

use std::time::Duration;
use wharf::service::mesh::Config;
use wharf::sim::Dice;

pub(super) const MEMBERS: [&str; 4] = ["ann", "bob", "cat", "dan"];

/// What becomes of frames, and of nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) nodes: usize,
    pub(super) groups: usize,
    /// Of a hundred frames.
    pub(super) drops: usize,
    pub(super) duplicates: usize,
    pub(super) garbage: usize,
    /// Frames in a node's name with numbers that it never came to, and goodbyes that it never said.
    pub(super) forged: usize,
    /// Nodes forget, and refuse what is beyond limits.
    pub(super) is_tight: bool,
    pub(super) delay: Duration,
    /// Frames of one node come in order.
    pub(super) is_ordered: bool,
    pub(super) partitions: bool,
    pub(super) downs: bool,
    pub(super) deaths: bool,
    pub(super) config: Config,
    /// Time between two things that are done.
    pub(super) pace: Duration,
    pub(super) lasts: Duration,
}

impl Setup {
    pub(super) fn any(dice: &mut Dice<'_>) -> Self {
        let mut config = Config::default();
        if dice.below(3) == 0 {
            (config.max_outbox, config.max_early, config.max_part) = (4, 3, 64);
            (config.max_early_bytes, config.max_pages) = (200, dice.pick(&[1, 2]));
        }
        let (nodes, groups) = (dice.between(2, 5), dice.between(1, 3));
        let is_calm = dice.below(4) == 0;
        let is_tight = !is_calm && dice.below(3) == 0;
        if is_tight {
            (config.keep, config.max_leap) =
                (dice.pick(&[config.lost_after, config.keep]), dice.pick(&[5, 60]));
            (config.max_subjects, config.max_members) = (dice.between(1, groups), dice.between(2, 4));
            config.max_nodes = dice.between(nodes - 1, 8);
        }
        if is_tight || dice.below(4) == 0 {
            // All that there can be at once, but for what the dead have left behind.
            config.max_remote_members = (nodes - 1) * (groups + 1) * config.max_members.min(MEMBERS.len());
        }
        let mut any = |choices: &[usize]| if is_calm { 0 } else { dice.pick(choices) };
        let (drops, duplicates, garbage) = (any(&[0, 1, 10, 40]), any(&[0, 1, 10]), any(&[0, 0, 5]));
        let forged = any(&[0, 0, 0, 3]);
        let [partitions, downs] = [any(&[0, 1]) == 1, any(&[0, 1]) == 1];
        let delays: &[u64] = if is_calm { &[0, 1] } else { &[0, 1, 20, 200] };
        if is_calm {
            config.max_outbox = 4096;
        }
        Self {
            nodes,
            groups,
            drops,
            duplicates,
            garbage,
            forged,
            is_tight,
            delay: Duration::from_millis(dice.pick(delays)),
            is_ordered: is_calm || dice.below(2) == 0,
            partitions,
            downs,
            deaths: dice.below(2) == 0,
            config,
            pace: Duration::from_millis(dice.pick(&[20, 100, 400])),
            lasts: Duration::from_secs(dice.pick(&[5, 20, 40])),
        }
    }

    /// Nothing that is said is lost, late or disordered.
    pub(super) fn is_calm(&self) -> bool {
        let is_whole = self.drops + self.duplicates + self.garbage + self.forged == 0 && self.is_ordered;
        is_whole
            && !self.is_tight
            && !self.partitions
            && !self.downs
            && self.delay <= Duration::from_millis(1)
            && self.config.max_early > 3
    }

    /// Within which time after the faults all agree: a beat that tells, and a roll that is asked for; and who is dead is lost. Then there
    /// may be room for more, and what was forged is disproved by beats all that time.
    pub(super) fn deadline(&self) -> Duration {
        let rounds = if self.config.max_pages == 1 { 2 } else { 1 };
        let is_full = self.config.max_remote_members < Config::default().max_remote_members;
        let more = if self.forged > 0 { 2 } else { u32::from(is_full) };
        Duration::from_secs(8) + self.config.beat * (rounds - 1 + 3 * more * rounds)
    }

    /// As it is once the faults are over.
    pub(super) fn healed(self) -> Self {
        Self {
            drops: 0,
            duplicates: 0,
            garbage: 0,
            forged: 0,
            partitions: false,
            downs: false,
            deaths: false,
            ..self
        }
    }
}
