//! A hub's connections, from their arrival to the day they are no more.

use super::entry::Core;
use super::{Address, Config, ConnId, Hub, Refused, Service};
use crate::base::Instant;
use alloc::sync::Arc;

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
        let place = self.core.admission.admit(&peer, &self.core.config, config)?;
        let is_logged = config.is_logged;
        let link = place.link(now, wall, config, &peer);
        let conn = self.insert(link, peer, None, place);
        if let Some(entry) = self.core.entry(conn) {
            entry.is_logged = is_logged;
        }
        Ok(conn)
    }

    /// Why a connection was not taken that is only told so: the service never hears of it.
    #[must_use]
    pub fn refusal(&self, conn: ConnId) -> Option<Refused> {
        self.core.links.get(conn.0)?.place.refusal()
    }

    /// How many connections are in their opening handshake: not open, and not between two requests.
    #[must_use]
    pub fn handshakes(&self) -> usize {
        self.core.admission.handshakes()
    }
}

impl<J> Core<J> {
    /// A connection is open, or its end was told.
    pub(super) fn settle(&mut self, conn: ConnId) {
        if let Some(entry) = self.links.get_mut(conn.0) {
            self.admission.settle(&mut entry.place);
        }
    }

    /// A connection that is not open has no more to say for now: it may be between two requests.
    pub(super) fn recount(&mut self, conn: ConnId) {
        if let Some(entry) = self.links.get_mut(conn.0) {
            self.admission.recount(&mut entry.place, entry.link.is_resting());
        }
    }

    /// A connection is no more.
    pub(super) fn forget(&mut self, conn: ConnId) {
        let Some(entry) = self.links.remove(conn.0) else { return };
        self.uncount_queue(entry.pages);
        let entry = *entry;
        self.admission.leave(&entry.peer, entry.place);
    }
}
