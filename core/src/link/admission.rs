//! Who is taken in, and what those hear who are not.

use super::entry::Core;
use super::{Address, Config, ConnId, Hub, Link, Service};
use crate::base::Instant;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::net::IpAddr;

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
    /// The hub is draining.
    #[error("the hub is draining")]
    Draining,
}

/// How a connection counts until it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// In its opening handshake, or with a request that is not answered.
    Opening,
    /// It had an answer and has not begun to ask again.
    Resting,
    /// It is open, or its end was told.
    Settled,
    /// It was not taken, and is only told so.
    Refused(Refused),
}

/// How many are of which kind.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) opening: usize,
    /// Those that are told that they are not taken; at most [`Config::max_refusals`].
    pub(super) refused: usize,
    /// How many were accepted of whom. At most as many as there are connections.
    addresses: BTreeMap<u128, usize>,
}

impl Census {
    pub(super) fn add(&mut self, standing: Standing) {
        match standing {
            Standing::Opening => self.opening += 1,
            Standing::Refused(_) => self.refused += 1,
            Standing::Resting | Standing::Settled => {}
        }
    }

    pub(super) fn take(&mut self, standing: Standing) {
        match standing {
            Standing::Opening => self.opening -= 1,
            Standing::Refused(_) => self.refused -= 1,
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

    fn leave(&mut self, peer: &Address) {
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

/// Whom an address belongs to: one of IPv4 to a host, one of IPv6 to a network of 64 bits, in which a host has 2^64
/// addresses to choose from. Nobody is told from another by a Unix socket.
fn whose(peer: &Address) -> Option<u128> {
    Some(match peer.ip()?.to_canonical() {
        IpAddr::V4(ip) => u128::from(ip.to_ipv6_mapped()),
        IpAddr::V6(ip) => u128::from(ip) >> 64 << 64,
    })
}

impl<S: Service> Hub<S> {
    /// Takes a connection that a listener accepted. One that is too many may be taken all the same, and only told so:
    /// [`refusal`](Self::refusal) tells it from the others.
    ///
    /// # Errors
    /// [`Refused`], counted. It is to be closed at once.
    pub fn accept(&mut self, now: Instant, peer: Address) -> Result<ConnId, Refused> {
        self.accept_as(now, peer, None)
    }

    /// Takes a connection that a listener accepted which speaks otherwise than the hub's own configuration says: framing,
    /// TLS and the limits of a connection are those of `config`, those of all together stay.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn accept_as(
        &mut self,
        now: Instant,
        peer: Address,
        config: Option<&Arc<Config>>,
    ) -> Result<ConnId, Refused> {
        let now = self.begin(now);
        let wall = self.core.wall.at(now);
        let config = config.unwrap_or(&self.core.config);
        let Some(refused) = self.core.refuses(&peer) else {
            self.core.stats.accepted += 1;
            let link = Link::accepted(now, wall, config, &peer);
            if self.core.config.max_connections_per_address.is_some() {
                self.core.census.arrive(&peer);
            }
            return Ok(self.insert(link, peer, None, Standing::Opening));
        };
        let link =
            self.core.can_tell(refused).then(|| Link::turning_away(now, wall, config, &peer)).flatten();
        self.core.count_refused(refused, link.is_some());
        link.map(|link| self.insert(link, peer, None, Standing::Refused(refused))).ok_or(refused)
    }

    /// Why a connection was not taken that is only told so: the service never hears of it.
    #[must_use]
    pub fn refusal(&self, conn: ConnId) -> Option<Refused> {
        match self.core.links.get(conn.0)?.standing {
            Standing::Refused(refused) => Some(refused),
            _ => None,
        }
    }

    /// How many connections are in their opening handshake: not open, and not between two requests.
    #[must_use]
    pub fn handshakes(&self) -> usize {
        self.core.census.opening
    }
}

impl<J> Core<J> {
    fn refuses(&self, peer: &Address) -> Option<Refused> {
        let Config { max_connections, max_connections_per_address, max_handshakes, .. } = *self.config;
        match () {
            () if self.drain_by.is_some() => Some(Refused::Draining),
            () if self.links.len() - self.census.refused >= max_connections => Some(Refused::TooMany),
            () if max_connections_per_address.is_some_and(|most| self.census.of(peer) >= most) => {
                Some(Refused::TooManyFromAddress)
            }
            () if self.census.opening >= max_handshakes => Some(Refused::TooManyHandshakes),
            () => None,
        }
    }

    fn can_tell(&self, refused: Refused) -> bool {
        refused != Refused::Draining && self.census.refused < self.config.max_refusals
    }

    fn count_refused(&mut self, refused: Refused, told: bool) {
        self.stats.refused += 1;
        self.stats.turned_away += u64::from(told);
        match refused {
            Refused::TooMany => self.stats.refused_full += 1,
            Refused::TooManyFromAddress => self.stats.refused_address += 1,
            Refused::TooManyHandshakes => self.stats.refused_handshakes += 1,
            Refused::Draining => self.stats.refused_draining += 1,
        }
    }

    /// A connection counts as something else from here on.
    pub(super) fn stand(&mut self, conn: ConnId, standing: Standing) {
        let Some(entry) = self.links.get_mut(conn.0) else { return };
        let before = core::mem::replace(&mut entry.standing, standing);
        self.census.take(before);
        self.census.add(standing);
    }

    /// A connection that is not open has no more to say for now: it may be between two requests.
    pub(super) fn recount(&mut self, conn: ConnId) {
        let Some(entry) = self.links.get(conn.0) else { return };
        match (entry.standing, entry.link.is_resting()) {
            (Standing::Opening, true) => self.stand(conn, Standing::Resting),
            (Standing::Resting, false) => self.stand(conn, Standing::Opening),
            _ => {}
        }
    }

    /// A connection is no more.
    pub(super) fn forget(&mut self, conn: ConnId) {
        let Some(entry) = self.links.remove(conn.0) else { return };
        self.census.take(entry.standing);
        self.uncount_queue(entry.pages);
        let was_accepted = entry.dial.is_none() && !matches!(entry.standing, Standing::Refused(_));
        if was_accepted && self.config.max_connections_per_address.is_some() {
            self.census.leave(&entry.peer);
        }
    }
}
