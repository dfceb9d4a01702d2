//! What a first try at typed frames gets wrong, each with a test that fails where it comes back.

use super::*;
use crate::base::{Cause, Kind, SendError, Violation};
use crate::framed::{Header, Lines, Typed};
use core::sync::atomic::{AtomicUsize, Ordering};
use std::vec;

fn cause<C: Codec>(codec: C, config: Config, bytes: &[u8]) -> Cause {
    closed(feed(&mut open(codec, config), START, bytes)).cause
}

#[test]
fn length_0_does_not_desynchronise() {
    let bytes = [&b"\0\0\0\x02\x02!"[..], b"\0\0\0\0", b"\0\0\0\x02\x02?"].concat();
    for size in 1..bytes.len() {
        let mut connection = open(Typed, Config::default());
        let mut got: Vec<Got> =
            bytes.chunks(size).flat_map(|piece| feed(&mut connection, START, piece)).collect();
        assert_eq!(got.remove(0), Got::Message(Message::typed(2, b"!".to_vec())));
        assert_eq!(closed(got).cause, Cause::Violation(Violation::LengthZero), "in pieces of {size}");
    }
}

#[test]
fn there_is_a_maximum_and_it_holds_at_the_header() {
    let config = Config { max_message: 1000, ..Config::default() };
    let exact = [&1001_u32.to_be_bytes()[..], &[2], &[7; 1000]].concat();
    let got = feed(&mut open(Typed, config.clone()), START, &exact);
    assert_eq!(got, [Got::Message(Message::typed(2, vec![7; 1000]))]);
    for length in [1002, u32::MAX] {
        let bytes = [&length.to_be_bytes()[..], &[2]].concat();
        let big = Cause::Violation(Violation::MessageTooBig { limit: 1000 });
        assert_eq!(cause(Typed, config.clone(), &bytes), big);
    }
}

#[test]
fn a_header_reserves_nothing_and_a_large_payload_is_read_into_its_own_buffer() {
    let payload: Vec<u8> = (0..4 << 20).map(|i: u32| (i >> 3) as u8).collect();
    let bytes = [&(payload.len() as u32 + 1).to_be_bytes()[..], &[9], &payload].concat();
    for read in [1461, 65536, usize::MAX] {
        let mut connection = open(Typed, Config::default());
        let (mut rest, mut got, mut direct, mut arrived) = (&bytes[..], Vec::new(), 0, 0);
        while !rest.is_empty() {
            if let Some(space) = connection.read_space() {
                assert!(space.len() <= 2 * arrived + 4096, "{} offered after {arrived}", space.len());
                let n = space.len().min(rest.len()).min(read);
                space[..n].copy_from_slice(&rest[..n]);
                connection.handle_read(START, n);
                (direct, arrived, rest) = (direct + n, arrived + n, &rest[n..]);
                got.extend(feed(&mut connection, START, b""));
            } else {
                let n = rest.len().min(read).min(65536);
                got.extend(feed(&mut connection, START, &rest[..n]));
                (arrived, rest) = (arrived + n, &rest[n..]);
            }
        }
        assert!(got == [Got::Message(Message::typed(9, payload.clone()))]);
        assert!(direct > 3 << 20, "{direct} read directly");
        assert_eq!(connection.stats().bytes_in, bytes.len() as u64);
    }
}

/// Counts the bytes that it is shown.
#[derive(Debug)]
struct Counting<C>(C, AtomicUsize);

impl<C: Codec> Codec for Counting<C> {
    fn header(&self, bytes: &[u8]) -> Result<Header, Violation> {
        self.1.fetch_add(bytes.len(), Ordering::Relaxed);
        self.0.header(bytes)
    }

    fn end(&self, kind: Kind, payload: &[u8], end: &[u8]) -> Result<usize, Violation> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.end(kind, payload, end)
    }

    fn accepts(&self, kind: Kind) -> bool {
        self.0.accepts(kind)
    }

    fn encode_head(&self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        self.0.encode_head(kind, payload, out)
    }
}

#[test]
fn nothing_is_looked_at_again() {
    // A quarter of a million bytes, one a read: what looked at all of it each time would look at 2^35.
    let payload = vec![b'x'; 1 << 18];
    let typed = [&(payload.len() as u32 + 1).to_be_bytes()[..], &[9], &payload].concat();
    let line = [&payload[..], b"\n"].concat();
    let typed_work = work(Counting(Typed, AtomicUsize::new(0)), &typed);
    let line_work = work(Counting(Lines::new(), AtomicUsize::new(0)), &line);
    assert!(typed_work < 64 && line_work < 64, "{typed_work} and {line_work} bytes shown");
    // Many small ones that come together: each look is at a header's worth, and what is left is not moved.
    let small = b"\0\0\0\x01\x02".repeat(10_000);
    let mut connection = open(Counting(Typed, AtomicUsize::new(0)), Config::default());
    assert_eq!(feed(&mut connection, START, &small).len(), 10_000);
    assert!(connection.codec().1.load(Ordering::Relaxed) <= 10_000 * (crate::framed::MAX_HEADER + 1));
}

/// Bytes shown to the codec of one message that comes byte by byte.
fn work<C: Codec>(codec: Counting<C>, bytes: &[u8]) -> usize {
    let mut connection = open(codec, Config::default());
    let mut messages = 0;
    for byte in bytes {
        messages += feed(&mut connection, START, &[*byte]).len();
    }
    assert_eq!(messages, 1);
    connection.codec().1.load(Ordering::Relaxed)
}

#[test]
fn there_is_an_encoder() {
    for (tag, payload) in [(0, vec![]), (1, vec![0]), (255, vec![b'y'; 70_000])] {
        let mut sender = open(Typed, Config { high_mark: 1 << 20, ..Config::default() });
        sender.send(START, Message::typed(tag, payload.clone())).unwrap();
        let mut receiver = open(Typed, Config::default());
        let got = feed(&mut receiver, START, &written(&mut sender, START));
        assert_eq!(got, [Got::Message(Message::typed(tag, payload))]);
    }
}
