//! The jobs of a service.

use crate::drain::unwound;
use crate::hub::Shared;
use crate::runtime::Runtime;
use crate::trace;
use std::future::Future;
use std::sync::Arc;
use wharf::link::{JobToken, Service};

/// For services without jobs: answers each with the default outcome.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use wharf::link::Service;
/// use wharf_async::{no_jobs, serve_service};
///
/// /// Has nothing to do.
/// struct Quiet;
///
/// impl Service for Quiet {
///     type Job = ();
///     type Done = ();
///     type Command = ();
/// }
///
/// # block_on(async {
/// let service = serve_service::<R, _, _, _>(vec![], Quiet, &Default::default(), no_jobs)?;
/// assert_eq!(service.drain().await.closed, 0);
/// assert_eq!(no_jobs::<_, u8>("a job").await, 0);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[allow(clippy::unused_async)]
pub async fn no_jobs<J, D: Default>(_: J) -> D {
    D::default()
}

/// Carries a job out. Also where that panics, or the runtime goes down and drops it, the hub learns what came of it.
pub(crate) fn spawn_job<R, S, Fut>(
    shared: Arc<Shared<S>>,
    token: JobToken,
    job: impl FnOnce() -> Fut + Send + 'static,
) where
    R: Runtime,
    S: Service + Send + 'static,
    S::Job: Send + 'static,
    S::Done: Send + 'static,
    S::Command: Send + 'static,
    Fut: Future<Output = S::Done> + Send + 'static,
{
    let owed = Owed { shared, token };
    R::spawn(async move {
        match unwound(job).await {
            // What has an outcome is not lost when this ends.
            Ok(done) => drop(owed.shared.with(|state, now| state.hub.job_done(now, token, done))),
            Err(cause) => trace::job_failed(token, &cause),
        }
        drop(owed);
    });
}

/// A job of which the hub is owed an outcome.
struct Owed<S: Service> {
    shared: Arc<Shared<S>>,
    token: JobToken,
}

impl<S: Service> Drop for Owed<S> {
    fn drop(&mut self) {
        self.shared.with(|state, now| state.hub.job_lost(now, self.token));
    }
}
