//! Counters for Prometheus.

use crate::chat::{NodeStats, Stats};
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
    let among_nodes = stats.nodes.iter().flat_map(of_nodes);
    numbers.into_iter().chain(among_nodes).fold(String::new(), |mut text, (name, kind, number)| {
        // Writing to a String cannot fail.
        let _ = write!(text, "# TYPE wharf_chat_{name} {kind}\nwharf_chat_{name} {number}\n");
        text
    })
}

/// What one of several nodes has beside.
fn of_nodes(nodes: &NodeStats) -> [(&'static str, &'static str, u64); 24] {
    let mesh = &nodes.mesh;
    [
        ("mesh_up", "gauge", u64::from(mesh.is_up)),
        ("mesh_nodes", "gauge", mesh.nodes as u64),
        ("mesh_users", "gauge", nodes.users as u64),
        ("mesh_users_refused_total", "counter", nodes.users_refused),
        ("mesh_members_refused_total", "counter", mesh.members_refused),
        ("mesh_settled_id", "gauge", nodes.settled),
        ("mesh_messages_told_total", "counter", nodes.told),
        ("mesh_messages_swept_total", "counter", nodes.swept),
        ("mesh_messages_doubled_total", "counter", nodes.doubled),
        ("mesh_messages_deferred_total", "counter", nodes.deferred),
        ("mesh_messages_unpublished_total", "counter", nodes.unpublished),
        ("mesh_poisoned_total", "counter", nodes.poisoned),
        ("mesh_sweeps_total", "counter", nodes.sweeps),
        ("mesh_users_moved_total", "counter", nodes.moved),
        ("mesh_users_renamed_total", "counter", nodes.renamed),
        ("mesh_published_total", "counter", mesh.published),
        ("mesh_outbox", "gauge", mesh.outbox as u64),
        ("mesh_outbox_dropped_total", "counter", mesh.outbox_dropped),
        ("mesh_gaps_total", "counter", mesh.gaps),
        ("mesh_missed_total", "counter", mesh.missed),
        ("mesh_slow_total", "counter", mesh.slow),
        ("mesh_malformed_total", "counter", mesh.malformed),
        ("mesh_nodes_met_total", "counter", mesh.met),
        ("mesh_nodes_lost_total", "counter", mesh.lost),
    ]
}
