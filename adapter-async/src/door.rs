//! Sockets that somebody else's HTTP server upgrades, held to the limits of a server.

use crate::drain::{Berth, Drain};
use crate::seat::Seats;
use crate::trace;
use std::sync::Arc;
use wharf::base::CloseCode;
use wharf::http::Headers;
use wharf::link::{Address, AdmissionStats, Config, Refused};
use wharf_std::Drained;

/// The limits and the end of the sockets that an HTTP server upgrades: cheap to clone, one for a server. It holds them to what
/// [`serve`](crate::serve) does: to the limits of a [`Config`] on connections, addresses and handshakes, by the same
/// [`Admission`](wharf::link::Admission), and it ends them by a [`Drain`].
///
/// ```
/// use std::sync::Arc;
/// use wharf::http::Request;
/// use wharf::link::{Config, Refused};
/// use wharf_async::Door;
///
/// let mut config = Config::default();
/// config.max_connections_per_address = Some(1);
/// let door = Door::new(Arc::new(config));
///
/// let request = Request::parse(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
/// let (peer, config) = ("192.0.2.1:7".parse().unwrap(), door.config().clone());
/// let berth = door.enter(Some(&peer), request.headers(), &config).unwrap();
/// let refused = door.enter(Some(&peer), request.headers(), &config).unwrap_err();
/// assert_eq!((refused, door.connections()), (Refused::TooManyFromAddress, 1));
/// drop(berth);
/// assert_eq!((door.connections(), door.stats().refused_address), (0, 1));
/// ```
#[derive(Clone, Debug)]
pub struct Door {
    drain: Drain,
    seats: Arc<Seats>,
}

impl Door {
    /// One that nobody has passed. A drain may take [`Config::drain_timeout`]. Whether `config` contradicts itself is for
    /// [`Config::check`], as with [`serve`](crate::serve).
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        Self { drain: Drain::with_timeout(config.drain_timeout), seats: Seats::new(config) }
    }

    /// The limits, and what is spoken where nobody says otherwise.
    #[must_use]
    pub fn config(&self) -> &Arc<Config> {
        self.seats.limits()
    }

    /// Takes a place for a request for a WebSocket with these fields, of a connection of `peer`, if that is known
    /// ([`Admission::admit_request`](wharf::link::Admission::admit_request)). `speaking` is what the socket is made by, mostly
    /// [`config`](Self::config). It counts as one in its handshake until the [`Berth`] is given a socket or dropped.
    ///
    /// # Errors
    /// [`Refused`], counted; [`Refused::response`] is the answer.
    pub fn enter(
        &self,
        peer: Option<&Address>,
        headers: &Headers,
        speaking: &Config,
    ) -> Result<Berth, Refused> {
        match self.seats.take_request(peer, headers, speaking) {
            Ok(seat) => Ok(self.drain.seated(seat)),
            Err(refused) => {
                trace::refused(peer, refused);
                Err(refused)
            }
        }
    }

    /// Connections at this moment, those in their handshake among them.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.drain.connections()
    }

    /// How many of them are in their opening handshake.
    #[must_use]
    pub fn handshakes(&self) -> usize {
        self.seats.lock().handshakes()
    }

    /// How many were accepted and refused so far, and why.
    #[must_use]
    pub fn stats(&self) -> AdmissionStats {
        self.seats.lock().stats()
    }

    /// Waits until the drain begins.
    ///
    /// # Cancel safety
    /// Dropped before it is done, it has done nothing.
    pub async fn begun(&self) {
        self.drain.begun().await;
    }

    /// Takes nobody any more, closes each socket with 1001 and waits until all have ended; those that have not within
    /// [`Config::drain_timeout`] are reset. Tells how many ended which way.
    ///
    /// # Cancel safety
    /// Dropped after its first poll, the connections go on ending.
    pub async fn drain(&self) -> Drained {
        self.drain_with(CloseCode::GOING_AWAY).await
    }

    /// As [`drain`](Self::drain), with another code, or 1001 if that must not be sent. The drain that begins first says which.
    ///
    /// # Cancel safety
    /// As that of [`drain`](Self::drain).
    pub async fn drain_with(&self, code: CloseCode) -> Drained {
        self.seats.lock().drain();
        let drained = self.drain.drain_with(code).await;
        trace::drained(None, drained);
        drained
    }
}
