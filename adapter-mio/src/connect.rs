//! Making a connection: the name looked up, its addresses raced, under one deadline.

use crate::carrier::Carrier;
use crate::{ConnectError, trace};
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;
use wharf::base::Instant;
use wharf::link::{Action, Address, Eyeballs};
use wharf_std::tell_failed;

/// Looks a name up. An address needs no lookup and is told at once; a name blocks a short-lived thread of its own.
///
/// # Errors
/// No thread could be made.
pub(crate) fn look_up(
    host: &str,
    port: u16,
    tell: impl FnOnce(io::Result<Vec<SocketAddr>>) + Send + 'static,
) -> io::Result<()> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        tell(Ok(vec![SocketAddr::new(ip, port)]));
        return Ok(());
    }
    let host = host.to_owned();
    std::thread::Builder::new()
        .name("lookup".into())
        .spawn(move || tell((host.as_str(), port).to_socket_addrs().map(Iterator::collect)))
        .map(drop)
}

/// Addresses being raced.
#[derive(Debug)]
pub(crate) struct Connecting {
    eyeballs: Eyeballs<io::Error>,
    sockets: BTreeMap<usize, (Carrier, Address)>,
    winner: Option<(Carrier, Address)>,
}

/// What a step came to.
#[derive(Debug)]
pub(crate) enum Step {
    /// Wait for an event or the timeout.
    Wait,
    /// Connected, and still registered under its token.
    Connected(Carrier, Address),
    /// None answered.
    Failed(ConnectError),
}

impl Connecting {
    pub(crate) fn new(
        now: Instant,
        addresses: Vec<Address>,
        deadline: Instant,
        attempt_delay: Duration,
    ) -> Self {
        let eyeballs = Eyeballs::new(now, addresses, deadline, attempt_delay);
        Self { eyeballs, sockets: BTreeMap::new(), winner: None }
    }

    /// When to call [`step`](Self::step) at the latest; at once where it has its outcome.
    pub(crate) fn poll_timeout(&self) -> Instant {
        self.eyeballs.poll_timeout().unwrap_or(Instant::ORIGIN)
    }

    /// Goes on as far as can be: at first, after an event, when the timeout has come. Early calls do no harm. All of its
    /// sockets have the same token.
    pub(crate) fn step(&mut self, now: Instant, registry: &Registry, token: Token) -> Step {
        loop {
            if self.take_came(now) {
                continue;
            }
            self.eyeballs.handle_timeout(now);
            let mut has_begun = false;
            while let Some(action) = self.eyeballs.poll_action() {
                match action {
                    Action::Connect(attempt, address) => match begin(&address, registry, token) {
                        Ok(socket) => {
                            has_begun = true;
                            self.sockets.insert(attempt, (socket, address));
                        }
                        Err(error) => self.fail(now, attempt, &address, error),
                    },
                    Action::Cancel(attempt) => drop(self.sockets.remove(&attempt)),
                    _ => {}
                }
            }
            match (self.eyeballs.poll_outcome(), self.winner.take()) {
                (Some(Err(unconnected)), _) => return Step::Failed(unconnected.into()),
                (Some(Ok(_)), Some((socket, address))) => return Step::Connected(socket, address),
                _ if has_begun => {}
                _ => return Step::Wait,
            }
        }
    }

    /// Tells the machine of one attempt that came to something; whether there was one.
    fn take_came(&mut self, now: Instant) -> bool {
        let came = self.sockets.iter().find_map(|(attempt, (socket, _))| match socket.is_connected() {
            Ok(false) => None,
            came => Some((*attempt, came)),
        });
        let Some((attempt, came)) = came else { return false };
        let Some((socket, address)) = self.sockets.remove(&attempt) else { return false };
        match came {
            Ok(_) if self.eyeballs.handle_connected(now, attempt) => self.winner = Some((socket, address)),
            Ok(_) => {}
            Err(error) => self.fail(now, attempt, &address, error),
        }
        true
    }

    fn fail(&mut self, now: Instant, attempt: usize, address: &Address, error: io::Error) {
        trace::address_failed(address, &error);
        tell_failed(&mut self.eyeballs, now, attempt, error);
    }
}

fn begin(address: &Address, registry: &Registry, token: Token) -> io::Result<Carrier> {
    let mut socket = match address {
        Address::Tcp(address) => Carrier::Tcp(TcpStream::connect(*address)?),
        Address::Unix(path) => Carrier::Unix(UnixStream::from_std(wharf_std::connect_unix(path)?)),
        _ => return Err(ErrorKind::Unsupported.into()),
    };
    registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(socket)
}
