//! Making a connection: the name looked up, its addresses tried in turn, under one deadline.

use crate::trace;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;
use std::vec;
use wharf::base::Instant;

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

/// Addresses being tried, one after the other. What is left of the time is shared evenly among those not tried, so that one
/// which never answers leaves some to the next.
#[derive(Debug)]
pub(crate) struct Connecting {
    addresses: vec::IntoIter<SocketAddr>,
    current: Option<(TcpStream, SocketAddr)>,
    /// When the current address is given up.
    give_up_at: Instant,
    deadline: Instant,
    last_error: Option<io::Error>,
}

/// What a step came to.
#[derive(Debug)]
pub(crate) enum Step {
    /// Wait for an event or the timeout.
    Wait,
    /// Connected, and still registered under its token.
    Connected(TcpStream, SocketAddr),
    /// No address is left; the error of the last one, `None` if there was none at all.
    Failed(Option<io::Error>),
}

impl Connecting {
    pub(crate) fn new(addresses: Vec<SocketAddr>, deadline: Instant) -> Self {
        Self {
            addresses: addresses.into_iter(),
            current: None,
            give_up_at: deadline,
            deadline,
            last_error: None,
        }
    }

    /// When to call [`step`](Self::step) at the latest.
    pub(crate) fn poll_timeout(&self) -> Instant {
        self.give_up_at
    }

    /// Goes on as far as can be: at first, after an event, when the timeout has come. Early calls do no harm.
    pub(crate) fn step(&mut self, now: Instant, registry: &Registry, token: Token) -> Step {
        loop {
            if let Some((socket, address)) = self.current.take() {
                match outcome(&socket) {
                    Ok(true) => return Step::Connected(socket, address),
                    Ok(false) if now < self.give_up_at => {
                        self.current = Some((socket, address));
                        return Step::Wait;
                    }
                    Ok(false) => self.last_error = Some(ErrorKind::TimedOut.into()),
                    Err(e) => self.last_error = Some(e),
                }
                trace::minor((address, &self.last_error), "an address cannot be connected to");
            }
            if now >= self.deadline && self.addresses.len() > 0 {
                self.last_error = Some(ErrorKind::TimedOut.into());
                self.addresses = Vec::new().into_iter();
            }
            let left = u32::try_from(self.addresses.len()).unwrap_or(u32::MAX);
            let Some(address) = self.addresses.next() else {
                return Step::Failed(self.last_error.take());
            };
            self.give_up_at = now + (self.deadline - now).max(Duration::from_nanos(1)) / left;
            match begin(address, registry, token) {
                Ok(socket) => self.current = Some((socket, address)),
                Err(e) => self.last_error = Some(e),
            }
        }
    }
}

fn begin(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(address)?;
    registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(socket)
}

/// Whether it is connected, or not yet.
fn outcome(socket: &TcpStream) -> io::Result<bool> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    match socket.peer_addr() {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == ErrorKind::NotConnected => Ok(false),
        // Some systems answer so for a connect in progress.
        Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::WouldBlock) => Ok(false),
        Err(e) => Err(e),
    }
}
