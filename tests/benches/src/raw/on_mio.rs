//! On mio, edge-triggered.

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};

const LISTENER: Token = Token(usize::MAX);

/// A connection, and what its socket did not take.
struct Peer {
    stream: TcpStream,
    /// At most one read's bytes: nothing is read while something is kept.
    unsent: Vec<u8>,
    sent: usize,
}

/// Echoes until it fails.
///
/// # Errors
/// As the operating system says.
pub fn mio_echo(listener: std::net::TcpListener, buffer: usize) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::from_std(listener);
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut peers: Vec<Option<Peer>> = Vec::new();
    let mut free = Vec::new();
    let mut buffer = vec![0; buffer];
    let mut events = Events::with_capacity(1024);
    loop {
        match poll.poll(&mut events, None) {
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut peers, &mut free)?;
                continue;
            }
            let index = event.token().0;
            let Some(peer) = peers.get_mut(index).and_then(Option::as_mut) else { continue };
            // The end is as good as a failure: there is nobody left to answer.
            if !matches!(peer.turn(&mut buffer), Ok(true)) {
                peers[index] = None;
                free.push(index);
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    poll: &Poll,
    peers: &mut Vec<Option<Peer>>,
    free: &mut Vec<usize>,
) -> io::Result<()> {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(e) => return Err(e),
        };
        stream.set_nodelay(true)?;
        let index = free.pop().unwrap_or_else(|| {
            peers.push(None);
            peers.len() - 1
        });
        poll.registry().register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
        peers[index] = Some(Peer { stream, unsent: Vec::new(), sent: 0 });
    }
}

impl Peer {
    /// Echoes all there is; `false` is the end.
    fn turn(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            if !self.flush()? {
                return Ok(true);
            }
            let n = match self.stream.read(buffer) {
                Ok(0) => return Ok(false),
                Ok(n) => n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            let sent = match self.stream.write(&buffer[..n]) {
                Ok(sent) => sent,
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
                Err(e) => return Err(e),
            };
            self.unsent.extend_from_slice(&buffer[sent..n]);
            // A read that fills less has emptied the socket, and what comes then is told anew.
            if n < buffer.len() && self.unsent.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Writes what is kept; whether all of it.
    fn flush(&mut self) -> io::Result<bool> {
        while self.sent < self.unsent.len() {
            match self.stream.write(&self.unsent[self.sent..]) {
                Ok(n) => self.sent += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.unsent.clear();
        self.sent = 0;
        Ok(true)
    }
}
