//! What the client of one connection and the one that keeps it up have in common.

use super::{Gate, Outcome, Pings, Printer};
use crate::framing::FramingKind;
use crate::runner::Control;
use async_channel::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wharf::base::{CloseCode, Message};
use wharf::framed::Typed;
use wharf::link::{ConnId, Context};

/// What the program says to the client.
#[derive(Debug)]
pub enum Said {
    /// Connect.
    Start,
    /// Send this message.
    Send(Message<'static>),
    /// Ping.
    Ping,
    /// Close with this code and reason.
    Close(CloseCode, String),
    /// Nothing more comes: close, at once or after the configured wait.
    End {
        /// At once.
        now: bool,
    },
    /// The input failed for this reason: close.
    Fail(String),
}

/// The program's side of a client.
#[derive(Debug)]
pub struct Front {
    /// What is spoken.
    pub framing: FramingKind,
    /// Where messages and remarks go.
    pub printer: Printer,
    /// Closed when the client is done.
    pub control: Sender<Control<Said>>,
    /// Shut while nothing can be sent.
    pub gate: Arc<Gate>,
    /// How long to stay after the end of the input.
    pub wait: Duration,
    /// When to ping.
    pub pings: Pings,
    /// A person sits there, who is told what could not be sent and goes on.
    pub is_interactive: bool,
    /// Where it is said how it ended.
    pub outcome: Arc<Mutex<Option<Outcome>>>,
}

impl Front {
    /// How it ended, if nothing was noted before.
    pub(super) fn note(&self, outcome: Outcome) {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(outcome);
    }

    /// The client is done.
    pub(super) fn finish(&mut self) {
        self.pings.closed();
        if let Some(summary) = self.pings.take_summary() {
            self.printer.remark(&summary);
        }
        // A reader that waits at the gate finds the service gone.
        self.gate.open();
        self.control.close();
    }

    /// As it goes out: typed messages need a type.
    pub(super) fn framed(&self, message: Message<'static>) -> Message<'static> {
        match self.framing {
            FramingKind::Typed => Message::typed(Typed::DATA, message.into_vec()),
            _ => message,
        }
    }

    /// Tells a person something; a script does not care.
    pub(super) fn tell(&self, line: &str) {
        if self.is_interactive {
            self.printer.remark(line);
        }
    }

    /// Somebody wants to know how far the other side is.
    pub(super) fn ping(&mut self, cx: &mut Context<'_>, conn: Option<ConnId>) {
        match conn {
            _ if !self.framing.is_websocket() => self.printer.remark("no ping: only WebSockets have them"),
            None => self.printer.remark("no ping: not connected"),
            // On a connection that is closing no answer is awaited.
            Some(conn) if self.pings.ask() => drop(cx.ping(conn)),
            Some(_) => {}
        }
    }

    /// Pings if it is time. Without a connection it never is.
    pub(super) fn keep_time(&mut self, cx: &mut Context<'_>, conn: Option<ConnId>) {
        match conn {
            Some(conn) if self.pings.take_due(cx.now()) => drop(cx.ping(conn)),
            Some(_) => {}
            None => self.pings.closed(),
        }
    }

    /// An answer came.
    pub(super) fn pong(&mut self, rtt: Duration) {
        if let Some(line) = self.pings.answered(rtt) {
            self.printer.remark(&line);
        }
    }
}
