//! By plain writes: no frames, one loop, and what a socket does not take is kept for it. Who has connected is greeted, which
//! stands for a handshake: whoever has heard it gets all that is said from then on.

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};

const LISTENER: Token = Token(usize::MAX);

/// What a new member hears.
pub const GREETING: &[u8] = b"!";

/// A member, and what its socket did not take.
struct Member {
    stream: TcpStream,
    unsent: Vec<u8>,
}

/// Sends what a read brings to all members, until it fails.
///
/// # Errors
/// As the operating system says.
pub fn serve(listener: std::net::TcpListener) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::from_std(listener);
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut members: Vec<Option<Member>> = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut events = Events::with_capacity(1024);
    loop {
        match poll.poll(&mut events, None) {
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            match event.token() {
                LISTENER => accept(&listener, &poll, &mut members)?,
                Token(index) => turn(&mut members, index, &mut buffer),
            }
        }
    }
}

fn accept(listener: &TcpListener, poll: &Poll, members: &mut Vec<Option<Member>>) -> io::Result<()> {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(e) => return Err(e),
        };
        stream.set_nodelay(true)?;
        let token = Token(members.len());
        poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        let mut member = Member { stream, unsent: Vec::new() };
        // One that is gone already fails when it is spoken to.
        let _ = member.write(GREETING);
        members.push(Some(member));
    }
}

/// A member's turn: it takes what was kept for it, and what it says goes to all.
fn turn(members: &mut [Option<Member>], index: usize, buffer: &mut [u8]) {
    loop {
        let Some(member) = members.get_mut(index).and_then(Option::as_mut) else { return };
        let read = member.write(&[]).and_then(|()| member.stream.read(buffer));
        match read {
            Ok(n) if n > 0 => {
                for member in members.iter_mut() {
                    // Who is gone is not spoken to any more.
                    member.take_if(|member| member.write(&buffer[..n]).is_err());
                }
                if n < buffer.len() {
                    return;
                }
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => return,
            _ => members[index] = None,
        }
    }
}

impl Member {
    /// Writes what is kept, then `bytes`.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.unsent.is_empty() {
            let taken = taken(self.stream.write(bytes))?;
            self.unsent.extend_from_slice(&bytes[taken..]);
        } else {
            self.unsent.extend_from_slice(bytes);
            let taken = taken(self.stream.write(&self.unsent))?;
            self.unsent.drain(..taken);
        }
        Ok(())
    }
}

/// How much a socket took, which may be nothing now.
fn taken(written: io::Result<usize>) -> io::Result<usize> {
    match written {
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
        written => written,
    }
}
