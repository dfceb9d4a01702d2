//! Who is taken in, and what those hear who are not.

use super::{Address, AdmissionStats, Config, Link};
use crate::base::{Instant, Wall};
use crate::http::{Headers, Response};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::net::IpAddr;
use core::time::Duration;

/// Who is taken in of those who connect to a server, and who is told that he is not: the limits of a [`Config`] on
/// connections, addresses and handshakes. A [`Hub`](super::Hub) has one of its own; whoever drives each [`Link`] by itself has one
/// for all of a server. It holds what it counts and an entry for each address that has a connection.
///
/// Each [`Place`] that it gives out is given back by [`leave`](Self::leave); until then it counts.
///
/// ```
/// use wharf::link::{Address, Admission, Config, Refused};
///
/// let mut config = Config::default();
/// (config.max_connections_per_address, config.max_refusals) = (Some(1), 1);
/// let (mut admission, peer) = (Admission::new(), "192.0.2.1:7".parse::<Address>().unwrap());
///
/// let mut taken = admission.admit(&peer, &config, &config).unwrap();
/// assert_eq!((taken.refusal(), admission.handshakes()), (None, 1));
/// admission.settle(&mut taken);
/// assert_eq!(admission.handshakes(), 0);
///
/// // One more is told so by an answer, and another one is not even that.
/// let told = admission.admit(&peer, &config, &config).unwrap();
/// assert_eq!(told.refusal(), Some(Refused::TooManyFromAddress));
/// assert_eq!(admission.admit(&peer, &config, &config).unwrap_err(), Refused::TooManyFromAddress);
/// assert_eq!(admission.stats().refused_address, 2);
///
/// admission.leave(&peer, told);
/// admission.leave(&peer, taken);
/// assert!(admission.admit(&peer, &config, &config).unwrap().refusal().is_none());
/// ```
#[derive(Debug, Default)]
pub struct Admission {
    /// Those that are not refused.
    taken: usize,
    opening: usize,
    /// Those that are told that they are not taken; at most [`Config::max_refusals`].
    refused: usize,
    /// How many were accepted of whom. At most as many as there are connections.
    addresses: BTreeMap<u128, usize>,
    is_draining: bool,
    stats: AdmissionStats,
}

/// Why a connection is not taken.
///
/// ```
/// use wharf::link::Refused;
///
/// assert_eq!(Refused::TooMany.to_string(), "too many connections");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// [`Config::max_connections`].
    #[error("too many connections")]
    TooMany,
    /// [`Config::max_connections_per_address`].
    #[error("too many connections from this address")]
    TooManyFromAddress,
    /// [`Config::max_handshakes`].
    #[error("too many connections in their opening handshake")]
    TooManyHandshakes,
    /// The server is draining.
    #[error("the server is draining")]
    Draining,
    /// Behind an HTTP server: [`Config::max_connections_per_address`] or [`Config::forwarding`] is set, and that server did
    /// not tell the peer's address. A limit that cannot be held is no reason to do without.
    #[error("the peer's address is not known, and the configuration asks for it")]
    NoAddress,
}

/// The place of a connection in an [`Admission`], of one that is only told that it is not taken as well. Dropped, it counts for
/// ever: [`Admission::leave`] takes it back.
///
/// ```
/// use std::sync::Arc;
/// use wharf::base::{Instant, Wall};
/// use wharf::link::{Address, Admission, Config};
///
/// let (mut admission, config) = (Admission::new(), Arc::new(Config::default()));
/// let peer: Address = "192.0.2.1:7".parse().unwrap();
/// let mut place = admission.admit(&peer, &config, &config).unwrap();
/// let link = place.link(Instant::ORIGIN, Wall::default(), &config, &peer);
/// assert!(link.wants().read);
/// admission.leave(&peer, place);
/// assert_eq!(admission.connections(), 0);
/// ```
#[derive(Debug)]
#[must_use = "it counts until it is given back"]
pub struct Place {
    standing: Standing,
    /// It counts as one of its address.
    is_counted: bool,
}

/// How a connection counts until it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// In its opening handshake, or with a request that is not answered.
    Opening,
    /// It had an answer and has not begun to ask again.
    Resting,
    /// It is open, or its end was told.
    Settled,
    /// It was not taken, and is only told so.
    Refused(Refused),
}

impl Admission {
    /// One with no connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Judges a connection that was accepted from `peer`. The limits are those of `limits`, which are the same for all
    /// connections of a server; `speaking` is the configuration of this one: whether its peer is a trusted hop, which has no limit
    /// an address, and whether there is HTTP to refuse it by. One that is too many may have a place all the same, and is
    /// only told so: [`Place::refusal`]. The connection itself is [`Place::link`].
    ///
    /// # Errors
    /// [`Refused`], counted. It is to be closed at once.
    pub fn admit(&mut self, peer: &Address, limits: &Config, speaking: &Config) -> Result<Place, Refused> {
        let refused = match self.judge(peer, limits, speaking) {
            Ok(place) => return Ok(place),
            Err(refused) => refused,
        };
        let is_told =
            refused != Refused::Draining && self.refused < limits.max_refusals && speaking.can_turn_away();
        self.stats.count_refused(refused, is_told);
        if is_told { Ok(self.give(Standing::Refused(refused), false)) } else { Err(refused) }
    }

    /// As [`admit`](Self::admit), behind an HTTP server: judges a request for a WebSocket with these fields, of a connection of
    /// `peer`, if that server tells it. Whom trusted hops name ([`Config::forwarding`] of `speaking`) has the limit of an address, since
    /// each request is one client's. Returns the place and the address that it counts for, which goes into
    /// [`leave`](Self::leave). The connection is [`Link::behind_http`].
    ///
    /// # Errors
    /// [`Refused`], counted. That server answers by itself, with [`Refused::response`], so nobody has a place only to be told.
    pub fn admit_request(
        &mut self,
        peer: Option<&Address>,
        headers: &Headers,
        limits: &Config,
        speaking: &Config,
    ) -> Result<(Place, Address), Refused> {
        let asks = limits.max_connections_per_address.is_some() || speaking.forwarding.is_some();
        let admitted = match peer {
            None if asks => Err(Refused::NoAddress),
            _ => {
                let source =
                    peer.map_or_else(|| Address::Unix("".into()), |peer| speaking.source(peer, headers));
                self.judge(&source, limits, speaking).map(|place| (place, source))
            }
        };
        admitted.inspect_err(|refused| self.stats.count_refused(*refused, true))
    }

    /// A place for a connection that was made to somebody: it counts, but under no limit.
    pub(super) fn dialed(&mut self) -> Place {
        self.give(Standing::Opening, false)
    }

    /// The connection is open, or its end was told: it is in no handshake any more.
    pub fn settle(&mut self, place: &mut Place) {
        if !matches!(place.standing, Standing::Refused(_)) {
            self.stand(place, Standing::Settled);
        }
    }

    /// A connection that is not open has no more to say for now. `is_resting` is what its link [says](Link::is_resting): one
    /// that is between two requests is in no handshake.
    pub fn recount(&mut self, place: &mut Place, is_resting: bool) {
        match (place.standing, is_resting) {
            (Standing::Opening, true) => self.stand(place, Standing::Resting),
            (Standing::Resting, false) => self.stand(place, Standing::Opening),
            _ => {}
        }
    }

    /// The connection of `peer`, to which the place was given, is no more.
    // By value, so that it is given back once.
    #[allow(clippy::needless_pass_by_value)]
    pub fn leave(&mut self, peer: &Address, place: Place) {
        self.discount(place.standing);
        if !matches!(place.standing, Standing::Refused(_)) {
            self.taken = self.taken.saturating_sub(1);
        }
        if place.is_counted {
            self.depart(peer);
        }
    }

    /// Nobody is taken from here on, nor told so.
    pub fn drain(&mut self) {
        self.is_draining = true;
    }

    /// How many connections are taken, those between two requests and those that end among them.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.taken
    }

    /// How many connections are in their opening handshake: not open, and not between two requests.
    #[must_use]
    pub fn handshakes(&self) -> usize {
        self.opening
    }

    /// How many connections there are that are only told that they are not taken.
    #[must_use]
    pub fn refusals(&self) -> usize {
        self.refused
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> AdmissionStats {
        self.stats
    }

    /// A place for `peer`, or why there is none, which is not counted yet.
    fn judge(&mut self, peer: &Address, limits: &Config, speaking: &Config) -> Result<Place, Refused> {
        // A hop stands for many.
        let is_hop = speaking.forwarding.as_ref().is_some_and(|forwarding| forwarding.trusts(peer));
        let most = limits.max_connections_per_address.filter(|_| !is_hop);
        if let Some(refused) = self.refuses(peer, limits, most) {
            return Err(refused);
        }
        self.stats.accepted += 1;
        if most.is_some() {
            self.arrive(peer);
        }
        Ok(self.give(Standing::Opening, most.is_some()))
    }

    /// Why `peer` is not taken, who may have as many as `most` at once.
    fn refuses(&self, peer: &Address, limits: &Config, most: Option<usize>) -> Option<Refused> {
        match () {
            () if self.is_draining => Some(Refused::Draining),
            () if self.taken >= limits.max_connections => Some(Refused::TooMany),
            () if most.is_some_and(|most| self.of(peer) >= most) => Some(Refused::TooManyFromAddress),
            () if self.opening >= limits.max_handshakes => Some(Refused::TooManyHandshakes),
            () => None,
        }
    }

    fn give(&mut self, standing: Standing, is_counted: bool) -> Place {
        self.count(standing);
        self.taken += usize::from(!matches!(standing, Standing::Refused(_)));
        Place { standing, is_counted }
    }

    fn stand(&mut self, place: &mut Place, standing: Standing) {
        self.discount(core::mem::replace(&mut place.standing, standing));
        self.count(standing);
    }

    fn count(&mut self, standing: Standing) {
        match standing {
            Standing::Opening => self.opening += 1,
            Standing::Refused(_) => self.refused += 1,
            Standing::Resting | Standing::Settled => {}
        }
    }

    fn discount(&mut self, standing: Standing) {
        // A place of another admission takes no more from this one than it has.
        match standing {
            Standing::Opening => self.opening = self.opening.saturating_sub(1),
            Standing::Refused(_) => self.refused = self.refused.saturating_sub(1),
            Standing::Resting | Standing::Settled => {}
        }
    }

    fn of(&self, peer: &Address) -> usize {
        whose(peer).and_then(|whose| self.addresses.get(&whose)).copied().unwrap_or_default()
    }

    fn arrive(&mut self, peer: &Address) {
        if let Some(whose) = whose(peer) {
            *self.addresses.entry(whose).or_default() += 1;
        }
    }

    fn depart(&mut self, peer: &Address) {
        if let Some(whose) = whose(peer)
            && let Some(count) = self.addresses.get_mut(&whose)
        {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&whose);
            }
        }
    }
}

impl Refused {
    /// The answer to a request: 503 with `Retry-After` ([`Config::retry_after`]), or 500 where the server is set up wrongly. The
    /// connection is to be closed behind it.
    #[must_use]
    pub fn response(self, retry_after: Duration) -> Response {
        match self {
            Self::NoAddress => Response::plain(500).closing(),
            _ => {
                let seconds = retry_after.as_secs().max(1);
                Response::plain(503).with("Retry-After", alloc::format!("{seconds}")).closing()
            }
        }
    }
}

impl Place {
    /// Why the connection is not taken, if it is only told so.
    #[must_use]
    pub fn refusal(&self) -> Option<Refused> {
        match self.standing {
            Standing::Refused(refused) => Some(refused),
            _ => None,
        }
    }

    /// Whether the connection counts as one between two requests.
    #[must_use]
    pub fn is_resting(&self) -> bool {
        self.standing == Standing::Resting
    }

    /// The server's side of the connection, or of one that is only told that it is not taken: its first request is answered by 503
    /// with `Retry-After`, whatever it asks for, and that is all; one that asks for nothing has a second.
    /// `config` and `peer` are those that it was judged by.
    #[must_use]
    pub fn link(&self, now: Instant, wall: Wall, config: &Arc<Config>, peer: &Address) -> Link {
        match self.refusal() {
            None => Link::accepted(now, wall, config, peer),
            Some(_) => Link::refused(now, wall, config, peer),
        }
    }
}

/// Whom an address belongs to: one of IPv4 to a host, one of IPv6 to a network of 64 bits, in which a host has 2^64
/// addresses to choose from. Nobody is told from another by a Unix socket.
fn whose(peer: &Address) -> Option<u128> {
    Some(match peer.ip()?.to_canonical() {
        IpAddr::V4(ip) => u128::from(ip.to_ipv6_mapped()),
        IpAddr::V6(ip) => u128::from(ip) >> 64 << 64,
    })
}
