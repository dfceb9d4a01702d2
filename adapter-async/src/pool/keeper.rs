//! Who opens a pool's sockets, watches those that are idle, and keeps its time.

use super::bell::SlotBell;
use super::shared::{Dialing, Shared, State};
use crate::runtime::Runtime;
use crate::sleep::Sleep;
use crate::socket::Socket;
use crate::{Clock, ConnectError};
use std::future::{Future, poll_fn};
use std::mem::take;
use std::sync::Arc;
use std::task::{Context, Poll};
use wharf::base::Instant;
use wharf::service::pool::SlotId;
use wharf::service::schedule::Retryable;

/// Turns of one poll, after which other tasks get theirs: a dial that fails at once may be tried again at once.
const TURNS: usize = 64;

/// Keeps a pool until it is drained. Dropped before that, as when its runtime goes down, nobody is let wait any more, also where it
/// was never polled.
pub(super) fn keep<R: Runtime>(
    shared: Arc<Shared<R>>,
    mut sleep: impl Sleep,
) -> impl Future<Output = ()> + Send {
    let mut keeper = Keeper { shared, dials: Vec::new() };
    poll_fn(move |cx| keeper.poll(cx, &mut sleep))
}

struct Keeper<R: Runtime> {
    shared: Arc<Shared<R>>,
    dials: Vec<(SlotId, Dialing<R>)>,
}

impl<R: Runtime> Keeper<R> {
    fn poll(&mut self, cx: &mut Context<'_>, sleep: &mut impl Sleep) -> Poll<()> {
        for _ in 0..TURNS {
            let shared = self.shared.clone();
            let rung = shared.bell.listen(cx.waker());
            let begun = shared.act(|state, now| {
                state.pool.handle_timeout(now);
                rung.into_iter().for_each(|slot| watch(state, now, slot));
                look(state, now, &shared);
                take(&mut state.to_dial)
            });
            self.dials.extend(begun.into_iter().map(|slot| (slot, (shared.dial)())));
            let (is_done, gave_up) = (self.poll_dials(cx), self.give_up());
            if shared.drained.is_struck() && self.dials.is_empty() {
                return Poll::Ready(());
            }
            if is_done || gave_up {
                continue;
            }
            // From here on whoever brings something about that comes before rings.
            let next = shared.act(|state, _| {
                state.wakes_at = state.next();
                (state.to_dial.is_empty() && state.given_up.is_empty()).then_some(state.wakes_at)
            });
            match next {
                Some(None) => return Poll::Pending,
                Some(Some(at)) if !sleep.poll_until(cx, at) => return Poll::Pending,
                _ => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether one was done.
    fn poll_dials(&mut self, cx: &mut Context<'_>) -> bool {
        let mut done = Vec::new();
        self.dials.retain_mut(|(slot, dial)| match dial.as_mut().poll(cx) {
            Poll::Pending => true,
            Poll::Ready(outcome) => {
                done.push((*slot, outcome));
                false
            }
        });
        let is_done = !done.is_empty();
        done.into_iter().for_each(|(slot, outcome)| self.dialed(slot, outcome));
        is_done
    }

    fn dialed(&self, slot: SlotId, outcome: Result<Socket<R>, ConnectError>) {
        self.shared.act(|state, now| {
            state.dialing.remove(&slot);
            match outcome {
                Ok(socket) => {
                    state.hold(slot, socket);
                    state.last_error = None;
                    state.pool.opened(now, slot);
                }
                Err(error) => {
                    let again = error.try_again_after(Clock::new().wall());
                    state.last_error = Some(Arc::new(error));
                    state.pool.failed(now, slot, again);
                }
            }
        });
    }

    /// Drops what is not waited for any more; whether there was something.
    fn give_up(&mut self) -> bool {
        let slots = self.shared.act(|state, _| take(&mut state.given_up));
        for slot in &slots {
            self.dials.retain(|(other, _)| other != slot);
            let unused = self.shared.act(|state, now| {
                state.dialing.remove(slot);
                state.to_dial.retain(|other| other != slot);
                state.pool.closed(now, *slot);
                state.sockets.remove(slot)
            });
            drop(unused);
        }
        !slots.is_empty()
    }
}

/// An idle socket answers pings and hears of its end; one that hears anything else is of no use any more.
fn watch<R: Runtime>(state: &mut State<R>, now: Instant, slot: SlotId) {
    let Some(held) = state.sockets.get_mut(&slot) else { return };
    let Some(waker) = held.watch.clone() else { return };
    if !held.socket.poll_at_rest(&mut Context::from_waker(&waker)) {
        state.pool.discard(now, slot);
    }
}

/// Watches those that have come back meanwhile.
fn look<R: Runtime>(state: &mut State<R>, now: Instant, shared: &Shared<R>) {
    if state.looks_at.is_none_or(|at| at > now) {
        return;
    }
    state.looks_at = None;
    let mut unwatched = Vec::new();
    for (slot, held) in &mut state.sockets {
        if held.watch.is_none() {
            held.watch = Some(SlotBell::waker(*slot, &shared.bell));
            unwatched.push(*slot);
        }
    }
    unwatched.into_iter().for_each(|slot| watch(state, now, slot));
}

impl<R: Runtime> Drop for Keeper<R> {
    fn drop(&mut self) {
        self.dials.clear();
        self.shared.act(|state, now| {
            state.pool.drain(now);
            state.to_dial.clear();
            for slot in take(&mut state.dialing) {
                state.pool.closed(now, slot);
            }
        });
        // Whoever still has a socket gives it back to nobody.
        self.shared.drained.strike();
    }
}
