//! What the users of a pool and its keeper share.

use super::PoolError;
use super::bell::Bell;
use crate::ConnectError;
use crate::accept::Gong;
use crate::runtime::Runtime;
use crate::socket::Socket;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;
use wharf::base::Instant;
use wharf::service::pool::{Action, Pool, SlotId, Ticket};

/// Makes a connection.
pub(super) type Dial<R> = dyn Fn() -> Dialing<R> + Send + Sync;
pub(super) type Dialing<R> = Pin<Box<dyn Future<Output = Result<Socket<R>, ConnectError>> + Send>>;

/// How long a socket is idle before it is watched. Until then nobody is woken when one comes back; before it is lent it is looked at
/// anyway.
const UNWATCHED: Duration = Duration::from_secs(1);

pub(super) struct Shared<R: Runtime> {
    state: Mutex<State<R>>,
    pub(super) dial: Box<Dial<R>>,
    pub(super) bell: Arc<Bell>,
    pub(super) drained: Gong,
    time: Box<dyn Fn() -> Instant + Send + Sync>,
}

pub(super) struct State<R: Runtime> {
    pub(super) pool: Pool,
    /// Those that nobody has.
    pub(super) sockets: BTreeMap<SlotId, Held<R>>,
    pub(super) desks: BTreeMap<Ticket, Desk<R>>,
    /// What the keeper has to open, what is being opened, and what of it is given up.
    pub(super) to_dial: Vec<SlotId>,
    pub(super) dialing: BTreeSet<SlotId>,
    pub(super) given_up: Vec<SlotId>,
    /// Why none could be opened; nothing once one was.
    pub(super) last_error: Option<Arc<ConnectError>>,
    /// When the keeper wakes by itself, and when it looks for sockets to watch.
    pub(super) wakes_at: Option<Instant>,
    pub(super) looks_at: Option<Instant>,
}

/// A socket in the pool, and whom it wakes once it is watched.
pub(super) struct Held<R: Runtime> {
    pub(super) socket: Socket<R>,
    pub(super) watch: Option<Waker>,
}

/// Where one who waits finds what became of it.
pub(super) struct Desk<R: Runtime> {
    pub(super) waker: Option<Waker>,
    pub(super) outcome: Option<Result<(SlotId, Socket<R>), PoolError>>,
}

/// What is done once nothing is locked: wakers and sockets may do anything.
pub(super) struct After<R: Runtime> {
    wake: Vec<Waker>,
    close: Vec<Socket<R>>,
    ring: bool,
    is_drained: bool,
}

impl<R: Runtime> Shared<R> {
    pub(super) fn new(
        pool: Pool,
        dial: Box<Dial<R>>,
        time: impl Fn() -> Instant + Send + Sync + 'static,
    ) -> Arc<Self> {
        let state = State {
            pool,
            sockets: BTreeMap::new(),
            desks: BTreeMap::new(),
            to_dial: Vec::new(),
            dialing: BTreeSet::new(),
            given_up: Vec::new(),
            last_error: None,
            wakes_at: None,
            looks_at: None,
        };
        let (bell, drained) = (Arc::default(), Gong::default());
        Arc::new(Self { state: Mutex::new(state), dial, bell, drained, time: Box::new(time) })
    }

    /// Looks at the state alone.
    pub(super) fn look<T>(&self, look: impl FnOnce(&State<R>) -> T) -> T {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes something, and does what the pool asks for then.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut State<R>, Instant) -> T) -> T {
        self.act_then(act, |_, out| out)
    }

    /// As [`act`](Self::act), and has a look at what came of it.
    pub(super) fn act_then<T, U>(
        &self,
        act: impl FnOnce(&mut State<R>, Instant) -> T,
        then: impl FnOnce(&mut State<R>, T) -> U,
    ) -> U {
        let now = (self.time)();
        let mut after = After { wake: Vec::new(), close: Vec::new(), ring: false, is_drained: false };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let out = act(&mut state, now);
        state.obey(now, &mut after);
        let out = then(&mut state, out);
        drop(state);
        drop(after.close);
        after.wake.into_iter().for_each(Waker::wake);
        if after.is_drained {
            self.drained.strike();
        }
        if after.ring || after.is_drained {
            self.bell.ring();
        }
        out
    }
}

impl<R: Runtime> State<R> {
    /// A socket is in the pool, for now.
    pub(super) fn hold(&mut self, slot: SlotId, socket: Socket<R>) {
        self.sockets.insert(slot, Held { socket, watch: None });
    }

    fn obey(&mut self, now: Instant, after: &mut After<R>) {
        while let Some(action) = self.pool.poll_action() {
            match action {
                Action::Open { slot } => {
                    self.dialing.insert(slot);
                    self.to_dial.push(slot);
                    after.ring = true;
                }
                Action::Check { slot } => {
                    let held = self.sockets.get_mut(&slot);
                    let is_sound = held.is_some_and(|held| held.socket.is_at_rest());
                    self.pool.checked(now, slot, is_sound);
                }
                Action::Serve { ticket, slot } => self.serve(now, ticket, slot, after),
                Action::Refuse { ticket, why } => {
                    let error = PoolError::of(why, self.last_error.clone());
                    if let Some(desk) = self.desks.get_mut(&ticket) {
                        desk.outcome = Some(Err(error));
                        after.wake.extend(desk.waker.take());
                    }
                }
                Action::Close { slot } => self.close(now, slot, after),
                // There is no other.
                _ => {}
            }
        }
        if self.looks_at.is_none() && self.sockets.values().any(|held| held.watch.is_none()) {
            self.looks_at = Some(now + UNWATCHED);
        }
        let next = self.next();
        after.ring |= next.is_some_and(|next| self.wakes_at.is_none_or(|at| next < at));
        after.is_drained = self.pool.is_drained();
    }

    /// When the keeper has something to do.
    pub(super) fn next(&self) -> Option<Instant> {
        self.pool.poll_timeout().into_iter().chain(self.looks_at).min()
    }

    fn serve(&mut self, now: Instant, ticket: Ticket, slot: SlotId, after: &mut After<R>) {
        let (desk, held) = (self.desks.get_mut(&ticket), self.sockets.remove(&slot));
        match (desk, held) {
            (Some(desk), Some(held)) => {
                desk.outcome = Some(Ok((slot, held.socket)));
                after.wake.extend(desk.waker.take());
            }
            // Neither is ever missing; what is left goes.
            (_, held) => {
                after.close.extend(held.map(|held| held.socket));
                self.pool.closed(now, slot);
            }
        }
    }

    fn close(&mut self, now: Instant, slot: SlotId, after: &mut After<R>) {
        if self.dialing.contains(&slot) {
            // It counts until the keeper has dropped what makes it.
            self.given_up.push(slot);
            after.ring = true;
            return;
        }
        after.close.extend(self.sockets.remove(&slot).map(|held| held.socket));
        self.pool.closed(now, slot);
    }
}
