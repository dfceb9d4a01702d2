//! What is said: one text message a request, one an answer.

use alloc::format;
use wharf::base::Message;

/// What a client asks.
///
/// ```
/// use wharf_agnostic::Request;
///
/// assert_eq!(Request::parse(&"add -3".into()), Some(Request::Add(-3)));
/// assert_eq!(Request::parse(&"subtract".into()), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Add to the total.
    Add(i64),
    /// Tell the total.
    Get,
}

impl Request {
    /// Reads a message.
    #[must_use]
    pub fn parse(message: &Message<'_>) -> Option<Self> {
        match message.as_text()?.split_once(' ') {
            Some(("add", n)) => n.parse().ok().map(Self::Add),
            None if message.as_text() == Some("get") => Some(Self::Get),
            _ => None,
        }
    }

    /// The message that says it.
    #[must_use]
    pub fn to_message(self) -> Message<'static> {
        match self {
            Self::Add(n) => Message::text(format!("add {n}")),
            Self::Get => Message::text("get"),
        }
    }
}

/// What the server answers.
///
/// ```
/// use wharf_agnostic::Answer;
///
/// assert_eq!(Answer::parse(&Answer::Total(7).to_message()), Some(Answer::Total(7)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The total now.
    Total(i64),
    /// The total has no room for that; it is what it was.
    Overflow,
}

impl Answer {
    /// Reads a message.
    #[must_use]
    pub fn parse(message: &Message<'_>) -> Option<Self> {
        match message.as_text()?.split_once(' ') {
            Some(("total", n)) => n.parse().ok().map(Self::Total),
            None if message.as_text() == Some("overflow") => Some(Self::Overflow),
            _ => None,
        }
    }

    /// The message that says it.
    #[must_use]
    pub fn to_message(self) -> Message<'static> {
        match self {
            Self::Total(n) => Message::text(format!("total {n}")),
            Self::Overflow => Message::text("overflow"),
        }
    }
}
