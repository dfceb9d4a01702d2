//! Feeds an engine one kind of work N times, for a tool that counts instructions:
//! `valgrind --tool=callgrind target/release/examples/engine_counts receive-binary 1024 1000`.
//!
//! Counts of two Ns, subtracted, leave the work itself. Frames come as a read would bring them: a batch is copied
//! into the read buffer, then taken frame by frame.

use std::hint::black_box;
use std::sync::Arc;
use wharf::base::{Engine, Entropy, Event, Input, Instant, Message, Scratch, Wall};
use wharf::link::{self, Link};
use wharf::ws::{Config, Connection};

const BATCH: usize = 16;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [work, size, times] = &args[..] else {
        eprintln!(
            "usage: engine_counts receive-binary|receive-text|send-server|send-client|open-server SIZE TIMES"
        );
        std::process::exit(2);
    };
    let (size, times) = (size.parse().expect("SIZE"), times.parse().expect("TIMES"));
    match work.as_str() {
        "receive-binary" => receive(&Message::binary(vec![7; size]), times),
        "receive-text" => {
            receive(&Message::text("né€🦀".repeat(size / 10 + 1)[..size / 10 * 10].to_owned()), times)
        }
        "send-server" => send(Connection::server(Instant::ORIGIN, &Arc::default()), size, times),
        "send-client" => {
            send(
                Connection::client(Instant::ORIGIN, &Arc::default(), Entropy::from_seed([1; 32])),
                size,
                times,
            );
        }
        "open-server" => open(times),
        _ => panic!("no such work: {work}"),
    }
}

fn receive(message: &Message<'static>, times: usize) {
    let config = Arc::new(Config::default());
    let mut client = Connection::client(Instant::ORIGIN, &config, Entropy::from_seed([1; 32]));
    let mut wire = Vec::new();
    for _ in 0..BATCH {
        client.send(Instant::ORIGIN, message.as_lent()).expect("room");
        client.output(Instant::ORIGIN).drain_into(&mut wire);
    }
    let mut server = Connection::server(Instant::ORIGIN, &config);
    let mut buffer = vec![0; wire.len()];
    let mut taken = 0;
    for i in 0..times / BATCH {
        // Frame by frame: a large copy is one instruction a byte to callgrind, and would drown what is counted.
        let frame = wire.len() / BATCH;
        for (to, from) in buffer.chunks_mut(frame).zip(black_box(&wire).chunks(frame)) {
            to.copy_from_slice(from);
        }
        let mut input = Input::new(&mut buffer);
        while let Some(event) = server.receive(Instant::from_nanos(i as u64), &mut input) {
            if let Event::Message(message) = black_box(event) {
                taken += message.payload().len();
            }
        }
    }
    assert_eq!(taken, times / BATCH * BATCH * message.payload().len());
}

fn send(mut connection: Connection, size: usize, times: usize) {
    let payload = vec![7; size];
    let mut scratch = Scratch::new();
    for i in 0..times / BATCH {
        let now = Instant::from_nanos(i as u64);
        connection.lend(&mut scratch);
        let payload = black_box(&payload[..]);
        for _ in 0..BATCH {
            connection.send(now, Message::binary(payload)).expect("room");
        }
        let mut output = connection.output(now);
        let mut slices: [&[u8]; 4] = [&[]; 4];
        let filled = output.slices(&mut slices);
        let written = slices[..filled].iter().map(|s| black_box(s).len()).sum();
        output.advance(written);
        connection.reclaim(&mut scratch);
    }
}

/// A whole connection from its request to its answer.
fn open(times: usize) {
    let request = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let (config, mut scratch, mut buffer) = (Arc::default(), Scratch::new(), request.to_vec());
    for i in 0..times {
        let now = Instant::from_nanos(i as u64);
        buffer.copy_from_slice(black_box(request));
        let mut link = Link::server(now, Wall::default(), &config);
        link.lend(&mut scratch);
        let mut input = Input::new(&mut buffer);
        while let Some(event) = link.receive(now, &mut input) {
            match event {
                link::Event::Request(_) => link.accept(now, &Default::default()).expect("an offer"),
                event => assert!(matches!(event, link::Event::Opened(_))),
            }
        }
        let mut output = link.output(now);
        let mut slices: [&[u8]; 4] = [&[]; 4];
        let filled = output.slices(&mut slices);
        let written = slices[..filled].iter().map(|s| black_box(s).len()).sum();
        assert!(written > 100);
        output.advance(written);
        link.reclaim(&mut scratch);
    }
}
