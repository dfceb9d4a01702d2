//! The engine in a loop of one's own, on `poll(2)`: many connections, one thread, non-blocking sockets. All that an
//! adapter has to do stands here, without a hub: read, feed, write, shut down, sleep until the next deadline.
//!
//! `cargo run -p wharf-tests --example poll_loop` listens on 127.0.0.1:9001 and echoes.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wharf::base::{End, Input, Instant, Scratch, Shutdown, Wall};
use wharf::link::{Config, Event, Link};

fn main() -> io::Result<()> {
    serve(&TcpListener::bind("127.0.0.1:9001")?, &Arc::default())
}

/// Echoes for ever.
pub(crate) fn serve(listener: &TcpListener, config: &Arc<Config>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    // The core reads no clock: the loop does, once a turn.
    let start = std::time::Instant::now();
    let mut peers: Vec<Peer> = Vec::new();
    // What is read into and written from serves all: an idle connection owns nothing of it.
    let (mut buffers, mut scratch) = (Buffers::default(), Scratch::new());
    loop {
        let ready = wait(listener, &peers, Instant::ORIGIN + start.elapsed())?;
        let now = Instant::ORIGIN + start.elapsed();
        for (peer, ready) in peers.iter_mut().zip(&ready[1..]) {
            let due = peer.link.poll_timeout().is_some_and(|at| at <= now);
            if due || !ready.is_empty() {
                peer.link.lend(&mut scratch);
                peer.turn(now, &mut buffers);
                peer.link.reclaim(&mut scratch);
            }
        }
        peers.retain(|peer| !peer.over);
        if !ready[0].is_empty() {
            accept(listener, now, config, &mut peers)?;
        }
    }
}

/// Sleeps until a socket is ready or a deadline has come; what each is ready for, the listener's first.
fn wait(listener: &TcpListener, peers: &[Peer], now: Instant) -> io::Result<Vec<PollFlags>> {
    let mut fds = vec![PollFd::new(listener, PollFlags::IN)];
    fds.extend(peers.iter().map(|peer| PollFd::new(&peer.stream, peer.interest())));
    // A heap of deadlines would spare thousands of connections this walk; the hub has one.
    let due = peers.iter().filter_map(|peer| peer.link.poll_timeout()).min();
    let timeout = due.and_then(|due| Timespec::try_from(due - now).ok());
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(fds.iter().map(PollFd::revents).collect()),
        Err(e) => Err(e.into()),
    }
}

fn accept(
    listener: &TcpListener,
    now: Instant,
    config: &Arc<Config>,
    peers: &mut Vec<Peer>,
) -> io::Result<()> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall = Wall::from_millis(since.as_millis() as u64);
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                let link = Link::server(now, wall, config);
                peers.push(Peer::new(stream, link));
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
            // A server that means to stay pauses and tries again.
            Err(e) => return Err(e),
        }
    }
}

/// One of them for all connections of a thread.
pub(crate) struct Buffers {
    read: Box<[u8]>,
    /// What TLS made of it.
    plain: Vec<u8>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self { read: vec![0; 64 * 1024].into(), plain: Vec::new() }
    }
}

pub(crate) struct Peer {
    stream: TcpStream,
    pub(crate) link: Link,
    /// What the link did not take: it wants to get rid of output before it reads on, or is paused.
    pub(crate) unread: Vec<u8>,
    over: bool,
}

impl Peer {
    pub(crate) fn new(stream: TcpStream, link: Link) -> Self {
        Self { stream, link, unread: Vec::new(), over: false }
    }

    /// Asking for no more than the link wants is what makes TCP slow the peer down.
    fn interest(&self) -> PollFlags {
        let wants = self.link.wants();
        let mut interest = PollFlags::empty();
        interest.set(PollFlags::IN, wants.read && self.unread.is_empty());
        interest.set(PollFlags::OUT, wants.write);
        interest
    }

    /// One read, and all that comes of it. For whatever was done to the link, too, such as `resume`.
    pub(crate) fn turn(&mut self, now: Instant, buffers: &mut Buffers) {
        self.link.handle_timeout(now);
        // What is held comes before what is read, and whoever resumed the link need not have given it anything to write.
        if self.link.wants().read {
            self.feed_unread(now);
        }
        let mut filled = 0;
        if self.link.wants().read && self.unread.is_empty() {
            match self.stream.read(&mut buffers.read) {
                Ok(0) => self.link.receive_end(now, End::Eof),
                Ok(n) => filled = n,
                Err(e) => self.settle(now, &e, End::ReadFailed),
            }
        }
        // Off the wire, through what may lie between it and the messages: TLS, or a PROXY header.
        let mut input = self.link.input(now, &mut buffers.read[..filled], &mut buffers.plain);
        self.feed(now, &mut input);
        // Output that is gone may make room for what was left unread, and that makes output.
        while self.write(now) {
            self.feed_unread(now);
        }
        match self.link.wants().shutdown {
            Some(Shutdown::Write) => drop(self.stream.shutdown(std::net::Shutdown::Write)),
            Some(Shutdown::Both) => self.over = true,
            Some(Shutdown::Abort) => {
                // Closing a socket that lingers for no time resets it.
                let _ = rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
                self.over = true;
            }
            None => {}
        }
    }

    /// What was held has been through `Link::input`.
    fn feed_unread(&mut self, now: Instant) {
        let mut unread = std::mem::take(&mut self.unread);
        self.feed(now, &mut Input::new(&mut unread));
    }

    /// Takes all events that `input` and what was done before bring about; it may be empty.
    fn feed(&mut self, now: Instant, input: &mut Input<'_>) {
        while let Some(event) = self.link.receive(now, input) {
            match event {
                // Only a WebSocket's request can be accepted; `respond` would answer any other.
                Event::Request(_) => drop(self.link.accept(now, &Default::default())),
                // The message borrows the input and not the link, so that it goes out without a copy between. It cannot
                // be refused for want of room: the link takes no input while its output is congested.
                Event::Message(message) => drop(self.link.send(now, message)),
                _ => {}
            }
        }
        self.unread.extend_from_slice(input.as_slice());
    }

    /// Writes what the socket takes; whether that was anything.
    fn write(&mut self, now: Instant) -> bool {
        if !self.link.wants().write {
            return false;
        }
        let mut output = self.link.output(now);
        let mut slices = [&[][..]; 16];
        let filled = output.slices(&mut slices);
        match self.stream.write_vectored(&slices.map(IoSlice::new)[..filled]) {
            Ok(n) => {
                output.advance(n);
                n > 0
            }
            Err(e) => {
                self.settle(now, &e, End::WriteFailed);
                false
            }
        }
    }

    fn settle(&mut self, now: Instant, error: &io::Error, other: End) {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::Interrupted => {}
            ErrorKind::ConnectionReset => self.link.receive_end(now, End::Reset),
            _ => self.link.receive_end(now, other),
        }
    }
}
