//! Connections that a service wants made.

use super::entry::Turn;
use super::{Address, ConnId, DialId, Hub, Link, Service};
use crate::base::Instant;
use crate::ws::handshake::{ClientRequest, HandshakeError};

/// A connection that a service wants made. An adapter looks the host up, connects and tells
/// [`Hub::dialed`](super::Hub::dialed), or [`Hub::dial_failed`](super::Hub::dial_failed).
///
/// ```
/// # fn adapter(dial: wharf::link::Dial) -> (String, u16) {
/// (dial.request.url().host().to_owned(), dial.request.url().port())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dial {
    /// Its name, to be told with the outcome.
    pub id: DialId,
    /// Where to.
    pub request: ClientRequest,
    /// An address to use instead of looking the host up.
    pub address: Option<Address>,
    /// When the connection must be open at the latest, its handshake done.
    pub deadline: Instant,
}

/// Why a dial came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The name has no address. Retry later.
    #[error("the name has no address")]
    Lookup,
    /// No address could be connected to. Retry later.
    #[error("no address could be connected to")]
    Connect,
    /// Lookup and connect took too long. Retry later.
    #[error("connecting timed out")]
    TimedOut,
    /// The URL asks for TLS, which this program cannot do.
    #[error("wss needs TLS, which is not built in")]
    NoTls,
    /// The opening handshake failed; whether to retry depends on how.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The hub is draining.
    #[error("the hub is draining")]
    Draining,
}

impl<S: Service> Hub<S> {
    /// A connection that is to be made.
    pub fn poll_dial(&mut self) -> Option<Dial> {
        let dial = self.core.dials_out.pop_front()?;
        self.core.dials.get(dial.0).cloned()
    }

    /// A dial's connection was made; its opening handshake begins. `None` if nobody waits for it any more.
    pub fn dialed(&mut self, now: Instant, dial: DialId, peer: Address) -> Option<ConnId> {
        let now = self.begin(now);
        let Dial { request, deadline, .. } = self.core.dials.remove(dial.0)?;
        let entropy = self.core.entropy.fork();
        let link = Link::dialed(now, &self.core.config, &request, entropy, deadline - now);
        let conn = self.insert(link, peer, Some(dial));
        self.core.touch(conn);
        self.pump(now);
        Some(conn)
    }

    /// A dial came to nothing.
    pub fn dial_failed(&mut self, now: Instant, dial: DialId, error: &DialError) {
        let now = self.begin(now);
        if self.core.dials.remove(dial.0).is_some() {
            self.core.stats.dials_failed += 1;
            self.call(Turn::Other, |s, cx| s.dial_failed(cx, dial, error));
            self.pump(now);
        }
    }
}
