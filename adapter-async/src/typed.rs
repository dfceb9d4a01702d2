//! A socket whose messages are of one type each way.

use crate::runtime::Runtime;
use crate::socket::Socket;
use crate::{Error, SendFailed};
use futures_core::Stream;
use futures_sink::Sink;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use wharf::base::{CloseCode, Message};
use wharf::framed::json::JsonError;
use wharf::service::messages::{BadMessage, Messages, MessagesConfig};

/// A [`Socket`] whose messages are JSON (feature `json`): `In` comes, `Out` goes. It is made by [`Socket::typed`].
///
/// As a [`Stream`] it yields each message, or the error that it cannot be read; the connection goes on after one, unless
/// [`MessagesConfig`] has it closed. As a [`Sink`] it takes messages, with the socket's backpressure both ways.
///
/// ```
/// # #[cfg(feature = "sim")] {
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use wharf_async::{TypedError, mock};
///
/// # block_on(async {
/// let (socket, peer) = mock::<R>(["[2,3]", "two and three"]);
/// let mut socket = socket.typed::<[i64; 2], i64>(Default::default());
/// let [a, b] = socket.next().await.unwrap()?;
/// socket.send(&(a + b)).await?;
/// assert_eq!(peer.texts(), ["5"]);
/// // What cannot be read is told, and the connection goes on.
/// assert!(matches!(socket.next().await, Some(Err(TypedError::Bad(_)))));
/// assert_eq!(socket.invalid(), 1);
/// # Ok::<(), TypedError>(()) }).unwrap(); }
/// ```
pub struct TypedSocket<R: Runtime, In, Out> {
    socket: Socket<R>,
    messages: Messages<In, Out>,
}

/// Why there is no message (feature `json`), or why one was not sent.
///
/// ```
/// use wharf::base::Message;
/// use wharf::service::messages::Messages;
/// use wharf_async::TypedError;
///
/// let bad = Messages::<u8, u8>::new(Default::default()).decode(&Message::text("{")).unwrap_err();
/// assert!(!TypedError::from(bad).is_end());
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TypedError {
    /// A message that could not be read. The stream goes on; where the connection is closed for it, to its end.
    #[error(transparent)]
    Bad(#[from] BadMessage),
    /// A value that has no JSON. Nothing was sent.
    #[error(transparent)]
    Unwritable(JsonError),
    /// The socket failed.
    #[error(transparent)]
    Socket(#[from] Error),
}

impl TypedError {
    /// Whether the connection has ended.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Socket(Error::Closed(_)))
    }
}

impl From<SendFailed<'static>> for TypedError {
    fn from(failed: SendFailed<'static>) -> Self {
        Self::Socket(failed.into())
    }
}

impl<R: Runtime> Socket<R> {
    /// Makes its messages JSON, of one type each way.
    #[must_use]
    pub fn typed<In, Out>(self, config: MessagesConfig) -> TypedSocket<R, In, Out> {
        TypedSocket { socket: self, messages: Messages::new(config) }
    }
}

impl<R: Runtime, In, Out> TypedSocket<R, In, Out> {
    /// The socket, for its counters, its report and its senders.
    pub fn socket(&mut self) -> &mut Socket<R> {
        &mut self.socket
    }

    /// The socket.
    #[must_use]
    pub fn into_socket(self) -> Socket<R> {
        self.socket
    }

    /// How many messages could not be read.
    #[must_use]
    pub fn invalid(&self) -> u32 {
        self.messages.invalid()
    }

    /// Closes ([`Socket::close`]).
    ///
    /// # Errors
    /// As [`Socket::close`].
    ///
    /// # Cancel safety
    /// As [`Socket::close`].
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.socket.close(code, reason).await
    }
}

impl<R: Runtime, In: DeserializeOwned, Out> TypedSocket<R, In, Out> {
    /// Waits for a message. `None` at the end.
    ///
    /// # Errors
    /// [`TypedError::Bad`] for one that could not be read, after which there may be others; [`TypedError::Socket`] once, if the
    /// end was not clean.
    ///
    /// # Cancel safety
    /// Dropped before it is done, no message is lost.
    pub async fn next(&mut self) -> Option<Result<In, TypedError>> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<In, TypedError>>> {
        let Self { socket, messages } = self;
        socket
            .poll_next_with(cx, &mut |link, now, message: Message<'_>| {
                let decoded = messages.decode(&message);
                if let Err(BadMessage { error, close: Some(code), .. }) = &decoded {
                    // One that is closing already goes on with the code it has.
                    let _ = link.close(now, *code, &error.reason());
                }
                decoded
            })
            .map(|out| {
                out.map(|out| match out {
                    Ok(decoded) => decoded.map_err(TypedError::Bad),
                    Err(error) => Err(error.into()),
                })
            })
    }
}

impl<R: Runtime, In, Out: Serialize> TypedSocket<R, In, Out> {
    /// Sends a message, and waits while the output is congested.
    ///
    /// # Errors
    /// [`TypedError::Unwritable`], or [`TypedError::Socket`] as of [`Socket::send`].
    ///
    /// # Cancel safety
    /// The first poll queues the message or fails. Dropped after it, the message is sent once, when the socket is polled.
    pub async fn send(&mut self, message: &Out) -> Result<(), TypedError> {
        self.queue(message)?;
        Ok(self.socket.ready().await?)
    }

    fn queue(&mut self, message: &Out) -> Result<(), TypedError> {
        let message = self.messages.encode(message).map_err(TypedError::Unwritable)?;
        self.socket.queue(message)?;
        Ok(())
    }
}

impl<R: Runtime, In: DeserializeOwned, Out> Stream for TypedSocket<R, In, Out> {
    type Item = Result<In, TypedError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_message(cx)
    }
}

impl<R: Runtime, In, Out: Serialize> Sink<Out> for TypedSocket<R, In, Out> {
    type Error = TypedError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TypedError>> {
        Pin::new(&mut self.socket).poll_ready(cx).map_err(TypedError::Socket)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Out) -> Result<(), TypedError> {
        self.queue(&message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TypedError>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(TypedError::Socket)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TypedError>> {
        Pin::new(&mut self.socket).poll_close(cx).map_err(TypedError::Socket)
    }
}

impl<R: Runtime, In, Out> fmt::Debug for TypedSocket<R, In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedSocket").field("socket", &self.socket).finish_non_exhaustive()
    }
}
