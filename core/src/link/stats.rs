//! What a hub counts, and what its door does.

use super::Refused;
use crate::base::Cause;

/// Counters of a hub, since its begin. As JSON they are one object.
///
/// ```
/// let stats = wharf::link::HubStats::default();
/// assert_eq!((stats.admission.accepted, stats.opened), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct HubStats {
    /// Who was taken in and who was not.
    #[cfg_attr(feature = "json", serde(flatten))]
    pub admission: AdmissionStats,
    /// Connections of trusted hops that did not begin with a PROXY header.
    pub proxy_headers_refused: u64,
    /// Connections reset because too much waited to be written on all together.
    pub shed: u64,
    /// Messages refused because too much waited to be written on all connections together.
    pub sends_refused: u64,
    /// Connections of any kind opened, dialed ones too.
    pub opened: u64,
    /// Connections closed that were opened.
    pub closed: u64,
    /// What brought ends about, of those too that were never opened.
    #[cfg_attr(feature = "json", serde(flatten))]
    pub ends: EndStats,
    /// Calls of the service that panicked.
    pub panics: u64,
    /// Jobs given back because too many were in flight.
    pub jobs_refused: u64,
    /// Jobs that came to nothing.
    pub jobs_lost: u64,
    /// Dials refused because too many were in flight, or draining.
    pub dials_refused: u64,
    /// Dials that failed.
    pub dials_failed: u64,
    /// Connections that a drain closed in time.
    pub drained: u64,
    /// Connections that a drain had to reset.
    pub drain_resets: u64,
}

/// Counters of an [`Admission`](super::Admission), since its begin.
///
/// ```
/// let stats = wharf::link::AdmissionStats::default();
/// assert_eq!((stats.accepted, stats.refused), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct AdmissionStats {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections refused, for whatever reason.
    pub refused: u64,
    /// Of those, because there were too many.
    pub refused_full: u64,
    /// Of those, because there were too many from their address.
    pub refused_address: u64,
    /// Of those, because too many were in their opening handshake.
    pub refused_handshakes: u64,
    /// Of those, because of a drain.
    pub refused_draining: u64,
    /// Of those, such as could be told so by an answer.
    pub turned_away: u64,
}

/// Counters of what brought connections' ends about, since a hub's begin. A closing handshake is counted by none.
///
/// ```
/// let stats = wharf::link::EndStats::default();
/// assert_eq!((stats.violations, stats.past_limits), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct EndStats {
    /// Connections ended by a request that was no good HTTP or larger than a limit.
    pub bad_requests: u64,
    /// Connections ended because the peer broke the protocol or went past a limit.
    pub violations: u64,
    /// Of those, for the size of a message or a frame, or the number of fragments.
    pub past_limits: u64,
    /// Connections ended by a deadline.
    pub timeouts: u64,
    /// Connections that the transport ended.
    pub lost: u64,
}

impl EndStats {
    pub(super) fn count(&mut self, cause: Cause) {
        match cause {
            Cause::Refused(_) => self.bad_requests += 1,
            Cause::Violation(violation) => {
                self.violations += 1;
                self.past_limits += u64::from(violation.is_past_limit());
            }
            Cause::Timeout(_) => self.timeouts += 1,
            Cause::Transport(_) => self.lost += 1,
            // What this side decides is counted where it does.
            Cause::Handshake | Cause::Aborted | Cause::Overload => {}
        }
    }
}

impl AdmissionStats {
    pub(super) fn count_refused(&mut self, refused: Refused, is_told: bool) {
        self.refused += 1;
        self.turned_away += u64::from(is_told);
        match refused {
            Refused::TooMany => self.refused_full += 1,
            Refused::TooManyFromAddress => self.refused_address += 1,
            Refused::TooManyHandshakes => self.refused_handshakes += 1,
            Refused::Draining => self.refused_draining += 1,
            // No limit was reached.
            Refused::NoAddress => {}
        }
    }
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn the_keys() {
        let expected = json!({
            "accepted": 0, "refused": 0, "proxyHeadersRefused": 0, "refusedFull": 0, "refusedAddress": 0, "refusedHandshakes": 0,
            "refusedDraining": 0, "turnedAway": 0, "shed": 0, "sendsRefused": 0, "opened": 0, "closed": 0,
            "badRequests": 0, "violations": 0, "pastLimits": 0, "timeouts": 0, "lost": 0, "panics": 0, "jobsRefused": 0, "jobsLost": 0, "dialsRefused": 0,
            "dialsFailed": 0, "drained": 0, "drainResets": 0,
        });
        assert_eq!(to_value(HubStats::default()).unwrap(), expected);
    }
}
