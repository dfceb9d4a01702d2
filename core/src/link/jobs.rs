//! What a service has carried out outside.

use super::entry::Turn;
use super::{Hub, JobToken, Service};
use crate::base::Instant;

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
