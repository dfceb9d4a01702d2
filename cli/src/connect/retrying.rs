//! The client of `--retry`: as the other one, with a connection that is kept up.

use super::service::warn_of_subprotocols;
use super::{Front, Outcome, Said};
use std::time::Duration;
use wharf::base::{CloseCode, Closed, Instant, Message};
use wharf::link::{ConnId, Context, DialError, DialId, Service, Target};
use wharf::service::client::{ClientConfig, ClientEvent, Failure, Fate, Kept, Stopped, Unsent};
use wharf_std::entropy;

/// With so many lines waiting, no more are read.
const WAITING: usize = 16;

/// A connection that is kept up: it prints what comes and sends what it is told.
#[derive(Debug)]
pub struct RetryingService {
    target: Target,
    front: Front,
    close_at: Option<Instant>,
    /// The input is at its end: it closes once all is written.
    is_ending: bool,
    kept: Kept,
    /// How the last connection ended.
    closed: Option<Closed>,
}

impl RetryingService {
    /// A client that will connect to `target`. It ends itself by [`Control::Drain`](crate::runner::Control::Drain).
    ///
    /// # Errors
    /// The operating system has no randomness.
    pub fn new(target: Target, front: Front) -> std::io::Result<Self> {
        let mut config = ClientConfig::default();
        if !front.framing.is_websocket() {
            // Without a ping it would be a message that nobody wrote.
            config.heartbeat = None;
        }
        // The machine is told the service's time from its first call on.
        let kept = Kept::new(Instant::ORIGIN, target.clone(), config, entropy()?);
        Ok(Self { target, front, close_at: None, is_ending: false, kept, closed: None })
    }

    fn stop(&mut self, cx: &mut Context<'_>) {
        (self.close_at, self.is_ending) = (None, false);
        self.kept.act(cx, |client, now| client.stop(now));
    }

    fn stop_with(&mut self, cx: &mut Context<'_>, outcome: Outcome) {
        self.front.note(outcome);
        self.stop(cx);
    }

    /// Hands on what there is to tell, and lets the reader of stdin through or not.
    fn settle(&mut self, cx: &mut Context<'_>) {
        while let Some(event) = self.kept.poll_event(cx) {
            self.take(cx, event);
        }
        let client = self.kept.client();
        if !client.state().is_connected || client.waiting() >= WAITING {
            self.front.gate.shut();
        } else if client.waiting() == 0 {
            self.front.gate.open();
        }
        if self.is_ending && client.waiting() + client.unwritten() == 0 {
            self.stop(cx);
            self.settle(cx);
        }
        if self.kept.client().is_stopped() {
            self.front.finish();
        }
    }

    fn take(&mut self, cx: &mut Context<'_>, event: ClientEvent) {
        match event {
            ClientEvent::Connected { attempt, again } => {
                if again {
                    tracing::warn!("connected again");
                }
                if let Some(conn) = self.kept.conn() {
                    warn_of_subprotocols(cx, conn, &self.target);
                }
                self.kept.act(cx, |client, now| client.ready(now, attempt));
                self.front.tell(&format!("connected to {}", self.target));
                self.front.pings.opened(cx.now());
                self.front.keep_time(cx, self.kept.conn());
            }
            ClientEvent::Disconnected { failure, .. } => {
                self.front.pings.closed();
                let again_in = self.kept.client().next_dial().map(|at| at - cx.now());
                match again_in {
                    Some(after) => tracing::warn!("{failure}; trying again in {:.1} s", after.as_secs_f64()),
                    None => tracing::warn!("{failure}"),
                }
            }
            ClientEvent::Fate { fate: Fate::Unsent { why: Unsent::Unfit(error), .. }, .. }
                if self.front.is_interactive =>
            {
                self.front.tell(&format!("not sent: {error}"));
            }
            ClientEvent::Fate { fate: Fate::Unsent { why: Unsent::Unfit(error), .. }, .. } => {
                self.stop_with(cx, Outcome::NotSent(error));
            }
            ClientEvent::Fate { fate: Fate::Unsent { why, .. }, .. } => {
                tracing::warn!("a message was not sent: {why}");
            }
            ClientEvent::Fate { fate: Fate::Unknown { .. }, .. } => {
                tracing::warn!("the connection ended with a message on its way; it may not have arrived");
            }
            ClientEvent::Stopped(reason) => self.front.note(self.outcome_of(reason)),
            _ => {}
        }
    }

    fn outcome_of(&self, reason: Stopped) -> Outcome {
        match reason {
            Stopped::Fatal(Failure::Dial(error)) | Stopped::GaveUp(Failure::Dial(error)) => {
                Outcome::NotOpened(error)
            }
            _ => self.closed.clone().map_or(Outcome::Interrupted, Outcome::Closed),
        }
    }
}

impl Service for RetryingService {
    type Job = ();
    type Done = ();
    type Command = Said;

    fn command(&mut self, cx: &mut Context<'_>, said: Said) {
        match said {
            Said::Start => {}
            Said::Send(message) => {
                let message = self.front.framed(message);
                let sent = self.kept.act(cx, |client, now| client.send(now, message));
                if let Err(refused) = sent {
                    tracing::warn!("a message was not sent: {refused}");
                }
            }
            Said::Ping => self.front.ping(cx, self.kept.conn()),
            Said::Close(code, _) => {
                if code != CloseCode::NORMAL {
                    self.front.printer.remark("with --retry it closes with 1000");
                }
                self.is_ending = true;
            }
            Said::Fail(why) => self.stop_with(cx, Outcome::NotRead(why)),
            Said::End { now: false } if !self.front.wait.is_zero() => {
                self.close_at = Some(cx.now() + self.front.wait)
            }
            Said::End { now: false } => self.is_ending = true,
            Said::End { now: true } => self.stop(cx),
        }
        self.settle(cx);
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.closed = None;
        self.kept.opened(cx, conn);
        self.settle(cx);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        self.kept.progressed(cx, conn);
        if self.front.printer.message(&message).is_err() {
            self.stop_with(cx, Outcome::OutputClosed);
        }
        self.settle(cx);
    }

    fn pong(&mut self, cx: &mut Context<'_>, conn: ConnId, rtt: Duration) {
        self.kept.progressed(cx, conn);
        self.front.pong(rtt);
        self.settle(cx);
    }

    fn written(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.kept.progressed(cx, conn);
        self.settle(cx);
    }

    fn closed(&mut self, cx: &mut Context<'_>, conn: ConnId, closed: &Closed) {
        self.closed = self.kept.conn().filter(|ours| *ours == conn).map(|_| closed.clone());
        self.kept.closed(cx, conn, closed);
        self.settle(cx);
    }

    fn dial_failed(&mut self, cx: &mut Context<'_>, dial: DialId, error: &DialError) {
        self.kept.dial_failed(cx, dial, error);
        self.settle(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.close_at, self.front.pings.poll_timeout(), self.kept.poll_timeout()].into_iter().flatten().min()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.kept.timeout(cx);
        self.front.keep_time(cx, self.kept.conn());
        if self.close_at.is_some_and(|at| at <= cx.now()) {
            (self.close_at, self.is_ending) = (None, true);
        }
        self.settle(cx);
    }
}
