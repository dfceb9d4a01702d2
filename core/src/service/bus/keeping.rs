//! Where a bus keeps what it was sent.

use super::{Batch, Broker, NodeAnswer, NodeAsk};
use crate::base::{Instant, Wall};
use crate::link::ConnId;
use core::fmt;

/// How a [`BusService`](super::BusService) has things kept: in a store of its [own](Own), or in one that it [shares](Shared).
///
/// ```
/// use wharf::link::Service;
/// use wharf::service::bus::{BusService, NodeAsk, Shared};
///
/// fn asks<S: Service<Job = NodeAsk>>() {}
/// asks::<BusService<Shared>>();
/// ```
pub trait Keeping: sealed::Sealed + 'static {
    /// What is to be carried out.
    type Job: Send + fmt::Debug + 'static;
    /// What comes of it, where the store has not failed for good.
    type Answer: Send + fmt::Debug + 'static;

    #[doc(hidden)]
    fn job(work: Work) -> Option<Self::Job>;

    #[doc(hidden)]
    fn done(broker: &mut Broker<ConnId>, now: Instant, wall: Wall, answer: Self::Answer);
}

/// A store that no other bus writes to.
///
/// ```
/// use wharf::service::bus::{BusService, Own};
///
/// fn is_default(service: BusService) -> BusService<Own> { service }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Own {}

/// A store that several nodes of a bus share.
///
/// ```
/// use wharf::service::bus::{BusService, Shared};
///
/// fn is_node(_: &BusService<Shared>) {}
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shared {}

/// Something to be carried out.
#[doc(hidden)]
#[derive(Debug)]
pub enum Work {
    Batch(Batch),
    Ask(NodeAsk),
}

impl Keeping for Own {
    type Job = Batch;
    type Answer = ();

    fn job(work: Work) -> Option<Batch> {
        match work {
            Work::Batch(batch) => Some(batch),
            Work::Ask(_) => None,
        }
    }

    fn done(broker: &mut Broker<ConnId>, now: Instant, wall: Wall, (): ()) {
        broker.stored(now, wall);
    }
}

impl Keeping for Shared {
    type Job = NodeAsk;
    type Answer = NodeAnswer;

    fn job(work: Work) -> Option<NodeAsk> {
        match work {
            Work::Ask(ask) => Some(ask),
            Work::Batch(_) => None,
        }
    }

    fn done(broker: &mut Broker<ConnId>, now: Instant, wall: Wall, answer: NodeAnswer) {
        broker.answered(now, wall, answer);
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Own {}
    impl Sealed for super::Shared {}
}
