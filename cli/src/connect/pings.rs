//! When to ping, and what the answers come to.

use crate::latency::Trips;
use std::time::Duration;
use wharf::base::Instant;

/// The pings of a client: every so often, and whenever somebody asks. One is in flight at a time, because only the newest is
/// answered by a round trip.
#[derive(Debug)]
pub struct Pings {
    every: Option<Duration>,
    next: Option<Instant>,
    is_awaited: bool,
    /// What is told at the end; made with the first answer.
    trips: Option<Trips>,
}

impl Pings {
    /// One now and one after each `every` once a connection is open; `None`: only when asked.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wharf::base::Instant;
    /// use wharf_cli::connect::Pings;
    ///
    /// let (now, second) = (Instant::ORIGIN, Duration::from_secs(1));
    /// let mut pings = Pings::new(Some(second));
    /// pings.opened(now);
    /// assert!(pings.take_due(now) && !pings.take_due(now));
    /// assert_eq!(pings.answered(Duration::from_millis(2)).unwrap(), "ping 2.000 ms");
    /// assert_eq!(pings.poll_timeout(), Some(now + second));
    /// ```
    #[must_use]
    pub fn new(every: Option<Duration>) -> Self {
        Self { every, next: None, is_awaited: false, trips: None }
    }

    /// A connection is open.
    pub fn opened(&mut self, now: Instant) {
        self.is_awaited = false;
        self.next = self.every.map(|_| now);
    }

    /// It has ended.
    pub fn closed(&mut self) {
        (self.next, self.is_awaited) = (None, false);
    }

    /// Whether to ping now because it is time. While an answer is awaited it is left out.
    pub fn take_due(&mut self, now: Instant) -> bool {
        let Some(every) = self.every.filter(|_| self.next.is_some_and(|next| next <= now)) else {
            return false;
        };
        self.next = Some(now + every);
        self.ask()
    }

    /// Whether to ping now because somebody asks; the answer that is awaited already serves him too.
    pub fn ask(&mut self) -> bool {
        !std::mem::replace(&mut self.is_awaited, true)
    }

    /// An answer came: what to say of it. An idle connection pings by itself, which nobody asked for.
    pub fn answered(&mut self, rtt: Duration) -> Option<String> {
        if !std::mem::take(&mut self.is_awaited) {
            return None;
        }
        self.trips.get_or_insert_default().record(rtt, 1);
        Some(format!("ping {:.3} ms", rtt.as_secs_f64() * 1e3))
    }

    /// What to say at the end, once, if there were answers.
    pub fn take_summary(&mut self) -> Option<String> {
        let trips = self.trips.take()?;
        let count = trips.count();
        Some(format!("{count} ping{} answered: {trips}", if count == 1 { "" } else { "s" }))
    }

    /// When the next one is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn one_is_in_flight_at_a_time() {
        let mut now = Instant::ORIGIN;
        let mut pings = Pings::new(Some(MILLI));
        assert!(pings.poll_timeout().is_none() && !pings.take_due(now), "nothing is open");
        pings.opened(now);
        assert!(pings.take_due(now) && !pings.ask());
        now += MILLI;
        assert!(!pings.take_due(now), "the first is awaited");
        assert_eq!(pings.poll_timeout(), Some(now + MILLI), "and that is no reason to spin");
        assert!(pings.answered(MILLI * 3).is_some() && pings.answered(MILLI).is_none());
        assert!(pings.ask());
        pings.closed();
        assert_eq!(pings.poll_timeout(), None);
        pings.opened(now);
        assert!(pings.take_due(now), "an answer that the last connection owed is owed no more");
        assert!(pings.answered(MILLI).is_some());
        let told = pings.take_summary().unwrap();
        assert!(told.starts_with("2 pings answered: min 1.0") && told.contains("max 3.0"), "{told}");
        assert_eq!(pings.take_summary(), None);
    }

    #[test]
    fn without_a_time_only_who_asks_is_answered() {
        let mut pings = Pings::new(None);
        pings.opened(Instant::ORIGIN);
        assert!(!pings.take_due(Instant::ORIGIN) && pings.poll_timeout().is_none());
        assert_eq!((pings.answered(MILLI), pings.take_summary()), (None, None));
        assert!(pings.ask());
        assert!(pings.answered(MILLI).is_some() && pings.take_summary().unwrap().starts_with("1 ping "));
    }
}
