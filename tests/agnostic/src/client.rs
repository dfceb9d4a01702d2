//! The client's side: a machine over messages, not over a socket.

use crate::{Answer, Request};
use core::fmt;
use wharf::base::Message;

/// Keeps the books of one connection: what was asked and not answered, and the total that was heard last.
///
/// ```
/// let mut client = wharf_agnostic::Client::default();
/// let message = client.get();
/// // Any socket sends it, and brings an answer.
/// assert_eq!(message.as_text(), Some("get"));
/// assert!(client.is_waiting());
/// ```
#[derive(Debug, Default)]
pub struct Client {
    waiting: usize,
    total: Option<i64>,
}

/// A message that a counter would not have sent.
///
/// ```
/// use wharf_agnostic::{Client, ClientError};
///
/// let mut client = Client::default();
/// assert_eq!(client.receive(&"total 1".into()), Err(ClientError::Unasked));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// It is no answer.
    Nonsense,
    /// Nothing was asked.
    Unasked,
}

impl Client {
    /// Asks to add `n`: the message to send.
    #[must_use]
    pub fn add(&mut self, n: i64) -> Message<'static> {
        self.ask(Request::Add(n))
    }

    /// Asks for the total: the message to send.
    #[must_use]
    pub fn get(&mut self) -> Message<'static> {
        self.ask(Request::Get)
    }

    /// Takes a message that came.
    ///
    /// # Errors
    /// [`ClientError`]; nothing has changed then.
    pub fn receive(&mut self, message: &Message<'_>) -> Result<Answer, ClientError> {
        let answer = Answer::parse(message).ok_or(ClientError::Nonsense)?;
        self.waiting = self.waiting.checked_sub(1).ok_or(ClientError::Unasked)?;
        if let Answer::Total(total) = answer {
            self.total = Some(total);
        }
        Ok(answer)
    }

    /// Whether an answer is owed.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// The total that was heard last.
    #[must_use]
    pub fn total(&self) -> Option<i64> {
        self.total
    }

    fn ask(&mut self, request: Request) -> Message<'static> {
        self.waiting += 1;
        request.to_message()
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nonsense => "not a counter's answer",
            Self::Unasked => "an answer to nothing",
        })
    }
}

impl core::error::Error for ClientError {}
