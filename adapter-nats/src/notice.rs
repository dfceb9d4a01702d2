//! What is told.

use bytes::Bytes;
use std::sync::Arc;

/// What a connection tells.
///
/// ```no_run
/// use wharf_nats::{Nats, Notice};
///
/// let (nats, mut notices) = Nats::connect("nats://localhost/chat")?;
/// nats.subscribe("rooms.general").expect("a subject");
/// while let Some(notice) = notices.recv() {
///     match notice {
///         Notice::Delivered { subject, bytes } => println!("{subject}: {bytes:?}"),
///         Notice::Slow { dropped } => println!("{dropped} or more were dropped"),
///         other => println!("{other:?}"),
///     }
/// }
/// # Ok::<(), wharf_nats::ConnectError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The server is there. All subscriptions stand before anything that is published from now on is told to anyone.
    Up,
    /// The server is gone, and is dialed until it is back. What was sent at the last may be lost, and what others publish meanwhile is.
    ///
    /// Up and Down take turns, Up first. It may be told late for one that fell silent: after three times
    /// [`NatsConfig::ping_interval`](crate::NatsConfig::ping_interval).
    Down,
    /// What keeps it from being there, or what the server complains of: for people. The same is told once until it is up again.
    Trouble {
        /// In a few words, never a password.
        what: Box<str>,
    },
    /// Messages were dropped on the way in.
    Slow {
        /// At least so many; 0 where the server dropped them and does not say how many.
        dropped: u64,
    },
    /// A message came, of a subject that is subscribed to. One's own don't come back.
    Delivered {
        /// Its subject, as it was subscribed to.
        subject: Arc<str>,
        /// The message.
        bytes: Bytes,
    },
    /// The last that is told.
    Closed {
        /// The server has taken all that was published.
        is_confirmed: bool,
    },
}
