//! What either side counts.

/// Counters of one connection. `calls` is the sum of what calls came to and those in flight.
///
/// ```
/// use wharf::service::requests::Requests;
///
/// let mut requests = Requests::new(Default::default());
/// let (id, _) = requests.call(Default::default(), "ahoy", None).unwrap();
/// requests.cancel(id);
/// let stats = requests.stats();
/// assert_eq!((stats.calls, stats.cancelled), (1, 1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequestsStats {
    /// Calls that were made.
    pub calls: u64,
    /// Calls that were answered with data.
    pub answered: u64,
    /// Calls that were answered with an error.
    pub refused: u64,
    /// Calls whose reply had neither.
    pub malformed: u64,
    /// Calls that had no reply in time.
    pub timed_out: u64,
    /// Calls that were given up.
    pub cancelled: u64,
    /// Calls whose message was not sent.
    pub withdrawn: u64,
    /// Calls that the end of the connection ended.
    pub closed: u64,
    /// Calls that were not made, since too many were in flight.
    pub too_many: u64,
    /// Replies to calls that were given up or had timed out.
    pub late: u64,
    /// Replies to calls that had one.
    pub duplicates: u64,
    /// Messages that were no reply.
    pub not_ours: u64,
}

/// Counters. `requests` is the sum of what requests came to and those in flight.
///
/// ```
/// let answers = wharf::service::requests::Answers::<()>::new(Default::default());
/// assert_eq!(answers.stats().requests, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AnswersStats {
    /// Requests that were taken.
    pub requests: u64,
    /// Requests that were answered with data.
    pub answered: u64,
    /// Requests that were answered with an error.
    pub failed: u64,
    /// Requests that the peer gave up.
    pub cancelled: u64,
    /// Requests whose answer took too long.
    pub timed_out: u64,
    /// Requests that the end of their connection ended.
    pub closed: u64,
    /// Requests that were refused, since too many of their connection were in flight.
    pub too_many: u64,
    /// Requests that were refused, since too many of all connections were in flight.
    pub too_many_of_all: u64,
    /// Requests that were refused, since their id was in flight.
    pub duplicates: u64,
    /// Answers to requests that had come to their end before, and were not sent.
    pub late: u64,
    /// Requests given up that were in flight no longer.
    pub cancelled_late: u64,
    /// Messages that were no request.
    pub not_ours: u64,
}
