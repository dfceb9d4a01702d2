//! The echo servers of other libraries say back what they hear, in order.
#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;
use wharf_benches::frames::{BINARY, TEXT, frame};
use wharf_benches::peers::PEERS;

const PATIENCE: Duration = Duration::from_secs(60);
const CLOSE: u8 = 0x88;

/// A server that runs. Dropped, it is killed.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(peer: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peer-echo"));
        command.args(["--peer", peer, "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on ").expect("the promised line").to_owned();
        Self { child, address }
    }

    /// A connection whose opening is done.
    fn connect(&self) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("an answer");
            head.extend(byte);
        }
        let head = String::from_utf8(head).expect("ASCII").to_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{head}");
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended is waited for all the same.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Messages of all sizes that matter, many behind one another, both kinds.
fn messages() -> Vec<(u8, Vec<u8>)> {
    let sizes = [16, 0, 125, 126, 1024, 65_535, 65_536, 1 << 20];
    let small = (0..300).map(|i| if i % 50 == 49 { 5000 } else { i });
    let binary = |(i, size): (usize, usize)| (BINARY, (0..size).map(|at| (at * 7 + i) as u8).collect());
    let mut all: Vec<_> = sizes.into_iter().chain(small).enumerate().map(binary).collect();
    all.insert(4, (TEXT, "häuser, 木, 🜁".repeat(10).into_bytes()));
    all.push((TEXT, b"the end".to_vec()));
    all
}

/// What `frames` are on the wire, each masked by a key of its own, and what they shall come back as.
fn on_the_wire(messages: &[(u8, Vec<u8>)]) -> (Vec<u8>, Vec<u8>) {
    let (mut sent, mut echoed) = (Vec::new(), Vec::new());
    for (i, (first, payload)) in messages.iter().enumerate() {
        sent.extend(frame(*first, payload, Some([i as u8, 0xA5, (i >> 8) as u8, 0x3C])));
        echoed.extend(frame(*first, payload, None));
    }
    (sent, echoed)
}

/// What comes back, to the same number of bytes as expected.
fn read_back(stream: &mut TcpStream, expected: &[u8]) -> Vec<u8> {
    let mut back = vec![0; expected.len()];
    stream.read_exact(&mut back).expect("all comes back");
    back
}

#[test]
fn one_at_a_time_and_all_at_once() {
    let messages = messages();
    let (sent, echoed) = on_the_wire(&messages);
    for peer in PEERS {
        let server = Server::start(peer.name);
        let mut stream = server.connect();
        for message in &messages {
            let (sent, echoed) = on_the_wire(std::slice::from_ref(message));
            stream.write_all(&sent).expect("it reads");
            assert!(read_back(&mut stream, &echoed) == echoed, "{}: {} bytes", peer.name, message.1.len());
        }
        let mut writer = stream.try_clone().expect("a socket");
        let pipelined = sent.repeat(3);
        let writing = thread::spawn(move || writer.write_all(&pipelined));
        let expected = echoed.repeat(3);
        assert!(read_back(&mut stream, &expected) == expected, "{}: pipelined", peer.name);
        writing.join().expect("no panic").expect("it reads");
    }
}

#[test]
fn what_was_said_before_a_close_comes_back_and_the_close_behind_it() {
    let (sent, echoed) = on_the_wire(&messages()[8..]);
    let sent = [sent, frame(CLOSE, &1000_u16.to_be_bytes(), Some([1; 4]))].concat();
    // The example of tokio-tungstenite loses the last message before a Close: the half that writes still holds it.
    for peer in PEERS.iter().filter(|peer| peer.name != "tokio-tungstenite") {
        let server = Server::start(peer.name);
        let mut stream = server.connect();
        stream.write_all(&sent).expect("it reads");
        assert!(read_back(&mut stream, &echoed) == echoed, "{}", peer.name);
        let mut first = [0];
        stream.read_exact(&mut first).expect("a Close");
        assert_eq!(first[0], CLOSE, "{}", peer.name);
        stream.shutdown(Shutdown::Both).expect("still there");
    }
}

#[test]
fn many_connections_at_once() {
    let (sent, echoed) = on_the_wire(&messages()[8..]);
    for peer in PEERS {
        let server = Server::start(peer.name);
        let mut streams: Vec<_> = (0..20).map(|_| server.connect()).collect();
        for stream in &mut streams {
            stream.write_all(&sent).expect("it reads");
        }
        for stream in &mut streams {
            assert!(read_back(stream, &echoed) == echoed, "{}", peer.name);
        }
    }
}
