//! What costs no memory: an echo of a lent message, a connection at rest, a promise of much to come.

use allocation_counter::{AllocationInfo, measure};
use std::sync::Arc;
use wharf::base::{Engine, Entropy, Event, Input, Instant, Message, Scratch};
use wharf::framed::{self, Codec, Lines, Raw, Typed};
use wharf::ws::{Config, Connection, Role};
use wharf_tests::wire::{Length, first, frame, header};

const NOW: Instant = Instant::ORIGIN;

fn connection(role: Role, config: &Arc<Config>) -> Connection {
    Connection::new(NOW, role, config, Entropy::from_seed([4; 32]), &[])
}

/// A frame as a peer of `role` sends it.
fn from_peer(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, payload, (role == Role::Server).then_some([1, 2, 3, 4]))
}

/// One turn, as an adapter has it: what came is read and echoed, what is queued is written.
fn turn(connection: &mut impl Engine, scratch: &mut Scratch, bytes: &mut [u8]) {
    connection.lend(scratch);
    let mut input = Input::new(bytes);
    while let Some(event) = connection.receive(NOW, &mut input) {
        if let Event::Message(message) = event {
            connection.send(NOW, message).expect("room");
        }
    }
    let mut output = connection.output(NOW);
    let written = output.remaining();
    output.advance(written);
    connection.reclaim(scratch);
}

fn echoes(role: Role, first: u8, size: usize, a_turn: usize) -> AllocationInfo {
    let (config, mut scratch) = (Arc::new(Config::default()), Scratch::new());
    let mut connection = connection(role, &config);
    let frames = from_peer(role, first, &vec![b'w'; size]).repeat(a_turn);
    let mut buffer = frames.clone();
    turn(&mut connection, &mut scratch, &mut buffer);
    measure(|| {
        for _ in 0..10_000 / a_turn {
            buffer.copy_from_slice(&frames);
            turn(&mut connection, &mut scratch, &mut buffer);
        }
        assert_eq!(connection.stats().messages_out as usize, 10_000 + a_turn);
    })
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(std::hint::black_box(vec![1_u8]))).count_total, 1);
}

#[test]
fn an_echo_of_a_lent_message_allocates_nothing() {
    for role in [Role::Server, Role::Client] {
        for first in [first::TEXT, first::BINARY] {
            for (size, a_turn) in [(0, 1), (16, 1), (16, 100), (1024, 10), (20_000, 1)] {
                let cost = echoes(role, first, size, a_turn);
                assert_eq!(cost.count_total, 0, "{role:?}, {size} bytes, {a_turn} a turn");
            }
        }
    }
}

#[test]
fn a_connection_at_rest_owns_no_heap() {
    for role in [Role::Server, Role::Client] {
        let (config, mut scratch) = (Arc::new(Config::default()), Scratch::new());
        let masked = |first, payload: &[u8]| from_peer(role, first, payload);
        let stream = [
            masked(first::TEXT, b"whole"),
            masked(first::BINARY_BEGIN, &[1; 5000]),
            masked(first::PING, b"between"),
            masked(first::END, &[2; 70_000]),
            masked(first::PING, &[3; 125]),
        ]
        .concat();
        let run = |connection: &mut Connection, scratch: &mut Scratch| {
            for piece in stream.clone().chunks_mut(999) {
                turn(connection, scratch, piece);
            }
            connection.ping(NOW).expect("open");
            turn(connection, scratch, &mut []);
        };
        run(&mut connection(role, &config), &mut scratch);
        let mut kept = None;
        let before = scratch.capacity();
        let cost = measure(|| {
            let mut connection = connection(role, &config);
            run(&mut connection, &mut scratch);
            kept = Some(connection);
        });
        assert_eq!(scratch.capacity(), before);
        assert_eq!((cost.count_current, cost.bytes_current), (0, 0), "{role:?} keeps heap");
        assert!(kept.is_some_and(|connection| connection.stats().messages_in == 2));
    }
}

#[test]
fn a_cut_header_is_kept_inline() {
    let config = Arc::new(Config::default());
    let mut connection = connection(Role::Server, &config);
    let mut bytes = header(first::BINARY, 70_000, Some([1; 4]), Length::Shortest);
    let cost = measure(|| {
        for byte in &mut bytes[..13] {
            assert!(connection.receive(NOW, &mut Input::new(std::slice::from_mut(byte))).is_none());
        }
    });
    assert_eq!(cost.count_total, 0);
}

#[test]
fn memory_grows_with_what_came_and_not_with_what_is_claimed() {
    let config = Arc::new(Config::default());
    for (first, len) in [(first::BINARY, 16 << 20), (first::TEXT, 16 << 20), (first::BINARY_BEGIN, 1 << 20)] {
        let mut connection = connection(Role::Server, &config);
        let mut bytes = header(first, len, Some([0; 4]), Length::Shortest);
        bytes.extend([b'a'; 10_000]);
        let cost = measure(|| {
            let mut input = Input::new(&mut bytes);
            assert!(connection.receive(NOW, &mut input).is_none());
            if let Some(space) = connection.read_space() {
                assert!(space.len() <= 20_000);
            }
        });
        assert!(cost.bytes_max < 50_000, "{} bytes for 10,000", cost.bytes_max);
    }
    let mut connection = connection(Role::Server, &config);
    let empty = frame(first::BINARY_BEGIN, b"", Some([0; 4]));
    let one = frame(first::MIDDLE, b"1", Some([0; 4])).repeat(10_000);
    let mut bytes = [empty, one].concat();
    let cost = measure(|| assert!(connection.receive(NOW, &mut Input::new(&mut bytes)).is_none()));
    assert!(cost.bytes_max < 50_000, "{} bytes for 10,000 fragments of a byte", cost.bytes_max);
}

/// A message of `size` bytes as `codec` writes it; in its own kind, whichever that is.
fn framed_bytes(codec: &Arc<dyn Codec>, size: usize) -> Vec<u8> {
    let mut sender = framed::Connection::new(NOW, codec.clone(), &Arc::default());
    let (text, bytes) = ("w".repeat(size), vec![b'w'; size]);
    let sent = sender.send(NOW, Message::text(text)).or_else(|_| sender.send(NOW, Message::typed(2, bytes)));
    sent.expect("a kind that it takes");
    let mut out = Vec::new();
    sender.output(NOW).drain_into(&mut out);
    out
}

fn codecs() -> [Arc<dyn Codec>; 4] {
    [Arc::new(Typed), Arc::new(Lines::new()), Arc::new(framed::Length::default()), Arc::new(Raw)]
}

#[test]
fn a_framed_echo_of_a_lent_message_allocates_nothing() {
    for codec in codecs() {
        for (size, a_turn) in [(1, 1), (16, 100), (1024, 10), (15_000, 1)] {
            let mut connection = framed::Connection::new(NOW, codec.clone(), &Arc::default());
            let (bytes, mut scratch) = (framed_bytes(&codec, size).repeat(a_turn), Scratch::new());
            let mut buffer = bytes.clone();
            turn(&mut connection, &mut scratch, &mut buffer);
            let cost = measure(|| {
                for _ in 0..1000 {
                    buffer.copy_from_slice(&bytes);
                    turn(&mut connection, &mut scratch, &mut buffer);
                }
            });
            assert!(connection.stats().messages_out >= 1001);
            assert_eq!(cost.count_total, 0, "{codec:?}, {size} bytes, {a_turn} a turn");
        }
    }
}

#[test]
fn a_framed_connection_at_rest_owns_no_heap() {
    for codec in codecs() {
        let mut scratch = Scratch::new();
        let stream =
            [framed_bytes(&codec, 5), framed_bytes(&codec, 30_000), framed_bytes(&codec, 7)].concat();
        let run = |connection: &mut framed::Connection<Arc<dyn Codec>>, scratch: &mut Scratch| {
            for piece in stream.clone().chunks_mut(999) {
                turn(connection, scratch, piece);
            }
        };
        let config = Arc::default();
        run(&mut framed::Connection::new(NOW, codec.clone(), &config), &mut scratch);
        let mut kept = None;
        let cost = measure(|| {
            let mut connection = framed::Connection::new(NOW, codec.clone(), &config);
            run(&mut connection, &mut scratch);
            kept = Some(connection);
        });
        assert_eq!((cost.count_current, cost.bytes_current), (0, 0), "{codec:?} keeps heap");
        assert!(kept.is_some_and(|connection| connection.stats().messages_in >= 3));
    }
}

#[test]
fn a_framed_header_reserves_nothing() {
    let mut connection = framed::Connection::new(NOW, Typed, &Arc::default());
    let mut bytes = [&(16_u32 << 20).to_be_bytes()[..], &[2], &[b'a'; 10_000]].concat();
    let cost = measure(|| {
        for byte in &mut bytes[..5] {
            assert!(connection.receive(NOW, &mut Input::new(std::slice::from_mut(byte))).is_none());
        }
    });
    assert_eq!(cost.count_total, 0, "a cut header is kept inline");
    let cost = measure(|| {
        assert!(connection.receive(NOW, &mut Input::new(&mut bytes[5..])).is_none());
        assert!(connection.read_space().is_some_and(|space| space.len() <= 20_000));
    });
    assert!(cost.bytes_max < 50_000, "{} bytes for 10,000", cost.bytes_max);
}
