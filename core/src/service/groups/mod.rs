//! Groups: who is in which, and messages to all of one.
//!
//! [`Groups`] is embedded in a [`Service`](crate::link::Service), which tells it four things: `subscribe` and `unsubscribe` as
//! members ask for it, `leave_all` from `closed`, `handle_drained` from `drained`, and `handle_timeout` from `timeout`. It
//! sends by the service's [`Context`](crate::link::Context), at once, so a message to a thousand members is framed once and
//! costs little more than the thousand writes. What a service keeps of a member goes by what `leave_all` tells ([`Left`]): one that was
//! disconnected as too slow is in no group any more when `closed` comes, and its groups are told there all the same.
//!
//! A member that does not take what it is sent slows nobody down. From [`Congested`](crate::base::Accepted::Congested) until it
//! has drained its messages wait in a backlog of its own, in order and by reference, within the limits of [`Config`]; when
//! that is full, or after a while, the policy says what becomes of it ([`SlowPolicy`]). Whatever a member did not get is
//! counted, in all ([`Stats`]) and by its name ([`MemberStats`]).
//!
//! While the hub refuses to send at all ([`Overload::Refuse`](crate::link::Overload::Refuse)), a message to one that is not behind
//! is dropped, and what waits goes on waiting.
//!
//! With the feature `json`, `GroupServer` is a whole service of groups, whose clients speak JSON over WebSockets, lines or typed
//! frames.

mod config;
mod delivery;
mod fate;
#[cfg(feature = "json")]
mod frames;
mod groups;
mod lag;
mod membership;
#[cfg(feature = "json")]
mod server;
mod stats;

pub use config::{Config, SlowPolicy};
pub use fate::{Fate, Sent};
pub use groups::{Groups, To};
pub use membership::SubscribeError;
#[cfg(feature = "json")]
pub use server::{Announcement, GroupServer};
pub use stats::{Left, MemberStats, Stats};

#[cfg(test)]
mod tests;
