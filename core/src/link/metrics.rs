//! The names of the counters, in one place, and their rendering for Prometheus.

use super::HubStats;
use alloc::string::String;
use core::fmt::Write;

/// What a metric is called and means.
///
/// ```
/// use wharf::link::{HUB_METRICS, MetricKind};
///
/// let accepted = &HUB_METRICS[0];
/// assert_eq!((accepted.name, accepted.kind), ("wharf_connections_accepted_total", MetricKind::Counter));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Metric {
    /// The name in Prometheus.
    pub name: &'static str,
    /// One line on what it counts.
    pub help: &'static str,
    /// Whether it only grows.
    pub kind: MetricKind,
    value: fn(&HubStats) -> u64,
}

/// The type of a metric, as Prometheus has it.
///
/// ```
/// use wharf::link::{HUB_METRICS, MetricKind};
///
/// let kind = |name| HUB_METRICS.iter().find(|metric| metric.name == name).map(|metric| metric.kind);
/// assert_eq!(kind("wharf_connections_open"), Some(MetricKind::Gauge));
/// assert_eq!(kind("wharf_connections_accepted_total"), Some(MetricKind::Counter));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetricKind {
    /// It only grows, from 0 at the begin of the hub.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl Metric {
    const fn new(
        name: &'static str,
        help: &'static str,
        kind: MetricKind,
        value: fn(&HubStats) -> u64,
    ) -> Self {
        Self { name, help, kind, value }
    }

    /// What it stands at.
    #[must_use]
    pub fn value(&self, stats: &HubStats) -> u64 {
        (self.value)(stats)
    }
}

use MetricKind::{Counter, Gauge};

/// The metrics of a hub. Names once given stay.
pub const HUB_METRICS: &[Metric] = &[
    Metric::new("wharf_connections_accepted_total", "Connections accepted.", Counter, |s| {
        s.admission.accepted
    }),
    Metric::new(
        "wharf_connections_refused_total",
        "Connections refused, for whatever reason.",
        Counter,
        |s| s.admission.refused,
    ),
    Metric::new(
        "wharf_proxy_headers_refused_total",
        "Connections of trusted hops that did not begin with a PROXY header.",
        Counter,
        |s| s.proxy_headers_refused,
    ),
    Metric::new(
        "wharf_connections_refused_full_total",
        "Connections refused because there were too many.",
        Counter,
        |s| s.admission.refused_full,
    ),
    Metric::new(
        "wharf_connections_refused_address_total",
        "Connections refused because there were too many from their address.",
        Counter,
        |s| s.admission.refused_address,
    ),
    Metric::new(
        "wharf_connections_refused_handshakes_total",
        "Connections refused because too many were in their opening handshake.",
        Counter,
        |s| s.admission.refused_handshakes,
    ),
    Metric::new(
        "wharf_connections_refused_draining_total",
        "Connections refused because the hub was draining.",
        Counter,
        |s| s.admission.refused_draining,
    ),
    Metric::new(
        "wharf_connections_turned_away_total",
        "Connections refused and told so by an answer.",
        Counter,
        |s| s.admission.turned_away,
    ),
    Metric::new(
        "wharf_connections_shed_total",
        "Connections reset because too much waited to be written on all together.",
        Counter,
        |s| s.shed,
    ),
    Metric::new(
        "wharf_sends_refused_total",
        "Messages refused because too much waited to be written on all connections together.",
        Counter,
        |s| s.sends_refused,
    ),
    Metric::new("wharf_connections_opened_total", "Connections opened, dialed ones too.", Counter, |s| {
        s.opened
    }),
    Metric::new("wharf_connections_closed_total", "Connections closed that were opened.", Counter, |s| {
        s.closed
    }),
    Metric::new(
        "wharf_bad_requests_total",
        "Connections ended by a request that was no good HTTP or larger than a limit.",
        Counter,
        |s| s.ends.bad_requests,
    ),
    Metric::new(
        "wharf_violations_total",
        "Connections ended because the peer broke the protocol or went past a limit.",
        Counter,
        |s| s.ends.violations,
    ),
    Metric::new(
        "wharf_violations_past_limits_total",
        "Connections ended for the size of a message or a frame, or the number of fragments.",
        Counter,
        |s| s.ends.past_limits,
    ),
    Metric::new("wharf_timeouts_total", "Connections ended by a deadline.", Counter, |s| s.ends.timeouts),
    Metric::new("wharf_connections_lost_total", "Connections that the transport ended.", Counter, |s| {
        s.ends.lost
    }),
    Metric::new("wharf_connections_open", "Connections open now.", Gauge, |s| {
        s.opened.saturating_sub(s.closed)
    }),
    Metric::new("wharf_service_panics_total", "Calls of the service that panicked.", Counter, |s| s.panics),
    Metric::new(
        "wharf_jobs_refused_total",
        "Jobs given back because too many were in flight.",
        Counter,
        |s| s.jobs_refused,
    ),
    Metric::new("wharf_jobs_lost_total", "Jobs that came to nothing.", Counter, |s| s.jobs_lost),
    Metric::new(
        "wharf_dials_refused_total",
        "Dials refused because too many were in flight, or draining.",
        Counter,
        |s| s.dials_refused,
    ),
    Metric::new("wharf_dials_failed_total", "Dials that failed.", Counter, |s| s.dials_failed),
    Metric::new(
        "wharf_connections_drained_total",
        "Connections that a drain closed in time.",
        Counter,
        |s| s.drained,
    ),
    Metric::new(
        "wharf_connections_drain_reset_total",
        "Connections that a drain had to reset.",
        Counter,
        |s| s.drain_resets,
    ),
];

/// The counters in the text format of Prometheus (version 0.0.4), to be answered to a scrape.
///
/// ```
/// let text = wharf::link::prometheus(&Default::default());
/// assert!(text.contains("# TYPE wharf_connections_accepted_total counter\nwharf_connections_accepted_total 0\n"));
/// ```
#[must_use]
pub fn prometheus(stats: &HubStats) -> String {
    let mut out = String::new();
    for metric in HUB_METRICS {
        let Metric { name, help, .. } = metric;
        let kind = match metric.kind {
            Counter => "counter",
            Gauge => "gauge",
        };
        // Writing into a String does not fail.
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {}\n", metric.value(stats));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{AdmissionStats, EndStats};
    use super::*;

    #[test]
    fn names_follow_the_conventions_and_none_is_given_twice() {
        for (i, metric) in HUB_METRICS.iter().enumerate() {
            assert!(
                metric.name.starts_with("wharf_")
                    && metric.help.ends_with('.')
                    && !metric.help.contains('\n')
            );
            assert!(metric.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Counter, "{}", metric.name);
            assert!(HUB_METRICS[..i].iter().all(|other| other.name != metric.name));
        }
    }

    /// Each field shows in exactly one counter, so a new one that has no metric is noticed.
    #[cfg(feature = "json")]
    #[test]
    fn every_counter_of_the_hub_has_its_metric() {
        let fields = serde_json::to_value(HubStats::default()).unwrap();
        let counters = HUB_METRICS.iter().filter(|metric| metric.kind == Counter).count();
        assert_eq!(fields.as_object().unwrap().len(), counters);
    }

    #[test]
    fn each_metric_reads_its_own_field() {
        let stats = HubStats {
            admission: AdmissionStats {
                accepted: 1,
                refused: 2,
                refused_full: 11,
                refused_address: 12,
                refused_handshakes: 13,
                refused_draining: 14,
                turned_away: 15,
            },
            proxy_headers_refused: 19,
            shed: 16,
            sends_refused: 17,
            opened: 30,
            closed: 4,
            ends: EndStats { bad_requests: 20, violations: 21, past_limits: 22, timeouts: 23, lost: 24 },
            panics: 5,
            jobs_refused: 6,
            jobs_lost: 18,
            dials_refused: 7,
            dials_failed: 8,
            drained: 9,
            drain_resets: 10,
        };
        let values: alloc::vec::Vec<u64> = HUB_METRICS.iter().map(|metric| metric.value(&stats)).collect();
        assert_eq!(
            values,
            [1, 2, 19, 11, 12, 13, 14, 15, 16, 17, 30, 4, 20, 21, 22, 23, 24, 26, 5, 6, 18, 7, 8, 9, 10]
        );
        assert!(prometheus(&stats).ends_with("\nwharf_connections_drain_reset_total 10\n"));
    }
}
