//! The same asks to both stores.

use crate::asks::{Known, World, limits};
use std::time::Duration;
use wharf::base::Instant;
use wharf::service::bus::{Fence, Letters, NodeAnswer, NodeAsk, NodeRequest, NodeRoom, Seq, SharedMemory};
use wharf::sim::Dice;
use wharf_postgres::BusStore;

const NODES: usize = 4;

/// A node, with its way to the database.
struct Player {
    store: BusStore,
    known: Known,
}

/// Nodes that ask the database and the memory the same.
pub(crate) struct Game {
    dice: Dice<'static>,
    memory: SharedMemory,
    now: Instant,
    number: u64,
    players: Vec<Player>,
    world: World,
    /// So that a game that goes nowhere is noticed.
    answered: usize,
}

impl Game {
    pub(crate) fn new(database: &str, seed: u64) -> Self {
        let player =
            |_| Player { store: BusStore::connect(database).expect("it connects"), known: Known::default() };
        Self {
            dice: Dice::seeded(seed),
            memory: SharedMemory::default(),
            now: Instant::ORIGIN + Duration::from_secs(10_000),
            number: 0,
            players: (0..NODES).map(player).collect(),
            world: World::default(),
            answered: 0,
        }
    }

    /// One of the nodes asks something.
    pub(crate) fn play(&mut self) {
        let who = self.dice.below(NODES);
        let request = self.world.request(&self.players[who].known, &mut self.dice);
        // Whose lease is over at once can be fenced by anybody.
        let lease = if self.dice.percent(8) { Duration::ZERO } else { Duration::from_secs(3600) };
        if let Some(answer) = self.ask(who, lease, request) {
            self.answered += usize::from(answer != NodeAnswer::Fenced);
        }
    }

    /// All nodes leave, and another one finds the same in both.
    pub(crate) fn finish(mut self) {
        assert!(self.answered > 100, "only {} asks came to anything", self.answered);
        let lease = Duration::from_secs(3600);
        for who in 0..NODES {
            if self.players[who].known.fence.is_some() {
                self.ask(who, lease, NodeRequest::Leave);
            }
        }
        self.ask(0, lease, NodeRequest::Join);
        let room = NodeRoom::new(10_000, u64::MAX, 10_000, Vec::new());
        for name in ["a", "B", "b", "ab", "a-b", "a.b", "Z", "z", "_", "0"] {
            let services = vec![(crate::asks::name(name), Duration::ZERO)];
            let (rows, limits) = (10_000, limits(100, 100));
            self.ask(0, lease, NodeRequest::Claim { services, rows, limits });
        }
        self.ask(0, lease, NodeRequest::Look { room: room.clone(), after: None, kept: Vec::new() });
        // Letters come to light once they are none.
        let letters = || Letters::All;
        let after = Seq(0);
        let requeue = NodeRequest::Requeue { letters: letters(), after, rows: 1000, limits: limits(5, 9) };
        self.ask(0, lease, requeue);
        self.ask(0, lease, NodeRequest::Look { room, after: None, kept: Vec::new() });
        let purged = self.ask(0, lease, NodeRequest::Purge { letters: letters(), after: Seq(0), rows: 1000 });
        assert!(matches!(purged, Some(NodeAnswer::Changed { .. })), "{purged:?}");
        self.ask(0, lease, NodeRequest::Trim { max: 0, rows: 1000 });
        self.ask(0, lease, NodeRequest::Leave);
        self.ask(1, lease, NodeRequest::Join);
        self.ask(1, lease, NodeRequest::Trim { max: 0, rows: 100_000 });
    }

    /// The answer, where the ask fits.
    fn ask(&mut self, who: usize, lease: Duration, request: NodeRequest) -> Option<NodeAnswer> {
        let Player { store, known } = &mut self.players[who];
        self.number += 1;
        self.now += Duration::from_nanos(1);
        let fence = known.fence.unwrap_or(Fence::new(0, 0));
        let ask = NodeAsk::new(fence, self.number, lease, request);
        let expected = self.memory.carry_out(self.now, &ask).ok().map(thousands);
        let answer = store.carry_out(&ask).map(thousands);
        if let (None, Err(_)) = (&expected, &answer) {
            // What does not fit extends a lease in memory, and nothing in a transaction that is no more.
            if known.fence.is_some() {
                self.ask(who, lease, NodeRequest::Release { names: Vec::new() });
            }
            return None;
        }
        assert_eq!(answer.as_ref().ok(), expected.as_ref(), "{ask:?}\n{answer:?}");
        known.learn(&ask.request, expected.as_ref()?);
        expected
    }
}

/// The same, with ages in thousands of seconds.
fn thousands(mut answer: NodeAnswer) -> NodeAnswer {
    if let NodeAnswer::Looked { wanted, .. } = &mut answer {
        wanted.iter_mut().for_each(|(_, age)| *age = Duration::from_secs(age.as_secs() / 1000));
    }
    answer
}
