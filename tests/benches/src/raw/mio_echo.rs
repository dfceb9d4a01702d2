//! On mio.

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

const LISTENER: Token = Token(usize::MAX);

/// A connection: its socket, and what it has not taken of what it sent, which is nothing at rest.
#[derive(Debug)]
struct Peer {
    stream: TcpStream,
    unwritten: Vec<u8>,
}

/// Echoes forever. Tells `listening` its address.
///
/// # Errors
/// As the operating system says.
pub fn serve(address: SocketAddr, listening: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(address)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    listening(listener.local_addr()?);
    let mut peers: Vec<Option<Peer>> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match poll.poll(&mut events, None) {
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    let slot = free.pop().unwrap_or(peers.len());
                    let _ = stream.set_nodelay(true);
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, Token(slot), both)?;
                    if slot == peers.len() {
                        peers.push(None);
                    }
                    peers[slot] = Some(Peer { stream, unwritten: Vec::new() });
                }
            } else if let Some(peer) = &mut peers[event.token().0]
                && !peer.turn(&mut buffer)
            {
                peers[event.token().0] = None;
                free.push(event.token().0);
            }
        }
    }
}

impl Peer {
    /// Writes what is left, then echoes until there is nothing to read; whether it goes on.
    fn turn(&mut self, buffer: &mut [u8]) -> bool {
        loop {
            while !self.unwritten.is_empty() {
                match self.stream.write(&self.unwritten) {
                    Ok(n) if n == self.unwritten.len() => self.unwritten = Vec::new(),
                    Ok(n) => drop(self.unwritten.drain(..n)),
                    Err(e) => return e.kind() == ErrorKind::WouldBlock,
                }
            }
            let read = match self.stream.read(buffer) {
                Ok(0) => return false,
                Ok(n) => n,
                Err(e) => return e.kind() == ErrorKind::WouldBlock,
            };
            match self.stream.write(&buffer[..read]) {
                Ok(n) => self.unwritten.extend_from_slice(&buffer[n..read]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    self.unwritten.extend_from_slice(&buffer[..read]);
                }
                Err(_) => return false,
            }
            if read < buffer.len() && self.unwritten.is_empty() {
                return true;
            }
        }
    }
}
