//! What the handles and the task share.

use crate::resilient::{Carried, Desk as Shared, Released, Step};
use crate::{Clock, trace};
use std::collections::{BTreeMap, VecDeque};
use std::task::{Context, Poll, Waker};
use wharf::base::{Instant, Message};
use wharf::link::Target;
use wharf::service::bus::Name;
use wharf::service::bus::client::{
    self as core, BusClientEvent, BusClientState, BusClientStats, BusStopped, Outcome, Outgoing, Refused,
};
use wharf::service::client::{Machine, Stopped};

pub(super) type Desk = Shared<Inner>;

/// Of a client of the bus.
pub(crate) struct Inner {
    client: core::BusClient,
    /// One for each message whose outcome somebody waits for, or has not looked at.
    waiting: BTreeMap<Name, Waiter>,
    /// What the program may want to know, at most [`NOTICES`].
    notices: VecDeque<BusClientEvent>,
    /// Those that were dropped.
    untold: u64,
    /// The task.
    driver: Option<Waker>,
    reader: Option<Waker>,
    told: u64,
    handles: usize,
    /// Nobody takes deliveries.
    is_deaf: bool,
    stopped: Option<BusStopped>,
}

/// Most notices that wait; the oldest goes.
const NOTICES: usize = 256;

enum Waiter {
    Asking(Option<Waker>),
    Told(Outcome),
}

impl Desk {
    pub(super) fn new(clock: Clock, client: core::BusClient) -> Self {
        let inner = Inner {
            client,
            waiting: BTreeMap::new(),
            notices: VecDeque::new(),
            untold: 0,
            driver: None,
            reader: None,
            told: 0,
            handles: 1,
            is_deaf: false,
            stopped: None,
        };
        Self::around(clock, inner)
    }

    /// Asks something of the machine, and wakes the task.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut core::BusClient, Instant) -> T) -> T {
        self.with(|inner, now, released| {
            released.wake.extend(inner.driver.clone());
            act(&mut inner.client, now)
        })
    }

    pub(super) fn send(&self, message: Outgoing) -> Result<Name, Refused> {
        self.with(|inner, now, released| {
            released.wake.extend(inner.driver.clone());
            let id = inner.client.send(now, message)?;
            inner.waiting.insert(id.clone(), Waiter::Asking(None));
            Ok(id)
        })
    }

    pub(super) fn poll_outcome(&self, id: &Name, cx: &mut Context<'_>) -> Poll<Outcome> {
        self.with(|inner, _, released| match inner.waiting.remove(id) {
            Some(Waiter::Told(outcome)) => Poll::Ready(outcome),
            asking => {
                if let Some(Waiter::Asking(waker)) = asking {
                    released.old = waker;
                }
                inner.waiting.insert(id.clone(), Waiter::Asking(Some(cx.waker().clone())));
                Poll::Pending
            }
        })
    }

    /// Nobody waits for it any more.
    pub(super) fn forget(&self, id: &Name, takes_back: bool) {
        self.with(|inner, now, released| {
            let waiter = inner.waiting.remove(id);
            if let (Some(Waiter::Asking(waker)), true) = (waiter, takes_back) {
                released.old = waker;
                released.wake.extend(inner.driver.clone());
                inner.client.cancel(now, id);
            }
        });
    }

    pub(super) fn state(&self) -> BusClientState {
        self.lock().client.state()
    }

    pub(super) fn version(&self) -> u64 {
        self.lock().client.state_version()
    }

    pub(super) fn stats(&self) -> BusClientStats {
        let inner = self.lock();
        let mut stats = inner.client.stats();
        stats.untold += inner.untold;
        stats
    }

    pub(super) fn seen(&self) -> core::Seen {
        self.lock().client.seen().clone()
    }

    pub(super) async fn changed(&self, seen: &mut u64) -> Option<BusClientState> {
        self.wait(|inner| {
            let version = inner.client.state_version();
            if std::mem::replace(seen, version) != version {
                return Some(Some(inner.client.state()));
            }
            inner.stopped.is_some().then_some(None)
        })
        .await
    }

    pub(super) async fn notice(&self) -> Option<BusClientEvent> {
        self.wait(|inner| match inner.notices.pop_front() {
            Some(notice) => Some(Some(notice)),
            None => inner.stopped.is_some().then_some(None),
        })
        .await
    }

    pub(super) async fn stopped(&self) -> BusStopped {
        self.wait(|inner| inner.stopped.clone()).await
    }

    pub(super) fn poll_delivery(&self, cx: &mut Context<'_>) -> Poll<Option<core::Delivery>> {
        self.with(|inner, _, released| {
            if inner.stopped.is_some() {
                return Poll::Ready(None);
            }
            if let Some(delivery) = inner.client.poll_delivery() {
                return Poll::Ready(Some(delivery));
            }
            released.old = inner.reader.replace(cx.waker().clone());
            Poll::Pending
        })
    }

    /// Nobody takes deliveries any more.
    pub(super) fn set_deaf(&self) {
        self.with(|inner, now, released| {
            inner.is_deaf = true;
            inner.refuse_all(now);
            released.old = inner.reader.take();
            released.wake.extend(inner.driver.clone());
        });
    }

    /// One more handle.
    pub(super) fn hold(&self) {
        self.lock().handles += 1;
    }

    /// One handle less; without any it stops.
    pub(super) fn let_go(&self) {
        self.with(|inner, now, released| {
            inner.handles -= 1;
            if inner.handles == 0 {
                inner.client.stop(now);
                released.wake.extend(inner.driver.clone());
            }
        });
    }
}

impl Inner {
    fn refuse_all(&mut self, now: Instant) {
        while let Some(delivery) = self.client.poll_delivery() {
            self.client.nack(now, delivery.id, "nobody takes deliveries");
        }
    }

    fn note(&mut self, event: &BusClientEvent, released: &mut Released) {
        if self.notices.len() >= NOTICES {
            self.notices.pop_front();
            self.untold += 1;
        }
        self.notices.push_back(event.clone());
        released.has_changed = true;
    }
}

impl Carried for Inner {
    type Machine = core::BusClient;

    fn machine(&mut self) -> &mut core::BusClient {
        &mut self.client
    }

    fn register(&mut self, waker: &Waker, released: &mut Released) {
        if !self.driver.as_ref().is_some_and(|known| known.will_wake(waker)) {
            released.old = self.driver.replace(waker.clone());
        }
    }

    fn take(&mut self, now: Instant, message: Message<'static>, released: &mut Released) {
        self.client.receive(now, &message);
        if self.is_deaf {
            self.refuse_all(now);
        } else if self.client.waiting() > 0 {
            released.wake.extend(self.reader.take());
        }
    }

    /// What comes is read at all times: an answer may stand behind deliveries.
    fn is_full(&self) -> bool {
        false
    }

    /// Hands outcomes to who waits for them.
    fn next_event(&mut self, _: Instant, released: &mut Released) -> Option<BusClientEvent> {
        loop {
            match self.client.poll_event()? {
                BusClientEvent::Sent { id, outcome } => match self.waiting.get_mut(&id) {
                    Some(waiter) => {
                        if let Waiter::Asking(waker) = std::mem::replace(waiter, Waiter::Told(outcome)) {
                            released.wake.extend(waker);
                        }
                    }
                    None if outcome.is_accepted() => {}
                    None => {
                        let event = BusClientEvent::Sent { id, outcome };
                        self.note(&event, released);
                        return Some(event);
                    }
                },
                BusClientEvent::Stopped(reason) => {
                    self.stopped = Some(reason.clone());
                    released.wake.extend(self.reader.take());
                    released.has_changed = true;
                    return Some(BusClientEvent::Stopped(reason));
                }
                event => {
                    self.note(&event, released);
                    return Some(event);
                }
            }
        }
    }

    fn has_changed(&mut self) -> bool {
        let version = self.client.state_version();
        std::mem::replace(&mut self.told, version) != version
    }

    fn tell(target: &Target, event: &BusClientEvent) -> Step {
        match event {
            BusClientEvent::Connected { again } => trace::client_connected(target, *again),
            BusClientEvent::Registered { pending } => trace::bus_registered(target, *pending),
            BusClientEvent::Disconnected { failure, was_connected } => {
                trace::client_failed(target, failure, *was_connected);
            }
            BusClientEvent::Sent { id, outcome: Outcome::Undelivered { why, .. } } => {
                trace::bus_undelivered(target, id, why);
            }
            BusClientEvent::Deferred { id, reason } => trace::bus_refused(target, Some(id), reason),
            BusClientEvent::Dead { id, reason } => trace::bus_dead(target, id, reason),
            BusClientEvent::Refused { reason, .. } => trace::bus_refused(target, None, reason),
            BusClientEvent::Stopped(reason) => {
                let was_asked = matches!(reason, BusStopped::Client(Stopped::Asked));
                trace::client_stopped(target, was_asked, reason);
                return Step::End;
            }
            _ => {}
        }
        Step::Nothing
    }

    fn stop(&mut self, now: Instant) {
        self.client.stop(now);
    }
}
