//! Whether a number can be true that a node is said to have come to.

use super::Config;
use crate::base::Instant;

/// A node says again and again how far it has come. What it says may be late, so a number that is beyond that may be true; but not if the
/// node has not come to it long after.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Doubt(Option<Since>);

#[derive(Clone, Copy, Debug)]
struct Since {
    at: Instant,
    /// The number that was known then.
    known: u64,
}

impl Doubt {
    /// The node says that it has come to `said`, and `known` is what is known: whether that cannot be true.
    pub(super) fn is_proved(&mut self, config: &Config, now: Instant, known: u64, said: u64) -> bool {
        if let Some(since) = self.0 {
            if said >= since.known {
                self.0 = None;
            } else if now - since.at >= config.lost_after {
                self.0 = None;
                return true;
            }
        }
        if said < known && self.0.is_none() {
            self.0 = Some(Since { at: now, known });
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn what_is_late_is_no_proof_and_what_is_late_for_long_is() {
        let config = Config::default();
        let at = |secs: u64| Instant::ORIGIN + Duration::from_secs(secs);
        let mut doubt = Doubt::default();
        // A busy node is always ahead of what it said a moment ago.
        for i in 0..20 {
            assert!(!doubt.is_proved(&config, at(i), 10 * i + 5, 10 * i));
        }
        let mut doubt = Doubt::default();
        assert!(!doubt.is_proved(&config, at(0), 1000, 3));
        assert!(!doubt.is_proved(&config, at(5), 1000, 4));
        assert!(doubt.is_proved(&config, at(6), 1001, 5));
        assert!(!doubt.is_proved(&config, at(7), 5, 5), "it begins anew");
    }
}
