//! What a client of the bus counts.

/// Counters of a [`BusClient`](super::BusClient), since its begin. Those of its connections are in its
/// [client](crate::service::client::ClientStats). Each message that was taken is among those whose outcome is open, or in one of
/// `accepted`, `undelivered` and `cancelled`; each delivery that came is among those that wait or are worked on, or in one of `acked`,
/// `nacked`, `duplicates`, `repeated`, `overflowed` and `let_go`.
///
/// ```
/// assert_eq!(wharf::service::bus::client::BusClientStats::default().accepted, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BusClientStats {
    /// Registrations that succeeded.
    pub registered: u64,
    /// Messages taken.
    pub taken: u64,
    /// Messages refused.
    pub refused: u64,
    /// Messages that the bus accepted.
    pub accepted: u64,
    /// Messages that came to another end.
    pub undelivered: u64,
    /// Messages taken back by the program.
    pub cancelled: u64,
    /// How often a message was sent again over another connection.
    pub resent: u64,
    /// How often the bus rejected a message that was then to be tried again.
    pub deferred: u64,
    /// Deliveries that came.
    pub deliveries: u64,
    /// Messages that the program acknowledged.
    pub acked: u64,
    /// Messages that the program refused.
    pub nacked: u64,
    /// Deliveries of what was applied before: acknowledged again, and not handed over.
    pub duplicates: u64,
    /// Deliveries of what waits for the program or is worked on: not handed over again.
    pub repeated: u64,
    /// Deliveries for which there was no room.
    pub overflowed: u64,
    /// Deliveries that were not handed over when their connection ended, or the client: they come again.
    pub let_go: u64,
    /// Acknowledgements and refusals that were not sent, since their connection was gone or too many waited.
    pub unsaid: u64,
    /// Dead letters of messages of this service.
    pub dead: u64,
    /// Acknowledgements of what this service does not hold any more, as the bus says.
    pub unknown: u64,
    /// What the bus refused otherwise.
    pub errors: u64,
    /// What is no frame, or none that was to be expected.
    pub strange: u64,
    /// Events that were dropped, since nobody took them.
    pub untold: u64,
}
