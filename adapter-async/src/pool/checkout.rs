//! Waiting for a socket.

use super::shared::{Desk, Shared};
use super::{PoolError, Pooled};
use crate::runtime::Runtime;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use wharf::service::pool::Ticket;

pub(super) struct Checkout<'a, R: Runtime> {
    shared: &'a Arc<Shared<R>>,
    patience: Option<Duration>,
    ticket: Option<Ticket>,
}

impl<'a, R: Runtime> Checkout<'a, R> {
    pub(super) fn new(shared: &'a Arc<Shared<R>>, patience: Option<Duration>) -> Self {
        Self { shared, patience, ticket: None }
    }

    /// Asks, and has a look whether there was one at once.
    fn begin(&mut self, cx: &Context<'_>) -> Poll<Result<Pooled<R>, PoolError>> {
        let (patience, ticket) = (self.patience, &mut self.ticket);
        let outcome = self.shared.act_then(
            |state, now| {
                let asked = match patience {
                    None => state.pool.checkout(now)?,
                    Some(patience) => state.pool.checkout_within(now, patience)?,
                };
                state.desks.insert(asked, Desk { waker: None, outcome: None });
                Ok(asked)
            },
            |state, asked: Result<_, PoolError>| {
                let asked = match asked {
                    Ok(asked) => asked,
                    Err(error) => return Some(Err(error)),
                };
                let desk = state.desks.get_mut(&asked)?;
                let outcome = desk.outcome.take();
                if outcome.is_some() {
                    state.desks.remove(&asked);
                } else {
                    desk.waker = Some(cx.waker().clone());
                    *ticket = Some(asked);
                }
                outcome
            },
        );
        self.finish(outcome)
    }

    fn finish(
        &self,
        outcome: Option<Result<(wharf::service::pool::SlotId, crate::Socket<R>), PoolError>>,
    ) -> Poll<Result<Pooled<R>, PoolError>> {
        match outcome {
            None => Poll::Pending,
            Some(outcome) => {
                Poll::Ready(outcome.map(|(slot, socket)| Pooled::new(self.shared.clone(), slot, socket)))
            }
        }
    }
}

impl<R: Runtime> Future for Checkout<'_, R> {
    type Output = Result<Pooled<R>, PoolError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(ticket) = self.ticket else { return self.begin(cx) };
        let outcome = self.shared.act(|state, _| {
            let desk = state.desks.get_mut(&ticket)?;
            let outcome = desk.outcome.take();
            match &outcome {
                Some(_) => drop(state.desks.remove(&ticket)),
                None => desk.waker = Some(cx.waker().clone()),
            }
            outcome
        });
        if outcome.is_some() {
            self.ticket = None;
        }
        self.finish(outcome)
    }
}

impl<R: Runtime> Drop for Checkout<'_, R> {
    /// One that has come meanwhile is the next one's.
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        self.shared.act(|state, now| match state.desks.remove(&ticket).and_then(|desk| desk.outcome) {
            Some(Ok((slot, socket))) => {
                state.hold(slot, socket);
                state.pool.give_back(now, slot);
            }
            _ => state.pool.cancel(now, ticket),
        });
    }
}
