//! The client as a service: the same on every runtime.

use super::{Gate, Outcome};
use crate::runner::Control;
use async_channel::Sender;
use std::fmt::Write;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wharf::base::{Accepted, CloseCode, Closed, Instant, Message};
use wharf::link::{ConnId, Context, DialError, DialId, Service};
use wharf::ws::handshake::ClientRequest;

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

type Print = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

/// One connection that prints what comes and sends what it is told.
pub struct ClientService {
    request: ClientRequest,
    print: Print,
    control: Sender<Control<Said>>,
    gate: Arc<Gate>,
    wait: Duration,
    close_at: Option<Instant>,
    conn: Option<ConnId>,
    outcome: Arc<Mutex<Option<Outcome>>>,
}

impl ClientService {
    /// A client that will connect as `request` says. It ends itself by [`Control::Drain`].
    #[must_use]
    pub fn new(
        request: ClientRequest,
        print: Print,
        control: Sender<Control<Said>>,
        gate: Arc<Gate>,
        wait: Duration,
    ) -> Self {
        Self { request, print, control, gate, wait, close_at: None, conn: None, outcome: Arc::default() }
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

    fn close(&mut self, cx: &mut Context<'_, Self>) {
        self.close_at = None;
        match self.conn {
            // A connection that is closing already is on its way.
            Some(conn) => drop(cx.close(conn, CloseCode::NORMAL, "")),
            None => self.end(Outcome::Interrupted),
        }
    }
}

impl Service for ClientService {
    type Job = ();
    type Done = ();
    type Command = Said;

    fn command(&mut self, cx: &mut Context<'_, Self>, said: Said) {
        match (said, self.conn) {
            (Said::Start, _) => {
                if let Err(e) = cx.dial(self.request.clone()) {
                    self.end(Outcome::NotOpened(e));
                }
            }
            (Said::Line(text), Some(conn)) => {
                if let Ok(Accepted::Congested) = cx.send(conn, Message::from(text)) {
                    self.gate.shut();
                }
            }
            (Said::Line(_), None) => {}
            (Said::End { now: false }, Some(_)) if !self.wait.is_zero() => {
                self.close_at = Some(cx.now() + self.wait)
            }
            (Said::End { .. }, _) => self.close(cx),
        }
    }

    fn opened(&mut self, cx: &mut Context<'_, Self>, conn: ConnId) {
        self.conn = Some(conn);
        let chosen = cx.info(conn).and_then(|info| info.subprotocol.map(str::to_owned));
        if chosen.is_none() && !self.request.subprotocols().is_empty() {
            tracing::warn!("the server chose none of the subprotocols offered");
        }
        self.gate.open();
    }

    fn message(&mut self, cx: &mut Context<'_, Self>, conn: ConnId, message: Message<'_>) {
        let printed = match message.as_text() {
            Some(text) => (self.print)(text),
            None => {
                let mut line = String::from("binary ");
                for byte in message.payload() {
                    // Writing to a String cannot fail.
                    let _ = write!(line, "{byte:02x}");
                }
                (self.print)(&line)
            }
        };
        if printed.is_err() {
            self.end(Outcome::OutputClosed);
            let _ = cx.close(conn, CloseCode::NORMAL, "");
        }
    }

    fn drained(&mut self, _: &mut Context<'_, Self>, _: ConnId) {
        self.gate.open();
    }

    fn closed(&mut self, _: &mut Context<'_, Self>, _: ConnId, closed: &Closed) {
        self.end(Outcome::Closed(closed.clone()));
    }

    fn dial_failed(&mut self, _: &mut Context<'_, Self>, _: DialId, error: &DialError) {
        self.end(Outcome::NotOpened(error.clone()));
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.close_at
    }

    fn timeout(&mut self, cx: &mut Context<'_, Self>) {
        self.close(cx);
    }
}
