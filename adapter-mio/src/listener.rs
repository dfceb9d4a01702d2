//! Accepting, through whatever accept fails with.

use crate::carrier::Carrier;
use crate::trace;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use wharf::base::Instant;
use wharf::link::{Address, Config};
use wharf_std::{
    ACCEPT_PAUSE, ACCEPT_TELL, AcceptFailure, ListenerLost, SocketFile, address_of_unix, listen_tcp,
    listen_unix,
};

/// Connections that one turn accepts at most.
const ACCEPTS_A_TURN: usize = 64;

/// A listening socket under an edge-triggered poll.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Listening,
    address: Address,
    /// What is spoken there, if that differs from the rest.
    config: Option<Arc<Config>>,
    /// There may be more to accept, of which no event will tell.
    ready: bool,
    paused_until: Option<Instant>,
    /// When a shortage was told last.
    told: Option<Instant>,
}

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener),
    /// The file goes first: as long as its listener is open no other socket can have its inode.
    Unix(#[allow(dead_code, reason = "removed when it is dropped")] SocketFile, UnixListener),
}

impl Listener {
    /// Listens; a Unix socket's file gets the permissions `mode`.
    pub(crate) fn bind(address: Address, mode: Option<u32>) -> io::Result<Self> {
        let (socket, address) = match address {
            Address::Tcp(address) => return Self::over(listen_tcp(address)?),
            Address::Unix(path) => {
                let (listener, file) = listen_unix(&path, mode)?;
                (Listening::Unix(file, UnixListener::from_std(listener)), Address::Unix(path))
            }
            _ => return Err(ErrorKind::Unsupported.into()),
        };
        Ok(Self::new(socket, address))
    }

    /// Takes a listener that is bound already.
    pub(crate) fn over(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?.into();
        Ok(Self::new(Listening::Tcp(TcpListener::from_std(listener)), address))
    }

    fn new(socket: Listening, address: Address) -> Self {
        Self { socket, address, config: None, ready: true, paused_until: None, told: None }
    }

    /// Where it listens, with its real port.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn speak(&mut self, config: &Arc<Config>) {
        self.config = Some(config.clone());
    }

    pub(crate) fn config(&self) -> Option<Arc<Config>> {
        self.config.clone()
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.socket {
            Listening::Tcp(socket) => registry.register(socket, token, Interest::READABLE),
            Listening::Unix(_, socket) => registry.register(socket, token, Interest::READABLE),
        }
    }

    pub(crate) fn handle_event(&mut self) {
        self.ready = true;
    }

    /// Whether to accept at once.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready && self.paused_until.is_none()
    }

    /// Whether there may be somebody to accept, a pause after an error being over.
    pub(crate) fn may_accept(&self, now: Instant) -> bool {
        self.ready && self.paused_until.is_none_or(|until| until <= now)
    }

    /// When to accept again after an error.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.paused_until
    }

    /// Accepts those that wait.
    ///
    /// # Errors
    /// The listener is lost, which is told once.
    pub(crate) fn accept(
        &mut self,
        now: Instant,
        mut each: impl FnMut(Carrier, Address),
    ) -> Result<(), ListenerLost> {
        self.paused_until.take_if(|until| *until <= now);
        for _ in 0..ACCEPTS_A_TURN {
            if !self.is_ready() {
                break;
            }
            let accepted = match &self.socket {
                Listening::Tcp(socket) => socket.accept().map(|(s, peer)| (s.into(), peer.into())),
                Listening::Unix(_, socket) => {
                    socket.accept().map(|(s, peer)| (s.into(), address_of_unix(&peer)))
                }
            };
            let error = match accepted {
                Ok((socket, peer)) => {
                    each(socket, peer);
                    continue;
                }
                Err(error) => error,
            };
            match AcceptFailure::of(&error) {
                _ if error.kind() == ErrorKind::WouldBlock => self.ready = false,
                // This one is gone; the next may be well.
                AcceptFailure::Passing => {}
                AcceptFailure::Lost => {
                    trace::listener_lost(&self.address, &error);
                    return Err(ListenerLost::new(&self.address, error));
                }
                _ => {
                    if self.told.is_none_or(|told| now - told >= ACCEPT_TELL) {
                        self.told = Some(now);
                        trace::accept_failed(&self.address, &error);
                    }
                    self.paused_until = Some(now + ACCEPT_PAUSE);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn close(mut self, registry: &Registry) {
        let deregistered = match &mut self.socket {
            Listening::Tcp(socket) => registry.deregister(socket),
            Listening::Unix(_, socket) => registry.deregister(socket),
        };
        if let Err(error) = deregistered {
            trace::minor(error, "the listener was not registered");
        }
    }
}
