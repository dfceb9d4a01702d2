//! Sending from other tasks.

use crate::SendFailed;
use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll};
use wharf::base::{CloseCode, Message, SendError};

/// What other tasks ask of a socket.
#[derive(Debug)]
pub(crate) enum Command {
    Message(Message<'static>),
    Close(CloseCode, String),
}

/// The socket's end of its senders.
pub(crate) struct Inbox {
    /// A sender of its own: with the last of the others gone, what they sent is still there for the next.
    sender: async_channel::Sender<Command>,
    receiver: Pin<Box<async_channel::Receiver<Command>>>,
    /// One that was taken and found no room.
    returned: Option<Command>,
}

impl Inbox {
    pub(crate) fn new(capacity: usize) -> (Sender, Self) {
        let (sender, receiver) = async_channel::bounded(capacity.max(1));
        let inbox = Self { sender: sender.clone(), receiver: Box::pin(receiver), returned: None };
        (Sender { sender }, inbox)
    }

    /// A sender for the same inbox.
    pub(crate) fn sender(&self) -> Sender {
        Sender { sender: self.sender.clone() }
    }

    /// Takes no more: whoever waits for room is told so, and has the message back.
    pub(crate) fn close(&self) {
        self.sender.close();
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Option<Command> {
        if let Some(command) = self.returned.take() {
            return Some(command);
        }
        match self.receiver.as_mut().poll_next(cx) {
            Poll::Ready(command) => command,
            Poll::Pending => None,
        }
    }

    /// Gives one back, to be the next.
    pub(crate) fn put_back(&mut self, command: Command) {
        self.returned = Some(command);
    }
}

/// Sends into a socket from any task; cheap to clone. It is bounded: when the socket's peer does not read, senders
/// wait. What was sent when the connection ends is lost; the socket's close report says so.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use std::sync::Arc;
/// use wharf::base::SendError;
/// use wharf::link::Config;
/// use wharf_async::{Runtime, connect};
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
/// let mut socket = connect::<R>(&url, &Arc::new(Config::client())).await?;
/// let sender = socket.sender(16);
/// let measuring = sender.clone();
/// R::spawn(async move {
///     for degrees in 20..23 {
///         if measuring.send(degrees.to_string()).await.is_err() {
///             // The connection has ended: nobody is left to tell.
///             return;
///         }
///     }
/// });
/// for degrees in 20..23 {
///     assert_eq!(socket.next().await.unwrap()?.as_text(), Some(&*degrees.to_string()));
/// }
///
/// drop(socket);
/// assert_eq!(sender.try_send("23").unwrap_err().error, SendError::Closed);
/// # server.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Sender {
    sender: async_channel::Sender<Command>,
}

impl Sender {
    /// Sends, waiting for room in the inbox.
    ///
    /// # Errors
    /// The message with [`SendError::Closed`], if the connection has ended or the socket is gone.
    ///
    /// # Cancel safety
    /// Dropped before it is done, nothing was sent, and the message is dropped with it; [`try_send`](Self::try_send)
    /// leaves it with the caller.
    pub async fn send(&self, message: impl Into<Message<'static>>) -> Result<(), SendFailed<'static>> {
        let sent = self.sender.send(Command::Message(message.into())).await;
        sent.map_err(|e| failed(SendError::Closed, e.0))
    }

    /// Sends if there is room in the inbox.
    ///
    /// # Errors
    /// The message with [`SendError::Full`], or with [`SendError::Closed`] if the connection has ended or the
    /// socket is gone.
    pub fn try_send(&self, message: impl Into<Message<'static>>) -> Result<(), SendFailed<'static>> {
        self.sender.try_send(Command::Message(message.into())).map_err(|e| match e {
            async_channel::TrySendError::Full(command) => failed(SendError::Full, command),
            async_channel::TrySendError::Closed(command) => failed(SendError::Closed, command),
        })
    }

    /// Closes the socket, behind what was sent before. One that is closing already goes on with the code it has.
    ///
    /// # Errors
    /// [`SendError::InvalidClose`] if code or reason cannot be sent, [`SendError::Closed`] if the connection has ended or
    /// the socket is gone.
    ///
    /// # Cancel safety
    /// Dropped before it is done, nothing was asked.
    pub async fn close(&self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        if !code.can_close_with(reason) {
            return Err(SendError::InvalidClose);
        }
        let sent = self.sender.send(Command::Close(code, reason.to_owned())).await;
        sent.map_err(|_| SendError::Closed)
    }
}

fn failed(error: SendError, command: Command) -> SendFailed<'static> {
    let message = match command {
        Command::Message(message) => message,
        Command::Close(_, reason) => Message::text(reason),
    };
    SendFailed { error, message }
}
