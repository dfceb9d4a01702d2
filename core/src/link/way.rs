//! What lies between a link's machine and the wire: a proxy's tunnel, or the header of one in front of a server; TLS; or the
//! one and then the other.

#[cfg(not(feature = "tls"))]
use super::no_tls::Session;
use super::preface::Preface;
use super::record::Tape;
use super::{Config, Framing, OpenError, Target};
use crate::base::{End, Input, Instant, Output, Shutdown, Wall, WallClock, Wants, least};
use crate::proxy::{ProxyHeader, ProxyHeaderError, Tunnel};
#[cfg(feature = "tls")]
use crate::tls::Session;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

/// The stages in their order from the wire: while there is a header to be read or a tunnel nothing else is heard, then TLS,
/// then the machine.
#[derive(Debug)]
pub(super) struct Way {
    preface: Option<Box<Preface>>,
    tunnel: Option<Tunnel>,
    tls: Option<Session>,
    /// For what certificates are judged by.
    wall: WallClock,
    /// When TLS must be through, or the goodbye written.
    deadline: Instant,
    close_timeout: Duration,
    /// Plaintext that was handed out and not yet taken.
    unread: usize,
    /// The peer's `close_notify` was told as the end that it is.
    end_told: bool,
    /// The goodbye took too long: it is given up.
    given_up: bool,
    failure: Option<OpenError>,
    /// The machine was told of the failure.
    failure_told: bool,
    /// What is recorded of the machine.
    pub(super) tape: Option<Box<Tape>>,
}

impl Way {
    /// The client's way to `target`; `None` if that is the bare wire.
    pub(super) fn client(
        now: Instant,
        wall: Wall,
        config: &Config,
        target: &Target,
        timeout: Duration,
        close_timeout: Duration,
    ) -> Result<Option<Box<Self>>, OpenError> {
        // RFC 6455 4.1: "If /secure/ is true, the client MUST perform a TLS handshake"
        let tls = if target.is_secure() { Some(client_session(config, target, wall)?) } else { None };
        let proxy = config.proxy_for(target);
        let timeout = limited(timeout, config);
        let tunnel = proxy.map(|proxy| Tunnel::new(now, proxy, target.host(), target.port(), timeout));
        if tunnel.is_none() && tls.is_none() {
            return Ok(None);
        }
        let mut way = Self::new(now, wall, timeout, close_timeout);
        (way.tunnel, way.tls) = (tunnel, tls);
        Ok(Some(Box::new(way)))
    }

    /// The server's way to whoever was accepted, which begins with a PROXY header if it `has_header`; `None` if that is the
    /// bare wire.
    pub(super) fn server(now: Instant, wall: Wall, config: &Config, has_header: bool) -> Option<Box<Self>> {
        #[cfg(feature = "tls")]
        // RFC 6455 10.6: "WebSocket implementations MUST support TLS"
        let session = config.tls.as_ref().map(|tls| Session::server(tls, wall).map_err(OpenError::from));
        #[cfg(not(feature = "tls"))]
        let session: Option<Result<Session, OpenError>> = None;
        if session.is_none() && !has_header {
            return None;
        }
        let close_timeout = match config.framing {
            Framing::Codec(_) => config.framed.close_timeout,
            Framing::WebSocket => config.ws.close_timeout,
        };
        let mut way = Self::new(now, wall, limited(config.http.open_timeout, config), close_timeout);
        way.preface = has_header.then(|| Box::new(Preface::new()));
        match session.transpose() {
            Ok(session) => way.tls = session,
            Err(e) => way.failure = Some(e),
        }
        Some(Box::new(way))
    }

    fn new(now: Instant, wall: Wall, timeout: Duration, close_timeout: Duration) -> Self {
        Self {
            preface: None,
            tunnel: None,
            tls: None,
            wall: WallClock::new(now, wall),
            deadline: now + least(timeout),
            close_timeout,
            unread: 0,
            end_told: false,
            given_up: false,
            failure: None,
            failure_told: false,
            tape: None,
        }
    }

    /// A way through nothing, for what is recorded on it.
    pub(super) fn nothing(now: Instant, wall: Wall) -> Box<Self> {
        let way = Self::new(now, wall, Duration::ZERO, Duration::ZERO);
        Box::new(Self { deadline: Instant::NEVER, ..way })
    }

    pub(super) fn handle_wall(&mut self, wall: WallClock) {
        self.wall = wall;
    }

    /// The local program gave the connection up: nothing more is said.
    pub(super) fn abort(&mut self) {
        self.given_up = true;
    }

    /// What came off the wire, made ready for the machine.
    pub(super) fn input<'b>(
        &mut self,
        now: Instant,
        bytes: &'b mut [u8],
        plain: &'b mut Vec<u8>,
    ) -> Input<'b> {
        let mut input = Input::new(bytes);
        if !self.pass_preface(&mut input) || !self.pass_tunnel(now, &mut input) {
            return Input::default();
        }
        let Some(session) = &mut self.tls else { return input };
        plain.clear();
        let was_handshaking = session.is_handshaking();
        session.open(self.wall.at(now), input.take_all(), plain);
        self.unread += plain.len();
        self.settle(now, was_handshaking);
        Input::new(plain)
    }

    /// The machine took so many bytes.
    pub(super) fn handle_taken(&mut self, n: usize) {
        self.unread = self.unread.saturating_sub(n);
    }

    /// What is unread will never be read: an end does not wait for it.
    pub(super) fn forget_unread(&mut self) {
        self.unread = 0;
    }

    /// The transport's reading side is over; what that means to the machine, if it means anything.
    pub(super) fn receive_end(&mut self, now: Instant, end: End) -> Option<End> {
        // A transport that has failed takes no last words.
        self.given_up |= end != End::Eof;
        if self.preface.as_ref().is_some_and(|preface| preface.is_untouched()) {
            // A hop that only wanted to know whether somebody listens.
            return Some(end);
        }
        if self.is_reading_preface() {
            self.fail_preface(ProxyHeaderError::Ended(end));
            return None;
        }
        if let Some(tunnel) = &mut self.tunnel {
            tunnel.receive_end(now, end);
            self.pass_tunnel(now, &mut Input::default());
            return None;
        }
        let Some(session) = &self.tls else { return Some(end) };
        // Whatever else it is, it is no transport for last words.
        self.given_up |= end != End::Eof;
        if session.failure().is_some() {
            // It waits no longer for what is unread.
            self.forget_unread();
            return None;
        }
        if session.is_handshaking() {
            self.failure.get_or_insert(OpenError::TlsEnded(end));
            return None;
        }
        // Of a session that the peer ended itself the end was told, or stands behind what is unread.
        if end == End::Eof && session.peer_closed() { self.take_end() } else { Some(session.judge_end(end)) }
    }

    /// The peer's own end of the session, once all that came before it is taken.
    pub(super) fn take_end(&mut self) -> Option<End> {
        let due = self.tls.as_ref().is_some_and(Session::peer_closed) && self.unread == 0;
        (due && !core::mem::replace(&mut self.end_told, true)).then_some(End::Eof)
    }

    /// Shows what goes to the wire. `wants` is what the machine behind wants, whose output it is.
    pub(super) fn output<'a>(&'a mut self, now: Instant, wants: Wants, output: Output<'a>) -> Output<'a> {
        if let Some(tunnel) = &mut self.tunnel {
            return tunnel.output(now);
        }
        let output = match &mut self.tape {
            Some(tape) => output.telling(&mut tape.leaving),
            None => output,
        };
        let Some(session) = &mut self.tls else { return output };
        // RFC 6455 4.1: "all further communication on this channel MUST run through the encrypted tunnel"
        // RFC 6455 4.2.2: "(including the server's handshake) MUST run through the encrypted tunnel"
        if says_goodbye(wants) && !session.is_handshaking() {
            if self.deadline == Instant::NEVER {
                self.deadline = now + least(self.close_timeout);
            }
            session.close();
        }
        session.seal(output)
    }

    /// What is wanted of the transport, where the machine wants `inner`.
    pub(super) fn wants(&self, inner: Wants) -> Wants {
        if self.is_reading_preface() {
            return if inner.shutdown.is_some() { inner } else { Wants { read: true, ..Wants::default() } };
        }
        if let Some(tunnel) = &self.tunnel {
            // A machine that has ended has no use for a tunnel.
            return if inner.shutdown.is_some() { inner } else { tunnel.wants() };
        }
        let Some(session) = &self.tls else { return inner };
        let goodbye = says_goodbye(inner) && !session.is_close_written();
        let alert = session.failure().is_some() && session.wants_write(false);
        if (goodbye || alert) && !self.given_up {
            // A half-closed machine may go on reading.
            return Wants { read: inner.read, write: session.wants_write(true), shutdown: None };
        }
        let read = inner.read || (inner.shutdown.is_none() && session.is_handshaking());
        let write = inner.shutdown.is_none() && session.wants_write(inner.write);
        // A reset could overtake the alert that was written.
        let alerted = session.failure().is_some() && !self.given_up;
        let shutdown = inner.shutdown.map(|how| if alerted { Shutdown::Both } else { how });
        Wants { read, write, shutdown }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), where the machine wants `inner`.
    pub(super) fn poll_timeout(&self, inner: Wants) -> Option<Instant> {
        if let Some(tunnel) = &self.tunnel {
            return tunnel.poll_timeout().filter(|_| inner.shutdown.is_none());
        }
        let own = self.wants(inner);
        let ended = matches!(own.shutdown, Some(Shutdown::Both | Shutdown::Abort));
        let last_words = own.write && (says_goodbye(inner) || self.failure.is_some());
        let waits = !ended && !self.given_up && (last_words || (self.is_opening() && self.failure.is_none()));
        (waits && self.deadline != Instant::NEVER).then_some(self.deadline)
    }

    /// Acts on what is due.
    pub(super) fn handle_timeout(&mut self, now: Instant, inner: Wants) {
        if let Some(tunnel) = &mut self.tunnel {
            tunnel.handle_timeout(now);
            self.pass_tunnel(now, &mut Input::default());
        } else if now < self.deadline {
            // Not yet.
        } else if self.is_reading_preface() {
            self.fail_preface(ProxyHeaderError::TimedOut);
        } else if self.is_opening() && self.failure.is_none() {
            self.failure = Some(OpenError::TlsTimedOut);
            self.given_up = true;
        } else if says_goodbye(inner) || self.failure.is_some() {
            self.given_up = true;
        }
    }

    /// Whether the machine's turn has come: with what came before a failure it has.
    pub(super) fn is_through(&self) -> bool {
        !self.is_opening() && !self.failure_told
    }

    /// Whether TLS is on the way.
    pub(super) fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether it has failed and nobody was told; what was said before that is taken first.
    pub(super) fn take_news_of_failure(&mut self) -> bool {
        self.failure.is_some() && self.unread == 0 && !core::mem::replace(&mut self.failure_told, true)
    }

    fn is_opening(&self) -> bool {
        self.is_reading_preface()
            || self.tunnel.is_some()
            || self.tls.as_ref().is_some_and(Session::is_handshaking)
    }

    /// Why it failed, once the machine was told: what it says before that is about what came before.
    pub(super) fn failure(&self) -> Option<&OpenError> {
        self.failure.as_ref().filter(|_| self.failure_told)
    }

    /// Another machine takes the place of the one behind.
    pub(super) fn forget_machine(&mut self) {
        if let Some(session) = &mut self.tls {
            session.forget_credits();
        }
    }

    /// The TLS session, for what it can tell.
    #[cfg(feature = "tls")]
    pub(super) fn session(&self) -> Option<&Session> {
        self.tls.as_ref()
    }

    /// The header, once: when it has come.
    pub(super) fn take_header(&mut self) -> Option<ProxyHeader> {
        let header = self.preface.as_ref()?.header()?;
        self.preface = None;
        Some(header)
    }

    fn is_reading_preface(&self) -> bool {
        self.preface.as_ref().is_some_and(|preface| preface.is_reading())
    }

    /// Reads the header, if there is to be one; whether what is left is for the next stage.
    fn pass_preface(&mut self, input: &mut Input<'_>) -> bool {
        let Some(preface) = &mut self.preface else { return true };
        preface.receive(input).unwrap_or_else(|e| {
            self.fail_preface(e);
            false
        })
    }

    /// Whoever it is, there is nothing to be said to him.
    fn fail_preface(&mut self, error: ProxyHeaderError) {
        self.preface = None;
        self.failure.get_or_insert(error.into());
        self.given_up = true;
    }

    /// Feeds the tunnel, if there is one; whether what is left is for the next stage.
    fn pass_tunnel(&mut self, now: Instant, input: &mut Input<'_>) -> bool {
        let Some(tunnel) = &mut self.tunnel else { return self.failure.is_none() };
        match tunnel.receive(now, input) {
            None => false,
            Some(Ok(())) => {
                self.tunnel = None;
                true
            }
            Some(Err(e)) => {
                self.failure.get_or_insert(e.into());
                false
            }
        }
    }

    /// Notes a failure that came about in sealing.
    pub(super) fn note_failure(&mut self, now: Instant) {
        self.settle(now, false);
    }

    /// Whether nothing lies between any more.
    pub(super) fn is_bare(&self) -> bool {
        self.preface.is_none()
            && self.tunnel.is_none()
            && self.tls.is_none()
            && self.failure.is_none()
            && self.tape.is_none()
    }

    /// Notes what became of the session.
    // A session that cannot be has a failure that cannot be.
    #[cfg_attr(not(feature = "tls"), allow(unreachable_code, unused_variables))]
    fn settle(&mut self, now: Instant, was_handshaking: bool) {
        let Some(session) = &self.tls else { return };
        if let Some(failure) = session.failure()
            && self.failure.is_none()
        {
            self.failure = Some(failure.clone().into());
            self.deadline = now + least(self.close_timeout);
        } else if was_handshaking && !session.is_handshaking() && self.failure.is_none() {
            self.deadline = Instant::NEVER;
        }
    }
}

/// How much of `timeout` the way may take.
fn limited(timeout: Duration, config: &Config) -> Duration {
    config.tls_timeout.map_or(timeout, |tls| tls.min(timeout))
}

/// Whether the machine has come to an end that the peer is to be told of.
fn says_goodbye(wants: Wants) -> bool {
    matches!(wants.shutdown, Some(Shutdown::Write | Shutdown::Both))
}

#[cfg(feature = "tls")]
fn client_session(config: &Config, target: &Target, wall: Wall) -> Result<Session, OpenError> {
    // RFC 6455 4.1: "Clients MUST use the Server Name Indication extension"
    let tls = config.client_tls.as_ref().ok_or(OpenError::NoTls)?;
    Ok(Session::client(tls, target.host(), wall)?)
}

#[cfg(not(feature = "tls"))]
fn client_session(_: &Config, _: &Target, _: Wall) -> Result<Session, OpenError> {
    Err(OpenError::NoTls)
}
