//! What is waited for in a world of a bus once its faults are over. How long each may take is for the world to say, which knows what
//! stood in the way.

use super::{Ask, Ledger, Party, Say, Shared, State};
use std::time::Duration;
use wharf::service::bus::Name;
use wharf::sim::{ServerId, World};

/// How much later than now a connection that is made again is there, where nothing is in its way: 30 s, jittered by a fifth, and the
/// time to dial, to greet and to be registered.
pub(crate) const RECONNECT: Duration = Duration::from_secs(36 + 3);

/// Services that are there and do what they should, and what they wrote.
pub(crate) struct Waits<'a> {
    pub(crate) world: &'a mut World,
    /// In the order of their names; doubles are none of them.
    pub(crate) parties: &'a [ServerId<Party>],
    pub(crate) names: &'a [Name],
    pub(crate) ledger: &'a Shared<Ledger>,
}

impl Waits<'_> {
    /// Every message that lives, of those who are there, comes to its end. How many they were, and how long that took.
    pub(crate) fn for_messages(&mut self) -> (usize, Duration) {
        let Self { world, names, ledger, .. } = self;
        let begin = world.now();
        let live: Vec<_> = ledger.borrow().alive(&|name| names.contains(name)).cloned().collect();
        let is_left = || {
            let mut ledger = ledger.borrow_mut();
            live.iter().any(|key| ledger.entry(key).state == State::Alive)
        };
        world.run_until(|_| !is_left()).expect("each message comes to its end");
        (live.len(), world.now() - begin)
    }

    /// What the senders still have is accepted, or given up, and all of them are there. How much it was, and how long that took.
    pub(crate) fn for_outboxes(&mut self) -> (usize, Duration) {
        let Self { world, parties, .. } = self;
        let begin = world.now();
        let open =
            |world: &World| -> usize { parties.iter().map(|party| world.service(*party).open()).sum() };
        let are_there = |world: &World| parties.iter().all(|party| world.service(*party).is_registered());
        let all = open(world);
        let left = world.run_until(|world| open(world) == 0 && are_there(world));
        left.unwrap_or_else(|stuck| panic!("{} of {all} are not accepted: {stuck}", open(world)));
        let took = world.now() - begin;
        self.for_messages();
        (all, took)
    }

    /// Each says something to each, and it arrives. How long that took.
    pub(crate) fn for_last_words(&mut self) -> Duration {
        let Self { world, parties, names, ledger } = self;
        let begin = world.now();
        for party in *parties {
            for to in *names {
                let say = Say { to: to.clone(), kind: "plain", len: 10, is_durable: true, within: None };
                world.command(*party, Ask::Say(say));
            }
        }
        let is_done = |_: &World| {
            let ledger = ledger.borrow();
            !ledger.entries.values().any(|entry| {
                let is_open = matches!(entry.state, State::Sent | State::Alive);
                names.contains(&entry.to) && is_open && entry.is_durable && !entry.was_given_up
            })
        };
        world.run_until(is_done).expect("what is said arrives");
        world.now() - begin
    }
}
