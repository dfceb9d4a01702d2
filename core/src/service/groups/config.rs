//! What members and groups are held to.

use core::time::Duration;

/// Limits of groups, and what becomes of a member that does not keep up. Where one is reached, a subscription is refused
/// and counted, and a message falls under [`Config::slow`].
///
/// What waits for slow members is at most `max_behind` references and `max_behind_bytes` a member, and `max_bytes` in all.
///
/// ```
/// use core::time::Duration;
/// use wharf::service::groups::{Config, SlowPolicy};
///
/// let mut config = Config::default();
/// config.slow = SlowPolicy::Wait(Duration::from_secs(5));
/// assert_eq!(config.max_behind, 256);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Longest name of a group, in bytes. Default 64.
    pub max_name: usize,
    /// Most groups at once. Default 16,384.
    pub max_groups: usize,
    /// Most groups that one member is in. Default 64.
    pub max_groups_per_member: usize,
    /// Most members of one group. Default 16,384.
    pub max_members: usize,
    /// What becomes of a member that does not keep up. Default [`SlowPolicy::Disconnect`].
    pub slow: SlowPolicy,
    /// Most messages that wait for one member. Default 256.
    pub max_behind: usize,
    /// Most bytes of payload that wait for one member. Default 1 MiB.
    pub max_behind_bytes: usize,
    /// Most bytes of payload that wait for all members together; a message that waits for several counts for each. Default
    /// 64 MiB.
    pub max_bytes: usize,
    /// How long those wait who have room while the hub refuses to send at all
    /// ([`Overload::Refuse`](crate::link::Overload::Refuse)), until they are tried again: nobody tells when that is over. Less than
    /// 1 ms counts as that. Default 100 ms.
    pub retry: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_name: 64,
            max_groups: 16_384,
            max_groups_per_member: 64,
            max_members: 16_384,
            slow: SlowPolicy::Disconnect,
            max_behind: 256,
            max_behind_bytes: 1 << 20,
            max_bytes: 64 << 20,
            retry: Duration::from_millis(100),
        }
    }
}

/// What becomes of a member whose output is congested and for whom no more may wait. Nobody else notices, under any of them.
///
/// ```
/// use wharf::service::groups::SlowPolicy;
///
/// assert_eq!(SlowPolicy::default(), SlowPolicy::Disconnect);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SlowPolicy {
    /// It does not get the message that does not fit.
    DropNewest,
    /// It does not get the oldest of those that wait, as many as it takes to make room.
    DropOldest,
    /// It is closed with 1013, and has left its groups at once.
    #[default]
    Disconnect,
    /// The same, and also once anything has been waiting for it this long without a break.
    Wait(Duration),
}
