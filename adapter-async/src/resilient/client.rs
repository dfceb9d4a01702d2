//! The handle.

use super::carry::Carry;
use super::desk::Desk;
use super::hook::{Hook, HookError};
use super::messages::Messages;
use super::sending::Sending;
use super::watch::Watch;
use crate::runtime::Runtime;
use crate::socket::Socket;
use crate::{Clock, ConnectError, entropy};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use wharf::base::{Entropy, Message};
use wharf::link::{Config, Target};
use wharf::service::client::{self as core, ClientConfig, ClientStats, State, Stopped, Ticket};
use wharf_std::with_environment;

/// A client that stays up: it connects again by the schedule of its [`ClientConfig`], keeps a heartbeat, and tells the fate of each
/// message. Its connections are carried by a task of its own; this is a handle to it, cheap to clone. Once the last one is dropped it
/// stops, as by [`stop`](Self::stop).
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use std::sync::Arc;
/// use std::time::Duration;
/// use wharf::link::Config;
/// use wharf::service::client::{ClientConfig, Fate};
/// use wharf::service::schedule::Schedule;
/// use wharf_async::Client;
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
/// let mut patience = ClientConfig::default();
/// patience.schedule = Schedule::fixed(Duration::from_millis(1));
/// let config = Arc::new(Config::client());
/// let (client, mut messages) = Client::connect::<R>(&url, &config, patience)?;
/// match client.send("21 degrees").await {
///     Ok(Fate::Written) => println!("it is on its way"),
///     Ok(fate) => println!("it came to this: {fate:?}"),
///     Err(refused) => println!("not taken: {refused}"),
/// }
/// assert_eq!(messages.next().await.unwrap().as_text(), Some("21 degrees"));
///
/// // What is sent while there is no connection waits for the next one.
/// client.reconnect();
/// assert_eq!(client.send("22 degrees").await?, Fate::Written);
/// assert_eq!(messages.next().await.unwrap().as_text(), Some("22 degrees"));
/// assert_eq!(client.state().reconnect_count, 1);
/// client.stop().await;
/// # server.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct Client(Arc<Desk>);

impl Client {
    /// Begins to connect to `target`, as `config` says and for each attempt anew, and goes on until it is stopped. What
    /// comes is told by [`Messages`]. To be called inside of the runtime.
    ///
    /// # Errors
    /// [`ConnectError`] for what no attempt could mend: no such target, no TLS, a variable of the environment that names no proxy.
    pub fn connect<R: Runtime>(
        target: impl TryInto<Target, Error: Into<ConnectError>>,
        config: &Arc<Config>,
        client: ClientConfig,
    ) -> Result<(Self, Messages), ConnectError> {
        Self::start::<R>(target.try_into().map_err(Into::into)?, config, client, None)
    }

    /// As [`connect`](Self::connect), with what is done on each connection before anything that was sent goes out: log in, subscribe
    /// again, resume from the last message. It is handed the socket, and whether there was a connection before, and gives the socket
    /// back; messages that it does not take come to [`Messages`]. An error, or a panic, gives the connection up, as does
    /// [`ClientConfig::ready_timeout`].
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_with<R: Runtime, F, Fut>(
        target: impl TryInto<Target, Error: Into<ConnectError>>,
        config: &Arc<Config>,
        client: ClientConfig,
        on_connect: F,
    ) -> Result<(Self, Messages), ConnectError>
    where
        F: Fn(Socket<R>, bool) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Socket<R>, HookError>> + Send + 'static,
    {
        let hook = Hook::new(on_connect);
        Self::start::<R>(target.try_into().map_err(Into::into)?, config, client, Some(hook))
    }

    fn start<R: Runtime>(
        target: Target,
        config: &Arc<Config>,
        client: ClientConfig,
        hook: Option<Hook<R>>,
    ) -> Result<(Self, Messages), ConnectError> {
        with_environment(config, target.is_secure())?.check_target(&target)?;
        let entropy: Entropy = entropy().map_err(ConnectError::System)?;
        let clock = Clock::new();
        let desk = Arc::new(Desk::new(clock, core::Client::new(clock.now(), client, entropy)));
        R::spawn(Carry::new(desk.clone(), target, config.clone(), hook));
        Ok((Self(desk.clone()), Messages::new(desk)))
    }

    /// Sends a message, over the connection or the next one; await it for its fate.
    ///
    /// # Cancel safety
    /// See [`Sending`]: dropped, a message that no connection has is taken back.
    pub fn send(&self, message: impl Into<Message<'static>>) -> Sending {
        Sending::new(self.0.clone(), self.0.send(message.into(), false))
    }

    /// As [`send`](Self::send), of a message that the peer's program acknowledges in some way of its own, which
    /// [`acknowledge`](Self::acknowledge) tells: that is its fate then.
    pub fn send_acknowledged(&self, message: impl Into<Message<'static>>) -> Sending {
        Sending::new(self.0.clone(), self.0.send(message.into(), true))
    }

    /// The peer has acknowledged a message; whether one waited for that.
    pub fn acknowledge(&self, ticket: Ticket) -> bool {
        self.0.act(|client, now| client.acknowledge(now, ticket))
    }

    /// How it is, now.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.state()
    }

    /// Tells when that changes.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch::new(self.0.clone(), self.0.version())
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        self.0.stats()
    }

    /// Gives the connection up, if there is one, and connects again by the schedule.
    pub fn reconnect(&self) {
        self.0.act(|client, now| client.reconnect(now));
    }

    /// Stops it for good, and waits until nothing of it is left: at once, but for an open connection, which is closed in order within
    /// its own close deadline. What no connection has is given back by its fate.
    ///
    /// # Cancel safety
    /// Dropped after its first poll, it stops all the same.
    pub async fn stop(&self) -> Stopped {
        self.0.act(|client, now| client.stop(now));
        self.stopped().await
    }

    /// Waits until it has stopped, for whatever reason.
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn stopped(&self) -> Stopped {
        self.0.stopped().await
    }
}

impl Clone for Client {
    fn clone(&self) -> Self {
        self.0.hold();
        Self(self.0.clone())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("state", &self.state()).finish_non_exhaustive()
    }
}
