//! A node that asks without a machine behind it.

use crate::asks::name;
use std::time::Duration;
use wharf::base::Wall;
use wharf::service::bus::{
    Accepted, Batch, BusConfig, Change, ClaimOutcome, Fence, NodeAnswer, NodeAsk, NodeLimits, NodeRequest,
    NodeRoom, Seq,
};
use wharf_postgres::{BusStore, BusStoreConfig, DatabaseError};

pub(crate) fn roomy() -> NodeLimits {
    NodeLimits::of(&BusConfig::default())
}

pub(crate) struct Node {
    pub(crate) store: BusStore,
    pub(crate) fence: Fence,
    pub(crate) lease: Duration,
    number: u64,
    last: u64,
}

impl Node {
    /// One that has joined.
    pub(crate) fn join(url: &str) -> Self {
        let mut config = BusStoreConfig::default();
        (config.timeout, config.connect_timeout) = (Duration::from_secs(2), Duration::from_secs(2));
        let store = BusStore::connect_with(url, config).expect("it connects");
        let lease = Duration::from_secs(3600);
        let mut node = Self { store, fence: Fence::default(), lease, number: 0, last: 0 };
        match node.ask(NodeRequest::Join) {
            NodeAnswer::Joined { fence, floor } => (node.fence, node.last) = (fence, floor.0),
            other => panic!("{other:?}"),
        }
        node
    }

    pub(crate) fn try_ask(&mut self, request: NodeRequest) -> Result<NodeAnswer, DatabaseError> {
        self.number += 1;
        self.store.carry_out(&NodeAsk::new(self.fence, self.number, self.lease, request))
    }

    pub(crate) fn ask(&mut self, request: NodeRequest) -> NodeAnswer {
        self.try_ask(request).expect("it fits")
    }

    pub(crate) fn claim(&mut self, service: &str) -> ClaimOutcome {
        let services = vec![(name(service), Duration::ZERO)];
        match self.ask(NodeRequest::Claim { services, rows: 10, limits: roomy() }) {
            NodeAnswer::Claimed { mut outcomes, .. } => outcomes.remove(0),
            other => panic!("{other:?}"),
        }
    }

    /// A message that nobody has sent before.
    pub(crate) fn message(&mut self, from: &str, to: &str) -> Accepted {
        self.last = (self.last / 64 + 1) * 64 + u64::from(self.fence.slot);
        let id = name(&format!("m-{}", self.last));
        let body = format!("{{\"n\":{}}}", self.last);
        Accepted::new(Seq(self.last), id, name(from), name(to), "t", body.into(), Wall::from_millis(7))
    }

    pub(crate) fn commit(&mut self, changes: Vec<Change>) -> NodeRequest {
        let room = NodeRoom::new(100, 1 << 20, 100, Vec::new());
        NodeRequest::Commit { batch: Batch::new(changes), room, limits: roomy() }
    }

    /// Has a message accepted.
    pub(crate) fn accept(&mut self, from: &str, to: &str) -> NodeAnswer {
        let message = self.message(from, to);
        let request = self.commit(vec![Change::Accept(message)]);
        self.ask(request)
    }

    /// Places of what waits for it.
    pub(crate) fn look(&mut self) -> Vec<Seq> {
        let room = NodeRoom::new(10_000, 1 << 20, 10_000, Vec::new());
        match self.ask(NodeRequest::Look { room, after: None, kept: Vec::new() }) {
            NodeAnswer::Looked { messages, .. } => {
                messages.iter().map(|(accepted, _)| accepted.seq).collect()
            }
            other => panic!("{other:?}"),
        }
    }
}
