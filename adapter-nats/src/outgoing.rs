//! What waits to be done by the thread.

use crate::config::NatsConfig;
use crate::error::{PublishError, SubscribeError};
use crate::stats::Stats;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest subject, in bytes: a line of the protocol has 4,096.
const SUBJECT_MAX: usize = 1_024;
/// What a server takes that nobody has heard of yet.
const PAYLOAD_MAX: usize = 1 << 20;

/// What the application wants: subjects as they are to be, so that none waits in a queue, and messages in their order.
#[derive(Debug)]
pub(crate) struct Outgoing {
    orders: Mutex<Orders>,
    prefix: String,
    max_subscriptions: usize,
    max: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Orders {
    /// By subject, with a number that no other has and that grows.
    wanted: BTreeMap<Arc<str>, u64>,
    last: u64,
    /// The subscriptions that are wanted and not made, or made and not wanted. At most twice as many as may be wanted.
    changed: BTreeMap<u64, Arc<str>>,
    messages: VecDeque<Message>,
    bytes: usize,
    is_up: bool,
    is_closing: bool,
    max_payload: usize,
    stats: Stats,
}

/// A message to publish.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// With its prefix.
    pub(crate) subject: String,
    pub(crate) bytes: Bytes,
}

/// A subscription that is to be made or to be given up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) number: u64,
    pub(crate) subject: Arc<str>,
    pub(crate) is_wanted: bool,
}

impl Outgoing {
    pub(crate) fn new(prefix: &str, config: &NatsConfig) -> Self {
        let orders = Orders {
            wanted: BTreeMap::new(),
            last: 0,
            changed: BTreeMap::new(),
            messages: VecDeque::new(),
            bytes: 0,
            is_up: false,
            is_closing: false,
            max_payload: PAYLOAD_MAX,
            stats: Stats::default(),
        };
        Self {
            orders: Mutex::new(orders),
            prefix: prefix.into(),
            max_subscriptions: config.max_subscriptions,
            max: config.max_outgoing,
            max_bytes: config.max_outgoing_bytes,
        }
    }

    pub(crate) fn prefixed(&self, subject: &str) -> String {
        format!("{}{subject}", self.prefix)
    }

    pub(crate) fn subscribe(&self, subject: &str) -> Result<(), SubscribeError> {
        let mut orders = self.lock();
        if !is_subject(subject) {
            return Err(SubscribeError::Subject);
        }
        if orders.is_closing {
            return Err(SubscribeError::Closed);
        }
        if orders.wanted.contains_key(subject) {
            return Ok(());
        }
        if orders.wanted.len() >= self.max_subscriptions {
            orders.stats.refused_subscriptions += 1;
            return Err(SubscribeError::Full);
        }
        orders.last += 1;
        let (subject, number): (Arc<str>, _) = (subject.into(), orders.last);
        orders.wanted.insert(subject.clone(), number);
        orders.changed.insert(number, subject);
        Ok(())
    }

    pub(crate) fn unsubscribe(&self, subject: &str) {
        let mut orders = self.lock();
        if let Some((subject, number)) = orders.wanted.remove_entry(subject)
            // What is not made yet needs no giving up.
            && orders.changed.remove(&number).is_none()
        {
            orders.changed.insert(number, subject);
        }
    }

    pub(crate) fn publish(&self, subject: &str, bytes: Bytes) -> Result<(), PublishError> {
        if !is_subject(subject) {
            return Err(PublishError::Subject);
        }
        let message = Message { subject: self.prefixed(subject), bytes };
        let mut orders = self.lock();
        if orders.is_closing {
            return Err(PublishError::Closed);
        }
        let size = message.bytes.len();
        if size > orders.max_payload {
            orders.stats.dropped_large += 1;
            return Err(PublishError::TooLarge { limit: orders.max_payload });
        }
        if !orders.is_up {
            orders.stats.dropped_down += 1;
            return Err(PublishError::Down);
        }
        if orders.messages.len() >= self.max || orders.bytes + size > self.max_bytes {
            orders.stats.dropped_full += 1;
            return Err(PublishError::Full);
        }
        orders.bytes += size;
        orders.messages.push_back(message);
        Ok(())
    }

    /// Nothing more is taken on.
    pub(crate) fn close(&self) {
        self.lock().is_closing = true;
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.lock().is_closing
    }

    pub(crate) fn is_up(&self) -> bool {
        self.lock().is_up
    }

    /// A server is there, and takes messages up to so many bytes.
    pub(crate) fn up(&self, max_payload: usize) {
        let mut orders = self.lock();
        (orders.is_up, orders.max_payload) = (true, max_payload);
        orders.stats.connects += 1;
    }

    /// It is gone. What waits for it is given up: it would come late, and whoever handed it in takes care of gaps.
    pub(crate) fn down(&self) {
        let mut orders = self.lock();
        orders.is_up = false;
        orders.stats.dropped_down += orders.messages.len() as u64;
        orders.messages.clear();
        orders.bytes = 0;
    }

    /// The subscription that is to be changed next. It counts as changed.
    pub(crate) fn change(&self) -> Option<Change> {
        let mut orders = self.lock();
        let (number, subject) = orders.changed.pop_first()?;
        let is_wanted = orders.wanted.get(&subject) == Some(&number);
        Some(Change { number, subject, is_wanted })
    }

    /// The message that is to be published next. It counts as published.
    pub(crate) fn message(&self) -> Option<Message> {
        let mut orders = self.lock();
        let message = orders.messages.pop_front()?;
        orders.bytes -= message.bytes.len();
        orders.stats.published += 1;
        Some(message)
    }

    /// The one that was next was larger than the server takes.
    pub(crate) fn was_too_large(&self) {
        let mut orders = self.lock();
        orders.stats.published -= 1;
        orders.stats.dropped_large += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().messages.is_empty()
    }

    pub(crate) fn stats(&self) -> Stats {
        let orders = self.lock();
        Stats { subscriptions: orders.wanted.len(), outgoing: orders.messages.len(), ..orders.stats }
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_subject(subject: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'*' | b'>');
    subject.len() <= SUBJECT_MAX
        && subject.bytes().all(is_plain)
        && subject.split('.').all(|part| !part.is_empty())
}

#[cfg(test)]
mod tests;
