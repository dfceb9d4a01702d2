//! What the handles and the task share: the machine, who waits for what, and messages that came.

use super::carried::{Carried, Released, Step};
use crate::waiting::Waiting;
use crate::{Clock, trace};
use std::collections::BTreeMap;
use std::task::{Context, Poll, Waker};
use wharf::base::{Instant, Message};
use wharf::link::Target;
use wharf::service::client as core;
use wharf::service::client::{ClientEvent, ClientStats, Fate, Refused, State, Stopped, Ticket};

pub(super) type Desk = super::carried::Desk<Inner>;

/// Of a plain client.
pub(super) struct Inner {
    pub(super) client: core::Client,
    /// Messages that came, at most 256 or 64 KiB of them and one.
    inbox: Waiting,
    /// One for each message whose fate somebody waits for, or has not looked at.
    waiting: BTreeMap<Ticket, Waiter>,
    /// The task.
    driver: Option<Waker>,
    reader: Option<Waker>,
    told: u64,
    handles: usize,
    /// Nobody takes messages.
    is_deaf: bool,
    stopped: Option<Stopped>,
}

enum Waiter {
    Asking(Option<Waker>),
    Told(Fate),
}

impl Desk {
    pub(super) fn new(clock: Clock, client: core::Client) -> Self {
        let inner = Inner {
            client,
            inbox: Waiting::default(),
            waiting: BTreeMap::new(),
            driver: None,
            reader: None,
            told: 0,
            handles: 1,
            is_deaf: false,
            stopped: None,
        };
        Self::around(clock, inner)
    }

    /// As [`with`](Self::with), and wakes the task.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut core::Client, Instant) -> T) -> T {
        self.with(|inner, now, released| {
            released.wake.extend(inner.driver.clone());
            act(&mut inner.client, now)
        })
    }

    pub(super) fn send(&self, message: Message<'static>, acknowledged: bool) -> Result<Ticket, Refused> {
        self.with(|inner, now, released| {
            let client = &mut inner.client;
            let sent =
                if acknowledged { client.send_acknowledged(now, message) } else { client.send(now, message) };
            if let Ok(ticket) = &sent {
                inner.waiting.insert(*ticket, Waiter::Asking(None));
            }
            released.wake.extend(inner.driver.clone());
            sent
        })
    }

    pub(super) fn poll_fate(&self, ticket: Ticket, cx: &mut Context<'_>) -> Poll<Fate> {
        self.with(|inner, _, released| match inner.waiting.remove(&ticket) {
            Some(Waiter::Told(fate)) => Poll::Ready(fate),
            asking => {
                if let Some(Waiter::Asking(waker)) = asking {
                    released.old = waker;
                }
                inner.waiting.insert(ticket, Waiter::Asking(Some(cx.waker().clone())));
                Poll::Pending
            }
        })
    }

    /// Nobody waits for it any more; taken back if it is not too late.
    pub(super) fn forget(&self, ticket: Ticket, takes_back: bool) -> Option<Message<'static>> {
        self.with(|inner, _, released| {
            if let Some(Waiter::Asking(waker)) = inner.waiting.remove(&ticket) {
                released.old = waker;
            }
            if takes_back { inner.client.cancel(ticket) } else { None }
        })
    }

    pub(super) fn state(&self) -> State {
        self.lock().client.state().clone()
    }

    pub(super) fn version(&self) -> u64 {
        self.lock().client.state_version()
    }

    pub(super) fn stats(&self) -> ClientStats {
        self.lock().client.stats()
    }

    /// The state once it has changed since `seen`; `None` once it has stopped.
    pub(super) async fn changed(&self, seen: &mut u64) -> Option<State> {
        self.wait(|inner| {
            let version = inner.client.state_version();
            if std::mem::replace(seen, version) != version {
                return Some(Some(inner.client.state().clone()));
            }
            inner.stopped.is_some().then_some(None)
        })
        .await
    }

    pub(super) async fn stopped(&self) -> Stopped {
        self.wait(|inner| inner.stopped.clone()).await
    }

    pub(super) fn poll_message(&self, cx: &mut Context<'_>) -> Poll<Option<Message<'static>>> {
        self.with(|inner, _, released| {
            let was_full = inner.inbox.is_full();
            if let Some(message) = inner.inbox.pop() {
                if was_full {
                    released.wake.extend(inner.driver.clone());
                }
                return Poll::Ready(Some(message));
            }
            if inner.stopped.is_some() {
                return Poll::Ready(None);
            }
            released.old = inner.reader.replace(cx.waker().clone());
            Poll::Pending
        })
    }

    /// Nobody takes messages any more.
    pub(super) fn set_deaf(&self) {
        self.with(|inner, _, released| {
            inner.is_deaf = true;
            inner.inbox = Waiting::default();
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

impl Carried for Inner {
    type Machine = core::Client;

    fn machine(&mut self) -> &mut core::Client {
        &mut self.client
    }

    fn register(&mut self, waker: &Waker, released: &mut Released) {
        if !self.driver.as_ref().is_some_and(|known| known.will_wake(waker)) {
            released.old = self.driver.replace(waker.clone());
        }
    }

    fn take(&mut self, _: Instant, message: Message<'static>, released: &mut Released) {
        if !self.is_deaf {
            self.inbox.push(message);
            released.wake.extend(self.reader.take());
        }
    }

    fn is_full(&self) -> bool {
        self.inbox.is_full()
    }

    /// Hands fates to who waits for them.
    fn next_event(&mut self, _: Instant, released: &mut Released) -> Option<ClientEvent> {
        loop {
            match self.client.poll_event()? {
                ClientEvent::Fate { ticket, fate } => match self.waiting.get_mut(&ticket) {
                    Some(waiter) => {
                        if let Waiter::Asking(waker) = std::mem::replace(waiter, Waiter::Told(fate)) {
                            released.wake.extend(waker);
                        }
                    }
                    None => return Some(ClientEvent::Fate { ticket, fate }),
                },
                ClientEvent::Stopped(reason) => {
                    self.stopped = Some(reason.clone());
                    released.wake.extend(self.reader.take());
                    released.has_changed = true;
                    return Some(ClientEvent::Stopped(reason));
                }
                event => return Some(event),
            }
        }
    }

    fn has_changed(&mut self) -> bool {
        let version = self.client.state_version();
        std::mem::replace(&mut self.told, version) != version
    }

    fn tell(target: &Target, event: &ClientEvent) -> Step {
        match event {
            ClientEvent::Connected { attempt, again } => {
                trace::client_connected(target, *again);
                return Step::Greet(*attempt, *again);
            }
            ClientEvent::Disconnected { failure, was_connected, .. } => {
                trace::client_failed(target, failure, *was_connected);
            }
            // Whoever sent it did not want to know.
            ClientEvent::Fate { fate: Fate::Unsent { why, .. }, .. } => trace::not_sent(*why),
            ClientEvent::Stopped(reason) => {
                trace::client_stopped(target, matches!(reason, Stopped::Asked), reason);
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
