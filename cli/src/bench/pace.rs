//! When messages are due that go out at a rate.

use std::time::{Duration, Instant};

/// So many messages a second on all connections together, one connection after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Most messages in flight on a connection.
    pub(crate) depth: usize,
    start: Instant,
    rate: f64,
    lanes: u64,
    /// How many there are in all.
    count: u64,
}

impl Pace {
    /// From `start` on, for so long.
    pub(crate) fn new(depth: usize, rate: f64, lanes: usize, start: Instant, time: Duration) -> Self {
        Self { depth, start, rate, lanes: lanes as u64, count: (rate * time.as_secs_f64()).round() as u64 }
    }

    /// When message `index` of the connection of this number is due; `None` if it is no more.
    pub(crate) fn due(&self, number: usize, index: u64) -> Option<Instant> {
        self.of_all(index * self.lanes + number as u64).map(|(_, due)| due)
    }

    /// The connection of message `at` of all, and when that is due.
    pub(crate) fn of_all(&self, at: u64) -> Option<(usize, Instant)> {
        let due = self.start + Duration::from_secs_f64(at as f64 / self.rate);
        (at < self.count).then_some(((at % self.lanes) as usize, due))
    }

    /// How long to sleep when nothing is due for `left`. Systems wake up to two milliseconds late, so the last of them are spent
    /// awake.
    pub(crate) fn wait(&self, left: Duration) -> Duration {
        left.saturating_sub(Duration::from_millis(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_go_round_at_their_times() {
        let start = Instant::now();
        let pace = Pace::new(1, 10.0, 3, start, Duration::from_millis(500));
        let all: Vec<_> = (0..).map_while(|at| pace.of_all(at)).collect();
        assert_eq!(all.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [0, 1, 2, 0, 1]);
        assert_eq!(all[4].1 - start, Duration::from_millis(400));
        assert_eq!((pace.due(0, 1), pace.due(1, 1), pace.due(2, 1)), (Some(all[3].1), Some(all[4].1), None));
        assert_eq!(pace.wait(Duration::from_millis(5)), Duration::from_millis(3));
        assert!(pace.wait(Duration::from_millis(1)).is_zero());
    }
}
