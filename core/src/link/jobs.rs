//! What a service has carried out outside.

use super::entry::Turn;
use super::{Hub, JobToken, Service};
use crate::base::Instant;

/// A job that was given back: too many are in flight ([`Config::max_jobs`](super::Config::max_jobs)). Try again after
/// the next `done`.
///
/// ```
/// use wharf::base::{Entropy, Instant, Wall};
/// use wharf::link::{Config, Context, Hub, Service, SubmitError};
///
/// /// Stores what the program pushes in, and holds back what is too much.
/// struct Store(Vec<&'static str>);
/// impl Service for Store {
///     type Job = &'static str;
///     type Done = ();
///     type Command = &'static str;
///     fn command(&mut self, cx: &mut Context<'_, &'static str>, text: &'static str) {
///         if let Err(SubmitError(text)) = cx.submit(text) {
///             self.0.push(text);
///         }
///     }
/// }
///
/// let (now, mut config) = (Instant::ORIGIN, Config::default());
/// config.max_jobs = 1;
/// let mut hub = Hub::new(now, Wall::default(), Store(vec![]), &config.into(), Entropy::from_seed([0; 32]));
/// ["one", "two"].map(|text| hub.command(now, text));
/// assert_eq!(hub.service().0, ["two"]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many jobs are in flight")]
pub struct SubmitError<J>(pub J);

impl<J> core::fmt::Debug for SubmitError<J> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SubmitError(..)")
    }
}

impl<S: Service> Hub<S> {
    /// A job that is to be carried out.
    pub fn poll_job(&mut self) -> Option<(JobToken, S::Job)> {
        self.core.jobs_out.pop_front().map(|(key, job)| (JobToken(key), job))
    }

    /// A job's outcome. A second one for the same job is ignored.
    pub fn job_done(&mut self, now: Instant, job: JobToken, outcome: S::Done) {
        let now = self.begin(now);
        if self.core.jobs.remove(job.0).is_some() {
            self.call(Turn::Other, |s, cx| s.done(cx, job, outcome));
            self.pump(now);
        }
    }

    /// A job will have no outcome: whoever carried it out panicked, or nobody does. Its place is free for another. One that has
    /// an outcome already is ignored.
    pub fn job_lost(&mut self, now: Instant, job: JobToken) {
        let now = self.begin(now);
        if self.core.jobs.remove(job.0).is_some() {
            self.core.stats.jobs_lost += 1;
            self.call(Turn::Other, |s, cx| s.job_lost(cx, job));
            self.pump(now);
        }
    }
}
