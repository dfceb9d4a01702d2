//! The engine over plain blocking `std::net`: no loop, no runtime, one thread a connection. Both sides, since a
//! script or a test often wants no more than a client that blocks.
//!
//! `cargo run -p wharf-tests --example blocking` listens on 127.0.0.1:9001 and echoes; with a URL behind it, it sends
//! each line of its standard input there and prints the answer.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wharf::base::{CloseCode, Closed, End, Entropy, Input, Instant, Message, Shutdown, Wall};
use wharf::link::{Config, Event, Link};
use wharf::ws::handshake::ClientRequest;

fn main() -> io::Result<()> {
    let Some(url) = std::env::args().nth(1) else {
        return serve(&TcpListener::bind("127.0.0.1:9001")?, &Arc::default());
    };
    let mut socket = Socket::connect(&url)?;
    for line in io::stdin().lines() {
        socket.send(line?)?;
        println!("{:?}", socket.receive()?);
    }
    println!("{:?}", socket.close()?);
    Ok(())
}

/// Echoes for ever, each connection on a thread of its own.
pub(crate) fn serve(listener: &TcpListener, config: &Arc<Config>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let config = config.clone();
        thread::spawn(move || {
            // A connection that fails is its own business.
            let _ = Socket::accept(stream, &config).and_then(echo);
        });
    }
}

fn echo(mut socket: Socket) -> io::Result<()> {
    while let Some(message) = socket.receive()? {
        socket.send(message)?;
    }
    Ok(())
}

/// A WebSocket that blocks. A thread that waits in `send` does not read: fine for question and answer, a deadlock
/// when both sides send megabytes without reading. `poll_loop.rs` does both at once.
pub(crate) struct Socket {
    stream: TcpStream,
    link: Link,
    /// The origin of the link's time.
    start: std::time::Instant,
    /// What is read into, and what TLS makes of it.
    buffer: Box<[u8]>,
    plain: Vec<u8>,
    /// What was read and made ready, and how much of it the link has taken.
    input: Vec<u8>,
    taken: usize,
    closed: Option<Box<Closed>>,
}

impl Socket {
    /// Connects and waits until the WebSocket is open.
    pub(crate) fn connect(url: &str) -> io::Result<Self> {
        Self::connect_with(url, &Arc::default())
    }

    /// The same, by a configuration: `wss` needs one that says whom to trust.
    pub(crate) fn connect_with(url: &str, config: &Arc<Config>) -> io::Result<Self> {
        let request = ClientRequest::new(url).map_err(|e| io::Error::new(ErrorKind::InvalidInput, e))?;
        let stream = TcpStream::connect((request.url().host(), request.url().port()))?;
        // The core has no randomness of its own: masks must be unpredictable, so the seed is the system's.
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let entropy = Entropy::from_seed(seed);
        let link = Link::client(Instant::ORIGIN, wall(), config, &request.into(), entropy);
        Self::open(stream, link.map_err(io::Error::other)?)
    }

    /// Takes a stream that a listener accepted, and waits until the WebSocket is open.
    pub(crate) fn accept(stream: TcpStream, config: &Arc<Config>) -> io::Result<Self> {
        Self::open(stream, Link::server(Instant::ORIGIN, wall(), config))
    }

    fn open(stream: TcpStream, link: Link) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let buffer = vec![0; 16 * 1024].into();
        let start = std::time::Instant::now();
        let (plain, input) = (Vec::new(), Vec::new());
        let mut socket = Self { stream, link, start, buffer, plain, input, taken: 0, closed: None };
        match socket.step()? {
            Some(Step::Opened) => Ok(socket),
            _ => Err(ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Sends a message and waits until the system has all of it.
    pub(crate) fn send(&mut self, message: impl Into<Message<'static>>) -> io::Result<()> {
        self.link.send(self.now(), message.into()).map_err(io::Error::other)?;
        self.flush()
    }

    /// Waits for a message; `None` once the connection has ended.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Message<'static>>> {
        while let Some(step) = self.step()? {
            if let Step::Message(message) = step {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Closes, reads what is still on its way, and tells how it ended.
    pub(crate) fn close(mut self) -> io::Result<Box<Closed>> {
        // An error says that it is closing already, and how is about to be told.
        let _ = self.link.close(self.now(), CloseCode::NORMAL, "");
        while self.receive()?.is_some() {}
        self.closed.take().ok_or_else(|| ErrorKind::ConnectionAborted.into())
    }

    /// The heart: events while there are any, else write, else read, until the transport is to be closed.
    fn step(&mut self) -> io::Result<Option<Step>> {
        loop {
            let now = self.now();
            // However much the peer says, its deadlines strike.
            self.link.handle_timeout(now);
            let held = self.input.len();
            let mut input = Input::new(&mut self.input[self.taken..]);
            let event = self.link.receive(now, &mut input);
            self.taken = held - input.len();
            match event {
                Some(Event::Request(_)) => {
                    self.link.accept(now, &Default::default()).map_err(io::Error::other)?
                }
                Some(Event::Opened(_)) => return Ok(Some(Step::Opened)),
                // The message lies in what the next read is put into.
                Some(Event::Message(message)) => return Ok(Some(Step::Message(message.into_owned()))),
                Some(Event::Closed(closed)) => self.closed = Some(closed),
                Some(Event::Failed(error)) => return Err(io::Error::other(error)),
                Some(_) => {}
                None => {
                    self.flush()?;
                    match self.link.wants().shutdown {
                        Some(Shutdown::Write) => drop(self.stream.shutdown(std::net::Shutdown::Write)),
                        Some(_) => return Ok(None),
                        None => {}
                    }
                    self.read()?;
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.link.wants().write {
            self.stream.set_write_timeout(self.until_due())?;
            let now = self.now();
            let mut output = self.link.output(now);
            let mut slices = [&[][..]; 8];
            let filled = output.slices(&mut slices);
            match self.stream.write_vectored(&slices.map(IoSlice::new)[..filled]) {
                Ok(n) => output.advance(n),
                Err(e) => self.settle(&e, End::WriteFailed),
            }
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<()> {
        if !self.link.wants().read {
            // Nothing to write, and nothing wanted: a request is not answered, say. Its deadline is awaited, not run around in.
            self.until_due().map_or_else(thread::park, thread::park_timeout);
            return Ok(());
        }
        if self.taken < self.input.len() {
            return Ok(());
        }
        self.stream.set_read_timeout(self.until_due())?;
        match self.stream.read(&mut self.buffer) {
            Ok(0) => self.link.receive_end(self.now(), End::Eof),
            Ok(n) => {
                // Off the wire, through what may lie between it and the messages: TLS, or a PROXY header.
                let now = self.now();
                let input = self.link.input(now, &mut self.buffer[..n], &mut self.plain);
                self.input.clear();
                self.input.extend_from_slice(input.as_slice());
                self.taken = 0;
            }
            Err(e) => self.settle(&e, End::ReadFailed),
        }
        Ok(())
    }

    /// A timeout of the socket is a deadline of the link; what is not worth another try is the link's end.
    fn settle(&mut self, error: &io::Error, other: End) {
        let now = self.now();
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => self.link.handle_timeout(now),
            ErrorKind::Interrupted => {}
            ErrorKind::ConnectionReset => self.link.receive_end(now, End::Reset),
            _ => self.link.receive_end(now, other),
        }
    }

    /// How long a call may block. Never zero: std takes that for a mistake.
    fn until_due(&self) -> Option<Duration> {
        self.link.poll_timeout().map(|due| (due - self.now()).max(Duration::from_millis(1)))
    }

    fn now(&self) -> Instant {
        Instant::ORIGIN + self.start.elapsed()
    }
}

/// For certificates, and the date of an answer.
fn wall() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall::from_millis(since.as_millis() as u64)
}

/// What [`Socket::step`] came upon.
enum Step {
    Opened,
    Message(Message<'static>),
}
