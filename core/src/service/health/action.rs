//! What a health checker wants done.

use super::{Endpoint, Exchange};
use crate::link::Target;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

/// The name of one check, never used twice by its machine.
///
/// ```
/// use wharf::base::{Instant, Wall};
/// use wharf::service::health::{Action, Config, Health};
///
/// let endpoint = "api=http://localhost:3000/".parse().unwrap();
/// let mut health = Health::new(Config::default(), [endpoint]).unwrap();
/// health.handle_timeout(Instant::ORIGIN, Wall::default());
/// let Some(Action::Check(check)) = health.poll_action() else { panic!() };
/// // It takes longer than it may.
/// let late = Instant::ORIGIN + check.timeout;
/// health.handle_timeout(late, Wall::default());
/// assert_eq!(health.poll_action(), Some(Action::Cancel(check.id)));
/// assert!(!health.handle_result(late, Wall::default(), check.id, Ok(())));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckId(pub(super) u64);

impl fmt::Debug for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is to be done for a [`Health`](super::Health).
///
/// ```
/// use wharf::base::{Instant, Wall};
/// use wharf::service::health::{Action, Config, Health};
///
/// let endpoint = "api=http://localhost:3000/".parse().unwrap();
/// let mut health = Health::new(Config::default(), [endpoint]).unwrap();
/// health.handle_timeout(Instant::ORIGIN, Wall::default());
/// let Some(Action::Check(check)) = health.poll_action() else { panic!() };
/// assert_eq!(check.target().port(), 3000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Carry this check out, and tell the result.
    Check(Check),
    /// Give that check up: it took too long, or its endpoint is gone. Nothing is to be told of it.
    Cancel(CheckId),
}

/// A check to be carried out: connect to its [`target`](Self::target), and if there is an [`exchange`](Self::exchange), write its
/// request and feed it what comes.
///
/// ```
/// use wharf::service::health::{Check, Failure, Health};
///
/// fn describe(check: &Check) -> String {
///     format!("{} within {:?}", check.target(), check.timeout)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// Its name, to be told with the result.
    pub id: CheckId,
    /// What is checked.
    pub endpoint: Arc<Endpoint>,
    /// How long all of it may take. The machine itself counts a check that takes longer as failed.
    pub timeout: Duration,
}

impl Check {
    /// What is dialed.
    #[must_use]
    pub fn target(&self) -> Target {
        self.endpoint.target()
    }

    /// What is said and heard once it is connected; `None` where connecting is all.
    #[must_use]
    pub fn exchange(&self) -> Option<Exchange> {
        Exchange::new(&self.endpoint)
    }
}
