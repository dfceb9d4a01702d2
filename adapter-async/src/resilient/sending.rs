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
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use std::sync::Arc;
/// use wharf::link::Config;
/// use wharf::service::client::Fate;
/// use wharf_async::Client;
///
/// # block_on(async {
/// # let bound = wharf_async::Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_async::serve(bound, Default::default(), |mut socket| async move {
/// #     while let Some(message) = socket.next().await {
/// #         socket.send(message?).await?;
/// #     }
/// #     Ok::<(), wharf_async::Error>(())
/// # });
/// let config = Arc::new(Config::client());
/// let (client, _messages) = Client::connect::<R>(&url, &config, Default::default())?;
/// let sending = client.send("ahoy");
/// assert!(sending.ticket().is_some(), "it was taken");
/// assert_eq!(sending.await?, Fate::Written);
///
/// client.stop().await;
/// let refused = client.send("too late").await.unwrap_err();
/// assert_eq!(refused.message.as_text(), Some("too late"));
/// # server.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
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
