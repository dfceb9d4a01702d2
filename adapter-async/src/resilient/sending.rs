//! A message that was sent, and what becomes of it.

use super::desk::Desk;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wharf::service::client::{Fate, Refused, Ticket};

/// A message that a [`Client`](super::Client) was given: the future of its [`Fate`].
///
/// # Errors
/// [`Refused`], with the message, if it was not taken.
///
/// # Cancel safety
/// Dropped before it is done, the message is taken back if no connection has it; else it goes on, and nobody learns what becomes of
/// it. [`detach`](Self::detach) leaves it to go out in any case.
#[must_use = "dropped, a message that no connection has is taken back"]
pub struct Sending {
    desk: Arc<Desk>,
    /// Nothing once it is done.
    sent: Option<Result<Ticket, Refused>>,
}

impl Sending {
    pub(super) fn new(desk: Arc<Desk>, sent: Result<Ticket, Refused>) -> Self {
        Self { desk, sent: Some(sent) }
    }

    /// The message's name, to [acknowledge](super::Client::acknowledge) it by; `None` if it was not taken.
    #[must_use]
    pub fn ticket(&self) -> Option<Ticket> {
        self.sent.as_ref()?.as_ref().ok().copied()
    }

    /// Leaves it to go out, without being told what becomes of it.
    ///
    /// # Errors
    /// [`Refused`], with the message, if it was not taken.
    pub fn detach(mut self) -> Result<(), Refused> {
        match self.sent.take() {
            Some(Ok(ticket)) => {
                self.desk.forget(ticket, false);
                Ok(())
            }
            Some(Err(refused)) => Err(refused),
            None => Ok(()),
        }
    }
}

impl Future for Sending {
    type Output = Result<Fate, Refused>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.sent.take() {
            Some(Ok(ticket)) => match self.desk.poll_fate(ticket, cx) {
                Poll::Ready(fate) => Poll::Ready(Ok(fate)),
                Poll::Pending => {
                    self.sent = Some(Ok(ticket));
                    Poll::Pending
                }
            },
            Some(Err(refused)) => Poll::Ready(Err(refused)),
            // It is done, and has nothing more to say.
            None => Poll::Pending,
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(Ok(ticket)) = self.sent {
            self.desk.forget(ticket, true);
        }
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("ticket", &self.ticket()).finish_non_exhaustive()
    }
}
