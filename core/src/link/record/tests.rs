use super::{Recorder, ReplayError, note, replay};
use crate::base::{CloseCode, End, Engine, Entropy, Input, Instant, Kind, Message, Wall};
use crate::link::{Address, Config, Event, Forwarding, Framing, Link};
use crate::ws::{Connection, Prepared};
use alloc::sync::Arc;
use core::time::Duration;
use proptest::prelude::*;
use std::string::ToString;
use std::sync::Mutex;
use std::vec;
use std::vec::Vec;

#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) taken: Mutex<Vec<Vec<u8>>>,
    limit: usize,
}

impl Recorder for Shelf {
    fn take(&self, recording: Vec<u8>) {
        self.taken.lock().unwrap().push(recording);
    }

    fn limit(&self) -> usize {
        self.limit
    }

    fn note(&self) -> Vec<u8> {
        b"a note".to_vec()
    }
}

pub(super) fn shelf(limit: usize) -> (Arc<Shelf>, Arc<Config>) {
    let shelf = Arc::new(Shelf { taken: Mutex::default(), limit });
    let config = Config { recorder: Some(shelf.clone()), ..Config::default() };
    (shelf, Arc::new(config))
}

pub(super) const WALL: Wall = Wall::from_millis(1_700_000_000_000);

pub(super) const UPGRADE: &[u8] =
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// What is done next with a connection.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Hear(Vec<u8>),
    /// The client says something, cut where it may be.
    Say(u16, bool),
    Later(u32),
    Write(u16),
    Send(u16, u8),
    Close(u16),
    Pause(bool),
    Owe(bool),
    Wall,
    End,
    Abort,
    Fail,
}

pub(super) fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Deed::Hear),
        6 => (0..3000_u16, any::<bool>()).prop_map(|(size, cut)| Deed::Say(size, cut)),
        3 => (0..20_000_u32).prop_map(Deed::Later),
        6 => (0..5000_u16).prop_map(Deed::Write),
        4 => (0..40_000_u16, any::<u8>()).prop_map(|(size, how)| Deed::Send(size, how)),
        1 => (990..1020_u16).prop_map(Deed::Close),
        1 => any::<bool>().prop_map(Deed::Pause),
        1 => any::<bool>().prop_map(Deed::Owe),
        1 => Just(Deed::Wall),
        1 => Just(Deed::End),
        1 => Just(Deed::Abort),
        1 => Just(Deed::Fail),
    ]
}

/// A server's link, and the client that it hears.
struct Run {
    link: Link,
    now: Instant,
    held: Vec<u8>,
    client: Connection,
}

impl Run {
    fn new(config: &Arc<Config>) -> Self {
        let now = Instant::from_nanos(77);
        let link = Link::server(now, WALL, config);
        let client = Connection::client(now, &config.ws, Entropy::from_seed([3; 32]));
        Self { link, now, held: Vec::new(), client }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let (mut bytes, mut plain) = (bytes.to_vec(), Vec::new());
        let input = self.link.input(self.now, &mut bytes, &mut plain);
        self.held.extend_from_slice(input.as_slice());
        let mut held = core::mem::take(&mut self.held);
        let mut input = Input::new(&mut held);
        while let Some(event) = self.link.receive(self.now, &mut input) {
            match event {
                Event::Request(request) if request.is_websocket() => {
                    let acceptance = crate::ws::handshake::Acceptance::default().header("X-A", "b");
                    self.link.accept(self.now, &acceptance).unwrap();
                }
                Event::Request(_) => {
                    self.link
                        .respond(self.now, &crate::http::Response::new(200).with("X", "y").body("ahoy"))
                        .unwrap();
                }
                Event::Message(message) => drop(self.link.send(self.now, message)),
                _ => {}
            }
        }
        self.held = input.as_slice().to_vec();
    }

    fn carry_out(&mut self, deed: &Deed) {
        let now = self.now;
        match deed {
            Deed::Hear(bytes) => self.hear(bytes),
            Deed::Say(size, cut) => {
                let _ = self.client.send(now, Message::text("x".repeat((*size).into())));
                let mut said = Vec::new();
                self.client.output(now).drain_into(&mut said);
                let at = if *cut { said.len() / 2 } else { said.len() };
                self.hear(&said[..at]);
                self.hear(&said[at..]);
            }
            Deed::Later(millis) => {
                self.now += Duration::from_millis((*millis).into());
                self.link.handle_timeout(self.now);
                self.hear(&[]);
            }
            Deed::Write(n) => self.link.output(now).advance((*n).into()),
            Deed::Send(size, how) => {
                let payload = std::vec![b'y'; usize::from(*size)];
                let _ = match how % 4 {
                    0 => self.link.send_bytes(now, Kind::Binary, payload.into()),
                    1 => self.link.send_prepared(now, &Prepared::new(Kind::Binary, payload.into()).unwrap()),
                    2 => self.link.send(now, Message::text("t".repeat((*size).into()))),
                    _ => self.link.send(now, Message::binary(payload)),
                };
            }
            Deed::Close(code) => drop(self.link.close(now, CloseCode::from(*code), "so be it")),
            Deed::Owe(owes) => self.link.owe(now, *owes),
            Deed::Pause(true) => self.link.pause(now),
            Deed::Pause(false) => self.link.resume(now),
            Deed::Wall => self.link.handle_wall(now, WALL),
            Deed::End => self.link.receive_end(now, End::Eof),
            Deed::Abort => self.link.abort(now),
            Deed::Fail => self.link.fail(now),
        }
        self.hear(&[]);
    }
}

pub(super) fn recorded(config: &Arc<Config>, shelf: &Shelf, deeds: &[Deed]) -> Vec<u8> {
    let mut run = Run::new(config);
    run.hear(UPGRADE);
    deeds.iter().for_each(|deed| run.carry_out(deed));
    drop(run);
    shelf.taken.lock().unwrap().pop().unwrap()
}

fn some() -> Vec<Deed> {
    std::vec![
        Deed::Write(9999),
        Deed::Say(300, true),
        Deed::Write(100),
        Deed::Say(5, false),
        Deed::Write(999)
    ]
}

proptest! {
    #[test]
    fn whatever_was_done_comes_out_the_same(deeds in prop::collection::vec(deed(), 0..40)) {
        let (shelf, config) = shelf(1 << 20);
        let recording = recorded(&config, &shelf, &deeds);
        let replayed = replay(&recording, &config).unwrap();
        prop_assert_eq!(&replayed.difference, &None);
        prop_assert!(replayed.is_whole && replayed.received >= UPGRADE.len() as u64);
        prop_assert!(shelf.taken.lock().unwrap().is_empty(), "a replay is not recorded");
    }

    /// Any byte that changes is found, and where it is is told.
    #[test]
    fn a_changed_byte_is_found(at in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let (shelf, config) = shelf(1 << 20);
        let mut recording = recorded(&config, &shelf, &some());
        let at = at.index(recording.len());
        recording[at] ^= change;
        match replay(&recording, &config).unwrap_err() {
            ReplayError::Foreign => prop_assert!(at < 8),
            ReplayError::Version { .. } => prop_assert!((8..10).contains(&at)),
            // A length that is too large.
            ReplayError::Truncated => {}
            ReplayError::Damaged { at: block } => prop_assert!(block <= at),
            other => prop_assert!(false, "{other}"),
        }
    }
}

#[test]
fn a_recording_that_is_cut_off_is_told() {
    let (shelf, config) = shelf(1 << 20);
    let recording = recorded(&config, &shelf, &some());
    for len in 0..recording.len() {
        let expected = if len < 8 { ReplayError::Foreign } else { ReplayError::Truncated };
        assert_eq!(replay(&recording[..len], &config), Err(expected), "{len}");
    }
    assert_eq!(note(&recording), Ok(&b"a note"[..]));
    let other = Config { retry_after: Duration::from_secs(7), ..Config::default() };
    assert_eq!(replay(&recording, &Arc::new(other)), Err(ReplayError::Config));
    assert_eq!(
        replay(&[&recording[..], b"x"].concat(), &config),
        Err(ReplayError::Damaged { at: recording.len() })
    );
}

/// A machine that does something else is found out, and the place is named.
#[test]
fn what_comes_out_otherwise_is_named() {
    let (shelf, config) = shelf(1 << 20);
    let recording = recorded(&config, &shelf, &some());
    let blocks = super::blocks::read(&recording).unwrap();
    // The first letter of the second message becomes another one, and the checksum is right.
    let mut calls = blocks[1].to_vec();
    let masked = calls.windows(3).rposition(|three| three[0] == 0x81 && three[1] == 0x85).unwrap();
    calls[masked + 6] ^= 1;
    let mut changed = super::blocks::begin();
    for block in [blocks[0], &calls, &[]] {
        super::blocks::push(&mut changed, block);
    }
    let difference = replay(&changed, &config).unwrap().difference.unwrap();
    assert_eq!(difference.what, "receive");
    assert!(difference.call > 10 && difference.written > 100, "{difference}");
    assert!(
        difference
            .to_string()
            .starts_with(&std::format!("call {} (receive) comes out otherwise", difference.call))
    );
}

#[test]
fn a_recording_has_a_bound_and_says_that_it_is_cut() {
    let (shelf, config) = shelf(2000);
    let deeds: Vec<Deed> = (0..50).flat_map(|_| some()).collect();
    let recording = recorded(&config, &shelf, &deeds);
    assert!(recording.len() < 2100, "{}", recording.len());
    let replayed = replay(&recording, &config).unwrap();
    assert!(!replayed.is_whole && replayed.difference.is_none() && replayed.calls > 10);
}

#[test]
fn framed_messages_are_recorded_too() {
    let (shelf, config) = shelf(1 << 20);
    let framing = Framing::codec(crate::framed::Lines::new());
    let config = Arc::new(Config { framing, ..Config::clone(&config) });
    let mut run = Run::new(&config);
    run.hear(b"one\ntwo\nthr");
    run.link.output(run.now).advance(5);
    run.hear(b"ee\n");
    run.link.receive_end(run.now, End::Eof);
    run.hear(&[]);
    drop(run);
    let recording = shelf.taken.lock().unwrap().pop().unwrap();
    let replayed = replay(&recording, &config).unwrap();
    assert_eq!((replayed.difference, replayed.received, replayed.written), (None, 14, 5));
}

/// What a hop says of a client is no part of what is recorded.
#[test]
fn behind_a_trusted_hop_it_is_recorded_as_anywhere() {
    let hop = Address::from((core::net::IpAddr::from([10, 0, 0, 1]), 1));
    let field: &[u8] = b"GET / HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1\r\n";
    let asked = [field, &UPGRADE[16..]].concat();
    let line: &[u8] = b"PROXY TCP4 192.0.2.1 10.0.0.9 50000 80\r\n";
    let lines = Framing::codec(crate::framed::Lines::new());
    for (framing, proxy_protocol, bytes) in [
        (Framing::WebSocket, false, asked),
        (Framing::WebSocket, true, [line, UPGRADE].concat()),
        (lines.clone(), true, [line, b"ahoy\n"].concat()),
        (Framing::WebSocket, true, line[..9].to_vec()),
        (Framing::WebSocket, true, [b"PROXY TCP5 ", UPGRADE].concat()),
        (lines, true, line[..9].to_vec()),
    ] {
        let mut forwarding = Forwarding::trusting(["10.0.0.0/8".parse().unwrap()]);
        forwarding.proxy_protocol = proxy_protocol;
        let (shelf, config) = shelf(1 << 20);
        let forwarding = Some(Arc::new(forwarding));
        let config = Arc::new(Config { framing, forwarding, ..Config::clone(&config) });
        let mut run = Run::new(&config);
        run.link = Link::accepted(run.now, WALL, &config, &hop);
        shelf.taken.lock().unwrap().clear();
        bytes.chunks(11).for_each(|piece| run.hear(piece));
        for deed in some().iter().chain([&Deed::Later(10_000), &Deed::Write(999), &Deed::End]) {
            run.carry_out(deed);
        }
        drop(run);
        let recording = shelf.taken.lock().unwrap().pop().unwrap();
        let replayed = replay(&recording, &config).unwrap();
        assert_eq!(replayed.difference, None, "{}", bytes.escape_ascii());
    }
}
