//! The runtime that a store has of its own.

use crate::error::DatabaseError;
use tokio::runtime::{Builder, Runtime};

/// Runs what a store does, in the thread of who asks. What it has under way when it is dropped ends by itself.
pub(crate) struct Blocking {
    /// There until it is dropped.
    runtime: Option<Runtime>,
}

impl Blocking {
    /// One for a database at a place.
    pub(crate) fn new(place: &str) -> Result<Self, DatabaseError> {
        Ok(Self { runtime: Some(runtime(place)?) })
    }

    /// Does it.
    ///
    /// # Panics
    /// It is called within a task of tokio.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref().expect("only dropping takes it");
        runtime.block_on(async {
            let done = work.await;
            // A connection that was given up closes its socket now and not with the next ask.
            tokio::task::yield_now().await;
            done
        })
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A lookup of a name may take its time.
            runtime.shutdown_background();
        }
    }
}

/// A runtime for the thread that runs it.
pub(crate) fn runtime(place: &str) -> Result<Runtime, DatabaseError> {
    let made = Builder::new_current_thread().enable_io().enable_time().build();
    made.map_err(|error| DatabaseError::failed(place, error.to_string()))
}
