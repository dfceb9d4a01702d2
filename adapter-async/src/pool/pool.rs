//! The pool, as its users see it.

use super::checkout::Checkout;
use super::keeper::keep;
use super::shared::{Dialing, Shared};
use super::{PoolError, Pooled};
use crate::client::attempted;
use crate::retry::drawn;
use crate::runtime::Runtime;
use crate::sleep::{Awake, Sleep};
use crate::socket::Socket;
use crate::{Clock, ConnectError, connect};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use wharf::link::{Config, Target};
use wharf::service::pool::{self, PoolConfig, PoolStats};

/// Sockets to one target, kept open and lent to one user at a time; cheap to clone. With the last clone it is
/// [drained](Self::drain).
///
/// A task of its own opens them, answers their pings while they are idle, and replaces those that end. Whoever waits is served in turn.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use wharf::service::pool::PoolConfig;
/// use wharf_async::{Error, Pool, PoolError};
///
/// # block_on(async {
/// # let bound = wharf_async::Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_async::serve(bound, Default::default(), |mut socket| async move {
/// #     while let Some(message) = socket.next().await {
/// #         socket.send(message?).await?;
/// #     }
/// #     Ok::<(), wharf_async::Error>(())
/// # });
/// let mut config = PoolConfig::default();
/// (config.min, config.max) = (0, 2);
/// let pool = Pool::<R>::new(&url, config)?;
/// let answer = pool
///     .with_socket(async |socket| {
///         socket.send("how late is it?").await?;
///         socket.next().await.transpose()
///     })
///     .await??;
/// assert_eq!(answer.unwrap().as_text(), Some("how late is it?"));
///
/// pool.drain().await;
/// assert!(matches!(pool.checkout().await, Err(PoolError::Drained)));
/// # server.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct Pool<R: Runtime> {
    pub(super) shared: Arc<Shared<R>>,
    _hold: Arc<Hold<R>>,
}

/// Dropped with the last of the clones.
struct Hold<R: Runtime>(Arc<Shared<R>>);

impl<R: Runtime> Drop for Hold<R> {
    fn drop(&mut self) {
        self.0.act(|state, now| state.pool.drain(now));
    }
}

impl<R: Runtime> Pool<R> {
    /// A pool of connections to `target` with the defaults of a client, in a runtime; it opens the first at once.
    ///
    /// # Errors
    /// There is no such target.
    pub fn new(
        target: impl TryInto<Target, Error: Into<ConnectError>>,
        config: PoolConfig,
    ) -> Result<Self, ConnectError> {
        Self::with(target, &Arc::new(Config::client()), config)
    }

    /// As [`new`](Self::new), where `link` says how connections are made and what they speak. Its `open_timeout` is at most
    /// [`PoolConfig::connect_timeout`].
    ///
    /// # Errors
    /// There is no such target.
    pub fn with(
        target: impl TryInto<Target, Error: Into<ConnectError>>,
        link: &Arc<Config>,
        config: PoolConfig,
    ) -> Result<Self, ConnectError> {
        let target: Target = target.try_into().map_err(Into::into)?;
        let mut link = Config::clone(link);
        link.open_timeout = link.open_timeout.min(config.connect_timeout);
        let link = Arc::new(link);
        Ok(Self::dialing(config, move || {
            let (target, link) = (target.clone(), link.clone());
            async move { connect::<R>(target, &link).await }
        }))
    }

    /// A pool of whatever `dial` makes, which may log in before it hands the socket over. It has
    /// [`PoolConfig::connect_timeout`] for all of it, and is dropped then.
    pub fn dialing<F>(config: PoolConfig, dial: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Socket<R>, ConnectError>> + Send + 'static,
    {
        let clock = Clock::new();
        let (pool, keeper) = Self::parts(config, dial, Awake::<R>::new(clock), move || clock.now());
        R::spawn(keeper);
        pool
    }

    pub(super) fn parts<F>(
        config: PoolConfig,
        dial: impl Fn() -> F + Send + Sync + 'static,
        sleep: impl Sleep,
        time: impl Fn() -> wharf::base::Instant + Send + Sync + 'static,
    ) -> (Self, impl Future<Output = ()>)
    where
        F: Future<Output = Result<Socket<R>, ConnectError>> + Send + 'static,
    {
        let machine = pool::Pool::new(sleep.now(), config, drawn());
        let dial = Arc::new(dial);
        let dial = move || -> Dialing<R> {
            let dial = dial.clone();
            Box::pin(async move { attempted(|| dial()).await })
        };
        let shared = Shared::new(machine, Box::new(dial), time);
        let keeper = keep(shared.clone(), sleep);
        (Self { _hold: Arc::new(Hold(shared.clone())), shared }, keeper)
    }

    /// Waits for a socket, for [`PoolConfig::wait_timeout`] at most.
    ///
    /// # Errors
    /// [`PoolError`]: none came free in time, none can be opened, too many wait, the pool is drained.
    ///
    /// # Cancel safety
    /// Dropped before it is done, nobody waits any more, and what came meanwhile is the next one's.
    pub async fn checkout(&self) -> Result<Pooled<R>, PoolError> {
        Checkout::new(&self.shared, None).await
    }

    /// As [`checkout`](Self::checkout), with a patience of its own.
    ///
    /// # Errors
    /// As [`checkout`](Self::checkout).
    ///
    /// # Cancel safety
    /// As [`checkout`](Self::checkout).
    pub async fn checkout_within(&self, patience: Duration) -> Result<Pooled<R>, PoolError> {
        Checkout::new(&self.shared, Some(patience)).await
    }

    /// Runs `act` with a socket that is its alone, and gives it back. What `act` sent last may be without an answer; if it panics or is
    /// dropped, it is as with [`Pooled`].
    ///
    /// # Errors
    /// As [`checkout`](Self::checkout); then `act` was not called.
    ///
    /// # Cancel safety
    /// Dropped before it is done, nobody waits any more, or `act` is dropped and its socket given back or closed.
    pub async fn with_socket<T>(&self, act: impl AsyncFnOnce(&mut Socket<R>) -> T) -> Result<T, PoolError> {
        let mut socket = self.checkout().await?;
        let out = act(&mut socket).await;
        socket.give_back();
        Ok(out)
    }

    /// What it holds and what it counted.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.shared.look(|state| state.pool.stats())
    }

    /// Why none could be opened, as long as none can be.
    #[must_use]
    pub fn last_error(&self) -> Option<Arc<ConnectError>> {
        self.shared.look(|state| state.last_error.clone())
    }

    /// Lends no more, refuses those who wait, closes what is idle, and waits until what is lent has come back.
    ///
    /// # Cancel safety
    /// Dropped before it is done, the drain goes on.
    pub async fn drain(&self) {
        self.shared.act(|state, now| state.pool.drain(now));
        self.shared.drained.wait().await;
    }
}

impl<R: Runtime> Clone for Pool<R> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), _hold: self._hold.clone() }
    }
}

impl<R: Runtime> fmt::Debug for Pool<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
