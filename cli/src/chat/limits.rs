//! What users of the chat are held to.

use super::names::MAX_NAME;
use super::protocol::{MAX_ROOM_ID, MAX_USER};
use std::time::Duration;
use wharf::service::history::DeskConfig;
use wharf::service::limiter::Rate;

/// A member that has more than this to take, and goes on not taking it, is closed with 1013, and nobody waits for it; in bytes.
pub(super) const MAX_OUTBOX: usize = 1 << 20;

/// What one user takes in a list at most, in bytes: a name of the longest characters there are, twice, an id, and what is around them.
const MAX_LISTED: usize = 2 * (4 * MAX_NAME + 3) + MAX_USER + 24;

/// What the machine holds its users to.
///
/// ```
/// let mut limits = wharf_cli::chat::Limits::default();
/// limits.rooms_per_user = 3;
/// assert_eq!(limits.messages.burst, 40);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Users at once (10,000). One more is closed with 1013 and never becomes a user.
    pub max_users: usize,
    /// Users of other nodes that are known (20,000), which bounds what a list of all takes. Those beyond are in no list until others are gone.
    pub max_remote_users: usize,
    /// Rooms that one user may be in (20). One more is refused with `too_many_rooms`.
    pub rooms_per_user: usize,
    /// Rooms at once (16,384), `general` among them, which bounds what a list of them all takes. To enter one more is refused with
    /// `too_many_rooms`; who comes back to one that is gone finds itself in the others.
    pub max_rooms: usize,
    /// Messages of one user (20 a second, bursts of 40). More are refused with `rate_limited`.
    pub messages: Rate,
    /// Joins, leaves, names, tokens and questions for a list, of one user (40 a second, bursts of 200), since a small one of
    /// these makes much to write. More are refused with `rate_limited`.
    pub requests: Rate,
    /// How often a room is told that a user writes something (every 2 s). What comes more often is passed over.
    pub typing_every: Duration,
    /// How long a fresh connection may say nothing before it enters `general` by itself (250 ms).
    pub auto_join_after: Duration,
    /// Messages of a room that a joiner is told (50), as long as they have 512 KiB.
    pub history: usize,
    /// How long a token is good for after its user was there (7 days).
    pub token_lifetime: Duration,
    /// Messages that wait while it is looked up whose token their sender has shown (64). More are refused with `rate_limited`.
    pub max_held: usize,
    /// Pages that were asked for over HTTP and wait for the database (256). More fail.
    pub max_pages: usize,
    /// How long a joiner waits for the history, and a token to be looked up (10 s).
    pub max_wait: Duration,
    /// What a user may have to take, in bytes (1 MiB), once its connection is congested. One with more is closed with 1013, unless
    /// it has taken all by `slow_after`.
    pub max_outbox: usize,
    /// How long one may take for that (2 s).
    pub slow_after: Duration,
    /// Actions that wait to be polled (65,536). Whoever polls after each call holds far fewer; what does not fit is
    /// dropped and counted.
    pub max_actions: usize,
    /// What waits for the database.
    pub desk: DeskConfig,
}

impl Limits {
    /// The longest list of users that there can be, in bytes, of one of several nodes.
    pub(super) const fn longest_list(&self) -> usize {
        1024_usize
            .saturating_add(MAX_LISTED.saturating_mul(self.max_users.saturating_add(self.max_remote_users)))
    }

    /// Most that nodes tell each other of one user, in bytes: its name and its rooms, all of the longest characters there are, and what is
    /// around them.
    pub(super) const fn longest_about(&self) -> usize {
        (4 * MAX_NAME + 64).saturating_add(self.rooms_per_user.saturating_mul(4 * MAX_ROOM_ID + 3))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_users: 10_000,
            max_remote_users: 20_000,
            rooms_per_user: 20,
            max_rooms: 16_384,
            messages: Rate { per_second: 20, burst: 40 },
            requests: Rate { per_second: 40, burst: 200 },
            typing_every: Duration::from_secs(2),
            auto_join_after: Duration::from_millis(250),
            history: 50,
            token_lifetime: Duration::from_secs(7 * 24 * 3600),
            max_held: 64,
            max_pages: 256,
            max_wait: Duration::from_secs(10),
            max_outbox: MAX_OUTBOX,
            slow_after: Duration::from_secs(2),
            max_actions: 65_536,
            desk: DeskConfig::default(),
        }
    }
}
