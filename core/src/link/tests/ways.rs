//! What lies between a link and the wire, with a link at either end: any cut of the bytes gives the same messages and
//! the same ends.

use super::{START, WALL};
use crate::base::{CloseCode, Closed, End, Entropy, Input, Instant, Message, Origin, Scratch, Shutdown};
use crate::framed::{Lines, Typed};
use crate::link::{Config, Event, Framing, Link, OpenError, Target};
use crate::proxy::{Proxies, Proxy};
use crate::tls::{ClientConfig, ServerConfig, TlsError};
use alloc::sync::Arc;
use core::time::Duration;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

/// The certificates are valid then.
pub(super) const IN_2027: crate::base::Wall = crate::base::Wall::from_millis(1_800_000_000_000);

/// One link with its driver: what it read and did not take, what became of its transport.
pub(super) struct Side {
    pub(super) link: Link,
    pub(super) held: Vec<u8>,
    pub(super) heard: Vec<Message<'static>>,
    pub(super) outcome: Option<Result<Closed, OpenError>>,
    pub(super) opened: bool,
    pub(super) echoes: bool,
    /// Its writing side is ended; the peer has read that.
    pub(super) ended: bool,
    pub(super) told: bool,
    pub(super) gone: Option<Shutdown>,
}

impl Side {
    pub(super) fn new(link: Link, echoes: bool) -> Self {
        let (heard, held) = (Vec::new(), Vec::new());
        let (opened, ended, told) = (false, false, false);
        let mut side = Self { link, held, heard, outcome: None, opened, echoes, ended, told, gone: None };
        side.hear(START);
        side
    }

    pub(super) fn receive(&mut self, now: Instant, bytes: &mut [u8]) {
        let mut plain = Vec::new();
        let fresh = self.link.input(now, bytes, &mut plain).as_slice().to_vec();
        self.held.extend_from_slice(&fresh);
        self.hear(now);
    }

    pub(super) fn hear(&mut self, now: Instant) {
        let mut held = core::mem::take(&mut self.held);
        let mut input = Input::new(&mut held);
        while let Some(event) = self.link.receive(now, &mut input) {
            match event {
                Event::Request(_) => self.link.accept(now, &Default::default()).unwrap(),
                Event::Opened(_) => self.opened = true,
                Event::Message(message) => {
                    self.heard.push(message.as_lent().into_owned());
                    if self.echoes {
                        self.link.send(now, message).unwrap();
                    }
                }
                Event::Closed(closed) => assert!(self.outcome.replace(Ok(*closed)).is_none()),
                Event::Failed(error) => assert!(self.outcome.replace(Err(*error)).is_none()),
                _ => {}
            }
        }
        self.held = input.as_slice().to_vec();
    }

    /// Writes at most `n` bytes.
    pub(super) fn write(&mut self, now: Instant, n: usize) -> Vec<u8> {
        let mut written = Vec::new();
        if self.gone.is_none() && self.link.wants().write {
            let mut scratch = Scratch::new();
            self.link.lend(&mut scratch);
            let mut output = self.link.output(now);
            assert!(!output.is_empty(), "it wants to write and has nothing");
            let mut slices: [&[u8]; 4] = [&[]; 4];
            let filled = output.slices(&mut slices);
            written = slices[..filled].concat();
            written.truncate(n);
            output.advance(written.len());
            self.link.reclaim(&mut scratch);
            self.hear(now);
        }
        match self.link.wants().shutdown {
            None => {}
            Some(Shutdown::Write) => self.ended = true,
            Some(how) => {
                self.ended = true;
                self.gone = Some(how);
            }
        }
        written
    }
}

/// Carries bytes both ways in pieces of these sizes, again and again, until nothing moves.
pub(super) fn carry(now: Instant, a: &mut Side, b: &mut Side, sizes: &[usize]) {
    let mut pipes: [Vec<u8>; 2] = Default::default();
    let mut size = sizes.iter().copied().cycle();
    for _ in 0..200_000 {
        let mut moved = false;
        for (turn, pipe) in pipes.iter_mut().enumerate() {
            let (from, to) = if turn == 0 { (&mut *a, &mut *b) } else { (&mut *b, &mut *a) };
            let written = from.write(now, size.next().unwrap());
            moved |= !written.is_empty();
            pipe.extend_from_slice(&written);
            if to.gone.is_some() {
                pipe.clear();
            }
            if to.gone.is_none() && to.link.wants().read && to.held.is_empty() && !pipe.is_empty() {
                let n = size.next().unwrap().min(pipe.len());
                let mut piece: Vec<u8> = pipe.drain(..n).collect();
                to.receive(now, &mut piece);
                moved = true;
            }
            if from.ended && pipe.is_empty() && !core::mem::replace(&mut from.told, true) {
                to.link.receive_end(now, End::Eof);
                to.hear(now);
                moved = true;
            }
        }
        if !moved {
            return;
        }
    }
    panic!("it never comes to rest");
}

fn roots() -> ClientConfig {
    ClientConfig::builder().roots_pem(include_bytes!("../../tls/testdata/root.pem")).build().unwrap()
}

fn server_tls() -> ServerConfig {
    let chain = include_bytes!("../../tls/testdata/server.pem");
    ServerConfig::from_pem(chain, include_bytes!("../../tls/testdata/server.key")).unwrap()
}

pub(super) fn configs(framing: &Framing, tls: bool) -> (Arc<Config>, Arc<Config>) {
    let (mut client, mut server) = (Config::client(), Config::default());
    client.framing = framing.clone();
    server.framing = framing.clone();
    client.client_tls = Some(roots());
    server.tls = tls.then(server_tls);
    (client.into(), server.into())
}

pub(super) fn target(framing: &Framing, tls: bool) -> Target {
    match (framing, tls) {
        (Framing::WebSocket, false) => "ws://localhost/",
        (Framing::WebSocket, true) => "wss://localhost/",
        (_, false) => "tcp://localhost:7",
        (_, true) => "tls://localhost:7",
    }
    .parse()
    .unwrap()
}

pub(super) fn pair(framing: &Framing, tls: bool) -> (Side, Side) {
    let (client, server) = configs(framing, tls);
    let entropy = Entropy::from_seed([1; 32]);
    let link = Link::client(START, IN_2027, &client, &target(framing, tls), entropy).unwrap();
    (Side::new(link, false), Side::new(Link::server(START, IN_2027, &server), true))
}

fn messages(framing: usize, lengths: &[usize]) -> Vec<Message<'static>> {
    let text = |n: usize, i: usize| char::from(b'a' + (i % 26) as u8).to_string().repeat(n);
    let of = |(i, n): (usize, &usize)| match framing {
        1 => Message::typed(i as u8, text(*n, i).into_bytes()),
        _ => Message::text(text(*n, i)),
    };
    lengths.iter().enumerate().map(of).collect()
}

pub(super) fn framings() -> [Framing; 3] {
    [Framing::WebSocket, Framing::codec(Typed), Framing::codec(Lines::new())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Law: whatever lies between, and however it is cut, the same messages and the same ends.
    #[test]
    fn any_cut_of_any_way_says_the_same(
        framing in 0_usize..3,
        tls: bool,
        lengths in prop::collection::vec(prop_oneof![0_usize..200, 16_000_usize..70_000], 1..6),
        sizes in prop::collection::vec(prop_oneof![1_usize..40, 1000_usize..100_000], 1..9),
    ) {
        let sizes: Vec<usize> = sizes.into_iter().chain([5000]).collect();
        let (mut client, mut server) = pair(&framings()[framing], tls);
        let sent = messages(framing, &lengths);
        carry(START, &mut client, &mut server, &sizes);
        prop_assert!(client.opened && server.opened);
        for message in &sent {
            client.link.send(START, message.as_lent()).unwrap();
            carry(START, &mut client, &mut server, &sizes);
        }
        prop_assert_eq!(&server.heard, &sent);
        prop_assert_eq!(&client.heard, &sent);
        client.link.close(START, CloseCode::NORMAL, "").unwrap();
        carry(START, &mut client, &mut server, &sizes);
        for (side, origin) in [(&client, Origin::Local), (&server, Origin::Remote)] {
            let closed = side.outcome.as_ref().unwrap().as_ref().unwrap();
            prop_assert!(closed.is_clean() && closed.origin == origin, "{:?}", closed);
            prop_assert!(side.gone == Some(Shutdown::Both), "{:?}", side.link.wants());
            prop_assert_eq!(side.link.poll_timeout(), None);
        }
    }
}

/// What it sends right before its close still gets its answer: only the writing side has ended.
#[test]
fn a_half_closed_client_hears_the_answer_to_its_last_words() {
    for tls in [false, true] {
        let (mut client, mut server) = pair(&framings()[1], tls);
        carry(START, &mut client, &mut server, &[99_999]);
        client.link.send(START, Message::typed(1, &b"last words"[..])).unwrap();
        client.link.close(START, CloseCode::NORMAL, "").unwrap();
        let mut said = Vec::new();
        while client.link.wants().write {
            said.extend(client.write(START, 99_999));
        }
        assert!(client.ended);
        server.receive(START, &mut said);
        carry(START, &mut client, &mut server, &[99_999]);
        assert_eq!(client.heard.len(), 1, "TLS: {tls}");
        for side in [client, server] {
            assert!(side.outcome.unwrap().unwrap().is_clean());
        }
    }
}

#[test]
fn a_truncated_session_is_abnormal() {
    for framing in framings() {
        let (mut client, mut server) = pair(&framing, true);
        carry(START, &mut client, &mut server, &[99_999]);
        server.link.receive_end(START, End::Eof);
        server.hear(START);
        let closed = server.outcome.unwrap().unwrap();
        assert_eq!((closed.origin, closed.code), (Origin::Abnormal, CloseCode::ABNORMAL));
        assert_eq!(closed.cause, End::Truncated.into());
    }
}

#[test]
fn a_port_for_plain_text_is_named() {
    let (client, _) = configs(&Framing::WebSocket, true);
    let (_, server) = configs(&Framing::WebSocket, false);
    let entropy = Entropy::from_seed([1; 32]);
    let link = Link::client(START, IN_2027, &client, &"wss://localhost/".parse().unwrap(), entropy).unwrap();
    let mut client = Side::new(link, false);
    let mut server = Side::new(Link::server(START, IN_2027, &server), true);
    carry(START, &mut client, &mut server, &[9999]);
    assert_eq!(client.outcome, Some(Err(OpenError::Tls(TlsError::NotTls))));
    assert!(client.gone.is_some());
}

#[test]
fn an_unknown_authority_is_named_at_both_ends() {
    // RFC 6455 4.1: "If this fails (e.g., the server's certificate could not be verified)"
    let (mut client, server) = configs(&Framing::WebSocket, true);
    let other = include_bytes!("../../tls/testdata/other-root.pem");
    Arc::get_mut(&mut client).unwrap().client_tls =
        Some(ClientConfig::builder().roots_pem(other).build().unwrap());
    let entropy = Entropy::from_seed([1; 32]);
    let link = Link::client(START, IN_2027, &client, &"wss://localhost/".parse().unwrap(), entropy).unwrap();
    let mut client = Side::new(link, false);
    let mut server = Side::new(Link::server(START, IN_2027, &server), true);
    carry(START, &mut client, &mut server, &[9999]);
    assert_eq!(client.outcome, Some(Err(OpenError::Tls(TlsError::UnknownAuthority))));
    let closed = server.outcome.unwrap().unwrap();
    assert_eq!(closed.cause, End::TlsFailed.into());
    assert!(closed.reason.contains("UnknownCA") || closed.reason.contains("UnknownCa"), "{}", closed.reason);
}

#[test]
fn tls_that_is_not_there_is_told_before_the_first_byte() {
    let mut config = Config::client();
    config.client_tls = None;
    let target = "wss://localhost/".parse().unwrap();
    let link = Link::client(START, WALL, &config.into(), &target, Entropy::from_seed([1; 32]));
    assert_eq!(link.err(), Some(OpenError::NoTls));
}

#[test]
fn a_silent_server_is_given_up_at_the_tls_timeout() {
    let (mut client, _) = configs(&Framing::codec(Typed), true);
    Arc::get_mut(&mut client).unwrap().tls_timeout = Some(Duration::from_secs(3));
    let target = "tls://localhost:7".parse().unwrap();
    let link = Link::client(START, IN_2027, &client, &target, Entropy::from_seed([1; 32])).unwrap();
    let mut client = Side::new(link, false);
    client.write(START, 99_999);
    let due = START + Duration::from_secs(3);
    assert_eq!(client.link.poll_timeout(), Some(due));
    client.link.handle_timeout(due);
    client.hear(due);
    assert_eq!(client.outcome, Some(Err(OpenError::TlsTimedOut)));
    assert!(matches!(client.link.wants().shutdown, Some(Shutdown::Abort | Shutdown::Both)));
    assert_eq!(client.link.poll_timeout(), None);
}

/// The last words of TLS go to a transport that takes nothing: they have the time of a close.
#[test]
fn a_goodbye_that_nobody_takes_is_given_up() {
    let (mut client, mut server) = pair(&Framing::codec(Typed), true);
    carry(START, &mut client, &mut server, &[9999]);
    client.link.close(START, CloseCode::NORMAL, "").unwrap();
    assert!(!client.link.output(START).is_empty());
    let mut now = START;
    for _ in 0..9 {
        let Some(due) = client.link.poll_timeout() else { break };
        assert!(due > now || now == START);
        now = due;
        client.link.handle_timeout(now);
        client.hear(now);
    }
    assert!(now <= START + Duration::from_secs(5));
    assert!(matches!(client.link.wants().shutdown, Some(Shutdown::Abort)), "{:?}", client.link.wants());
}

/// A transport that has failed is not written to again and again until that is given up.
#[test]
fn no_goodbye_is_said_to_a_transport_that_has_failed() {
    let (mut client, mut server) = pair(&Framing::WebSocket, true);
    for _ in 0..4 {
        let (mut bytes, mut answer) = (client.write(START, 99_999), Vec::new());
        server.link.input(START, &mut bytes, &mut Vec::new());
        server.link.output(START).drain_into(&mut answer);
        client.receive(START, &mut answer);
    }
    client.link.close(START, CloseCode::NORMAL, "").unwrap();
    assert!(client.link.wants().write && client.link.wants().shutdown.is_none(), "its goodbye is due");
    client.link.receive_end(START, End::WriteFailed);
    let wants = client.link.wants();
    assert!(!wants.write && wants.shutdown == Some(Shutdown::Both), "{wants:?}");
    assert_eq!(client.link.poll_timeout(), None);
}

/// A proxy by hand: the tunnel first, TLS and the handshake behind it, all in one read.
#[test]
fn a_tunnel_leads_to_tls_and_the_handshake() {
    for tls in [false, true] {
        let (mut config, server) = configs(&Framing::WebSocket, tls);
        let proxy = Proxy::parse("http://proxy:3128").unwrap();
        Arc::get_mut(&mut config).unwrap().proxies = Some(Proxies::all(proxy).into());
        let target = target(&Framing::WebSocket, tls);
        assert_eq!(config.hop(&target), crate::link::Hop::Host("proxy".into(), 3128));
        let link = Link::client(START, IN_2027, &config, &target, Entropy::from_seed([1; 32])).unwrap();
        let mut client = Side::new(link, false);
        let mut server = Side::new(Link::server(START, IN_2027, &server), true);
        let asked = client.write(START, 9999);
        let port = if tls { 443 } else { 80 };
        assert!(asked.starts_with(std::format!("CONNECT localhost:{port} HTTP/1.1\r\n").as_bytes()));
        assert!(client.write(START, 9999).is_empty());
        client.receive(START, &mut b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec());
        carry(START, &mut client, &mut server, &[99]);
        assert!(client.opened && server.opened);
        // Behind the tunnel there is the bare wire again, or TLS.
        assert_eq!((client.link.way.is_some(), client.link.is_secure()), (tls, tls));
        client.link.send(START, Message::text("through")).unwrap();
        carry(START, &mut client, &mut server, &[7]);
        assert_eq!(client.heard, [Message::text("through")]);
    }
}

#[test]
fn a_proxy_that_refuses_is_named() {
    // RFC 6455 4.1: "If the connection could not be opened, either because a direct connection failed"
    let (mut config, _) = configs(&Framing::WebSocket, false);
    let proxy = Proxy::parse("http://proxy:3128").unwrap();
    Arc::get_mut(&mut config).unwrap().proxies = Some(Proxies::all(proxy).into());
    let target = target(&Framing::WebSocket, false);
    for answer in ["HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "garbage\r\n\r\n"] {
        let link = Link::client(START, IN_2027, &config, &target, Entropy::from_seed([1; 32])).unwrap();
        let mut client = Side::new(link, false);
        client.write(START, 9999);
        client.receive(START, &mut answer.to_string().into_bytes());
        client.write(START, 9999);
        assert!(matches!(client.outcome, Some(Err(OpenError::Proxy(_)))), "{:?}", client.outcome);
        assert!(client.gone.is_some() && client.link.poll_timeout().is_none());
    }
    let link = Link::client(START, IN_2027, &config, &target, Entropy::from_seed([1; 32])).unwrap();
    let mut client = Side::new(link, false);
    let due = client.link.poll_timeout().unwrap();
    client.link.handle_timeout(due);
    client.hear(due);
    let error: Vec<String> = client.outcome.into_iter().map(|o| o.unwrap_err().to_string()).collect();
    assert_eq!(error, vec!["proxy: the proxy did not answer in time"]);
}
