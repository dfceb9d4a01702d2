//! What became of one message.

/// What became of a message for one connection.
///
/// ```
/// use wharf::service::groups::{Fate, Sent};
///
/// assert_ne!(Fate::Sent, Fate::Waiting);
/// assert_eq!(Sent::default().total(), 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fate {
    /// It was handed to the connection.
    Sent,
    /// It waits until the connection has taken what is before it.
    Waiting,
    /// It was dropped because the connection is too slow, or because nothing at all may be sent.
    Dropped,
    /// The connection is not open, is going, or is disconnected by this.
    Unsent,
    /// The connection's transport cannot carry it, because of its kind, size or content.
    Unsendable,
}

/// For how many a message came to what: each of those that it was meant for is in exactly one of these.
///
/// ```
/// let sent = wharf::service::groups::Sent::default();
/// assert_eq!((sent.sent, sent.total()), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct Sent {
    /// [`Fate::Sent`].
    pub sent: usize,
    /// [`Fate::Waiting`].
    pub waiting: usize,
    /// [`Fate::Dropped`].
    pub dropped: usize,
    /// [`Fate::Unsent`].
    pub unsent: usize,
    /// [`Fate::Unsendable`].
    pub unsendable: usize,
}

impl Sent {
    /// How many it was meant for.
    #[must_use]
    pub fn total(&self) -> usize {
        self.sent + self.waiting + self.dropped + self.unsent + self.unsendable
    }

    pub(super) fn count(&mut self, fate: Fate) {
        let counter = match fate {
            Fate::Sent => &mut self.sent,
            Fate::Waiting => &mut self.waiting,
            Fate::Dropped => &mut self.dropped,
            Fate::Unsent => &mut self.unsent,
            Fate::Unsendable => &mut self.unsendable,
        };
        *counter += 1;
    }
}
