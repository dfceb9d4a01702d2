//! Making a connection: the name looked up, its addresses tried in turn, under one deadline.

use crate::carrier::Carrier;
use crate::trace;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;
use std::vec;
use wharf::base::Instant;
use wharf::link::Address;

/// How soon an address that had no room is asked again.
const AGAIN: Duration = Duration::from_millis(10);

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
    addresses: vec::IntoIter<Address>,
    current: Option<(Carrier, Address)>,
    /// An address that had no room for one more and is asked again, and when.
    again: Option<(Address, Instant)>,
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
    Connected(Carrier, Address),
    /// No address is left; the error of the last one, `None` if there was none at all.
    Failed(Option<io::Error>),
}

impl Connecting {
    pub(crate) fn new(addresses: Vec<Address>, deadline: Instant) -> Self {
        Self {
            addresses: addresses.into_iter(),
            current: None,
            again: None,
            give_up_at: deadline,
            deadline,
            last_error: None,
        }
    }

    /// When to call [`step`](Self::step) at the latest.
    pub(crate) fn poll_timeout(&self) -> Instant {
        self.again.as_ref().map_or(self.give_up_at, |(_, at)| self.give_up_at.min(*at))
    }

    /// Goes on as far as can be: at first, after an event, when the timeout has come. Early calls do no harm.
    pub(crate) fn step(&mut self, now: Instant, registry: &Registry, token: Token) -> Step {
        loop {
            if let Some((socket, address)) = self.current.take() {
                match socket.is_connected() {
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
            let address = match self.again.take() {
                Some((address, _)) if now >= self.give_up_at => {
                    trace::minor(address, "an address has no room for one more");
                    self.last_error = Some(ErrorKind::TimedOut.into());
                    continue;
                }
                Some((address, at)) if now < at => {
                    self.again = Some((address, at));
                    return Step::Wait;
                }
                Some((address, _)) => address,
                None => {
                    let Some(address) = self.addresses.next() else {
                        return Step::Failed(self.last_error.take());
                    };
                    self.give_up_at = now + (self.deadline - now).max(Duration::from_nanos(1)) / left;
                    address
                }
            };
            match begin(&address, registry, token) {
                Ok(socket) => self.current = Some((socket, address)),
                // A Unix socket whose queue is full says so at once instead of letting us wait.
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.again = Some((address, now + AGAIN)),
                Err(e) => self.last_error = Some(e),
            }
        }
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
