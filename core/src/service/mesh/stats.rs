//! What is counted.

/// Counters of a mesh.
///
/// ```
/// let stats = wharf::service::mesh::Stats::default();
/// assert_eq!((stats.nodes, stats.delivered), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct Stats {
    /// The transport is up now.
    pub is_up: bool,
    /// Other nodes now.
    pub nodes: usize,
    /// Nodes remembered now that are lost or said goodbye.
    pub nodes_remembered: usize,
    /// Groups now in which the node has members or has published.
    pub subjects: usize,
    /// Members of the node's own now, each as often as it is in a subject.
    pub local_members: usize,
    /// Members of other nodes now, each as often as it is in a subject, those in parts of rolls that are not whole yet among them.
    pub remote_members: usize,
    /// Messages that wait to be published now.
    pub outbox: usize,
    /// Bytes of their payload.
    pub outbox_bytes: usize,
    /// Messages now that wait for earlier ones.
    pub early: usize,
    /// Bytes of their payload.
    pub early_bytes: usize,
    /// Messages handed over to be published.
    pub published: u64,
    /// Messages dropped because more waited to be published than may.
    pub outbox_dropped: u64,
    /// Frames of the machine's own not published because too many waited.
    pub notices_dropped: u64,
    /// Messages of others told.
    pub delivered: u64,
    /// Messages that had been told before, or given up.
    pub duplicates: u64,
    /// Gaps told.
    pub gaps: u64,
    /// Messages that gaps were told of.
    pub missed: u64,
    /// Gaps told before their time, because too many messages waited for them.
    pub hurried: u64,
    /// Messages too far ahead of the last one to be believed.
    pub leaps: u64,
    /// Frames of no sense.
    pub malformed: u64,
    /// Frames of another version of this format.
    pub other_versions: u64,
    /// Frames on a subject that is not heard, or on which their kind is not published.
    pub misplaced: u64,
    /// Messages, and what is told about members, longer than may be.
    pub too_big: u64,
    /// Frames of the node's own, which the transport gave back.
    pub own: u64,
    /// Frames of nodes that had said goodbye.
    pub late: u64,
    /// Frames of nodes beyond the limit.
    pub nodes_refused: u64,
    /// Members of other nodes beyond a limit.
    pub members_refused: u64,
    /// Frames not taken because too many events waited.
    pub unread: u64,
    /// Messages that the transport dropped on their way in, as far as it told.
    pub slow: u64,
    /// Nodes met.
    pub met: u64,
    /// Nodes lost, and those that said goodbye.
    pub lost: u64,
    /// Nodes that are lost or said goodbye, forgotten before their time because there were too many.
    pub nodes_forgotten: u64,
    /// Subjects forgotten before their time because there were too many.
    pub subjects_forgotten: u64,
    /// What a node was said to have told and for long has not confirmed: sequences and rolls that were given up.
    pub disproved: u64,
    /// Pages of beats published.
    pub pages_sent: u64,
    /// Rolls published.
    pub rolls_sent: u64,
    /// Rolls of others taken whole.
    pub rolls_taken: u64,
    /// Requests for rolls published.
    pub asks_sent: u64,
    /// How often a caller handed in a time before the last one.
    pub clamped: u32,
}
