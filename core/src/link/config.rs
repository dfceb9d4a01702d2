//! What a hub and its links are told once.

use super::{Address, Forwarding, OpenError, Overload, Recorder, Target};
use crate::base::{Instant, nonzero};
use crate::framed::{self, Codec};
use crate::http;
use crate::proxy::{Proxies, Proxy};
#[cfg(feature = "tls")]
use crate::tls;
use crate::ws;
use crate::ws::handshake::{Redirects, ServerPolicy};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// Limits and deadlines of a hub and of each of its links.
///
/// ```
/// use wharf::link::Config;
///
/// let mut config = Config::default();
/// config.max_connections = 100;
/// assert!(config.check().is_ok());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What is spoken. Default [`Framing::WebSocket`].
    pub framing: Framing,
    /// Open WebSocket connections: a hub's accepted ones, and both sides of a [`Link`](super::Link) of its own. Default
    /// [`ws::Config::default`].
    pub ws: Arc<ws::Config>,
    /// Open WebSocket connections that a hub's service dialed. Default [`ws::Config::client`].
    pub dialed: Arc<ws::Config>,
    /// Connections of framed messages: a hub's accepted ones, and both sides of a [`Link`](super::Link) of its own. Default
    /// [`framed::Config::default`].
    pub framed: Arc<framed::Config>,
    /// Connections of framed messages that a hub's service dialed. Default [`framed::Config::client`].
    pub dialed_framed: Arc<framed::Config>,
    /// TLS for those that are accepted. Default `None`: plain text.
    #[cfg(feature = "tls")]
    pub tls: Option<tls::ServerConfig>,
    /// TLS for targets that ask for it. Default `None`: they fail with [`OpenError::NoTls`](super::OpenError::NoTls).
    #[cfg(feature = "tls")]
    pub client_tls: Option<tls::ClientConfig>,
    /// The proxies that clients go through. Default `None`: the adapter takes those of its environment.
    pub proxies: Option<Arc<Proxies>>,
    /// The redirects that clients follow. Default none.
    pub redirects: Redirects,
    /// Connections before their upgrade. Default [`http::Config::default`].
    pub http: Arc<http::Config>,
    /// What is asked of those who want a WebSocket. By default pages of any origin may, and no subprotocol is chosen.
    pub policy: ServerPolicy,
    /// The proxies in front of a server whose word about a client's address is believed. Default none.
    pub forwarding: Option<Arc<Forwarding>>,
    /// How long a client may take to open; lookup and connect are in it, and all redirects. Default 10 s. A server's side
    /// has [`http::Config::open_timeout`].
    pub open_timeout: Duration,
    /// How much of that lookup and connect may take. Default `None`: all of it.
    pub connect_timeout: Option<Duration>,
    /// How long an address of a host may leave a connect unanswered before the next one is tried beside it; from 100 ms to 2 s
    /// ([`Eyeballs`](super::Eyeballs)). Default 250 ms.
    pub attempt_delay: Duration,
    /// How much of that the way through a proxy and TLS may take, on either side. Default `None`: all of it.
    pub tls_timeout: Option<Duration>,
    /// How much of that the opening handshake of a client's WebSocket may take, from its first byte on: once there is a way through
    /// proxy and TLS. Default `None`: all of it.
    pub handshake_timeout: Option<Duration>,
    /// Most connections at once; more are refused and counted. Default 16,384.
    pub max_connections: usize,
    /// Most connections at once from one address, an IPv6 network of 64 bits counting as one; more are refused and counted.
    /// Unix sockets have none to count, and trusted hops ([`Forwarding`]) have no limit, since all of their clients would share
    /// it: those are held to one by [`service::limiter`](crate::service::limiter). Default `None`: no limit.
    pub max_connections_per_address: Option<usize>,
    /// Most connections at once that are in their opening handshake; more are refused and counted. One that had an answer and has
    /// not begun to ask again is in none. Each may hold a head of 16 KiB and, over TLS, 64 KiB of a handshake message. Default 4,096.
    pub max_handshakes: usize,
    /// Most connections at once that are refused by an answer, 503 with `Retry-After`, beside those that are taken; more are
    /// closed without one, and so are all where TLS or another framing is spoken. Default 64.
    pub max_refusals: usize,
    /// What `Retry-After` says then; in whole seconds, at least one. Default 5 s.
    pub retry_after: Duration,
    /// Most bytes of messages that wait to be written on all connections of a [`Hub`](super::Hub) together. A link that no hub holds,
    /// such as that of a socket in a handler of its own, has its own `queue_limit` alone. Default 1 GiB.
    pub max_queued: usize,
    /// What happens past it. Default [`Overload::Disconnect`].
    pub overload: Overload,
    /// Most jobs in flight; past it a job is given back. Default 1,024.
    pub max_jobs: usize,
    /// Most dials in flight; past it a dial is refused. Default 256.
    pub max_dials: usize,
    /// Who takes the recordings of accepted connections ([`record`](super::record)); each costs its memory and a share of its time.
    /// Default `None`: nothing is recorded, and costs nothing.
    pub recorder: Option<Arc<dyn Recorder>>,
    /// How long a drain may take before what is left is reset. Default 10 s.
    pub drain_timeout: Duration,
    /// Whether an adapter's log tells that a connection opened and that it closed. Default true; a service that dials every few
    /// seconds, to see whether it can, does without ([`Context::dial_as`](super::Context::dial_as)).
    pub is_logged: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            framing: Framing::WebSocket,
            framed: Arc::default(),
            dialed_framed: Arc::new(framed::Config::client()),
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "tls")]
            client_tls: None,
            proxies: None,
            redirects: Redirects::none(),
            connect_timeout: None,
            attempt_delay: Duration::from_millis(250),
            tls_timeout: None,
            handshake_timeout: None,
            ws: Arc::default(),
            dialed: Arc::new(ws::Config::client()),
            http: Arc::default(),
            policy: ServerPolicy::default(),
            forwarding: None,
            open_timeout: Duration::from_secs(10),
            max_connections: 16_384,
            max_connections_per_address: None,
            max_handshakes: 4096,
            max_refusals: 64,
            retry_after: Duration::from_secs(5),
            max_queued: 1 << 30,
            overload: Overload::default(),
            max_jobs: 1024,
            max_dials: 256,
            recorder: None,
            drain_timeout: Duration::from_secs(10),
            is_logged: true,
        }
    }
}

/// What is spoken on a connection.
///
/// ```
/// use wharf::framed::Lines;
/// use wharf::link::Framing;
///
/// let framing = Framing::codec(Lines::new());
/// assert!(matches!(framing, Framing::Codec(_)));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Framing {
    /// HTTP, and WebSockets on it.
    #[default]
    WebSocket,
    /// Messages framed by a codec, from the first byte on.
    Codec(Arc<dyn Codec>),
}

impl Framing {
    /// Messages framed by `codec`.
    #[must_use]
    pub fn codec(codec: impl Codec + 'static) -> Self {
        Self::Codec(Arc::new(codec))
    }
}

/// Where a client's transport leads first.
///
/// ```
/// use wharf::link::{Config, Hop};
///
/// let target = "wss://example.org/".parse().unwrap();
/// assert_eq!(Config::default().hop(&target), Hop::Host("example.org".into(), 443));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hop {
    /// An address, to be connected to.
    Address(Address),
    /// Addresses, of which the first that answers is taken.
    Addresses(Vec<Address>),
    /// A host, to be looked up, and a port.
    Host(String, u16),
}

/// A configuration that contradicts itself.
///
/// ```
/// use wharf::link::{Config, ConfigError};
/// use wharf::ws;
///
/// let (mut config, mut ws) = (Config::default(), ws::Config::default());
/// config.max_handshakes = 0;
/// assert_eq!(config.check(), Err(ConfigError::Zero("max_handshakes")));
/// // A fault in a part is told as there.
/// ws.low_mark = ws.high_mark + 1;
/// config.ws = ws.into();
/// assert_eq!(config.check(), Err(ConfigError::Ws(ws::ConfigError::MarksCrossed)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The part for open WebSocket connections.
    #[error(transparent)]
    Ws(#[from] ws::ConfigError),
    /// The part for connections of framed messages.
    #[error(transparent)]
    Framed(#[from] framed::ConfigError),
    /// The part for connections before their upgrade.
    #[error("http: {0}")]
    Http(#[from] http::ConfigError),
    /// A limit or a time of zero, by which nothing would ever open.
    #[error("{0} is zero")]
    Zero(&'static str),
}

impl Config {
    /// The defaults for a client ([`ws::Config::client`]).
    #[must_use]
    pub fn client() -> Self {
        Self {
            ws: Arc::new(ws::Config::client()),
            framed: Arc::new(framed::Config::client()),
            ..Self::default()
        }
    }

    /// Where to connect for `target`: to its proxy, to the addresses that it names, or to its host.
    #[must_use]
    pub fn hop(&self, target: &Target) -> Hop {
        match (target.addresses(), self.proxy_for(target)) {
            ([address], _) => Hop::Address(address.clone()),
            ([], Some(proxy)) => Hop::Host(proxy.host().into(), proxy.port()),
            ([], None) => Hop::Host(target.host().into(), target.port()),
            (addresses, _) => Hop::Addresses(addresses.to_vec()),
        }
    }

    /// When lookup and connect that begin now must be done, where all that opens the connection must be by `deadline`:
    /// [`connect_timeout`](Self::connect_timeout) is within that.
    #[must_use]
    pub fn connect_by(&self, now: Instant, deadline: Instant) -> Instant {
        self.connect_timeout.map_or(deadline, |timeout| deadline.min(now + timeout))
    }

    /// This, for a connection that was made on the way to `deadline`: what is left until there is its
    /// [`open_timeout`](Self::open_timeout), and where nothing is left a millisecond, in which it ends as one that took too long.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wharf::base::Instant;
    /// use wharf::link::Config;
    ///
    /// let (begun, config) = (Instant::ORIGIN, Config::client());
    /// let connected = begun + Duration::from_secs(3);
    /// let rest = config.opening_by(connected, begun + config.open_timeout);
    /// assert_eq!(rest.open_timeout, config.open_timeout - Duration::from_secs(3));
    /// ```
    #[must_use]
    pub fn opening_by(&self, now: Instant, deadline: Instant) -> Arc<Self> {
        let open_timeout = (deadline - now).max(Duration::from_millis(1));
        Arc::new(Self { open_timeout, ..self.clone() })
    }

    /// Whether `target` can be asked for, as far as that can be told before anything is dialed.
    ///
    /// # Errors
    /// [`OpenError::NoTls`], [`OpenError::Request`].
    pub fn check_target(&self, target: &Target) -> Result<(), OpenError> {
        #[cfg(feature = "tls")]
        let has_tls = self.client_tls.is_some();
        #[cfg(not(feature = "tls"))]
        let has_tls = false;
        if target.is_secure() && !has_tls {
            return Err(OpenError::NoTls);
        }
        if target.request().is_none() && matches!(self.framing, Framing::WebSocket) {
            target.default_request()?;
        }
        Ok(())
    }

    /// Whom a request of `peer` comes from: the client that trusted hops name in its fields, or the peer itself.
    pub(super) fn source(&self, peer: &Address, headers: &http::Headers) -> Address {
        let named = self.forwarding.as_ref().and_then(|forwarding| forwarding.client(peer, headers));
        named.map_or_else(|| peer.clone(), |ip| (ip, 0).into())
    }

    /// Whether a connection that is not taken can be told so: there is HTTP to say it by, and no TLS handshake to pay for.
    pub(super) fn can_turn_away(&self) -> bool {
        #[cfg(feature = "tls")]
        let is_plain = self.tls.is_none();
        #[cfg(not(feature = "tls"))]
        let is_plain = true;
        is_plain && matches!(self.framing, Framing::WebSocket)
    }

    /// The proxy for `target`; none for one that names its address.
    pub(super) fn proxy_for(&self, target: &Target) -> Option<&Proxy> {
        let proxies = self.proxies.as_ref().filter(|_| target.address().is_none())?;
        match target.request() {
            None if matches!(self.framing, Framing::Codec(_)) => {
                proxies.for_stream(target.host(), target.port())
            }
            _ => proxies.for_target(target.is_secure(), target.host(), target.port()),
        }
    }

    /// Whether the parts agree.
    ///
    /// # Errors
    /// The first [`ConfigError`] found.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.ws.check()?;
        self.dialed.check()?;
        self.framed.check()?;
        self.dialed_framed.check()?;
        self.http.check()?;
        let is_zero = |time: Option<Duration>| time.is_some_and(|time| time.is_zero());
        nonzero(&[
            ("max_connections", self.max_connections == 0),
            ("max_connections_per_address", self.max_connections_per_address == Some(0)),
            ("max_handshakes", self.max_handshakes == 0),
            ("max_queued", self.max_queued == 0),
            ("open_timeout", self.open_timeout.is_zero()),
            ("connect_timeout", is_zero(self.connect_timeout)),
            ("tls_timeout", is_zero(self.tls_timeout)),
            ("handshake_timeout", is_zero(self.handshake_timeout)),
        ])
        .map_err(ConfigError::Zero)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn what_never_opens_a_connection_is_named() {
        assert_eq!(Config::default().check(), Ok(()));
        assert_eq!(Config::client().check(), Ok(()));
        let zeroes: [(_, fn(&mut Config)); 8] = [
            ("max_connections", |config| config.max_connections = 0),
            ("max_connections_per_address", |config| config.max_connections_per_address = Some(0)),
            ("max_handshakes", |config| config.max_handshakes = 0),
            ("max_queued", |config| config.max_queued = 0),
            ("open_timeout", |config| config.open_timeout = Duration::ZERO),
            ("connect_timeout", |config| config.connect_timeout = Some(Duration::ZERO)),
            ("tls_timeout", |config| config.tls_timeout = Some(Duration::ZERO)),
            ("handshake_timeout", |config| config.handshake_timeout = Some(Duration::ZERO)),
        ];
        for (name, zero) in zeroes {
            let mut config = Config::default();
            zero(&mut config);
            assert_eq!(config.check(), Err(ConfigError::Zero(name)));
        }
        // These say that there is none of it, and that it is over at once.
        let (max_jobs, max_dials, max_refusals, drain_timeout) = (0, 0, 0, Duration::ZERO);
        let frugal = Config { max_jobs, max_dials, max_refusals, drain_timeout, ..Config::default() };
        assert_eq!(frugal.check(), Ok(()));
    }

    #[test]
    fn the_parts_are_judged_too() {
        let wrong = ws::Config { max_frame: 0, ..ws::Config::default() };
        let ws = ConfigError::Ws(ws::ConfigError::Zero("max_frame"));
        let config = Config { ws: Arc::new(wrong.clone()), ..Config::default() };
        assert_eq!(config.check(), Err(ws));
        assert_eq!(Config { dialed: Arc::new(wrong), ..Config::default() }.check(), Err(ws));
        let wrong = framed::Config { max_message: 0, ..framed::Config::default() };
        let framed = ConfigError::Framed(framed::ConfigError::Zero("max_message"));
        let config = Config { framed: Arc::new(wrong.clone()), ..Config::default() };
        assert_eq!(config.check(), Err(framed));
        assert_eq!(Config { dialed_framed: Arc::new(wrong), ..Config::default() }.check(), Err(framed));
        let wrong = http::Config { answer_timeout: Duration::ZERO, ..http::Config::default() };
        let http = Config { http: Arc::new(wrong), ..Config::default() }.check().unwrap_err();
        assert_eq!(http.to_string(), "http: answer_timeout is zero");
    }
}
