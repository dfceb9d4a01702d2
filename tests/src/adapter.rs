//! A service behind real sockets, on any runtime, for as long as a test lasts; and peers made by hand. Whatever waits
//! here waits at most [`PATIENCE`].

use crate::peer_stream::PeerStream;
use crate::wire::{Frame, close_body, first, frame, frames};
use async_channel::Sender;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use wharf::link::{Address, Config, Service};
use wharf_cli::runner::{Control, Listen, RunError, RuntimeKind, run_telling};

/// How long a test waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A service that runs in a thread of its own. Dropped, it is drained.
#[derive(Debug)]
pub struct Serving<C> {
    /// Where it listens first.
    pub address: Address,
    /// All that it listens on.
    pub addresses: Vec<Address>,
    control: Sender<Control<C>>,
    ended: mpsc::Receiver<Result<(), RunError>>,
}

impl<C: Send + 'static> Serving<C> {
    /// Starts it on a port that is free.
    #[must_use]
    pub fn start<S>(runtime: RuntimeKind, service: S, config: Config) -> Self
    where
        S: Service<Job: Send, Done: Send + Default, Command = C> + Send + 'static,
    {
        Self::start_at(runtime, vec![([127, 0, 0, 1], 0).into()], service, config).expect("it starts")
    }

    /// Starts it on these addresses, of which there is at least one.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start_at<S>(
        runtime: RuntimeKind,
        listen: Vec<Address>,
        service: S,
        config: Config,
    ) -> Result<Self, RunError>
    where
        S: Service<Job: Send, Done: Send + Default, Command = C> + Send + 'static,
    {
        let (control, controls) = async_channel::bounded(16);
        let (tell, told) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let count = listen.len();
        let listen: Vec<Listen> = listen.into_iter().map(Listen::from).collect();
        thread::spawn(move || {
            // It says nothing to a test that has ended before.
            let listening = |address: &Address| drop(tell.send(address.clone()));
            let ran = run_telling(runtime, &listen, service, &Arc::new(config), &controls, listening);
            let _ = end.send(ran);
            drop(tell);
        });
        let mut addresses = Vec::new();
        while addresses.len() < count {
            match told.recv_timeout(PATIENCE) {
                Ok(address) => addresses.push(address),
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it does not listen"),
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    let ran = ended.recv_timeout(PATIENCE).expect("it says why");
                    return Err(ran.expect_err("it runs on"));
                }
            }
        }
        Ok(Self { address: addresses[0].clone(), addresses, control, ended })
    }

    /// A command for the service.
    pub fn command(&self, command: C) {
        self.control.try_send(Control::Command(command)).expect("it takes commands");
    }

    /// Begins the drain.
    pub fn drain(&self) {
        self.control.try_send(Control::Drain).expect("it takes commands");
    }

    /// Waits for the end that [`drain`](Self::drain) began.
    pub fn wait(self) {
        self.ended.recv_timeout(PATIENCE).expect("it ends in time").expect("it ran");
    }
}

impl<C> Drop for Serving<C> {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.control.try_send(Control::Drain);
    }
}

/// A client made by hand, that does nothing on its own.
#[derive(Debug)]
pub struct Peer {
    /// Its stream.
    pub stream: PeerStream,
    unread: Vec<u8>,
}

impl Peer {
    /// Connects and says nothing.
    #[must_use]
    pub fn connect(address: impl Into<Address>) -> Self {
        Self::over(PeerStream::connect(&address.into()).expect("it accepts"))
    }

    /// Speaks over a stream that was made otherwise.
    #[must_use]
    pub fn over(stream: PeerStream) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// Connects and opens a WebSocket.
    #[must_use]
    pub fn open(address: impl Into<Address>) -> Self {
        let mut peer = Self::connect(address);
        peer.ask("/", true);
        let head = peer.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        peer
    }

    /// Asks for a WebSocket where it may be turned away at the door; whether it was taken.
    #[must_use]
    pub fn is_taken(mut self) -> bool {
        // One that is turned away may be gone before it has asked.
        let _ = self.stream.write_all(request("/", true).as_bytes());
        self.end();
        self.rest().starts_with(b"HTTP/1.1 101 ")
    }

    /// Sends a request.
    pub fn ask(&mut self, target: &str, websocket: bool) {
        self.write(request(target, websocket).as_bytes());
    }

    /// Writes.
    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("it reads");
    }

    /// Sends a masked frame.
    pub fn send(&mut self, first: u8, payload: &[u8]) {
        self.write(&frame(first, payload, Some([7, 1, 4, 2])));
    }

    /// Sends a masked frame to one that may have ended already.
    pub fn try_send(&mut self, first: u8, payload: &[u8]) {
        let _ = self.stream.write_all(&frame(first, payload, Some([7, 1, 4, 2])));
    }

    /// Sends a Close frame.
    pub fn close(&mut self, code: u16) {
        self.send(first::CLOSE, &close_body(code, b""));
    }

    /// Reads the head of an answer.
    pub fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.unread.drain(..end + 4).collect();
                return String::from_utf8(head).expect("a head of text");
            }
            assert!(self.more(), "no head: {}", self.unread.escape_ascii());
        }
    }

    /// Reads an answer with its body: the status, and the body.
    pub fn answer(&mut self) -> (u16, String) {
        let head = self.head().to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let length = length.map_or(0, |length| length.parse().expect("a length"));
        while self.unread.len() < length {
            assert!(self.more(), "half a body");
        }
        (status, String::from_utf8_lossy(&self.unread.drain(..length).collect::<Vec<u8>>()).into_owned())
    }

    /// Reads a frame; `None` at the end of the stream, or where it is reset.
    pub fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = frames(&self.unread).into_iter().next() {
                let wide = [0, 2, 8][usize::from(self.unread[1].saturating_sub(125))];
                self.unread.drain(..2 + wide + frame.payload.len());
                return Some(frame);
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// Reads the Close frame that is next, and returns its code.
    pub fn closed(&mut self) -> u16 {
        let frame = self.frame().expect("a Close frame");
        assert_eq!(frame.first, first::CLOSE, "{frame:?}");
        u16::from_be_bytes([frame.payload[0], frame.payload[1]])
    }

    /// Reads to the end and then ends its own sending too; what came before the end.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        self.end();
        std::mem::take(&mut self.unread)
    }

    /// Resets the connection.
    pub fn reset(self) {
        self.stream.reset();
    }

    /// Ends its own sending.
    pub fn end(&mut self) {
        // One that is reset already has ended.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads once; whether something came. A reset is an end.
    fn more(&mut self) -> bool {
        let mut buffer = [0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(n) => {
                self.unread.extend_from_slice(&buffer[..n]);
                n > 0
            }
            Err(e) if e.kind() == ErrorKind::ConnectionReset => false,
            Err(e) => panic!("nothing came: {e}"),
        }
    }
}

fn request(target: &str, websocket: bool) -> String {
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", if websocket { upgrade } else { "" })
}
