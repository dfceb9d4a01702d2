//! A message that was sent, and what becomes of it.

use super::desk::Desk;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wharf::framed::json::JsonError;
use wharf::service::bus::client::{Outcome, Refused, Undelivered};
use wharf::service::bus::{Envelope, Name, NameError};

/// Why a message is not accepted (feature `json`), as far as is known.
///
/// ```
/// use wharf_async::BusSendError;
///
/// /// Whether it may be sent again, in another life of the process, without being there twice.
/// fn is_certain(error: &BusSendError) -> bool {
///     !matches!(error, BusSendError::Undelivered { may_be_accepted: true, .. })
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BusSendError {
    /// The receiver's name is none.
    #[error("the receiver: {0}")]
    Name(#[from] NameError),
    /// The payload has no JSON.
    #[error(transparent)]
    Payload(#[from] JsonError),
    /// The client did not take it: here it is back.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The bus did not take it, or there was no answer: here it is back.
    #[error("{why}")]
    Undelivered {
        /// The message, to be sent again under its id ([`Outgoing::again`](wharf::service::bus::client::Outgoing::again)).
        message: Box<Envelope>,
        /// Why.
        why: Undelivered,
        /// Whether the bus may have accepted it all the same.
        may_be_accepted: bool,
    },
}

/// A message that a [`BusClient`](super::BusClient) was given (feature `json`): the future of its being accepted, which is told by its id.
///
/// # Errors
/// [`BusSendError`].
///
/// # Cancel safety
/// Dropped before it is done, the message is taken back, and is not sent again; one that was sent may be accepted all the same.
/// [`detach`](Self::detach) leaves it to go on.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # mod bus { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/bus.rs")); }
/// # use own::{Local as R, block_on};
/// # use wharf::service::bus::Name;
/// # use wharf::service::bus::client::BusClientConfig;
/// # use wharf_async::BusClient;
/// use wharf_async::{BusSendError, Posting};
///
/// # block_on(async {
/// # let (url, bus) = bus::start::<R>().await?;
/// # let config = BusClientConfig::new(Name::new("stock")?);
/// # let (client, _deliveries) = BusClient::connect::<R>(&url, config)?;
/// // Both are on their way before either is waited for.
/// let (mail, stock): (Posting, Posting) = (client.send("mail", "sold", &7), client.send("stock", "sold", &7));
/// let id = mail.id().cloned();
/// assert_eq!(Some(mail.await?), id);
/// stock.await?;
/// assert_eq!(client.stats().accepted, 2);
///
/// let nobody = client.send("no name", "sold", &7).await;
/// assert!(matches!(nobody, Err(BusSendError::Name(_))));
/// # client.stop().await;
/// # bus.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[must_use = "dropped, the message is taken back"]
pub struct Posting {
    desk: Arc<Desk>,
    /// Nothing once it is done.
    sent: Option<Result<Name, BusSendError>>,
}

impl Posting {
    pub(super) fn new(desk: Arc<Desk>, sent: Result<Name, BusSendError>) -> Self {
        Self { desk, sent: Some(sent) }
    }

    /// The message's id; `None` if it was not taken.
    #[must_use]
    pub fn id(&self) -> Option<&Name> {
        self.sent.as_ref()?.as_ref().ok()
    }

    /// Leaves it to be sent until it is accepted; that it is not is a [notice](super::BusClient::notice).
    ///
    /// # Errors
    /// It was not taken.
    pub fn detach(mut self) -> Result<(), BusSendError> {
        match self.sent.take() {
            Some(Ok(id)) => {
                self.desk.forget(&id, false);
                Ok(())
            }
            Some(Err(error)) => Err(error),
            None => Ok(()),
        }
    }
}

impl Future for Posting {
    type Output = Result<Name, BusSendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.sent.take() {
            Some(Ok(id)) => match self.desk.poll_outcome(&id, cx) {
                Poll::Ready(Outcome::Undelivered { message, why, may_be_accepted }) => {
                    Poll::Ready(Err(BusSendError::Undelivered { message, why, may_be_accepted }))
                }
                Poll::Ready(_) => Poll::Ready(Ok(id)),
                Poll::Pending => {
                    self.sent = Some(Ok(id));
                    Poll::Pending
                }
            },
            Some(Err(error)) => Poll::Ready(Err(error)),
            // It is done, and has nothing more to say.
            None => Poll::Pending,
        }
    }
}

impl Drop for Posting {
    fn drop(&mut self) {
        if let Some(Ok(id)) = self.sent.take() {
            self.desk.forget(&id, true);
        }
    }
}

impl fmt::Debug for Posting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Posting").field("id", &self.id()).finish_non_exhaustive()
    }
}
