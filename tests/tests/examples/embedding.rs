//! The examples of embedding do what they say: each is included as it stands, served on a port of its own, and
//! talked to by the client of the blocking one.

#[allow(dead_code)]
#[path = "../../examples/blocking.rs"]
mod blocking;
#[allow(dead_code)]
#[path = "../../examples/foreign_mio_loop.rs"]
mod foreign_mio_loop;
#[allow(dead_code)]
#[path = "../../examples/handler_test.rs"]
mod handler_test;
#[allow(dead_code)]
#[path = "../../examples/poll_loop.rs"]
mod poll_loop;

use blocking::Socket;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use wharf::base::{Cause, CloseCode, End, Input, Instant, Message, Wall};
use wharf::link::{Config, Event, Link};
use wharf_tests::certificates;

/// The request of a WebSocket.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

type Serve = fn(&TcpListener, &Arc<Config>) -> std::io::Result<()>;

/// Serves until the tests are over.
fn start(serve: Serve, config: Config) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || serve(&listener, &config.into()).unwrap());
    address
}

/// Deadlines so short that a test can wait for them.
fn impatient() -> Config {
    let short = Duration::from_millis(30);
    let mut ws = wharf::ws::Config::default();
    (ws.idle_timeout, ws.close_timeout) = (Some(short), short);
    let mut http = wharf::http::Config::default();
    (http.open_timeout, http.close_timeout, http.answer_timeout) = (short, short, short);
    let mut config = Config::default();
    (config.ws, config.http) = (ws.into(), http.into());
    config
}

/// Several connections at once, messages of all sizes, and a close that both sides agree on.
fn echoes(serve: Serve) {
    let address = start(serve, Config::default());
    let mut sockets: Vec<Socket> =
        (0..5).map(|_| Socket::connect(&format!("ws://{address}/")).unwrap()).collect();
    for round in 0..10 {
        for (i, socket) in sockets.iter_mut().enumerate() {
            socket.send(format!("{i} {round}")).unwrap();
        }
        for (i, socket) in sockets.iter_mut().enumerate() {
            assert_eq!(socket.receive().unwrap(), Some(Message::text(format!("{i} {round}"))));
        }
    }
    for len in [0, 125, 126, 65_535, 65_536, 1 << 20] {
        let payload: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
        sockets[0].send(payload.clone()).unwrap();
        assert_eq!(sockets[0].receive().unwrap(), Some(Message::binary(payload)), "{len} bytes");
    }
    for socket in sockets {
        let closed = socket.close().unwrap();
        assert!(closed.is_clean() && closed.code == CloseCode::NORMAL, "{closed:?}");
    }
}

/// More in one go than the echo may queue: what it leaves unread is not lost.
fn survives_a_flood(serve: Serve) {
    const MESSAGES: usize = 20_000;
    let mut ws = wharf::ws::Config::default();
    (ws.high_mark, ws.low_mark, ws.max_message, ws.queue_limit) = (2000, 500, 1000, 0);
    let mut config = Config::default();
    config.ws = ws.into();
    let mut stream = open(start(serve, config));
    let mut reader = stream.try_clone().unwrap();
    let writer = thread::spawn(move || {
        let mut frames = Vec::new();
        for i in 0..MESSAGES {
            // A binary frame of 100 bytes under a mask of zeros.
            frames.extend_from_slice(&[0x82, 0x80 | 100, 0, 0, 0, 0]);
            frames.extend_from_slice(&[i as u8; 100]);
        }
        stream.write_all(&frames).unwrap();
        stream
    });
    let mut frame = [0; 102];
    for i in 0..MESSAGES {
        reader.read_exact(&mut frame).unwrap();
        assert_eq!((frame[..2].to_vec(), frame[101]), (vec![0x82, 100], i as u8));
    }
    writer.join().unwrap();
}

/// A peer that never answers a ping, and one that never asks for anything, are gone at their deadlines.
fn ends_the_silent(serve: Serve) {
    let address = start(serve, impatient());
    assert!(rest(&mut open(address)).starts_with(&[0x89]), "a ping, and then the end");
    let mut mute = TcpStream::connect(address).unwrap();
    let answer = rest(&mut mute);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408 "), "{}", answer.escape_ascii());
}

/// Bytes off the wire are made ready before they are received.
fn echoes_over_tls(serve: Serve) {
    let (mut server, mut client) = (Config::default(), Config::default());
    server.tls = Some(certificates::serving().build().unwrap());
    client.client_tls = Some(certificates::trusting().build().unwrap());
    let url = format!("wss://{}/", start(serve, server));
    let mut socket = Socket::connect_with(&url, &client.into()).unwrap();
    for len in [0, 125, 16_384, 65_536, 1 << 20] {
        let payload: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
        socket.send(payload.clone()).unwrap();
        assert_eq!(socket.receive().unwrap(), Some(Message::binary(payload)), "{len} bytes");
    }
    assert!(socket.close().unwrap().is_clean());
}

/// Requests that nobody answers, one behind the other: what is left unread neither spins the loop nor hides the deadline.
fn ends_what_is_not_answered(serve: Serve) {
    let mut asking = TcpStream::connect(start(serve, impatient())).unwrap();
    asking.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    asking.write_all(&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2)).unwrap();
    let answer = rest(&mut asking);
    assert!(answer.starts_with(b"HTTP/1.1 500 "), "{}", answer.escape_ascii());
}

/// A WebSocket by hand, so that nothing is answered that the test does not answer.
fn open(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(REQUEST).unwrap();
    read_head(&mut stream);
    stream
}

/// The answer to a request that was accepted.
fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", head.escape_ascii());
}

/// All that comes until the connection ends, by a reset too.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

#[test]
fn poll_loop_echoes() {
    echoes(poll_loop::serve);
}

#[test]
fn poll_loop_survives_a_flood() {
    survives_a_flood(poll_loop::serve);
}

#[test]
fn poll_loop_ends_the_silent() {
    ends_the_silent(poll_loop::serve);
}

#[test]
fn poll_loop_echoes_over_tls() {
    echoes_over_tls(poll_loop::serve);
}

#[test]
fn poll_loop_ends_what_is_not_answered() {
    ends_what_is_not_answered(poll_loop::serve);
}

/// One connection of the loop, open, and the other end of it.
fn peer_of_the_poll_loop(buffers: &mut poll_loop::Buffers) -> (poll_loop::Peer, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let near = listener.accept().unwrap().0;
    far.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    far.write_all(REQUEST).unwrap();
    let link = Link::server(Instant::ORIGIN, Wall::default(), &Arc::default());
    let mut peer = poll_loop::Peer::new(near.try_clone().unwrap(), link);
    // It blocks until the request is there, and from here on it does not.
    peer.turn(Instant::ORIGIN, buffers);
    near.set_nonblocking(true).unwrap();
    read_head(&mut far);
    (peer, near, far)
}

#[test]
fn poll_loop_takes_what_it_held_once_it_is_resumed_with_nothing_to_write() {
    let mut buffers = poll_loop::Buffers::default();
    let (mut peer, _near, mut far) = peer_of_the_poll_loop(&mut buffers);
    let now = Instant::ORIGIN;
    peer.link.pause(now);
    peer.unread = b"\x81\x84\0\0\0\0held".to_vec();
    peer.turn(now, &mut buffers);
    assert_eq!(peer.unread.len(), 10);
    peer.link.resume(now);
    assert!(!peer.link.wants().write);
    peer.turn(now, &mut buffers);
    assert!(peer.unread.is_empty());
    let mut frame = [0; 6];
    far.read_exact(&mut frame).unwrap();
    assert_eq!(&frame, b"\x81\x04held");
}

#[test]
fn poll_loop_tells_a_failure_to_write_as_one() {
    let mut buffers = poll_loop::Buffers::default();
    let (mut peer, near, _far) = peer_of_the_poll_loop(&mut buffers);
    near.shutdown(std::net::Shutdown::Write).unwrap();
    peer.link.send(Instant::ORIGIN, Message::text("ahoy")).unwrap();
    peer.turn(Instant::ORIGIN, &mut buffers);
    let event = peer.link.receive(Instant::ORIGIN, &mut Input::default());
    let Some(Event::Closed(closed)) = event else { panic!("{event:?}") };
    assert_eq!(closed.cause, Cause::Transport(End::WriteFailed));
}

#[test]
fn blocking_echoes_over_tls() {
    echoes_over_tls(blocking::serve);
}

#[test]
fn blocking_ends_what_is_not_answered() {
    ends_what_is_not_answered(blocking::serve);
}

#[test]
fn blocking_echoes() {
    echoes(blocking::serve);
}

#[test]
fn blocking_survives_a_flood() {
    survives_a_flood(blocking::serve);
}

#[test]
fn blocking_ends_the_silent() {
    ends_the_silent(blocking::serve);
}

/// The application's loop, when nothing but its guest matters.
fn foreign_mio_loop(listener: &TcpListener, config: &Arc<Config>) -> std::io::Result<()> {
    let readings = UdpSocket::bind("127.0.0.1:0")?;
    foreign_mio_loop::serve(listener.try_clone()?, readings, Duration::from_secs(3600), config)
}

#[test]
fn foreign_mio_loop_echoes() {
    echoes(foreign_mio_loop);
}

#[test]
fn foreign_mio_loop_survives_a_flood() {
    survives_a_flood(foreign_mio_loop);
}

#[test]
fn foreign_mio_loop_ends_the_silent() {
    ends_the_silent(foreign_mio_loop);
}

#[test]
fn foreign_mio_loop_has_a_socket_and_a_timer_of_its_own() {
    let (listener, readings) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let (address, thermometer) = (listener.local_addr().unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    thermometer.connect(readings.local_addr().unwrap()).unwrap();
    let beat = Duration::from_millis(20);
    thread::spawn(move || foreign_mio_loop::serve(listener, readings, beat, &Arc::default()).unwrap());

    let mut watchers: Vec<Socket> =
        (0..3).map(|_| Socket::connect(&format!("ws://{address}/")).unwrap()).collect();
    thermometer.send(b"21.5").unwrap();
    for watcher in &mut watchers {
        until(watcher, |text| text == "21.5");
        until(watcher, |text| text.starts_with("beat "));
    }
    let mut late = Socket::connect(&format!("ws://{address}/")).unwrap();
    assert_eq!(late.receive().unwrap(), Some(Message::text("21.5")));
    let mut curl = TcpStream::connect(address).unwrap();
    curl.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    assert!(rest(&mut curl).ends_with(b"\r\n\r\n21.5"));
}

/// Receives until a text is as wanted.
fn until(socket: &mut Socket, wanted: impl Fn(&str) -> bool) {
    while let Some(message) = socket.receive().unwrap() {
        if message.as_text().is_some_and(&wanted) {
            return;
        }
    }
    panic!("it ended");
}
