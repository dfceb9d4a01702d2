//! The counters for Prometheus.

use super::{BusStats, Reason};
use crate::link::MetricKind::{self, Counter, Gauge};
use alloc::string::String;
use core::fmt::Write;

/// Name behind `wharf_bus_`, what it counts, and how it is read.
type Row = (&'static str, &'static str, MetricKind, fn(&BusStats) -> u64);

/// Names once given stay.
const METRICS: [Row; 17] = [
    ("accepted_total", "Messages accepted: on disk.", Counter, |s| s.accepted),
    ("delivered_total", "Deliveries, those again included.", Counter, |s| s.delivered),
    ("acknowledged_total", "Messages acknowledged.", Counter, |s| s.acknowledged),
    ("redelivered_total", "Deliveries that were not the first of their message.", Counter, |s| s.redelivered),
    ("dead_total", "Messages that died.", Counter, |s| s.dead),
    ("deduplicated_total", "Messages that had been accepted before.", Counter, |s| s.deduplicated),
    ("forgotten_total", "Remembered ids and prefixes that were forgotten early.", Counter, |s| s.forgotten),
    ("damaged_total", "Services turned away, since what is stored of them is damaged.", Counter, |s| {
        s.damaged
    }),
    ("batches_total", "Batches stored.", Counter, |s| s.batches),
    ("services", "Services known now.", Gauge, |s| s.services as u64),
    ("connections", "Connections now.", Gauge, |s| s.connections as u64),
    ("pending", "Messages now that are neither acknowledged nor dead.", Gauge, |s| s.pending as u64),
    ("unacknowledged", "Messages now that are handed out.", Gauge, |s| s.unacknowledged as u64),
    ("dead_letters", "Dead letters now.", Gauge, |s| s.dead_letters as u64),
    ("remembered", "Ids, prefixes and gaps remembered now.", Gauge, |s| s.remembered as u64),
    ("store_away", "1 while a shared store is not reached.", Gauge, |s| u64::from(s.away_since.is_some())),
    ("store_failed", "1 once the store has failed.", Gauge, |s| u64::from(s.has_failed)),
];

/// All of them in the text format (version 0.0.4).
pub(super) fn prometheus(stats: &BusStats) -> String {
    let mut out = String::new();
    // Writing into a String does not fail.
    for (name, help, kind, value) in METRICS {
        let kind = if kind == Counter { "counter" } else { "gauge" };
        let _ = write!(
            out,
            "# HELP wharf_bus_{name} {help}\n# TYPE wharf_bus_{name} {kind}\nwharf_bus_{name} {}\n",
            value(stats)
        );
    }
    let by_reason = [
        ("rejected_total", "Messages rejected, by reason.", &stats.rejected),
        ("errors_total", "Errors told to connections, by reason.", &stats.errors),
    ];
    for (name, help, counts) in by_reason {
        let _ = write!(out, "# HELP wharf_bus_{name} {help}\n# TYPE wharf_bus_{name} counter\n");
        for reason in Reason::ALL {
            let _ = writeln!(out, "wharf_bus_{name}{{reason=\"{reason}\"}} {}", counts.of(reason));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_of_the_bus_has_its_metric() {
        let stats = BusStats { accepted: 7, ..BusStats::default() };
        let fields = serde_json::to_value(stats).unwrap();
        // Those by reason stand beside the table.
        assert_eq!(fields.as_object().unwrap().len(), METRICS.len() + 2);
        let text = prometheus(&stats);
        assert!(text.contains("# TYPE wharf_bus_accepted_total counter\nwharf_bus_accepted_total 7\n"));
        assert!(text.contains("wharf_bus_rejected_total{reason=\"too big\"} 0\n"));
        for (name, _, kind, _) in METRICS {
            assert_eq!(name.ends_with("_total"), kind == Counter);
        }
    }
}
