//! What the handles and the loop share: calls in flight, what is still to be sent, and who waits.

use super::RequestError;
use crate::time::Time;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use wharf::base::{CloseCode, Closed, Instant, Message, SendError};
use wharf::service::requests::{CallId, Data, Received, Requests, RequestsConfig, RequestsStats};

pub(super) type Answer = Result<Data<'static>, RequestError>;

/// It is locked for as long as one call of the machine takes.
pub(super) struct Desk(Mutex<State>);

struct State {
    requests: Requests,
    time: Time,
    /// In order: requests of calls in flight, and the cancellations of those that were sent. The socket takes all of it before it is
    /// congested, so there are never more of either than may be in flight.
    outgoing: BTreeMap<u64, Outgoing>,
    /// The place in it of each call's request, to be taken back.
    places: BTreeMap<CallId, u64>,
    /// The place of what comes next. None is given twice.
    next_place: u64,
    /// One for each future that waits.
    waiting: BTreeMap<CallId, Waiter>,
    /// The task of the loop.
    driver: Option<Waker>,
    close: Option<(CloseCode, String)>,
    handles: usize,
}

pub(super) struct Outgoing {
    /// Where it stands among the others.
    pub(super) place: u64,
    /// The call that it begins; a cancellation begins none.
    pub(super) call: Option<CallId>,
    pub(super) message: Message<'static>,
}

enum Waiter {
    Asking(Option<Waker>),
    Answered(Answer),
}

/// What is done once the lock is given back.
#[derive(Default)]
struct Released {
    wake: Vec<Waker>,
    /// One that is dropped.
    old: Option<Waker>,
}

impl Desk {
    pub(super) fn new(config: RequestsConfig, time: Time) -> Self {
        Self(Mutex::new(State {
            requests: Requests::new(config),
            time,
            outgoing: BTreeMap::new(),
            places: BTreeMap::new(),
            next_place: 0,
            waiting: BTreeMap::new(),
            driver: None,
            close: None,
            handles: 1,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever is woken, and whose waker is dropped, may come back here; so both happen outside of the lock.
    fn with<T>(&self, act: impl FnOnce(&mut State, &mut Released) -> T) -> T {
        let mut released = Released::default();
        let out = act(&mut self.lock(), &mut released);
        released.wake.into_iter().for_each(Waker::wake);
        out
    }

    pub(super) fn stats(&self) -> RequestsStats {
        self.lock().requests.stats()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.lock().requests.in_flight()
    }

    pub(super) fn call(&self, data: &Data<'_>, timeout: Option<Duration>) -> Result<CallId, RequestError> {
        self.with(|state, released| {
            let (id, message) = state.requests.call(state.time.now(), data, timeout)?;
            state.push(Some(id), message);
            state.waiting.insert(id, Waiter::Asking(None));
            released.wake.extend(state.driver.clone());
            Ok(id)
        })
    }

    pub(super) fn poll_answer(&self, id: CallId, cx: &mut Context<'_>) -> Poll<Answer> {
        self.with(|state, released| match state.waiting.remove(&id) {
            Some(Waiter::Answered(answer)) => Poll::Ready(answer),
            asking => {
                released.old = asking.and_then(Waiter::into_waker);
                state.waiting.insert(id, Waiter::Asking(Some(cx.waker().clone())));
                Poll::Pending
            }
        })
    }

    /// Nobody waits for it any more.
    pub(super) fn forget(&self, id: CallId) {
        self.with(|state, released| {
            released.old = state.waiting.remove(&id).and_then(Waiter::into_waker);
            if state.unsend(id) {
                state.requests.withdraw(id);
            } else if let Some(message) = state.requests.cancel(id) {
                state.push(None, message);
                released.wake.extend(state.driver.clone());
            }
        });
    }

    pub(super) fn close(&self, code: CloseCode, reason: &str) {
        self.with(|state, released| {
            state.close.get_or_insert_with(|| (code, reason.to_owned()));
            released.wake.extend(state.driver.clone());
        });
    }

    /// One more handle.
    pub(super) fn hold(&self) {
        self.lock().handles += 1;
    }

    /// One handle less.
    pub(super) fn let_go(&self) {
        self.with(|state, released| {
            state.handles -= 1;
            released.wake.extend(state.driver.clone());
        });
    }

    pub(super) fn is_held(&self) -> bool {
        self.lock().handles > 0
    }

    /// The loop is polled by this task.
    pub(super) fn register(&self, waker: &Waker) {
        self.with(|state, released| {
            if !state.driver.as_ref().is_some_and(|known| known.will_wake(waker)) {
                released.old = state.driver.replace(waker.clone());
            }
        });
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.lock().requests.poll_timeout()
    }

    pub(super) fn handle_timeout(&self, now: Instant) {
        self.with(|state, released| {
            state.requests.handle_timeout(now);
            state.fail(released);
        });
    }

    /// The connection has ended: whoever waits is told so, and nothing is left.
    pub(super) fn handle_closed(&self, closed: &Closed) {
        self.with(|state, released| {
            state.requests.handle_closed(closed);
            state.outgoing.clear();
            state.places.clear();
            state.fail(released);
        });
    }

    pub(super) fn next_outgoing(&self) -> Option<Outgoing> {
        let mut state = self.lock();
        let (_, outgoing) = state.outgoing.pop_first()?;
        if let Some(call) = outgoing.call {
            state.places.remove(&call);
        }
        Some(outgoing)
    }

    pub(super) fn unsent(&self) -> usize {
        self.lock().outgoing.len()
    }

    /// There was no room for it: it is the next again.
    pub(super) fn put_back(&self, outgoing: Outgoing) {
        let mut state = self.lock();
        state.places.extend(outgoing.call.map(|call| (call, outgoing.place)));
        state.outgoing.insert(outgoing.place, outgoing);
    }

    /// A call's message was not taken.
    pub(super) fn not_sent(&self, id: CallId, error: SendError) {
        self.with(|state, released| {
            if state.requests.withdraw(id) {
                state.settle(id, Err(RequestError::Send(error)), released);
            }
        });
    }

    /// The close that was asked for, once all is sent.
    pub(super) fn next_close(&self) -> Option<(CloseCode, String)> {
        let mut state = self.lock();
        if state.outgoing.is_empty() { state.close.take() } else { None }
    }

    /// Takes a message; `false` if it is no reply.
    pub(super) fn receive(&self, message: &Message<'_>) -> bool {
        self.with(|state, released| match state.requests.receive(message) {
            Received::Reply { id, outcome } => {
                let answer = outcome.map(Data::into_owned).map_err(RequestError::from);
                state.settle(id, answer, released);
                true
            }
            Received::NotOurs => false,
            _ => true,
        })
    }
}

impl Waiter {
    fn into_waker(self) -> Option<Waker> {
        match self {
            Self::Asking(waker) => waker,
            Self::Answered(_) => None,
        }
    }
}

impl State {
    /// Hands an answer to whoever waits for it.
    fn settle(&mut self, id: CallId, answer: Answer, released: &mut Released) {
        if let Some(waiter) = self.waiting.get_mut(&id) {
            let asking = std::mem::replace(waiter, Waiter::Answered(answer));
            released.wake.extend(asking.into_waker());
        }
    }

    /// Settles all calls that failed.
    fn fail(&mut self, released: &mut Released) {
        while let Some(failed) = self.requests.poll_failed() {
            if !self.unsend(failed.id)
                && let Some(message) = failed.cancel
            {
                self.push(None, message);
            }
            self.settle(failed.id, Err(failed.failure.into()), released);
        }
    }

    /// Puts a message behind all others.
    fn push(&mut self, call: Option<CallId>, message: Message<'static>) {
        let place = self.next_place;
        self.next_place += 1;
        self.places.extend(call.map(|call| (call, place)));
        self.outgoing.insert(place, Outgoing { place, call, message });
    }

    /// Takes back the message of a call that was not sent yet; whether there was one.
    fn unsend(&mut self, id: CallId) -> bool {
        self.places.remove(&id).and_then(|place| self.outgoing.remove(&place)).is_some()
    }
}
