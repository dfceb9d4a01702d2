//! The places of a server's connections, which their tasks share.

use crate::Clock;
use crate::driver::Driver;
use crate::runtime::Runtime;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wharf::http::Headers;
use wharf::link::{Address, Admission, Config, Link, Place, Refused};

/// Who is let in. Locked when a connection comes, changes how it counts, and goes; never for a message.
#[derive(Debug)]
pub(crate) struct Seats {
    admission: Mutex<Admission>,
    limits: Arc<Config>,
}

/// The place of one connection, which is given back when it is dropped, however that comes about.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    peer: Address,
    /// `None` once it is given back.
    place: Option<Place>,
}

impl Seats {
    /// All are free.
    pub(crate) fn new(limits: Arc<Config>) -> Arc<Self> {
        Arc::new(Self { admission: Mutex::default(), limits })
    }

    /// Takes one for a connection that speaks so, and makes its link. It is boxed, as futures are made of what they hold.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn take(
        self: &Arc<Self>,
        clock: Clock,
        peer: &Address,
        speaking: &Arc<Config>,
    ) -> Result<(Box<Seat>, Link), Refused> {
        let place = self.lock().admit(peer, &self.limits, speaking)?;
        let link = place.link(clock.now(), clock.wall(), speaking, peer);
        let seat = Seat { seats: self.clone(), peer: peer.clone(), place: Some(place) };
        Ok((Box::new(seat), link))
    }

    /// Takes one for a request for a WebSocket that an HTTP server took, of a peer that is to speak so.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn take_request(
        self: &Arc<Self>,
        peer: Option<&Address>,
        headers: &Headers,
        speaking: &Config,
    ) -> Result<Box<Seat>, Refused> {
        let (place, peer) = self.lock().admit_request(peer, headers, &self.limits, speaking)?;
        Ok(Box::new(Seat { seats: self.clone(), peer, place: Some(place) }))
    }

    /// The limits.
    pub(crate) fn limits(&self) -> &Arc<Config> {
        &self.limits
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Admission> {
        // Nothing panics while it is held.
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Why the connection is not taken, if it is only told so.
    pub(crate) fn refusal(&self) -> Option<Refused> {
        self.place.as_ref().and_then(Place::refusal)
    }

    /// Counts the connection as what it is now: in its opening handshake, or between two requests.
    pub(crate) fn recount<R: Runtime>(&mut self, driver: &Driver<R>) {
        let Some(place) = &mut self.place else { return };
        if driver.closed.is_some() {
            return self.settle();
        }
        let is_resting = driver.link.is_resting();
        if place.is_resting() != is_resting {
            self.seats.lock().recount(place, is_resting);
        }
    }

    /// The handshake is over.
    pub(crate) fn settle(&mut self) {
        if let Some(place) = &mut self.place {
            self.seats.lock().settle(place);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.seats.lock().leave(&self.peer, place);
        }
    }
}
