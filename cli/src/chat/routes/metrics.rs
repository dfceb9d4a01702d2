//! Counters for Prometheus.

use crate::chat::Stats;
use std::fmt::Write;

/// The text of `/metrics`.
pub(super) fn prometheus(stats: &Stats, is_away: bool) -> String {
    let desk = &stats.desk;
    let numbers: [(&str, &str, u64); 14] = [
        ("connections", "gauge", stats.users as u64),
        ("rooms", "gauge", stats.rooms as u64),
        ("messages_total", "counter", stats.messages),
        ("refused_total", "counter", stats.refused),
        ("resumed_total", "counter", stats.resumed),
        ("slow_members_total", "counter", stats.slow),
        ("behind", "gauge", stats.behind as u64),
        ("database_up", "gauge", u64::from(!is_away)),
        ("database_failures_total", "counter", desk.failures),
        ("database_readers", "gauge", stats.readers as u64),
        ("messages_waiting", "gauge", desk.waiting as u64),
        ("messages_unavailable_total", "counter", desk.unavailable),
        ("messages_refused_total", "counter", desk.refused),
        ("actions_dropped_total", "counter", stats.dropped),
    ];
    numbers.iter().fold(String::new(), |mut text, (name, kind, number)| {
        // Writing to a String cannot fail.
        let _ = write!(text, "# TYPE wharf_chat_{name} {kind}\nwharf_chat_{name} {number}\n");
        text
    })
}
