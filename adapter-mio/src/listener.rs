//! Accepting, through whatever accept fails with.

use crate::trace;
use mio::Registry;
use mio::net::{TcpListener, TcpStream};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;
use wharf::base::Instant;

/// How long nothing is accepted after an error that will not go away at once, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Connections that one turn accepts at most.
const ACCEPTS_A_TURN: usize = 64;

/// A listening socket under an edge-triggered poll.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    /// There may be more to accept, of which no event will tell.
    ready: bool,
    paused_until: Option<Instant>,
}

impl Listener {
    pub(crate) fn new(socket: TcpListener) -> Self {
        Self { socket, ready: true, paused_until: None }
    }

    pub(crate) fn handle_event(&mut self) {
        self.ready = true;
    }

    /// Whether to accept at once.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready && self.paused_until.is_none()
    }

    /// When to accept again after an error.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.paused_until
    }

    pub(crate) fn accept(&mut self, now: Instant, mut each: impl FnMut(TcpStream, SocketAddr)) {
        self.paused_until.take_if(|until| *until <= now);
        for _ in 0..ACCEPTS_A_TURN {
            if !self.is_ready() {
                return;
            }
            match self.socket.accept() {
                Ok((socket, peer)) => each(socket, peer),
                Err(e) => match e.kind() {
                    ErrorKind::WouldBlock => self.ready = false,
                    // This one is gone; the next may be well.
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted => {}
                    _ => {
                        trace::accept_failed(&e, PAUSE);
                        self.paused_until = Some(now + PAUSE);
                    }
                },
            }
        }
    }

    pub(crate) fn close(mut self, registry: &Registry) {
        if let Err(error) = registry.deregister(&mut self.socket) {
            trace::minor(error, "the listener was not registered");
        }
    }
}
