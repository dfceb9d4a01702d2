//! The driver on a stream that does what a test says.

use super::*;
use crate::runtime::Listener;
use crate::runtime::Timer;
use crate::socket::Socket;
use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use std::time::Duration;
use wharf::base::{Message, Wall};
use wharf::link::{Address, Config, Welcome};
use wharf::ws;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const PING: &[u8] = b"\x89\x81\0\0\0\0p";
const TEXT: &[u8] = b"\x81\x81\0\0\0\0m";

#[derive(Default)]
struct Wire {
    reads: VecDeque<Vec<u8>>,
    written: Vec<u8>,
    /// Bytes that it takes before it is full.
    room: usize,
    timer: Option<std::time::Instant>,
}

#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<Wire>>);

#[derive(Debug)]
pub(crate) struct Scripted;

pub(crate) struct FakeListener;

thread_local! {
    static WIRE: Fake = Fake::default();
}

/// A connect that is under way, counted.
struct Attempt;

thread_local! {
    pub(crate) static ATTEMPTS: Cell<usize> = const { Cell::new(0) };
}

impl Attempt {
    fn new() -> Self {
        ATTEMPTS.set(ATTEMPTS.get() + 1);
        Self
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        ATTEMPTS.set(ATTEMPTS.get() - 1);
    }
}

/// Lets the time pass that the timer is set to; how long that is from now, at most.
pub(crate) fn pass_timer() -> Duration {
    let wire = WIRE.with(Clone::clone);
    let (now, at) = (std::time::Instant::now(), wire.wire().timer.take().expect("a timer is set"));
    wire.wire().timer = Some(now);
    at.saturating_duration_since(now)
}

impl Fake {
    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Fake {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let Some(bytes) = self.wire().reads.pop_front() else { return Poll::Pending };
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut wire = self.wire();
        let n = slices[0].len().min(wire.room);
        wire.room -= n;
        wire.written.extend_from_slice(&slices[0][..n]);
        if n == 0 { Poll::Pending } else { Poll::Ready(Ok(n)) }
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn reset_on_drop(&mut self) {}
}

impl Timer for Fake {
    fn set(&mut self, at: std::time::Instant) {
        self.wire().timer = Some(at);
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        let at = self.wire().timer;
        if at.is_some_and(|at| at <= std::time::Instant::now()) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Listener for FakeListener {
    type Stream = Fake;

    async fn accept(&self) -> io::Result<(Fake, Address)> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Runtime for Scripted {
    type Tcp = Fake;
    type Unix = Fake;
    type TcpListener = FakeListener;
    type UnixListener = FakeListener;
    type Timer = Fake;

    fn timer() -> Fake {
        WIRE.with(Clone::clone)
    }

    fn spawn(_: impl Future<Output = ()> + Send + 'static) {}

    /// Nobody knows a name, and some never say so.
    async fn resolve(host: String, _: u16) -> io::Result<Vec<SocketAddr>> {
        if host == "silent" {
            std::future::pending::<()>().await;
        }
        Ok(Vec::new())
    }

    /// Port 1 never answers, port 2 refuses, and any other one takes us.
    async fn connect(address: SocketAddr) -> io::Result<Fake> {
        let _attempt = Attempt::new();
        match address.port() {
            1 => std::future::pending().await,
            2 => Err(io::ErrorKind::ConnectionRefused.into()),
            _ => Ok(WIRE.with(Clone::clone)),
        }
    }

    fn unix(_: UnixStream) -> io::Result<Fake> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn tcp_listener(_: TcpListener) -> io::Result<FakeListener> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn unix_listener(_: UnixListener) -> io::Result<FakeListener> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A server's socket, open, on a wire that takes all.
fn open(ws: ws::Config) -> (Socket<Scripted>, Fake) {
    open_over(ws, Carrier::Tcp, Vec::new())
}

fn open_over(
    ws: ws::Config,
    carrier: fn(Fake) -> Carrier<Scripted>,
    read: Vec<u8>,
) -> (Socket<Scripted>, Fake) {
    let mut config = Config::default();
    config.ws = Arc::new(ws);
    let (clock, wire) = (Clock::new(), WIRE.with(Clone::clone));
    wire.wire().room = usize::MAX;
    let mut link = Link::server(clock.now(), Wall::default(), &Arc::new(config));
    let mut bytes = REQUEST.to_vec();
    let mut input = Input::new(&mut bytes);
    while let Some(event) = link.receive(clock.now(), &mut input) {
        if let Event::Request(_) = event {
            link.accept(clock.now(), &Default::default()).unwrap();
        }
    }
    let mut driver = Driver::new(link, carrier(wire.clone()), clock, read);
    assert!(driver.poll_output(&mut noop()).is_ready());
    wire.wire().written.clear();
    (Socket::new(driver, Box::<Welcome>::default(), None), wire)
}

fn noop() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn poll<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut noop())
}

/// Lets time pass at once, for the socket and for the timer that it has set.
fn skip(socket: &mut Socket<Scripted>, wire: &Fake, by: Duration) {
    socket.skip(by);
    let mut wire = wire.wire();
    wire.timer = wire.timer.map(|at| at - by);
}

#[test]
fn a_send_that_nobody_takes_ends_with_the_write_deadline_and_says_so() {
    let mut ws = ws::Config::default();
    (ws.idle_timeout, ws.pong_timeout) = (Some(Duration::from_millis(10)), Some(Duration::from_secs(9)));
    ws.write_timeout = Some(Duration::from_millis(30));
    let (mut socket, wire) = open(ws);
    wire.wire().room = 0;
    socket.queue(Message::text("lost")).unwrap();
    for _ in 0..10 {
        if let Poll::Ready(out) = poll(socket.flush()) {
            assert!(matches!(out, Err(crate::Error::Closed(_))), "what was not written is not flushed");
            return;
        }
        let at = wire.wire().timer.unwrap();
        assert!(at > std::time::Instant::now(), "the timer is set to the next deadline");
        skip(&mut socket, &wire, at.saturating_duration_since(std::time::Instant::now()));
    }
    panic!("the write deadline passed unseen");
}

#[test]
fn who_only_writes_still_answers_pings_and_loses_no_message() {
    let (mut socket, wire) = open(ws::Config::default());
    wire.wire().reads.extend([TEXT.to_vec(), PING.to_vec()]);
    skip(&mut socket, &wire, Duration::from_millis(110));
    assert!(poll(socket.send("a")).is_ready());
    assert_eq!(wire.wire().written, b"\x81\x01a\x8a\x01p");
    let Poll::Ready(Some(Ok(message))) = poll(socket.next()) else { panic!("the message is lost") };
    assert_eq!(message.as_text(), Some("m"));
}

#[test]
fn pings_are_answered_while_another_future_runs() {
    let (mut socket, wire) = open(ws::Config::default());
    wire.wire().reads.push_back(PING.to_vec());
    assert!(poll(socket.drive_while(std::future::pending::<()>())).is_pending());
    assert_eq!(wire.wire().written, b"\x8a\x01p");
}

#[test]
fn messages_that_nobody_takes_stop_the_reading() {
    let (mut socket, wire) = open(ws::Config::default());
    wire.wire().reads.extend(std::iter::repeat_n(TEXT.repeat(100), 10));
    for _ in 0..5 {
        assert!(poll(socket.drive_while(std::future::pending::<()>())).is_pending());
    }
    assert_eq!(wire.wire().reads.len(), 7);
    let mut taken = 0;
    while let Poll::Ready(Some(Ok(_))) = poll(socket.next()) {
        taken += 1;
    }
    assert_eq!(taken, 1000);
}

#[test]
fn room_in_the_output_lets_waiting_commands_through() {
    let mut ws = ws::Config::default();
    (ws.high_mark, ws.low_mark) = (8, 4);
    let (mut socket, wire) = open(ws);
    let sender = socket.sender(8);
    wire.wire().room = 0;
    for _ in 0..3 {
        sender.try_send("0123456789").unwrap();
    }
    assert!(poll(socket.next()).is_pending());
    wire.wire().room = usize::MAX;
    assert!(poll(socket.next()).is_pending());
    assert_eq!(wire.wire().written.len(), 3 * 12, "nothing else would wake the socket for the rest");
}

#[test]
fn what_the_writing_half_reads_wakes_the_reading_half() {
    let (socket, wire) = open(ws::Config::default());
    let (mut reading, mut writing) = socket.split();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut next = Box::pin(reading.next());
    assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    wire.wire().reads.push_back(TEXT.to_vec());
    writing.skip(Duration::from_millis(110));
    assert!(poll(writing.send("a")).is_ready());
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    assert!(matches!(Pin::new(&mut next).poll(&mut noop()), Poll::Ready(Some(Ok(_)))));
}

#[test]
fn what_a_foreign_stream_was_read_of_already_comes_first() {
    let other = |wire| Carrier::Other(Box::new(wire));
    let (mut socket, wire) = open_over(ws::Config::default(), other, [TEXT, &TEXT[..5]].concat());
    wire.wire().reads.push_back([&TEXT[5..], PING].concat());
    for _ in 0..2 {
        let Poll::Ready(Some(Ok(message))) = poll(socket.next()) else { panic!("a message is due") };
        assert_eq!(message.as_text(), Some("m"));
    }
    assert!(poll(socket.next()).is_pending());
    assert_eq!(wire.wire().written, b"\x8a\x01p", "it writes to that stream too");
}

mod sends;
#[cfg(feature = "tls")]
mod tls;
