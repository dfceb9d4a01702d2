//! The handle.

use super::deliveries::Deliveries;
use super::desk::Desk;
use super::posting::{BusSendError, Posting};
use super::watch::BusWatch;
use crate::resilient::Carry;
use crate::runtime::Runtime;
use crate::{Clock, ConnectError, entropy};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::Instant;
use wharf::framed::Lines;
use wharf::link::{Config, Framing, Target};
use wharf::service::bus::Name;
use wharf::service::bus::client::{
    self as core, BusClientConfig, BusClientEvent, BusClientState, BusClientStats, BusStopped, Outgoing, Seen,
};
use wharf_std::with_environment;

/// A client of the message bus (feature `json`): what it sends is sent until the bus has accepted it, and what comes is handed over once
/// ([`wharf::service::bus::client`] says what holds). Its connections are carried by a task of its own; this is a handle to it,
/// cheap to clone. Once the last one is dropped it stops, as by [`stop`](Self::stop).
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # mod bus { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/bus.rs")); }
/// # use own::{Local as R, block_on};
/// use std::time::Duration;
/// use wharf::service::bus::Name;
/// use wharf::service::bus::client::BusClientConfig;
/// use wharf_async::BusClient;
///
/// # block_on(async {
/// # let (url, bus) = bus::start::<R>().await?;
/// let (shop, _) = BusClient::connect::<R>(&url, BusClientConfig::new(Name::new("shop")?))?;
/// // Awaited, the bus has it, whether its receiver is there or not.
/// shop.send("stock", "sold", &("a ship", 7)).await?;
///
/// let (stock, mut deliveries) = BusClient::connect::<R>(&url, BusClientConfig::new(Name::new("stock")?))?;
/// let delivery = deliveries.next().await.unwrap();
/// assert_eq!(delivery.payload::<(String, u32)>()?, ("a ship".into(), 7));
/// delivery.ack();
/// stock.drain(Duration::from_secs(5)).await;
/// assert_eq!(stock.stats().acked, 1);
/// # shop.stop().await;
/// # bus.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct BusClient(pub(super) Arc<Desk>);

impl BusClient {
    /// Begins to connect to a bus, at `tcp://HOST:PORT`, `tls://…`, `unix:PATH`, `ws://…` or `wss://…`, and goes on until it is stopped.
    /// What comes is told by [`Deliveries`]. To be called inside of the runtime.
    ///
    /// # Errors
    /// [`ConnectError`] for what no attempt could mend: no such target, no TLS, a variable of the environment that names no proxy.
    pub fn connect<R: Runtime>(
        target: impl TryInto<Target, Error: Into<ConnectError>>,
        bus: BusClientConfig,
    ) -> Result<(Self, Deliveries), ConnectError> {
        Self::connect_with::<R>(target, &Arc::new(Config::client()), bus)
    }

    /// As [`connect`](Self::connect), with TLS, proxies and limits as `config` has them. Where the target is no WebSocket, frames are
    /// lines, unless `config` has another framing.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_with<R: Runtime>(
        target: impl TryInto<Target, Error: Into<ConnectError>>,
        config: &Arc<Config>,
        bus: BusClientConfig,
    ) -> Result<(Self, Deliveries), ConnectError> {
        let target = target.try_into().map_err(Into::into)?;
        let mut config = config.clone();
        if target.request().is_none() && matches!(config.framing, Framing::WebSocket) {
            Arc::make_mut(&mut config).framing = Framing::codec(Lines::new());
        }
        with_environment(&config, target.is_secure())?.check_target(&target)?;
        let entropy = entropy().map_err(ConnectError::System)?;
        let clock = Clock::new();
        let desk = Arc::new(Desk::new(clock, core::BusClient::new(clock.now(), bus, entropy)));
        R::spawn(Carry::<R, _>::unhooked(desk.clone(), target, config));
        Ok((Self(desk.clone()), Deliveries::new(desk)))
    }

    /// Sends a message to a service; await it to know that the bus has it on disk. It waits for as long as that takes;
    /// [`post`](Self::post) sends one with a deadline.
    ///
    /// # Cancel safety
    /// See [`Posting`]: dropped, the message is taken back.
    pub fn send<T: Serialize + ?Sized>(&self, to: &str, kind: &str, payload: &T) -> Posting {
        match self.outgoing(to, kind, payload) {
            Ok(outgoing) => self.post(outgoing),
            Err(error) => Posting::new(self.0.clone(), Err(error)),
        }
    }

    /// A message with the time of the system as its `timestamp`, to be given an id of its own or a deadline.
    ///
    /// # Errors
    /// [`BusSendError::Name`] and [`BusSendError::Payload`].
    pub fn outgoing<T: Serialize + ?Sized>(
        &self,
        to: &str,
        kind: &str,
        payload: &T,
    ) -> Result<Outgoing, BusSendError> {
        Ok(Outgoing::new(Name::new(to)?, kind, payload, self.0.clock().wall())?)
    }

    /// As [`send`](Self::send), of a message that is made already.
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    pub fn post(&self, message: Outgoing) -> Posting {
        Posting::new(self.0.clone(), self.0.send(message).map_err(BusSendError::Refused))
    }

    /// The time as [`Outgoing::deadline`] has it.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.clock().now()
    }

    /// Waits for something that the program may want to know: a dead letter, a message that is tried again or was given up with nobody
    /// waiting for it, what the bus refuses, connections that come and go. At most 256 wait; then the oldest goes
    /// ([`BusClientStats::untold`]). Each is told to one who waits. `None` once the client has stopped.
    ///
    /// # Cancel safety
    /// Dropped before it is done, nothing is lost.
    pub async fn notice(&self) -> Option<BusClientEvent> {
        self.0.notice().await
    }

    /// What was applied, as of now: to be stored, and handed in by [`BusClientConfig::seen`] at the next start.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.0.seen()
    }

    /// How it is, now.
    #[must_use]
    pub fn state(&self) -> BusClientState {
        self.0.state()
    }

    /// Tells when that changes.
    #[must_use]
    pub fn watch(&self) -> BusWatch {
        BusWatch::new(self.0.clone(), self.0.version())
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> BusClientStats {
        self.0.stats()
    }

    /// Ends in order: takes no messages and hands none over from now on, waits for at most so long until all that it took are
    /// accepted and all deliveries acknowledged or refused, and then stops.
    ///
    /// # Cancel safety
    /// Dropped after its first poll, it ends all the same.
    pub async fn drain(&self, within: Duration) -> BusStopped {
        self.0.act(|client, now| client.drain(now, now + within));
        self.stopped().await
    }

    /// Stops it at once, and waits until nothing of it is left. What is not accepted is given back; what is not acknowledged is
    /// delivered to its next life.
    ///
    /// # Cancel safety
    /// Dropped after its first poll, it stops all the same.
    pub async fn stop(&self) -> BusStopped {
        self.0.act(|client, now| client.stop(now));
        self.stopped().await
    }

    /// Waits until it has stopped, for whatever reason: another one of its id has replaced it, say.
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn stopped(&self) -> BusStopped {
        self.0.stopped().await
    }
}

impl Clone for BusClient {
    fn clone(&self) -> Self {
        self.0.hold();
        Self(self.0.clone())
    }
}

impl Drop for BusClient {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

impl fmt::Debug for BusClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusClient").field("state", &self.state()).finish_non_exhaustive()
    }
}
