//! A tunnel on its way, whatever the proxy speaks.

use super::host::Host;
use super::http_connect::HttpConnect;
use super::socks5::Socks5;
use super::{Proxy, ProxyError, ProxyKind};
use crate::base::{
    Clock, Deadline, Deadlines, End, Input, Instant, Outbox, Output, Scratch, Shutdown, Wants, least,
};
use core::fmt;
use core::time::Duration;

/// The client's side of a tunnel through a proxy, by the rules of [`Engine`](crate::base::Engine): asks, waits, and
/// tells once whether the transport leads to the target now.
///
/// It holds at most 16 KiB of an answer's head, 4 KiB of a refusal's body or 262 bytes of a SOCKS reply.
///
/// ```
/// use wharf::base::{Input, Instant};
/// use wharf::proxy::{Proxy, Tunnel};
/// use std::time::Duration;
///
/// let (now, proxy) = (Instant::ORIGIN, Proxy::parse("http://proxy:3128").unwrap());
/// let mut tunnel = Tunnel::new(now, &proxy, "a.example", 443, Duration::from_secs(10));
/// let mut written = Vec::new();
/// tunnel.output(now).drain_into(&mut written);
/// assert_eq!(written, b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
///
/// let mut bytes = *b"HTTP/1.1 200 OK\r\n\r\nfrom the target";
/// let mut input = Input::new(&mut bytes);
/// assert_eq!(tunnel.receive(now, &mut input), Some(Ok(())));
/// assert_eq!(input.as_slice(), b"from the target");
/// ```
pub struct Tunnel {
    clock: Clock,
    outbox: Outbox,
    deadlines: Deadlines,
    machine: Machine,
    outcome: Option<Result<(), ProxyError>>,
    over: bool,
    failed: bool,
}

#[derive(Debug)]
enum Machine {
    Http(HttpConnect),
    Socks(Socks5),
}

impl Tunnel {
    /// Asks `proxy` for a way to `host` and `port`; the tunnel is to be open within `timeout`. The brackets of an IPv6
    /// address may be left out. A host that is none, or port 0, fails with [`ProxyError::Target`] at once.
    #[must_use]
    pub fn new(now: Instant, proxy: &Proxy, host: &str, port: u16, timeout: Duration) -> Self {
        let target = Host::parse(host).filter(|_| port != 0);
        let (known, host) = (target.is_some(), target.unwrap_or_else(|| Host::Name("invalid".into())));
        let (machine, request) = match proxy.kind() {
            ProxyKind::Http => {
                let (machine, request) = HttpConnect::new(&host, port, proxy.credentials());
                (Machine::Http(machine), request)
            }
            ProxyKind::Socks5 => {
                let (machine, greeting) = Socks5::new(host, port, proxy.credentials().cloned());
                (Machine::Socks(machine), greeting)
            }
        };
        let mut outbox = Outbox::new();
        outbox.cork(now).extend_from_slice(&request);
        let mut deadlines = Deadlines::new();
        deadlines.arm(Deadline::Idle, now + least(timeout));
        let (clock, outcome) = (Clock::new(now), None);
        let mut tunnel = Self { clock, outbox, deadlines, machine, outcome, over: false, failed: false };
        if !known {
            tunnel.finish(Err(ProxyError::Target));
        }
        tunnel
    }

    /// Takes the proxy's answers from `input`; the outcome comes once. What is behind the answer that opens the tunnel
    /// stays: it comes from the target.
    pub fn receive(&mut self, now: Instant, input: &mut Input<'_>) -> Option<Result<(), ProxyError>> {
        let now = self.clock.advance(now);
        if !self.over {
            let outcome = match &mut self.machine {
                Machine::Http(machine) => machine.receive(input, self.outbox.is_empty()),
                Machine::Socks(machine) => machine.receive(now, input, &mut self.outbox),
            };
            if let Some(outcome) = outcome {
                self.finish(outcome);
            }
        }
        self.outcome.take()
    }

    /// The transport's reading side is over. A refusal is handed up with what came of its body.
    pub fn receive_end(&mut self, now: Instant, end: End) {
        self.clock.advance(now);
        if let (Machine::Http(machine), End::Eof) = (&mut self.machine, end) {
            machine.receive_eof();
        }
        self.give_up(ProxyError::Ended(end));
    }

    /// Gives up.
    pub fn abort(&mut self, now: Instant) {
        self.clock.advance(now);
        self.finish(Err(ProxyError::Aborted));
    }

    /// What is to be written.
    pub fn output(&mut self, now: Instant) -> Output<'_> {
        let now = self.clock.advance(now);
        Output::new(&mut self.outbox, now)
    }

    /// What the tunnel wants of its transport: to end it after a failure, nothing once it is open.
    #[must_use]
    pub fn wants(&self) -> Wants {
        let shutdown = self.failed.then_some(Shutdown::Both);
        Wants { read: !self.over, write: !self.over && !self.outbox.is_empty(), shutdown }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next(false)
    }

    /// Acts on what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if self.deadlines.pop_due(now, false).is_some() {
            self.give_up(ProxyError::TimedOut);
        }
    }

    /// Lends the buffers of the thread or loop for a turn.
    pub fn lend(&mut self, scratch: &mut Scratch) {
        self.outbox.lend(scratch);
    }

    /// Takes them back.
    pub fn reclaim(&mut self, scratch: &mut Scratch) {
        self.outbox.reclaim(scratch);
    }

    /// Fails with the refusal whose body is on its way, else with `error`.
    fn give_up(&mut self, error: ProxyError) {
        let refusal = match &mut self.machine {
            Machine::Http(machine) => machine.take_refusal(),
            Machine::Socks(_) => None,
        };
        self.finish(Err(refusal.unwrap_or(error)));
    }

    fn finish(&mut self, outcome: Result<(), ProxyError>) {
        if !core::mem::replace(&mut self.over, true) {
            self.failed = outcome.is_err();
            self.outcome = Some(outcome);
            self.deadlines.disarm_all();
            self.outbox.clear();
        }
    }
}

impl fmt::Debug for Tunnel {
    /// Without what waits to be written: there may be a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel")
            .field("machine", &self.machine)
            .field("outcome", &self.outcome)
            .field("over", &self.over)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
