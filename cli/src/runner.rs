//! One service on any runtime, from its listeners to its drain.

use crate::bus::{DeadError, NodesError, TokenFileError};
use crate::chat::{DatabaseError, MeshError};
use crate::health::SettingsError;
use crate::tls::TlsFileError;
use crate::worker::Worker;
use async_channel::Receiver;
use std::io;
use std::sync::Arc;
use wharf::link::{Address, Config, ConfigError, Service};
use wharf::service::bus::StoreFailure;
use wharf_async_std::{Bound, ListenerLost, Runtime};
use wharf_sqlite::OpenError;

pub use crate::runtime::{Portable, RuntimeKind};

/// Where to listen.
///
/// ```
/// use wharf::link::Address;
/// use wharf_cli::runner::Listen;
///
/// let anybody = Listen::from(Address::Unix("/run/chat.sock".into()));
/// let the_group = Listen { unix_mode: Some(0o660), ..anybody };
/// # let _ = the_group;
/// ```
#[derive(Clone, Debug)]
pub struct Listen {
    /// The address; port 0 picks a port.
    pub address: Address,
    /// The permissions of a Unix socket's file; `None` is what the umask leaves.
    pub unix_mode: Option<u32>,
    /// Share a TCP port with others that do the same (SO_REUSEPORT).
    pub reuse_port: bool,
    /// What is spoken here, and its limits, if it is not what is spoken elsewhere.
    pub speaking: Option<Arc<Config>>,
}

impl From<Address> for Listen {
    fn from(address: Address) -> Self {
        Self { address, unix_mode: None, reuse_port: false, speaking: None }
    }
}

/// What the program tells a running service.
#[derive(Debug)]
pub enum Control<C> {
    /// For the service.
    Command(C),
    /// End: stop accepting, close all with 1001, wait a bounded time.
    Drain,
}

/// Why a service could not be started, or did not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// An address could not be listened on.
    #[error("cannot listen on {address}: {error}")]
    Bind {
        /// The address.
        address: Address,
        /// What the operating system says.
        error: io::Error,
    },
    /// The flags contradict each other.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A flag that makes no sense with the others.
    #[error("{0}")]
    Use(&'static str),
    /// The files with certificate and key are not what they should be.
    #[error(transparent)]
    Tls(#[from] TlsFileError),
    /// What a health checker is told.
    #[error(transparent)]
    Health(#[from] SettingsError),
    /// The folder for recordings cannot be made.
    #[error("--record: {0}")]
    Record(#[source] io::Error),
    /// Who may register at the bus.
    #[error(transparent)]
    Tokens(#[from] TokenFileError),
    /// The journal of the bus is in use, damaged or foreign.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The journal failed while the bus ran.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// The database of the bus does not serve.
    #[error(transparent)]
    Nodes(#[from] NodesError),
    /// Nothing could be done with dead letters.
    #[error(transparent)]
    Dead(#[from] DeadError),
    /// The database of the chat cannot be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The mesh between nodes of the chat cannot be had.
    #[error(transparent)]
    Mesh(#[from] MeshError),
    /// A listener was lost. The others were closed in order.
    #[error(transparent)]
    Lost(#[from] ListenerLost),
    /// The runtime could not be started.
    #[error("cannot start the runtime: {0}")]
    Runtime(#[from] io::Error),
    /// The service could not be served, or its loop failed: what the adapter says.
    #[error("cannot serve: {0}")]
    Serve(#[source] io::Error),
    /// The operating system gave no randomness.
    #[error("no randomness: {0}")]
    Entropy(#[source] io::Error),
}

impl RunError {
    /// Whether it is how the program was called that is wrong, and not what happened then.
    #[must_use]
    pub const fn is_use(&self) -> bool {
        matches!(
            self,
            Self::Bind { .. }
                | Self::Config(_)
                | Self::Use(_)
                | Self::Tls(_)
                | Self::Health(_)
                | Self::Record(_)
                | Self::Tokens(_)
                | Self::Mesh(_)
        )
    }
}

/// As [`run_telling`], and prints `listening on ADDR` on stdout for each listener, with its real port.
///
/// # Errors
/// [`RunError`] if it cannot be started.
pub fn run<S>(
    runtime: RuntimeKind,
    listen: &[Listen],
    service: S,
    config: &Arc<Config>,
    controls: &Receiver<Control<S::Command>>,
) -> Result<(), RunError>
where
    S: Service<Job: Send, Done: Send, Command: Send> + Send + 'static,
{
    run_telling(runtime, listen, service, config, controls, |address| println!("listening on {address}"))
}

/// Runs `service` on a runtime, behind its listeners, until [`Control::Drain`] has been carried out, or
/// the controls' senders are gone. Tells `listening` the real address of each listener.
///
/// # Errors
/// [`RunError`] if it cannot be started.
pub fn run_telling<S>(
    runtime: RuntimeKind,
    listen: &[Listen],
    service: S,
    config: &Arc<Config>,
    controls: &Receiver<Control<S::Command>>,
    listening: impl Fn(&Address),
) -> Result<(), RunError>
where
    S: Service<Job: Send, Done: Send, Command: Send> + Send + 'static,
{
    let carry_out = None::<fn(S::Job) -> S::Done>;
    config.check()?;
    runtime.run(Serving { listen, service, config, controls, listening, carry_out })?
}

/// As [`run_telling`], and a thread of its own carries out the service's jobs by `carry_out`, one after the other in the order in which
/// they were submitted. Those in flight are carried out before it returns.
///
/// # Errors
/// [`RunError`] if it cannot be started.
pub fn run_with<S>(
    runtime: RuntimeKind,
    listen: &[Listen],
    service: S,
    config: &Arc<Config>,
    controls: &Receiver<Control<S::Command>>,
    listening: impl Fn(&Address),
    carry_out: impl FnMut(S::Job) -> S::Done + Send + 'static,
) -> Result<(), RunError>
where
    S: Service<Job: Send, Done: Send, Command: Send> + Send + 'static,
{
    config.check()?;
    runtime.run(Serving { listen, service, config, controls, listening, carry_out: Some(carry_out) })?
}

/// A service that is to be run, and all that it needs for it.
struct Serving<'a, S: Service, L, W> {
    listen: &'a [Listen],
    service: S,
    config: &'a Arc<Config>,
    controls: &'a Receiver<Control<S::Command>>,
    listening: L,
    carry_out: Option<W>,
}

impl<S, L, W> Portable for Serving<'_, S, L, W>
where
    S: Service<Job: Send, Done: Send, Command: Send> + Send + 'static,
    L: Fn(&Address),
    W: FnMut(S::Job) -> S::Done + Send + 'static,
{
    type Output = Result<(), RunError>;

    async fn run_async<R: Runtime>(self) -> Self::Output {
        let Self { listen, service, config, controls, listening, carry_out } = self;
        let bound = bind::<R>(listen, listening).await?;
        let Some(carry_out) = carry_out else {
            return serve(bound, service, config, controls, nobody).await;
        };
        let worker = Worker::start(carry_out)?;
        let jobs = worker.jobs();
        let served = serve(bound, service, config, controls, move |job| jobs(job).outcome()).await;
        worker.finish();
        served
    }

    fn run_mio(self) -> Self::Output {
        let Self { listen, service, config, controls, listening, carry_out } = self;
        run_mio(listen, service, config, controls, listening, carry_out)
    }
}

/// The loop has this thread, so a second one carries the controls to it.
fn run_mio<S>(
    listen: &[Listen],
    service: S,
    config: &Arc<Config>,
    controls: &Receiver<Control<S::Command>>,
    listening: impl Fn(&Address),
    carry_out: Option<impl FnMut(S::Job) -> S::Done + Send>,
) -> Result<(), RunError>
where
    S: Service<Command: Send, Job: Send, Done: Send>,
{
    let mut server = wharf_mio::Server::new(service, config.clone()).map_err(RunError::Serve)?;
    for Listen { address, unix_mode, reuse_port, speaking } in listen {
        let listening = match (address, unix_mode) {
            (Address::Unix(path), Some(mode)) => server.listen_unix(path, *mode),
            (Address::Tcp(address), _) if *reuse_port => server.listen_reusing_port(*address),
            _ => server.listen(address),
        };
        server = listening.map_err(|error| RunError::Bind { address: address.clone(), error })?;
        if let Some(speaking) = speaking {
            server = server.speaking(speaking).map_err(RunError::Serve)?;
        }
    }
    server.local_addrs().for_each(&listening);
    let handle = server.handle();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while let Ok(Control::Command(command)) = controls.recv_blocking() {
                if handle.command_blocking(command).is_err() {
                    break;
                }
            }
            handle.drain();
        });
        let served = match carry_out {
            None => server.run(),
            Some(carry_out) => server.run_with(carry_out),
        };
        // The loop may have failed with nobody having asked for an end.
        controls.close();
        served
    })
    .map(drop)
    .map_err(|error| match error.downcast::<ListenerLost>() {
        Ok(lost) => lost.into(),
        Err(error) => RunError::Serve(error),
    })
}

/// Whoever submits a job where nobody carries it out has it lost, as on a bare loop.
#[allow(clippy::unused_async)]
async fn nobody<J, D>(_: J) -> D {
    panic!("nobody carries out jobs here")
}

async fn bind<R: Runtime>(
    listen: &[Listen],
    listening: impl Fn(&Address),
) -> Result<Vec<Bound<R>>, RunError> {
    let mut bound = Vec::new();
    for Listen { address, unix_mode, reuse_port, speaking } in listen {
        let opened = match (address, unix_mode) {
            (Address::Unix(path), Some(mode)) => Bound::<R>::bind_unix(path, *mode).await,
            (Address::Tcp(address), _) if *reuse_port => Bound::<R>::bind_reusing_port(*address).await,
            _ => Bound::<R>::bind(address).await,
        };
        let opened = opened.map_err(|error| RunError::Bind { address: address.clone(), error })?;
        bound.push(match speaking {
            Some(config) => opened.speaking(config),
            None => opened,
        });
    }
    bound.iter().for_each(|listener| listening(listener.local_addr()));
    Ok(bound)
}

async fn serve<R, S, J, Fut>(
    bound: Vec<Bound<R>>,
    service: S,
    config: &Arc<Config>,
    controls: &Receiver<Control<S::Command>>,
    jobs: J,
) -> Result<(), RunError>
where
    R: Runtime,
    S: Service<Job: Send, Done: Send, Command: Send> + Send + 'static,
    J: Fn(S::Job) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = S::Done> + Send + 'static,
{
    let handle = wharf_async_std::serve_service(bound, service, config, jobs).map_err(RunError::Serve)?;
    let controlled = async {
        while let Ok(Control::Command(command)) = controls.recv().await {
            if handle.command(command).is_err() {
                break;
            }
        }
        None
    };
    let lost = smol::future::or(controlled, handle.lost()).await;
    handle.drain().await;
    lost.map_or(Ok(()), |lost| Err(lost.into()))
}
