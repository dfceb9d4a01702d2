//! A client whose connections are a hub's.

use super::{Action, Attempt, Client, ClientConfig, Machine};
use crate::base::{CloseCode, Closed, Entropy, Extent, Instant, Kind};
use crate::link::{ConnId, Context, DialError, DialId, Target};
use bytes::Bytes;

/// A connection that a service keeps up: a [`Client`], or another [`Machine`], that dials by the service's hub, on any runtime. A service
/// embeds one, or many, and hands on what it is called for; each of these calls says whether it was about this one. After each, the
/// service takes [`poll_event`](Self::poll_event) until `None`.
///
/// ```
/// use wharf::base::{Closed, Instant, Message};
/// use wharf::link::{ConnId, Context, DialError, DialId, Service};
/// use wharf::service::client::{ClientEvent, Kept};
///
/// /// Says hello on each connection, and counts what comes.
/// struct Listener { kept: Kept, heard: usize }
///
/// impl Listener {
///     fn settle(&mut self, cx: &mut Context<'_>) {
///         while let Some(event) = self.kept.poll_event(cx) {
///             if let (ClientEvent::Connected { attempt, .. }, Some(conn)) = (event, self.kept.conn()) {
///                 let _ = cx.send(conn, Message::text("hello"));
///                 self.kept.act(cx, |client, now| client.ready(now, attempt));
///             }
///         }
///     }
/// }
///
/// impl Service for Listener {
///     type Job = ();
///     type Done = ();
///     type Command = ();
///     /// The program starts it.
///     fn command(&mut self, cx: &mut Context<'_>, (): ()) {
///         self.settle(cx);
///     }
///     fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
///         self.kept.opened(cx, conn);
///         self.settle(cx);
///     }
///     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, _: Message<'_>) {
///         self.heard += usize::from(self.kept.progressed(cx, conn));
///         self.settle(cx);
///     }
///     fn written(&mut self, cx: &mut Context<'_>, conn: ConnId) {
///         self.kept.progressed(cx, conn);
///         self.settle(cx);
///     }
///     fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, closed: &Closed) {
///         self.kept.closed(cx, conn, closed);
///         self.settle(cx);
///     }
///     fn dial_failed(&mut self, cx: &mut Context<'_>, dial: DialId, error: &DialError) {
///         self.kept.dial_failed(cx, dial, error);
///         self.settle(cx);
///     }
///     fn poll_timeout(&self) -> Option<Instant> {
///         self.kept.poll_timeout()
///     }
///     fn timeout(&mut self, cx: &mut Context<'_>) {
///         self.kept.timeout(cx);
///         self.settle(cx);
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Kept<M = Client> {
    machine: M,
    target: Target,
    dial: Option<(Attempt, DialId)>,
    conn: Option<(Attempt, ConnId)>,
    /// Its end was told, and its stream may still be there.
    old: Option<ConnId>,
}

impl Kept {
    /// One that connects to `target` with the first [`poll_event`](Self::poll_event) or [`act`](Self::act).
    #[must_use]
    pub fn new(now: Instant, target: Target, config: ClientConfig, entropy: Entropy) -> Self {
        Self::around(target, Client::new(now, config, entropy))
    }
}

impl<M: Machine> Kept<M> {
    /// As [`new`](Kept::new), of any machine.
    #[must_use]
    pub fn around(target: Target, machine: M) -> Self {
        Self { machine, target, dial: None, conn: None, old: None }
    }

    /// The client: its state and its counters.
    #[must_use]
    pub fn client(&self) -> &Client {
        self.machine.client()
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The connection, while it is open: for what is sent on connect, before the outbox flows.
    #[must_use]
    pub fn conn(&self) -> Option<ConnId> {
        self.conn.map(|(_, conn)| conn)
    }

    /// Where it connects to the next time.
    ///
    /// ```
    /// use wharf::base::{Entropy, Instant};
    /// use wharf::link::Target;
    /// use wharf::service::client::{ClientConfig, Kept};
    ///
    /// let servers: [Target; 2] = ["ws://a.example/", "ws://b.example/"].map(|url| url.parse().unwrap());
    /// let entropy = Entropy::from_seed([7; 32]);
    /// let mut kept = Kept::new(Instant::ORIGIN, servers[0].clone(), ClientConfig::default(), entropy);
    /// // In `dial_failed`: the other one has its turn.
    /// let failures = 1;
    /// kept.set_target(servers[failures % servers.len()].clone());
    /// ```
    pub fn set_target(&mut self, target: Target) {
        self.target = target;
    }

    /// Asks something of the machine, and carries out what comes of it.
    pub fn act<J, T>(&mut self, cx: &mut Context<'_, J>, act: impl FnOnce(&mut M, Instant) -> T) -> T {
        let out = act(&mut self.machine, cx.now());
        self.drive(cx);
        out
    }

    /// What there is to tell, until there is nothing.
    pub fn poll_event<J>(&mut self, cx: &mut Context<'_, J>) -> Option<M::Event> {
        if let Some(event) = self.machine.poll_event() {
            return Some(event);
        }
        // What was taken may let something through.
        self.drive(cx);
        self.machine.poll_event()
    }

    /// A connection is open.
    pub fn opened<J>(&mut self, cx: &mut Context<'_, J>, conn: ConnId) -> bool {
        let dial = cx.info(conn).and_then(|info| info.dial);
        let Some((attempt, _)) = self.dial.take_if(|(_, ours)| Some(*ours) == dial) else { return false };
        if self.machine.client_mut().handle_opened(cx.now(), cx.wall(), attempt, cx.is_websocket(conn)) {
            self.conn = Some((attempt, conn));
        } else {
            cx.abort(conn);
        }
        self.drive(cx);
        true
    }

    /// A message came, or output was written, or drained.
    pub fn progressed<J>(&mut self, cx: &mut Context<'_, J>, conn: ConnId) -> bool {
        let Some((attempt, _)) = self.conn.filter(|(_, ours)| *ours == conn) else { return false };
        self.look(cx, attempt, conn);
        self.drive(cx);
        true
    }

    /// A connection has ended.
    pub fn closed<J>(&mut self, cx: &mut Context<'_, J>, conn: ConnId, closed: &Closed) -> bool {
        let Some((attempt, _)) = self.conn.take_if(|(_, ours)| *ours == conn) else { return false };
        let now = cx.now();
        self.look(cx, attempt, conn);
        self.machine.client_mut().handle_closed(now, attempt, closed);
        if self.machine.client().unwritten() > 0 {
            // The peer takes nothing more from here on, and what is not written may go out again elsewhere.
            cx.abort(conn);
        }
        self.machine.client_mut().handle_gone(now, attempt, &cx.progress(conn).unwrap_or_default());
        self.old = Some(conn);
        self.drive(cx);
        true
    }

    /// A dial has come to nothing.
    pub fn dial_failed<J>(&mut self, cx: &mut Context<'_, J>, dial: DialId, error: &DialError) -> bool {
        let Some((attempt, _)) = self.dial.take_if(|(_, ours)| *ours == dial) else { return false };
        self.machine.client_mut().handle_dial_failed(cx.now(), cx.wall(), attempt, error);
        self.drive(cx);
        true
    }

    /// When [`timeout`](Self::timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout()
    }

    /// Acts on what is due; nothing happens before.
    pub fn timeout<J>(&mut self, cx: &mut Context<'_, J>) {
        if self.poll_timeout().is_none_or(|at| at > cx.now()) {
            return;
        }
        if let Some((attempt, conn)) = self.conn {
            self.look(cx, attempt, conn);
        }
        self.machine.handle_timeout(cx.now());
        self.drive(cx);
    }

    fn look<J>(&mut self, cx: &Context<'_, J>, attempt: Attempt, conn: ConnId) {
        if let Some(progress) = cx.progress(conn) {
            self.machine.client_mut().handle_progress(cx.now(), attempt, &progress);
        }
    }

    /// Carries out what the machine wants.
    fn drive<J>(&mut self, cx: &mut Context<'_, J>) {
        let now = cx.now();
        while let Some(action) = self.machine.poll_action() {
            match (action, self.conn) {
                (Action::Dial(attempt), _) => self.dial(cx, attempt),
                (Action::Greet(_, message), Some((_, conn))) => {
                    if cx.send(conn, message).is_err() {
                        self.machine.client_mut().reconnect(now);
                    }
                }
                (Action::Send { ticket, kind, payload, .. }, Some((_, conn))) => {
                    self.send(cx, conn, ticket, kind, payload);
                }
                (Action::Ping(attempt), Some((_, conn))) => {
                    if cx.ping(conn).is_err() {
                        self.machine.client_mut().handle_heartbeat_failed(now, attempt);
                    }
                }
                (Action::Heartbeat(attempt, message), Some((_, conn))) => {
                    if cx.send(conn, message).is_err() {
                        self.machine.client_mut().handle_heartbeat_failed(now, attempt);
                    }
                }
                // One that is closing already is on its way.
                (Action::Close(_), Some((_, conn))) => drop(cx.close(conn, CloseCode::NORMAL, "")),
                (Action::Abort(_), Some((_, conn))) => cx.abort(conn),
                (Action::Abort(attempt), None) => {
                    if let Some((_, dial)) = self.dial.take_if(|(dialing, _)| *dialing == attempt) {
                        cx.cancel_dial(dial);
                    }
                }
                // There is no connection that it could be about.
                (_, None) => {}
            }
        }
        if let Some((_, conn)) = self.conn.filter(|_| self.machine.client().unwritten() > 0) {
            cx.tell_written(conn);
        }
    }

    fn dial<J>(&mut self, cx: &mut Context<'_, J>, attempt: Attempt) {
        // It may take its time over its goodbye; the next one waits for none.
        if let Some(old) = self.old.take() {
            cx.abort(old);
        }
        match cx.dial(self.target.clone().numbered(attempt.number())) {
            Ok(dial) => self.dial = Some((attempt, dial)),
            Err(error) => self.machine.client_mut().handle_dial_failed(cx.now(), cx.wall(), attempt, &error),
        }
    }

    fn send<J>(
        &mut self,
        cx: &mut Context<'_, J>,
        conn: ConnId,
        ticket: super::Ticket,
        kind: Kind,
        payload: Bytes,
    ) {
        let before = cx.progress(conn).unwrap_or_default();
        match cx.send_bytes(conn, kind, payload) {
            Ok(_) => {
                let extent = Extent::between(&before, &cx.progress(conn).unwrap_or_default());
                self.machine.client_mut().handle_sent(cx.now(), ticket, extent);
            }
            Err(error) => self.machine.client_mut().handle_not_sent(cx.now(), ticket, error),
        }
    }
}
