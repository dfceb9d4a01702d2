//! A service's jobs, carried out by a thread beside the loop.

use crate::handle::Shared;
use crate::trace;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use wharf::link::{JobToken, Service};
use wharf_std::text_of_panic;

/// The loop's end.
pub(crate) struct Jobs<S: Service> {
    /// `None` where nobody carries jobs out.
    worker: Option<Ends<S>>,
    in_flight: usize,
    /// Those that nobody took, to be told in the next round: a service that submits another for each that is lost must not
    /// hold the loop up.
    lost: VecDeque<JobToken>,
}

struct Ends<S: Service> {
    work: SyncSender<(JobToken, S::Job)>,
    done: Receiver<(JobToken, Option<S::Done>)>,
}

/// The thread's end.
pub(crate) struct Worker<S: Service> {
    work: Receiver<(JobToken, S::Job)>,
    done: SyncSender<(JobToken, Option<S::Done>)>,
    shared: Arc<Shared>,
}

impl<S: Service> Jobs<S> {
    pub(crate) fn none() -> Self {
        Self { worker: None, in_flight: 0, lost: VecDeque::new() }
    }

    /// With a worker; at most `limit` jobs are in flight, which is the hub's own limit.
    pub(crate) fn with_worker(limit: usize, shared: Arc<Shared>) -> (Self, Worker<S>) {
        let (work, to_do) = sync_channel(limit);
        let (tell, done) = sync_channel(limit);
        let worker = Worker { work: to_do, done: tell, shared };
        (Self { worker: Some(Ends { work, done }), in_flight: 0, lost: VecDeque::new() }, worker)
    }

    pub(crate) fn start(&mut self, token: JobToken, job: S::Job) {
        let refused = match self.worker.as_ref().map(|worker| worker.work.try_send((token, job))) {
            Some(Ok(())) => {
                self.in_flight += 1;
                return;
            }
            None => "nobody carries out jobs here; run the server with a worker",
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) => "the worker takes no job",
        };
        trace::job_failed(token, refused);
        self.lost.push_back(token);
    }

    /// A job that is over, with its outcome if it has one.
    pub(crate) fn poll_done(&mut self) -> Option<(JobToken, Option<S::Done>)> {
        if let Some(token) = self.lost.pop_front() {
            return Some((token, None));
        }
        let over = self.worker.as_ref()?.done.try_recv().ok()?;
        self.in_flight -= 1;
        Some(over)
    }

    /// Whether some are over of which no event will tell.
    pub(crate) fn is_ready(&self) -> bool {
        !self.lost.is_empty()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight == 0 && self.lost.is_empty()
    }
}

impl<S: Service> Worker<S> {
    /// Carries out jobs until the loop has ended.
    pub(crate) fn run(self, mut carry_out: impl FnMut(S::Job) -> S::Done) {
        for (token, job) in self.work {
            let outcome = catch_unwind(AssertUnwindSafe(|| carry_out(job)))
                .map_err(|panic| {
                    trace::job_failed(token, text_of_panic(&*panic));
                })
                .ok();
            if self.done.send((token, outcome)).is_err() {
                return;
            }
            self.shared.wake();
        }
    }
}
