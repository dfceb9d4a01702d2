//! Connections that a service wants made.

use super::entry::{Core, Dialing, Turn};
use super::{Address, Config, ConnId, DialId, Hop, Hub, Link, OpenError, Service, Target};
use crate::base::{Instant, Wall};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// A connection that a service wants made. An adapter looks the hop up, connects to it and tells
/// [`Hub::dialed`](super::Hub::dialed), or [`Hub::dial_failed`](super::Hub::dial_failed).
///
/// ```
/// use wharf::link::{Dial, Hop};
///
/// fn describe(dial: &Dial) -> String {
///     match &dial.hop {
///         Hop::Address(address) => format!("{} by way of {address}", dial.target),
///         Hop::Addresses(all) => format!("{} by way of {} addresses", dial.target, all.len()),
///         Hop::Host(host, port) => format!("{} by way of {host} port {port}", dial.target),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dial {
    /// Its name, to be told with the outcome.
    pub id: DialId,
    /// Where to in the end.
    pub target: Target,
    /// Where to connect: the target, or the proxy before it.
    pub hop: Hop,
    /// When the connection must be made at the latest.
    pub deadline: Instant,
    /// [`Config::attempt_delay`](super::Config::attempt_delay), for the [`Eyeballs`](super::Eyeballs) of the addresses.
    pub attempt_delay: Duration,
}

/// Why a dial came to nothing.
///
/// ```
/// use wharf::link::{DialError, OpenError};
///
/// assert!(DialError::TimedOut.is_retryable());
/// let error = DialError::from(OpenError::NoTls);
/// assert!(!error.is_retryable(), "{error} for ever");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The name has no address. Retry later.
    #[error("lookup: the name has no address")]
    Lookup,
    /// No address could be connected to. Retry later.
    #[error("connect: no address could be connected to")]
    Connect,
    /// The address is none, or this program may not use it, or the configuration names no way to it: that stays so.
    #[error("connect: the address, or the way to it, cannot be used")]
    Unusable,
    /// Lookup and connect took too long. Retry later.
    #[error("connect: timed out")]
    TimedOut,
    /// Too many dials are in flight ([`Config::max_dials`](super::Config::max_dials)). Retry when one has ended.
    #[error("too many dials are in flight")]
    TooMany,
    /// The connection was made and did not open; whether to retry depends on how.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The hub is draining.
    #[error("the hub is draining")]
    Draining,
}

impl DialError {
    /// Whether another try may succeed with nothing changed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Lookup | Self::Connect | Self::TimedOut | Self::TooMany => true,
            Self::Open(error) => error.is_retryable(),
            Self::Unusable | Self::Draining => false,
        }
    }

    /// How long the server asks to wait before another try ([`OpenError::retry_after`]).
    #[must_use]
    pub fn retry_after(&self, wall: Wall) -> Option<Duration> {
        match self {
            Self::Open(error) => error.retry_after(wall),
            _ => None,
        }
    }
}

impl<J> Core<J> {
    /// Begins a dial.
    pub(super) fn dial(
        &mut self,
        now: Instant,
        target: Target,
        config: Option<Arc<Config>>,
    ) -> Result<DialId, DialError> {
        let own = config.as_ref().unwrap_or(&self.config);
        let error = match own.check_target(&target) {
            _ if self.drain_by.is_some() => DialError::Draining,
            _ if self.dials.len() >= self.config.max_dials => DialError::TooMany,
            Err(e) => e.into(),
            Ok(()) => {
                let (deadline, redirects) = (now + own.open_timeout, own.redirects);
                let dialing = Dialing { target, config, redirects, deadline, connected: false };
                let key = self.dials.insert(dialing);
                self.dials_out.push_back(DialId(key));
                return Ok(DialId(key));
            }
        };
        self.stats.dials_refused += 1;
        Err(error)
    }

    /// Gives a dial up, and what it has made as far as that is not open.
    pub(super) fn cancel_dial(&mut self, now: Instant, dial: DialId) {
        if !self.dials.remove(dial.0).is_some_and(|dialing| dialing.connected) {
            return;
        }
        let made = self.links.iter().find(|(_, entry)| entry.dial == Some(dial) && !entry.opened);
        if let Some(conn) = made.map(|(key, _)| ConnId(key)) {
            if let Some(entry) = self.entry(conn) {
                entry.link.abort(now);
            }
            self.touch(conn);
        }
    }

    /// Dials in flight whose connection is not made.
    pub(super) fn unconnected(&self) -> Vec<DialId> {
        self.dials.iter().filter(|(_, dialing)| !dialing.connected).map(|(key, _)| DialId(key)).collect()
    }

    /// What a dial made did not open: the error that stands, unless it was sent elsewhere and is dialed again.
    pub(super) fn end_dial(&mut self, dial: DialId, error: OpenError) -> Option<DialError> {
        let is_draining = self.drain_by.is_some();
        if is_draining {
            return self.dials.remove(dial.0).map(|_| error.into());
        }
        // One that is not there was cancelled.
        let dialing = self.dials.get_mut(dial.0)?;
        let own = dialing.config.as_ref().unwrap_or(&self.config);
        let next = dialing.target.redirected(&mut dialing.redirects, &error);
        let next = next.map(|next| next.and_then(|target| own.check_target(&target).map(|()| target)));
        match next {
            Some(Ok(target)) => {
                dialing.target = target;
                dialing.connected = false;
                self.dials_out.push_back(dial);
                None
            }
            Some(Err(error)) => {
                self.dials.remove(dial.0);
                Some(error.into())
            }
            None => {
                self.dials.remove(dial.0);
                Some(error.into())
            }
        }
    }
}

impl<S: Service> Hub<S> {
    /// A connection that is to be made.
    pub fn poll_dial(&mut self) -> Option<Dial> {
        while let Some(id) = self.core.dials_out.pop_front() {
            // It may have come to nothing meanwhile.
            let Some(Dialing { target, config, deadline, .. }) = self.core.dials.get(id.0) else { continue };
            let config = config.as_ref().unwrap_or(&self.core.config);
            let (hop, attempt_delay) = (config.hop(target), config.attempt_delay);
            let deadline = config.connect_by(self.core.clock.last(), *deadline);
            return Some(Dial { id, target: target.clone(), hop, deadline, attempt_delay });
        }
        None
    }

    /// A dial's connection was made; its opening begins, with an empty [`receive`](Self::receive). `None` if nobody waits for
    /// it any more.
    pub fn dialed(&mut self, now: Instant, dial: DialId, peer: Address) -> Option<ConnId> {
        let now = self.begin(now);
        let dialing = self.core.dials.get_mut(dial.0).filter(|dialing| !dialing.connected)?;
        dialing.connected = true;
        let (wall, entropy) = (self.core.wall.at(now), self.core.entropy.fork());
        let timeout = dialing.deadline - now;
        let config = dialing.config.as_ref().unwrap_or(&self.core.config);
        let is_logged = config.is_logged;
        match Link::dialed(now, wall, config, &dialing.target, entropy, timeout) {
            Ok(link) => {
                let place = self.core.admission.dialed();
                let conn = self.insert(link, peer, Some(dial), place);
                if let Some(entry) = self.core.entry(conn) {
                    entry.is_logged = is_logged;
                }
                Some(conn)
            }
            Err(e) => {
                self.fail_dial(dial, e);
                self.pump(now);
                None
            }
        }
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

    /// What a dial made did not open. Whoever calls it pumps: this may be the middle of that.
    pub(super) fn fail_dial(&mut self, dial: DialId, error: OpenError) {
        if let Some(error) = self.core.end_dial(dial, error) {
            self.core.stats.dials_failed += 1;
            self.call(Turn::Other, |s, cx| s.dial_failed(cx, dial, &error));
        }
    }
}
