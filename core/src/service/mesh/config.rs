//! What a mesh is held to.

use core::time::Duration;

/// Limits and times of a mesh. All nodes of one mesh have the same times.
///
/// What it holds is bounded by them: for each subject that it hears and each node that it knows a position, at most `max_early` messages
/// of that node that wait for earlier ones (`max_early_bytes` in all), and at most `max_remote_members` members in all.
///
/// ```
/// use core::time::Duration;
/// use wharf::service::mesh::Config;
///
/// let mut config = Config::default();
/// config.max_outbox = 10_000;
/// assert_eq!((config.beat, config.lost_after), (Duration::from_secs(2), Duration::from_secs(6)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How often a node tells that it is there, and what it has. Less than 1 ms counts as that. Default 2 s.
    pub beat: Duration,
    /// After how long without a word another node is lost, which counts while the transport is up, and how long one that said goodbye is ignored.
    /// Less than two beats count as two. Default 6 s.
    pub lost_after: Duration,
    /// How long a message waits for an earlier one, until that is given up and told as a gap. Default 50 ms.
    pub patience: Duration,
    /// How long the first that asks for a roll waits at most for another to ask for it, and how long the node that is asked waits for more to
    /// ask. Default 50 ms.
    pub hesitation: Duration,
    /// How long until a roll that did not come is asked for again, and the least time between two rolls that a node tells of one subject.
    /// Less than 1 ms counts as that. Default 1 s.
    pub retry: Duration,
    /// How long a lost node is remembered, so that what was missed of it is told when it is back, and how long a subject without members is
    /// told of after the last message on it. Less than `lost_after` counts as that. Default 10 min.
    pub keep: Duration,
    /// Most other nodes at once, and most that are remembered of those that are lost or said goodbye. Those beyond are not heard, and of the
    /// lost the one that is lost the longest is forgotten. At least 1. Default 256.
    pub max_nodes: usize,
    /// Most groups at once in which the node has members or has published. Of those without a member the one that was published to the
    /// longest ago makes room, which takes time in proportion to their number; where it is opened again within `lost_after`, others are told
    /// of a gap of numbers that it has skipped. At least 1. Default 16,384.
    pub max_subjects: usize,
    /// Most members that one node has in one subject; of another node that has more, those that come first are known. At least 1, at most
    /// 65,535. Default 16,384.
    pub max_members: usize,
    /// Most members of other nodes in all subjects together; those beyond are not known until there is room for all that a node has in a
    /// subject, and of a roll that comes anew those that are known before others. While it comes its members are held twice. Default 1,048,576.
    pub max_remote_members: usize,
    /// Longest name of a member, in bytes, at most 65,535. Default 128.
    pub max_name: usize,
    /// Most that is told about a member, in bytes, at most 65,535. Default 1,024.
    pub max_about: usize,
    /// Longest payload of a message, in bytes. What is longer is not published, and not taken from others. Default 256 KiB.
    pub max_payload: usize,
    /// Most messages that wait to be published, above all while the transport is down; the oldest is dropped. At least 1. Default 4,096.
    pub max_outbox: usize,
    /// Most bytes of them. Default 8 MiB.
    pub max_outbox_bytes: usize,
    /// Most frames that wait of what machines tell each other; what is beyond is not told, and found out by the next beat. At least 16.
    /// Default 8,192.
    pub max_notices: usize,
    /// Most messages of one origin on one subject that wait for earlier ones; the oldest gap is given up. At least 1. Default 64.
    pub max_early: usize,
    /// Most bytes of those of all origins and subjects. Default 8 MiB.
    pub max_early_bytes: usize,
    /// How far a message may be ahead of the last one, in messages. One that is further is not believed, but for a beat that says the same.
    /// Default 65,536.
    pub max_leap: u64,
    /// Most bytes of a part of a roll or a page of a beat, but that each has one entry at least, however long. Default 8 KiB.
    pub max_part: usize,
    /// Most pages of one beat. If there are more subjects than have room, the next beats go on where this one ended. At least 1. Default 64.
    pub max_pages: usize,
    /// Most events that wait to be taken; until then nothing that is delivered is taken. At least 1. Default 65,536.
    pub max_events: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(2),
            lost_after: Duration::from_secs(6),
            patience: Duration::from_millis(50),
            hesitation: Duration::from_millis(50),
            retry: Duration::from_secs(1),
            keep: Duration::from_secs(600),
            max_nodes: 256,
            max_subjects: 16_384,
            max_members: 16_384,
            max_remote_members: 1 << 20,
            max_name: 128,
            max_about: 1024,
            max_payload: 256 << 10,
            max_outbox: 4096,
            max_outbox_bytes: 8 << 20,
            max_notices: 8192,
            max_early: 64,
            max_early_bytes: 8 << 20,
            max_leap: 1 << 16,
            max_part: 8 << 10,
            max_pages: 64,
            max_events: 1 << 16,
        }
    }
}

impl Config {
    /// The same, with nothing that could make time stand still or a message impossible to tell.
    pub(super) fn settled(mut self) -> Self {
        let least = Duration::from_millis(1);
        self.beat = self.beat.max(least);
        self.lost_after = self.lost_after.max(self.beat.saturating_mul(2));
        self.retry = self.retry.max(least);
        self.keep = self.keep.max(self.lost_after);
        for limit in [
            &mut self.max_nodes,
            &mut self.max_subjects,
            &mut self.max_members,
            &mut self.max_outbox,
            &mut self.max_early,
            &mut self.max_pages,
            &mut self.max_events,
        ] {
            *limit = (*limit).max(1);
        }
        self.max_notices = self.max_notices.max(16);
        self.max_members = self.max_members.min(usize::from(u16::MAX));
        self.max_name = self.max_name.min(usize::from(u16::MAX));
        self.max_about = self.max_about.min(usize::from(u16::MAX));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_stop_a_mesh_is_set_right() {
        assert_eq!(Config::default().settled(), Config::default());
        let (beat, lost_after, retry, keep) =
            (Duration::ZERO, Duration::ZERO, Duration::ZERO, Duration::ZERO);
        let (max_nodes, max_subjects, max_members, max_outbox) = (0, 0, 0, 0);
        let (max_early, max_pages, max_events, max_notices) = (0, 0, 0, 0);
        let none = Config {
            beat,
            lost_after,
            retry,
            keep,
            max_nodes,
            max_subjects,
            max_members,
            max_outbox,
            max_early,
            max_pages,
            max_events,
            max_notices,
            ..Config::default()
        };
        let (settled, ms) = (none.settled(), Duration::from_millis);
        assert_eq!(
            (settled.beat, settled.lost_after, settled.retry, settled.keep),
            (ms(1), ms(2), ms(1), ms(2))
        );
        assert_eq!((settled.max_nodes, settled.max_subjects, settled.max_members), (1, 1, 1));
        assert_eq!((settled.max_outbox, settled.max_early, settled.max_pages), (1, 1, 1));
        assert_eq!((settled.max_events, settled.max_notices), (1, 16));
        let (max_members, max_name, max_about) = (usize::MAX, usize::MAX, usize::MAX);
        let settled = Config { max_members, max_name, max_about, ..Config::default() }.settled();
        assert_eq!((settled.max_members, settled.max_name, settled.max_about), (65_535, 65_535, 65_535));
    }
}
