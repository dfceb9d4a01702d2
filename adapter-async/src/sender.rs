//! Sending from other tasks.

use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll};
use wharf::base::{CloseCode, Message};

/// What other tasks ask of a socket.
#[derive(Debug)]
pub(crate) enum Command {
    Message(Message<'static>),
    Close(CloseCode, String),
}

/// The socket's end of its senders.
pub(crate) struct Inbox {
    sender: async_channel::WeakSender<Command>,
    receiver: Pin<Box<async_channel::Receiver<Command>>>,
}

impl Inbox {
    pub(crate) fn new(capacity: usize) -> (Sender, Self) {
        let (sender, receiver) = async_channel::bounded(capacity.max(1));
        let inbox = Self { sender: sender.downgrade(), receiver: Box::pin(receiver) };
        (Sender { sender }, inbox)
    }

    /// A sender for the same inbox.
    pub(crate) fn sender(&self) -> Option<Sender> {
        self.sender.upgrade().map(|sender| Sender { sender })
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Option<Command> {
        match self.receiver.as_mut().poll_next(cx) {
            Poll::Ready(command) => command,
            Poll::Pending => None,
        }
    }
}

/// Sends into a socket from any task; cheap to clone. It is bounded: when the socket's peer does not read, senders
/// wait. What was sent when the socket goes is lost; the socket's close report says so.
#[derive(Clone, Debug)]
pub struct Sender {
    sender: async_channel::Sender<Command>,
}

/// Why a message was not taken at once. It is given back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrySendError {
    /// No room; [`Sender::send`] waits for it.
    #[error("the socket's inbox is full")]
    Full(Message<'static>),
    /// The socket is gone.
    #[error("the socket is gone")]
    Gone(Message<'static>),
}

impl Sender {
    /// Sends, waiting for room.
    ///
    /// # Errors
    /// The message, if the socket is gone.
    ///
    /// # Cancel safety
    /// Dropped before it is done, nothing was sent.
    pub async fn send(&self, message: impl Into<Message<'static>>) -> Result<(), Message<'static>> {
        self.sender.send(Command::Message(message.into())).await.map_err(|e| message_of(e.0))
    }

    /// Sends if there is room.
    ///
    /// # Errors
    /// [`TrySendError`] with the message.
    pub fn try_send(&self, message: impl Into<Message<'static>>) -> Result<(), TrySendError> {
        self.sender.try_send(Command::Message(message.into())).map_err(|e| match e {
            async_channel::TrySendError::Full(command) => TrySendError::Full(message_of(command)),
            async_channel::TrySendError::Closed(command) => TrySendError::Gone(message_of(command)),
        })
    }

    /// Closes the socket, behind what was sent before. Nothing happens if it is gone.
    ///
    /// # Cancel safety
    /// Dropped before it is done, nothing was asked.
    pub async fn close(&self, code: CloseCode, reason: &str) {
        let _ = self.sender.send(Command::Close(code, reason.to_owned())).await;
    }
}

fn message_of(command: Command) -> Message<'static> {
    match command {
        Command::Message(message) => message,
        Command::Close(_, reason) => Message::text(reason),
    }
}
