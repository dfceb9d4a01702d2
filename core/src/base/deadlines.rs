//! The deadline table: one slot a purpose.

use super::Instant;
use core::time::Duration;

/// What a connection can be late with. The order decides which of several due ones acts first: the ones that end
/// the connection before the one that only pings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    Close,
    WriteStall,
    Pong,
    Idle,
}

impl Deadline {
    const fn running(paused: bool) -> &'static [Self] {
        if paused {
            &[Self::Close, Self::WriteStall]
        } else {
            &[Self::Close, Self::WriteStall, Self::Pong, Self::Idle]
        }
    }
}

/// When each is due. Arming and disarming is a store; nothing is sorted for four slots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    at: [Instant; 4],
}

impl Deadlines {
    pub(crate) const fn new() -> Self {
        Self { at: [Instant::NEVER; 4] }
    }

    #[inline]
    pub(crate) fn arm(&mut self, deadline: Deadline, at: Instant) {
        self.at[deadline as usize] = at;
    }

    #[inline]
    pub(crate) fn disarm(&mut self, deadline: Deadline) {
        self.at[deadline as usize] = Instant::NEVER;
    }

    pub(crate) fn disarm_all(&mut self) {
        self.at = [Instant::NEVER; 4];
    }

    #[inline]
    pub(crate) fn is_armed(&self, deadline: Deadline) -> bool {
        self.at[deadline as usize] != Instant::NEVER
    }

    /// The earliest, if any is armed. While reading is paused the peer's silence proves nothing, so idle and pong
    /// stand still.
    #[inline]
    pub(crate) fn next(&self, paused: bool) -> Option<Instant> {
        let [close, write_stall, pong, idle] = self.at;
        let ends = close.min(write_stall);
        let at = if paused { ends } else { ends.min(pong.min(idle)) };
        (at != Instant::NEVER).then_some(at)
    }

    /// Disarms and names one that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: Instant, paused: bool) -> Option<Deadline> {
        let due =
            *Deadline::running(paused).iter().find(|d| self.is_armed(**d) && self.at[**d as usize] <= now)?;
        self.disarm(due);
        Some(due)
    }
}

/// What a time to wait counts as: one of zero would be due for ever.
pub(crate) fn least(timeout: Duration) -> Duration {
    timeout.max(Duration::from_nanos(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_ones_come_once_and_ends_come_first() {
        let mut table = Deadlines::new();
        assert_eq!(table.next(false), None);
        table.arm(Deadline::Idle, Instant::from_nanos(5));
        table.arm(Deadline::Close, Instant::from_nanos(7));
        assert_eq!(table.next(false), Some(Instant::from_nanos(5)));
        assert_eq!(table.pop_due(Instant::from_nanos(4), false), None);
        assert_eq!(table.pop_due(Instant::from_nanos(7), false), Some(Deadline::Close));
        assert_eq!(table.pop_due(Instant::from_nanos(7), true), None);
        assert_eq!(table.pop_due(Instant::from_nanos(7), false), Some(Deadline::Idle));
        assert_eq!(table.pop_due(Instant::from_nanos(7), false), None);
        assert_eq!(table.next(false), None);
    }

    #[test]
    fn idle_and_pong_stand_still_in_a_pause() {
        let mut table = Deadlines::new();
        table.arm(Deadline::Idle, Instant::from_nanos(1));
        table.arm(Deadline::Pong, Instant::from_nanos(2));
        assert_eq!((table.next(true), table.pop_due(Instant::from_nanos(9), true)), (None, None));
        table.arm(Deadline::Close, Instant::from_nanos(8));
        table.arm(Deadline::WriteStall, Instant::from_nanos(7));
        assert_eq!(
            (table.next(true), table.next(false)),
            (Some(Instant::from_nanos(7)), Some(Instant::from_nanos(1)))
        );
        table.disarm(Deadline::Idle);
        assert!(!table.is_armed(Deadline::Idle) && table.is_armed(Deadline::Pong));
        assert_eq!(table.next(false), Some(Instant::from_nanos(2)));
        table.disarm_all();
        assert_eq!(table.next(false), None);
    }

    #[test]
    fn no_time_to_wait_is_the_least() {
        assert_eq!(least(Duration::ZERO), Duration::from_nanos(1));
        assert_eq!(least(Duration::from_nanos(2)), Duration::from_nanos(2));
    }
}
