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
}
