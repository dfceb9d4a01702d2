//! What a hub counts.

/// Counters of a hub, since its begin.
///
/// ```
/// let stats = wharf::link::HubStats::default();
/// assert_eq!(stats.accepted, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct HubStats {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections refused: too many, too many in their handshake, or draining.
    pub refused: u64,
    /// Connections of trusted hops that did not begin with a PROXY header.
    pub proxy_headers_refused: u64,
    /// WebSockets opened.
    pub opened: u64,
    /// WebSockets closed.
    pub closed: u64,
    /// Calls of the service that panicked.
    pub panics: u64,
    /// Jobs given back because too many were in flight.
    pub jobs_refused: u64,
    /// Dials refused because too many were in flight, or draining.
    pub dials_refused: u64,
    /// Dials that failed.
    pub dials_failed: u64,
    /// Connections that a drain closed in time.
    pub drained: u64,
    /// Connections that a drain had to reset.
    pub drain_resets: u64,
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn the_keys() {
        let expected = json!({
            "accepted": 0, "refused": 0, "proxyHeadersRefused": 0, "opened": 0, "closed": 0, "panics": 0, "jobsRefused": 0, "dialsRefused": 0,
            "dialsFailed": 0, "drained": 0, "drainResets": 0,
        });
        assert_eq!(to_value(HubStats::default()).unwrap(), expected);
    }
}
