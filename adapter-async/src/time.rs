//! The time of a connection, for those who ask for it while nobody polls.

use crate::{Clock, turn};
use wharf::base::Instant;

/// Where it comes from.
pub(crate) enum Time {
    Clock(Clock),
    /// It passes only as the test says, of which no clock that was made before knows.
    #[cfg(feature = "sim")]
    Mock(crate::mock::MockTime),
}

impl Time {
    /// The time now.
    pub(crate) fn now(&self) -> Instant {
        turn::fresh(match self {
            Self::Clock(clock) => *clock,
            #[cfg(feature = "sim")]
            Self::Mock(time) => time.clock(),
        })
    }
}
