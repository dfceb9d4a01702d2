//! The client as a service: the same on every runtime.

use super::{Front, Outcome, Said};
use std::time::Duration;
use wharf::base::{Accepted, CloseCode, Closed, Instant, Message, Origin, SendError};
use wharf::http::{Request, Response};
use wharf::link::{ConnId, Context, DialError, DialId, Rejection, Service, Target, Verdict};

/// Says so where the server took none of the subprotocols that were offered.
pub(super) fn warn_of_subprotocols(cx: &Context<'_>, conn: ConnId, target: &Target) {
    let has_chosen = cx.info(conn).is_some_and(|info| info.subprotocol.is_some());
    if !has_chosen && target.request().is_some_and(|request| !request.subprotocols().is_empty()) {
        tracing::warn!("the server chose none of the subprotocols offered");
    }
}

/// One connection that prints what comes and sends what it is told: dialed, or the first that is accepted.
#[derive(Debug)]
pub struct ClientService {
    /// `None` waits for somebody who connects.
    target: Option<Target>,
    front: Front,
    close_at: Option<Instant>,
    conn: Option<ConnId>,
    /// The code that it closed with, if that was asked for.
    asked: Option<CloseCode>,
    is_over: bool,
}

impl ClientService {
    /// A client that will connect to `target`, or that is connected to. It ends itself by
    /// [`Control::Drain`](crate::runner::Control::Drain).
    #[must_use]
    pub fn new(target: Option<Target>, front: Front) -> Self {
        Self { target, front, close_at: None, conn: None, asked: None, is_over: false }
    }

    /// Whether whoever connects is the one that it waits for.
    fn is_free(&self) -> bool {
        self.conn.is_none() && !self.is_over
    }

    fn end(&mut self, outcome: Outcome) {
        self.front.note(outcome);
        (self.conn, self.is_over) = (None, true);
        self.front.finish();
    }

    /// Ends it, and closes what is open.
    fn give_up(&mut self, cx: &mut Context<'_>, conn: Option<ConnId>, outcome: Outcome) {
        self.end(outcome);
        if let Some(conn) = conn {
            let _ = cx.close(conn, CloseCode::NORMAL, "");
        }
    }

    fn close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) {
        self.close_at = None;
        match self.conn {
            Some(conn) => {
                // A connection that is closing already is on its way.
                if cx.close(conn, code, reason).is_ok() {
                    self.asked = Some(code);
                }
            }
            None => self.end(Outcome::Interrupted),
        }
    }

    fn send(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'static>) {
        match cx.send(conn, self.front.framed(message)) {
            Ok(Accepted::Congested) => self.front.gate.shut(),
            // How it closes is told by its own report.
            Ok(_) | Err(SendError::Closing | SendError::Closed) => {}
            Err(error) if self.front.is_interactive => self.front.tell(&format!("not sent: {error}")),
            Err(error) => self.give_up(cx, Some(conn), Outcome::NotSent(error)),
        }
    }
}

impl Service for ClientService {
    type Job = ();
    type Done = ();
    type Command = Said;

    fn request(&mut self, _: &mut Context<'_>, _: ConnId, request: &Request) -> Verdict {
        if !request.is_websocket() {
            Verdict::Respond(Response::plain(404))
        } else if self.is_free() {
            Verdict::accept()
        } else {
            Verdict::Respond(Response::plain(503))
        }
    }

    fn admit(&mut self, _: &mut Context<'_>, _: ConnId) -> Result<(), Rejection> {
        if self.is_free() { Ok(()) } else { Err(Rejection::default()) }
    }

    fn command(&mut self, cx: &mut Context<'_>, said: Said) {
        match (said, self.conn) {
            (Said::Start, _) => {
                if let Some(Err(error)) = self.target.clone().map(|target| cx.dial(target)) {
                    self.end(Outcome::NotOpened(error));
                }
            }
            (Said::Send(message), Some(conn)) => self.send(cx, conn, message),
            (Said::Send(_), None) => {}
            (Said::Ping, conn) => self.front.ping(cx, conn),
            (Said::Close(code, reason), _) => self.close(cx, code, &reason),
            (Said::Fail(why), conn) => self.give_up(cx, conn, Outcome::NotRead(why)),
            (Said::End { now: false }, Some(_)) if !self.front.wait.is_zero() => {
                self.close_at = Some(cx.now() + self.front.wait)
            }
            (Said::End { .. }, _) => self.close(cx, CloseCode::NORMAL, ""),
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if !self.is_free() {
            // It was accepted before the one that is served was open.
            let _ = cx.close(conn, CloseCode::TRY_AGAIN_LATER, "somebody was faster");
            return;
        }
        self.conn = Some(conn);
        match &self.target {
            Some(target) => {
                warn_of_subprotocols(cx, conn, target);
                self.front.tell(&format!("connected to {target}; /help says what else there is"));
            }
            None => self.front.tell("connected; /help says what else there is"),
        }
        self.front.pings.opened(cx.now());
        self.front.keep_time(cx, self.conn);
        self.front.gate.open();
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        if self.conn == Some(conn) && self.front.printer.message(&message).is_err() {
            self.give_up(cx, Some(conn), Outcome::OutputClosed);
        }
    }

    fn pong(&mut self, _: &mut Context<'_>, conn: ConnId, rtt: Duration) {
        if self.conn == Some(conn) {
            self.front.pong(rtt);
        }
    }

    fn drained(&mut self, _: &mut Context<'_>, _: ConnId) {
        self.front.gate.open();
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, closed: &Closed) {
        if self.conn == Some(conn) {
            let is_asked = closed.origin == Origin::Local && self.asked == Some(closed.code);
            let closed = closed.clone();
            let gap = if closed.reason.is_empty() { "" } else { " " };
            self.front.tell(&format!("closed with {}{gap}{}", closed.code, closed.reason));
            self.end(if is_asked { Outcome::ClosedAsAsked(closed) } else { Outcome::Closed(closed) });
        }
    }

    fn dial_failed(&mut self, _: &mut Context<'_>, _: DialId, error: &DialError) {
        self.end(Outcome::NotOpened(error.clone()));
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.close_at, self.front.pings.poll_timeout()].into_iter().flatten().min()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.front.keep_time(cx, self.conn);
        if self.close_at.is_some_and(|at| at <= cx.now()) {
            self.close(cx, CloseCode::NORMAL, "");
        }
    }
}
