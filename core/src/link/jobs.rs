//! What a service has carried out outside.

use super::entry::Turn;
use super::{Hub, JobToken, Service};
use crate::base::Instant;

/// A job that was given back: too many are in flight ([`Config::max_jobs`](super::Config::max_jobs)). Try again after
/// the next `done`.
///
/// ```
/// use wharf::base::{Entropy, Instant, Wall};
/// use wharf::link::{Config, Context, Hub, JobToken, Service, SubmitError};
///
/// /// Stores the newest state that the program pushes in: one that is too much waits, and makes way for a newer one.
/// struct Store(Option<&'static str>);
/// impl Service for Store {
///     type Job = &'static str;
///     type Done = ();
///     type Command = &'static str;
///     fn command(&mut self, cx: &mut Context<'_, &'static str>, state: &'static str) {
///         self.0 = cx.submit(state).err().map(|SubmitError(state)| state);
///     }
///     fn done(&mut self, cx: &mut Context<'_, &'static str>, _: JobToken, (): ()) {
///         self.0 = self.0.take().and_then(|state| cx.submit(state).err()).map(|SubmitError(state)| state);
///     }
/// }
///
/// let (now, mut config) = (Instant::ORIGIN, Config::default());
/// config.max_jobs = 1;
/// let mut hub = Hub::new(now, Wall::default(), Store(None), &config.into(), Entropy::from_seed([0; 32]));
/// ["one", "two", "three"].map(|state| hub.command(now, state));
/// assert_eq!(hub.service().0, Some("three"));
/// let Some((job, "one")) = hub.poll_job() else { panic!() };
/// hub.job_done(now, job, ());
/// assert_eq!(hub.poll_job().map(|(_, state)| state), Some("three"));
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
