//! A service's jobs, carried out by a thread beside the loop.

use crate::guard::cause;
use crate::handle::Shared;
use crate::trace;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use wharf::link::{JobToken, Service};

/// The loop's end.
pub(crate) struct Jobs<S: Service> {
    /// `None` where nobody carries jobs out.
    worker: Option<Ends<S>>,
    in_flight: usize,
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
        Self { worker: None, in_flight: 0 }
    }

    /// With a worker; at most `limit` jobs are in flight, which is the hub's own limit.
    pub(crate) fn with_worker(limit: usize, shared: Arc<Shared>) -> (Self, Worker<S>) {
        let (work, to_do) = sync_channel(limit);
        let (tell, done) = sync_channel(limit);
        let worker = Worker { work: to_do, done: tell, shared };
        (Self { worker: Some(Ends { work, done }), in_flight: 0 }, worker)
    }

    pub(crate) fn start(&mut self, token: JobToken, job: S::Job) {
        let Some(worker) = &self.worker else {
            trace::job_failed(token, "nobody carries out jobs here; run the server with a worker");
            return;
        };
        match worker.work.try_send((token, job)) {
            Ok(()) => self.in_flight += 1,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                trace::job_failed(token, "the worker takes no job");
            }
        }
    }

    pub(crate) fn poll_done(&mut self) -> Option<(JobToken, S::Done)> {
        let worker = self.worker.as_ref()?;
        while let Ok((token, outcome)) = worker.done.try_recv() {
            self.in_flight -= 1;
            if let Some(outcome) = outcome {
                return Some((token, outcome));
            }
        }
        None
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight == 0
    }
}

impl<S: Service> Worker<S> {
    /// Carries out jobs until the loop has ended.
    pub(crate) fn run(self, mut carry_out: impl FnMut(S::Job) -> S::Done) {
        for (token, job) in self.work {
            let outcome = catch_unwind(AssertUnwindSafe(|| carry_out(job)))
                .map_err(|panic| {
                    trace::job_failed(token, cause(&*panic));
                })
                .ok();
            if self.done.send((token, outcome)).is_err() {
                return;
            }
            self.shared.wake();
        }
    }
}
