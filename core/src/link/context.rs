//! What a service acts with.

use super::entry::{Core, Entry};
use super::{Config, ConnId, DialError, DialId, HubStats, Info, JobToken, SubmitError, Target};
use crate::base::{Accepted, CloseCode, Entropy, Instant, Kind, Message, Progress, SendError, Wall};
use crate::http::{RespondError, Response};
use crate::ws::handshake::Acceptance;
use crate::ws::{Prepared, Role};
use alloc::sync::Arc;
use bytes::Bytes;

/// A service's hands for the length of one call.
///
/// Sends and closes take effect at once; what they bring about is told in later calls. A [`ConnId`] that is no more
/// is answered by `Closed` or ignored.
///
/// It knows of a service's jobs alone, so a service that wraps another with the same jobs hands its own on.
///
/// ```
/// use wharf::base::{CloseCode, Entropy, Instant, Message, Wall};
/// use wharf::framed::Lines;
/// use wharf::link::{Address, Config, ConnId, Context, Framing, Hub, Service};
///
/// /// Tells who comes how many are there, and ends whoever says goodbye.
/// struct Lobby;
/// impl Service for Lobby {
///     type Job = ();
///     type Done = ();
///     type Command = ();
///     fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
///         let text = format!("{} here", cx.connections().count());
///         let _ = cx.send(conn, Message::text(text));
///     }
///     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
///         if message.as_text() == Some("goodbye") {
///             let _ = cx.close(conn, CloseCode::NORMAL, "");
///         }
///     }
/// }
///
/// let (now, mut config) = (Instant::ORIGIN, Config::default());
/// config.framing = Framing::codec(Lines::new());
/// let mut hub = Hub::new(now, Wall::default(), Lobby, &config.into(), Entropy::from_seed([0; 32]));
/// let conn = hub.accept(now, Address::Unix(String::new())).unwrap();
/// hub.receive(now, conn, &mut []);
/// let mut slices = [&[][..]; 4];
/// assert!(hub.slices(conn, &mut slices) > 0 && slices[0] == b"1 here\n");
/// ```
pub struct Context<'a, J = ()> {
    core: &'a mut Core<J>,
    now: Instant,
}

impl<'a, J> Context<'a, J> {
    pub(super) fn new(core: &'a mut Core<J>) -> Self {
        let now = core.clock.last();
        Self { core, now }
    }

    /// The time of this call.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The calendar time of this call.
    #[must_use]
    pub fn wall(&self) -> Wall {
        self.core.wall.at(self.now)
    }

    /// Whether the hub drains: all connections are closed, and nothing can be dialed.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.core.drain_by.is_some()
    }

    /// The counters of the hub ([`prometheus`](super::prometheus) makes them into text), so that a service can tell of what it never
    /// sees: connections refused, calls that panicked, drains.
    #[must_use]
    pub fn stats(&self) -> HubStats {
        self.core.stats()
    }

    /// Randomness.
    pub fn entropy(&mut self) -> &mut Entropy {
        &mut self.core.entropy
    }

    /// What is known of a connection.
    #[must_use]
    pub fn info(&self, conn: ConnId) -> Option<Info<'_>> {
        let entry = self.core.links.get(conn.0)?;
        Some(Info {
            peer: &entry.peer,
            client: entry.client(),
            role: if entry.dial.is_some() { Role::Client } else { Role::Server },
            subprotocol: entry.told.as_ref().and_then(|told| told.subprotocol.as_deref()),
            dial: entry.dial,
            is_open: entry.link.is_open(),
            queued: entry.link.queued(),
        })
    }

    /// A connection's TLS session, for the certificate that its peer showed and what was agreed on; `None` where there is
    /// no TLS.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self, conn: ConnId) -> Option<&crate::tls::Session> {
        self.core.links.get(conn.0)?.link.tls()
    }

    /// All open connections, in the order of their slots.
    pub fn connections(&self) -> impl Iterator<Item = ConnId> + '_ {
        self.core.links.iter().filter(|(_, entry)| entry.opened && !entry.over).map(|(key, _)| ConnId(key))
    }

    /// Sends a message.
    ///
    /// # Errors
    /// As [`Engine::send`](crate::base::Engine::send), and [`SendError::Overload`] where
    /// [`Overload::Refuse`](super::Overload) asks for it.
    #[inline]
    pub fn send(&mut self, conn: ConnId, message: Message<'_>) -> Result<Accepted, SendError> {
        let is_fed = self.core.fed == Some(conn);
        if self.core.is_overloaded {
            return Err(self.core.refuse_send());
        }
        let entry = self.core.entry(conn).ok_or(SendError::Closed)?;
        if is_fed {
            return entry.link.send(self.now, message);
        }
        let was_quiet = entry.is_quiet();
        let sent = entry.link.send(self.now, message);
        self.core.settle_sent(conn, was_quiet);
        sent
    }

    /// Sends a message whose payload is shared.
    ///
    /// # Errors
    /// As [`Engine::send_bytes`](crate::base::Engine::send_bytes).
    pub fn send_bytes(&mut self, conn: ConnId, kind: Kind, payload: Bytes) -> Result<Accepted, SendError> {
        let now = self.now;
        self.queue(conn, |link| link.send_bytes(now, kind, payload))
    }

    /// Sends a message that was framed once for many.
    ///
    /// # Errors
    /// As [`Engine::send`](crate::base::Engine::send).
    pub fn send_prepared(&mut self, conn: ConnId, prepared: &Prepared) -> Result<Accepted, SendError> {
        let now = self.now;
        self.queue(conn, |link| link.send_prepared(now, prepared))
    }

    /// Sends a prepared message to each of `members`; what each send came to goes to `each`.
    pub fn broadcast(
        &mut self,
        members: impl IntoIterator<Item = ConnId>,
        prepared: &Prepared,
        mut each: impl FnMut(ConnId, Result<Accepted, SendError>),
    ) {
        for conn in members {
            let sent = self.send_prepared(conn, prepared);
            each(conn, sent);
        }
    }

    /// Whether a connection is an open WebSocket, which has pings and Close frames.
    #[must_use]
    pub fn is_websocket(&self, conn: ConnId) -> bool {
        self.core.links.get(conn.0).is_some_and(|entry| entry.link.connection().is_some())
    }

    /// Pings a WebSocket now, whatever its idle deadline; without an answer within its pong deadline it is ended. The answer is
    /// told by [`Service::pong`](super::Service::pong).
    ///
    /// # Errors
    /// As [`Context::send`]; [`SendError::NotOpen`] also where it is no [WebSocket](Self::is_websocket).
    pub fn ping(&mut self, conn: ConnId) -> Result<(), SendError> {
        let now = self.now;
        self.with_link(conn, |link| match link.connection_mut() {
            Some(connection) => connection.ping(now),
            None => Err(SendError::NotOpen),
        })
    }

    /// How far a connection has come: what became of a message, and whether its peer lives. In the call that tells its end it is
    /// there for the last time.
    #[must_use]
    pub fn progress(&self, conn: ConnId) -> Option<Progress> {
        self.core.links.get(conn.0).map(|entry| entry.link.progress())
    }

    /// Has [`Service::written`](super::Service::written) called once, when the transport has next taken some of the output.
    pub fn tell_written(&mut self, conn: ConnId) {
        if let Some(entry) = self.core.entry(conn) {
            entry.tells_written = true;
        }
    }

    /// Begins a close, behind what was sent.
    ///
    /// # Errors
    /// As [`Engine::close`](crate::base::Engine::close).
    pub fn close(&mut self, conn: ConnId, code: CloseCode, reason: &str) -> Result<(), SendError> {
        let now = self.now;
        self.with_link(conn, |link| link.close(now, code, reason))
    }

    /// Resets a connection; what is queued for it is given up.
    pub fn abort(&mut self, conn: ConnId) {
        let now = self.now;
        // One that is gone needs no abort.
        let _ = self.with_link(conn, |link| {
            link.abort(now);
            Ok(())
        });
    }

    /// Reads nothing more from a connection until [`resume`](Self::resume): its peer is slowed down.
    pub fn pause(&mut self, conn: ConnId) {
        self.set_paused(conn, |entry| entry.paused = true);
    }

    /// Reads again.
    pub fn resume(&mut self, conn: ConnId) {
        self.set_paused(conn, |entry| entry.paused = false);
    }

    /// As [`pause`](Self::pause) and [`resume`](Self::resume), for a service around the one that calls those: it is read while
    /// neither wants it paused.
    pub(crate) fn throttle(&mut self, conn: ConnId, throttled: bool) {
        self.set_paused(conn, |entry| entry.throttled = throttled);
    }

    /// Tells whether a connection is owed answers: where framed messages are spoken they can be sent when the peer's stream has
    /// ended, until nothing is owed or the time of a close is over ([`Link::owe`](super::Link::owe)).
    pub fn owe(&mut self, conn: ConnId, owes: bool) {
        let now = self.now;
        if let Some(entry) = self.core.entry(conn) {
            entry.link.owe(now, owes);
            self.core.touch(conn);
        }
    }

    fn set_paused(&mut self, conn: ConnId, set: impl FnOnce(&mut Entry)) {
        let now = self.now;
        // One that is gone reads nothing, and one that is not open cannot be paused.
        let Some(entry) = self.core.entry(conn).filter(|entry| entry.link.is_open()) else { return };
        set(entry);
        if entry.paused || entry.throttled {
            entry.link.pause(now);
        } else {
            entry.link.resume(now);
        }
        self.core.touch(conn);
    }

    /// Answers a request that was put off with [`Verdict::Later`](super::Verdict::Later).
    ///
    /// # Errors
    /// [`RespondError`] if none waits there any more.
    pub fn respond(&mut self, conn: ConnId, response: &Response) -> Result<(), RespondError> {
        let now = self.now;
        let entry = self.core.entry(conn).ok_or(RespondError::Closed)?;
        let responded = entry.link.respond(now, response);
        self.core.touch(conn);
        responded
    }

    /// Accepts a WebSocket that was put off with [`Verdict::Later`](super::Verdict::Later). Nothing happens if none waits there any
    /// more, and an acceptance that cannot be is answered by 500.
    pub fn accept(&mut self, conn: ConnId, acceptance: &Acceptance) {
        let now = self.now;
        if let Some(entry) = self.core.entry(conn) {
            // The error was answered to the peer, and is the program's own.
            let _ = entry.link.accept(now, acceptance);
            self.core.touch(conn);
        }
    }

    /// Asks for a connection. Its outcome is `opened` or `dial_failed`.
    ///
    /// # Errors
    /// [`DialError::Draining`] while the hub drains, [`DialError::TooMany`] if too many are in flight, and
    /// [`DialError::Open`] for what can be told before anything is dialed, such as TLS that is not there.
    pub fn dial(&mut self, target: impl Into<Target>) -> Result<DialId, DialError> {
        self.core.dial(self.now, target.into(), None)
    }

    /// As [`dial`](Self::dial), for a connection that speaks otherwise than the hub's own configuration says: framing, TLS, times,
    /// redirects, proxies, its place in a log and the limits of a connection are those of `config`, those of all together stay. An
    /// adapter adds nothing of its environment to it.
    ///
    /// # Errors
    /// As there.
    pub fn dial_as(&mut self, target: impl Into<Target>, config: &Arc<Config>) -> Result<DialId, DialError> {
        self.core.dial(self.now, target.into(), Some(config.clone()))
    }

    /// Gives a dial up that has not come to anything: nothing will. One that has is not touched.
    pub fn cancel_dial(&mut self, dial: DialId) {
        self.core.cancel_dial(self.now, dial);
    }

    /// Hands a job to the outside. Its outcome comes by `done`, or else `job_lost` says that there is none: one of them, once.
    ///
    /// # Errors
    /// The job, if too many are in flight.
    pub fn submit(&mut self, job: J) -> Result<JobToken, SubmitError<J>> {
        if self.core.jobs.len() >= self.core.config.max_jobs {
            self.core.stats.jobs_refused += 1;
            return Err(SubmitError(job));
        }
        let key = self.core.jobs.insert(());
        self.core.jobs_out.push_back((key, job));
        Ok(JobToken(key))
    }

    /// As [`with_link`](Self::with_link) for what can only add output.
    fn queue(
        &mut self,
        conn: ConnId,
        act: impl FnOnce(&mut super::Link) -> Result<Accepted, SendError>,
    ) -> Result<Accepted, SendError> {
        if self.core.is_overloaded {
            return Err(self.core.refuse_send());
        }
        let entry = self.core.entry(conn).ok_or(SendError::Closed)?;
        let was_quiet = entry.is_quiet();
        let sent = act(&mut entry.link);
        self.core.settle_sent(conn, was_quiet);
        sent
    }

    fn with_link<T>(
        &mut self,
        conn: ConnId,
        act: impl FnOnce(&mut super::Link) -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        let entry = self.core.entry(conn).ok_or(SendError::Closed)?;
        let outcome = act(&mut entry.link);
        self.core.touch(conn);
        outcome
    }
}

impl<J> core::fmt::Debug for Context<'_, J> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Context").field("now", &self.now).finish_non_exhaustive()
    }
}
