//! A thread that carries out a service's jobs, for runtimes whose own threads are not to be kept waiting by a disk.

use async_channel::{Receiver, Sender};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

/// The thread, and the way to it. It carries out one job after the other, in the order in which they were handed in.
#[derive(Debug)]
pub(crate) struct Worker<J, D> {
    jobs: Sender<Ask<J, D>>,
    thread: JoinHandle<()>,
}

/// A job, and where its outcome goes.
#[derive(Debug)]
struct Ask<J, D>(J, Sender<D>);

impl<J: Send + 'static, D: Send + 'static> Worker<J, D> {
    /// Begins.
    ///
    /// # Errors
    /// The operating system has no thread.
    pub(crate) fn start(carry_out: impl FnMut(J) -> D + Send + 'static) -> io::Result<Self> {
        // The hub bounds the jobs in flight.
        let (jobs, asked) = async_channel::unbounded();
        let thread =
            std::thread::Builder::new().name("jobs".into()).spawn(move || work(&asked, carry_out))?;
        Ok(Self { jobs, thread })
    }

    /// How a job is carried out.
    pub(crate) fn jobs(&self) -> impl Fn(J) -> Carried<D> + Send + Sync + use<J, D> {
        let jobs = self.jobs.clone();
        move |job| {
            let (told, outcome) = async_channel::bounded(1);
            // Where the worker has gone, the outcome never comes.
            drop(jobs.try_send(Ask(job, told)));
            Carried(outcome)
        }
    }

    /// Waits until all that was handed in is carried out. Nobody may hand in anything after it.
    pub(crate) fn finish(self) {
        self.jobs.close();
        drop(self.thread.join());
    }
}

/// A job that is being carried out.
#[derive(Debug)]
pub(crate) struct Carried<D>(Receiver<D>);

impl<D> Carried<D> {
    /// Its outcome.
    ///
    /// # Panics
    /// The job panicked, so that it is lost here too.
    pub(crate) async fn outcome(self) -> D {
        self.0.recv().await.expect("the job is carried out")
    }
}

fn work<J, D>(asked: &Receiver<Ask<J, D>>, mut carry_out: impl FnMut(J) -> D) {
    while let Ok(Ask(job, told)) = asked.recv_blocking() {
        // A panic has been told by then, and is that job's alone.
        if let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| carry_out(job))) {
            drop(told.try_send(outcome));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smol::future::block_on;

    #[test]
    fn jobs_are_carried_out_in_order_and_to_the_last() {
        let (seen, sees) = std::sync::mpsc::channel();
        let worker = Worker::start(move |job: u32| {
            seen.send(job).unwrap();
            job * 2
        })
        .unwrap();
        let jobs = worker.jobs();
        let carried: Vec<_> = (0..9).map(&jobs).collect();
        worker.finish();
        assert_eq!(sees.iter().collect::<Vec<_>>(), (0..9).collect::<Vec<_>>());
        for (job, carried) in (0..9).zip(carried) {
            assert_eq!(block_on(carried.outcome()), job * 2);
        }
    }

    #[test]
    fn a_job_that_panics_is_lost_alone() {
        let worker = Worker::start(|job: u32| {
            assert!(job != 1, "on purpose");
            job
        })
        .unwrap();
        let jobs = worker.jobs();
        let (lost, done) = (jobs(1), jobs(2));
        assert_eq!(block_on(done.outcome()), 2);
        assert!(lost.0.recv_blocking().is_err());
        worker.finish();
    }
}
