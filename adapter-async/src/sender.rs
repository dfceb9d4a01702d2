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
/// use wharf_async::{Error, Runtime, Socket};
///
/// /// Answers each message by a task of its own, in whatever order they are done.
/// async fn answer<R: Runtime>(mut socket: Socket<R>) -> Result<(), Error> {
///     let sender = socket.sender(16);
///     while let Some(message) = socket.next().await {
///         let (sender, message) = (sender.clone(), message?);
///         R::spawn(async move {
///             // The peer has gone: nobody waits for the answer.
///             let _ = sender.send(message).await;
///         });
///     }
///     Ok(())
/// }
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
