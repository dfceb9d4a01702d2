//! Messages that came while a program only wrote.

use std::collections::VecDeque;
use wharf::base::Message;

/// Messages that wait for a reader: at most [`COUNT`](Self::COUNT) or [`BYTES`](Self::BYTES) of them, and the one
/// that went past that.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    messages: VecDeque<Message<'static>>,
    bytes: usize,
    came: u64,
}

impl Waiting {
    const COUNT: usize = 256;
    const BYTES: usize = 64 * 1024;

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.messages.len() >= Self::COUNT || self.bytes >= Self::BYTES
    }

    /// Adds one; whether it is full now.
    pub(crate) fn push(&mut self, message: Message<'static>) -> bool {
        self.bytes += message.payload().len();
        self.came += 1;
        self.messages.push_back(message);
        self.is_full()
    }

    pub(crate) fn pop(&mut self) -> Option<Message<'static>> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.payload().len();
        if self.messages.is_empty() {
            self.messages = VecDeque::new();
        }
        Some(message)
    }

    pub(crate) fn from_messages(messages: Vec<Message<'static>>) -> Self {
        let bytes = messages.iter().map(|message| message.payload().len()).sum();
        Self { came: messages.len() as u64, messages: messages.into(), bytes }
    }

    pub(crate) fn into_messages(self) -> Vec<Message<'static>> {
        self.messages.into()
    }

    /// How many ever came.
    pub(crate) fn came(&self) -> u64 {
        self.came
    }
}
