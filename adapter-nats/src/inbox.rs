//! The subscriptions that are made.

use crate::bell::Bell;
use async_nats::Subscriber;
use bytes::Bytes;
use futures_core::Stream;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Smaller messages don't keep the buffer that they came in, which has 64 KiB.
const COPIED_MAX: usize = 16 << 10;

/// Subscriptions by the numbers that were given to them, and which of them have something.
pub(crate) struct Inbox {
    subscriptions: BTreeMap<u64, Subscription>,
    told_last: Vec<Box<str>>,
    ready: Arc<Ready>,
}

struct Subscription {
    subject: Arc<str>,
    subscriber: Subscriber,
    waker: Waker,
}

struct Ready {
    places: Mutex<BTreeSet<Place>>,
    bell: Arc<Bell>,
}

/// Whose turn it is: those that are told last, last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    is_last: bool,
    number: u64,
}

/// Notes that a subscription has something.
struct Mark(Place, Arc<Ready>);

impl Wake for Mark {
    fn wake(self: Arc<Self>) {
        self.1.mark(self.0);
    }
}

impl Ready {
    fn mark(&self, place: Place) {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
        self.bell.ring();
    }

    fn next(&self) -> Option<Place> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).pop_first()
    }
}

impl Inbox {
    /// None; what comes rings the bell.
    pub(crate) fn new(told_last: Vec<Box<str>>, bell: Arc<Bell>) -> Self {
        let ready = Arc::new(Ready { places: Mutex::default(), bell });
        Self { subscriptions: BTreeMap::new(), told_last, ready }
    }

    pub(crate) fn insert(&mut self, number: u64, subject: Arc<str>, subscriber: Subscriber) {
        let place = Place { is_last: self.told_last.iter().any(|last| **last == *subject), number };
        let waker = Arc::new(Mark(place, self.ready.clone())).into();
        self.subscriptions.insert(number, Subscription { subject, subscriber, waker });
        self.ready.mark(place);
    }

    /// Gives one up. What is left in it was not wanted.
    pub(crate) fn remove(&mut self, number: u64) {
        self.subscriptions.remove(&number);
    }

    /// Takes all that has come: subscription by subscription, as the client has a channel for each.
    pub(crate) fn take_all(&mut self, mut take: impl FnMut(&Arc<str>, Bytes)) {
        while let Some(place) = self.ready.next() {
            let Some(subscription) = self.subscriptions.get_mut(&place.number) else { continue };
            let mut context = Context::from_waker(&subscription.waker);
            while let Poll::Ready(Some(message)) =
                Pin::new(&mut subscription.subscriber).poll_next(&mut context)
            {
                let is_small = message.payload.len() <= COPIED_MAX;
                let bytes = if is_small { Bytes::copy_from_slice(&message.payload) } else { message.payload };
                take(&subscription.subject, bytes);
            }
        }
    }
}
