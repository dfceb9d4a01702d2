//! The client as a service: the same on every runtime.

use super::{Aim, Gate, Outcome, line_of};
use crate::framing::FramingKind;
use crate::runner::Control;
use async_channel::Sender;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wharf::base::{Accepted, CloseCode, Closed, Instant, Message, SendError};
use wharf::framed::Typed;
use wharf::link::{ConnId, Context, DialError, DialId, Service, Target};

/// What the program says to the client.
#[derive(Debug)]
pub enum Said {
    /// Connect.
    Start,
    /// Send this text.
    Line(String),
    /// Nothing more comes: close, at once or after the configured wait.
    End {
        /// At once.
        now: bool,
    },
}

/// Prints a line.
pub(super) type Print = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

/// A line as a message.
pub(super) fn message_of(framing: FramingKind, text: String) -> Message<'static> {
    match framing {
        FramingKind::Typed => Message::typed(Typed::DATA, text.into_bytes()),
        _ => Message::from(text),
    }
}

/// Says so where the server took none of the subprotocols that were offered.
pub(super) fn warn_of_subprotocols(cx: &Context<'_>, conn: ConnId, target: &Target) {
    let has_chosen = cx.info(conn).is_some_and(|info| info.subprotocol.is_some());
    if !has_chosen && target.request().is_some_and(|request| !request.subprotocols().is_empty()) {
        tracing::warn!("the server chose none of the subprotocols offered");
    }
}

/// One connection that prints what comes and sends what it is told.
pub struct ClientService {
    target: Target,
    framing: FramingKind,
    print: Print,
    control: Sender<Control<Said>>,
    gate: Arc<Gate>,
    wait: Duration,
    close_at: Option<Instant>,
    conn: Option<ConnId>,
    outcome: Arc<Mutex<Option<Outcome>>>,
}

impl ClientService {
    /// A client that will connect to where `aim` says. It ends itself by [`Control::Drain`].
    #[must_use]
    pub fn new(
        aim: &Aim,
        print: Print,
        control: Sender<Control<Said>>,
        gate: Arc<Gate>,
        wait: Duration,
    ) -> Self {
        let (target, framing, outcome) = (aim.target.clone(), aim.framing, Arc::default());
        Self { target, framing, print, control, gate, wait, close_at: None, conn: None, outcome }
    }

    /// Where it will say how it ended.
    #[must_use]
    pub fn outcome(&self) -> Arc<Mutex<Option<Outcome>>> {
        self.outcome.clone()
    }

    fn end(&mut self, outcome: Outcome) {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(outcome);
        self.conn = None;
        // A reader that waits at the gate finds the service gone.
        self.gate.open();
        self.control.close();
    }

    fn close(&mut self, cx: &mut Context<'_>) {
        self.close_at = None;
        match self.conn {
            // A connection that is closing already is on its way.
            Some(conn) => drop(cx.close(conn, CloseCode::NORMAL, "")),
            None => self.end(Outcome::Interrupted),
        }
    }

    fn send(&mut self, cx: &mut Context<'_>, conn: ConnId, text: String) {
        match cx.send(conn, message_of(self.framing, text)) {
            Ok(Accepted::Congested) => self.gate.shut(),
            // How it closes is told by its own report.
            Ok(_) | Err(SendError::Closing | SendError::Closed) => {}
            Err(e) => {
                self.end(Outcome::NotSent(e));
                let _ = cx.close(conn, CloseCode::NORMAL, "");
            }
        }
    }
}

impl Service for ClientService {
    type Job = ();
    type Done = ();
    type Command = Said;

    fn command(&mut self, cx: &mut Context<'_>, said: Said) {
        match (said, self.conn) {
            (Said::Start, _) => {
                if let Err(e) = cx.dial(self.target.clone()) {
                    self.end(Outcome::NotOpened(e));
                }
            }
            (Said::Line(text), Some(conn)) => self.send(cx, conn, text),
            (Said::Line(_), None) => {}
            (Said::End { now: false }, Some(_)) if !self.wait.is_zero() => {
                self.close_at = Some(cx.now() + self.wait)
            }
            (Said::End { .. }, _) => self.close(cx),
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.conn = Some(conn);
        warn_of_subprotocols(cx, conn, &self.target);
        self.gate.open();
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let printed = (self.print)(&line_of(&message, self.framing.is_websocket()));
        if printed.is_err() {
            self.end(Outcome::OutputClosed);
            let _ = cx.close(conn, CloseCode::NORMAL, "");
        }
    }

    fn drained(&mut self, _: &mut Context<'_>, _: ConnId) {
        self.gate.open();
    }

    fn closed(&mut self, _: &mut Context<'_>, _: ConnId, closed: &Closed) {
        self.end(Outcome::Closed(closed.clone()));
    }

    fn dial_failed(&mut self, _: &mut Context<'_>, _: DialId, error: &DialError) {
        self.end(Outcome::NotOpened(error.clone()));
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.close_at
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.close(cx);
    }
}
