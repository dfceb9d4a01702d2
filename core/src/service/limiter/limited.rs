//! A service behind a limiter.

use super::traffic::{Ruling, Traffic};
use super::{Config, Limiter, Over, Rate, Refusal, TrafficStats};
use crate::base::{Chunk, CloseCode, Closed, Instant, Message};
use crate::http::Request;
use crate::link::{ConnId, Context, DialError, DialId, JobToken, Rejection, Service, Verdict};
use crate::ws::Role;
use alloc::boxed::Box;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

/// What a [`Limited`] holds connections to; by default to nothing.
///
/// ```
/// use wharf::service::limiter::{Config, Limits, Rate};
///
/// let mut limits = Limits::default();
/// limits.connections = Some(Config::default());
/// limits.bytes = Some(Rate { per_second: 1 << 20, burst: 4 << 20 });
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Limits {
    /// How often an address may connect. Default `None`: as often as it likes.
    pub connections: Option<Config>,
    /// Messages of each connection that was accepted. Default `None`: no limit.
    pub messages: Option<Rate>,
    /// Bytes in the messages of each connection that was accepted. Default `None`: no limit.
    pub bytes: Option<Rate>,
    /// What becomes of a connection that says more than that. Default [`Over::Slow`].
    pub over: Over,
}

/// An attempt to connect that was refused, to be logged. [`Why::Rate`](super::Why::Rate) is where a block begins.
///
/// ```
/// use wharf::service::limiter::{Attempt, Why};
///
/// fn is_worth_a_line(attempt: &Attempt) -> bool {
///     attempt.refusal.why == Why::Rate
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The connection.
    pub conn: ConnId,
    /// Where it comes from.
    pub address: IpAddr,
    /// Why it was refused.
    pub refusal: Refusal,
}

/// A service around another one, which it tells only of connections within the limits.
///
/// The limiter is asked when a WebSocket is requested, and refuses with 429 and `Retry-After`; requests for anything else are
/// neither counted nor refused, nor are those that [`counting`](Limited::counting) leaves out. Framed messages have no request: there it
/// is asked as soon as a connection is accepted, and refuses by ending it. What counts is [`Info::client`](crate::link::Info::client);
/// connections without an address, such as those of Unix sockets, are not counted, nor those that the service dials. A trusted hop that
/// names nobody, as for a check of its own by a PROXY header, counts as a client.
///
/// ```
/// use wharf::base::{Entropy, Instant, Message, Wall};
/// use wharf::link::{Config, ConnId, Context, Hub, Service};
/// use wharf::service::limiter::{self, Limited, Limits};
///
/// struct Echo;
/// impl Service for Echo {
///     type Job = ();
///     type Done = ();
///     type Command = ();
///     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
///         let _ = cx.send(conn, message);
///     }
/// }
///
/// let mut limits = Limits::default();
/// limits.connections = Some(limiter::Config::default());
/// let service = Limited::new(Echo, limits).on_refused(|attempt| println!("{}: {}", attempt.address, attempt.refusal));
/// let hub = Hub::new(Instant::ORIGIN, Wall::default(), service, &Default::default(), Entropy::from_seed([0; 32]));
/// assert_eq!(hub.service().limiter().unwrap().stats().admitted, 0);
/// ```
pub struct Limited<S> {
    service: S,
    limiter: Option<Limiter>,
    traffic: Traffic,
    counts: Option<Box<Counts>>,
    tell: Option<Box<Tell>>,
}

/// It is handed a value and nothing to act with, so it cannot come back into the service that calls it.
type Tell = dyn FnMut(&Attempt) + Send;
type Counts = dyn FnMut(&Request) -> bool + Send;

impl<S> Limited<S> {
    /// `service`, held to these limits.
    #[must_use]
    pub fn new(service: S, limits: Limits) -> Self {
        let Limits { connections, messages, bytes, over } = limits;
        let traffic = Traffic::new(messages, bytes, over);
        Self { service, limiter: connections.map(Limiter::new), traffic, counts: None, tell: None }
    }

    /// Has `tell` called for each attempt that is refused, for a log.
    #[must_use]
    pub fn on_refused(self, tell: impl FnMut(&Attempt) + Send + 'static) -> Self {
        Self { tell: Some(Box::new(tell)), ..self }
    }

    /// Has only those requests for a WebSocket counted, and perhaps refused, for which `counts` says so. Of the others the service is
    /// told whatever the limits say, so it has to refuse them: such as those that foreign pages have browsers make, for which nobody's
    /// address should be blocked.
    #[must_use]
    pub fn counting(self, counts: impl FnMut(&Request) -> bool + Send + 'static) -> Self {
        Self { counts: Some(Box::new(counts)), ..self }
    }

    /// The service within.
    #[must_use]
    pub fn service(&self) -> &S {
        &self.service
    }

    /// The service within, at the end of it all.
    #[must_use]
    pub fn into_service(self) -> S {
        self.service
    }

    /// The limiter of connections, if there is one.
    #[must_use]
    pub fn limiter(&self) -> Option<&Limiter> {
        self.limiter.as_ref()
    }

    /// What has become of those that said too much.
    #[must_use]
    pub fn traffic(&self) -> TrafficStats {
        self.traffic.stats()
    }

    fn judge<J>(&mut self, cx: &Context<'_, J>, conn: ConnId) -> Result<(), Refusal> {
        let (Some(limiter), Some(address)) = (&mut self.limiter, cx.info(conn).and_then(|info| info.client))
        else {
            return Ok(());
        };
        limiter.admit(cx.now(), address).inspect_err(|refusal| {
            if let Some(tell) = &mut self.tell {
                tell(&Attempt { conn, address, refusal: *refusal });
            }
        })
    }

    /// Whether what a connection said is handed on.
    fn passes<J>(&mut self, cx: &mut Context<'_, J>, conn: ConnId, bytes: usize, ends: bool) -> bool {
        match self.traffic.rule(cx.now(), conn, bytes, ends) {
            Ruling::Pass => true,
            Ruling::Slow => {
                cx.throttle(conn, true);
                true
            }
            Ruling::Close => {
                // One that is closing already is on its way.
                let _ = cx.close(conn, CloseCode::POLICY_VIOLATION, "too much at once");
                false
            }
        }
    }
}

impl<S: Service> Service for Limited<S> {
    type Job = S::Job;
    type Done = S::Done;
    type Command = S::Command;

    fn request(&mut self, cx: &mut Context<'_, S::Job>, conn: ConnId, request: &Request) -> Verdict {
        if request.is_websocket()
            && self.counts.as_mut().is_none_or(|counts| counts(request))
            && let Err(refusal) = self.judge(cx, conn)
        {
            return Verdict::Respond(refusal.response());
        }
        self.service.request(cx, conn, request)
    }

    fn admit(&mut self, cx: &mut Context<'_, S::Job>, conn: ConnId) -> Result<(), Rejection> {
        self.judge(cx, conn).map_err(|_| Rejection::default())?;
        self.service.admit(cx, conn)
    }

    fn opened(&mut self, cx: &mut Context<'_, S::Job>, conn: ConnId) {
        if !self.traffic.is_free() && cx.info(conn).is_some_and(|info| info.role == Role::Server) {
            self.traffic.enter(cx.now(), conn);
        }
        self.service.opened(cx, conn);
    }

    fn message(&mut self, cx: &mut Context<'_, S::Job>, conn: ConnId, message: Message<'_>) {
        if self.traffic.is_free() || self.passes(cx, conn, message.payload().len(), true) {
            self.service.message(cx, conn, message);
        }
    }

    fn chunk(&mut self, cx: &mut Context<'_, S::Job>, conn: ConnId, chunk: Chunk<'_>) {
        if self.traffic.is_free() || self.passes(cx, conn, chunk.bytes.len(), chunk.last) {
            self.service.chunk(cx, conn, chunk);
        }
    }

    fn pong(&mut self, cx: &mut Context<'_, S::Job>, conn: ConnId, rtt: Duration) {
        self.service.pong(cx, conn, rtt);
    }

    fn drained(&mut self, cx: &mut Context<'_, S::Job>, conn: ConnId) {
        self.service.drained(cx, conn);
    }

    fn written(&mut self, cx: &mut Context<'_, S::Job>, conn: ConnId) {
        self.service.written(cx, conn);
    }

    fn closed(&mut self, cx: &mut Context<'_, S::Job>, conn: ConnId, closed: &Closed) {
        self.traffic.leave(conn);
        self.service.closed(cx, conn, closed);
    }

    fn dial_failed(&mut self, cx: &mut Context<'_, S::Job>, dial: DialId, error: &DialError) {
        self.service.dial_failed(cx, dial, error);
    }

    fn done(&mut self, cx: &mut Context<'_, S::Job>, job: JobToken, outcome: S::Done) {
        self.service.done(cx, job, outcome);
    }

    fn job_lost(&mut self, cx: &mut Context<'_, S::Job>, job: JobToken) {
        self.service.job_lost(cx, job);
    }

    fn command(&mut self, cx: &mut Context<'_, S::Job>, command: S::Command) {
        self.service.command(cx, command);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let sweep = self.limiter.as_ref().and_then(Limiter::poll_timeout);
        [self.service.poll_timeout(), self.traffic.poll_timeout(), sweep].into_iter().flatten().min()
    }

    fn timeout(&mut self, cx: &mut Context<'_, S::Job>) {
        let now = cx.now();
        if let Some(limiter) = &mut self.limiter {
            limiter.handle_timeout(now);
        }
        while let Some(conn) = self.traffic.poll_free(now) {
            cx.throttle(conn, false);
        }
        if self.service.poll_timeout().is_some_and(|at| at <= now) {
            self.service.timeout(cx);
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Limited<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited")
            .field("service", &self.service)
            .field("limiter", &self.limiter)
            .field("traffic", &self.traffic)
            .finish_non_exhaustive()
    }
}
