//! Whose address counts behind proxies, on a hub.

use super::{Hub, START, WALL, written};
use crate::base::{Closed, End, Entropy, Instant, Message};
use crate::framed::Lines;
use crate::http::{Request, Response};
use crate::link::{Config, ConnId, Context, Forwarding, Framing, Rejection, Service, Verdict};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

/// Answers each with where it comes from.
#[derive(Default)]
struct Mirror {
    said: Vec<String>,
}

impl Service for Mirror {
    type Job = ();
    type Done = ();
    type Command = ();

    fn request(&mut self, cx: &mut Context<'_>, conn: ConnId, request: &Request) -> Verdict {
        if request.is_websocket() {
            return Verdict::accept();
        }
        Verdict::Respond(Response::new(200).body(client(cx, conn)))
    }

    fn admit(&mut self, cx: &mut Context<'_>, conn: ConnId) -> Result<(), Rejection> {
        self.said.push(std::format!("asks {}", client(cx, conn)));
        Ok(())
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.said.push(std::format!("opened {}", client(cx, conn)));
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        self.said.push(std::format!("{} {}", client(cx, conn), message.as_text().unwrap_or_default()));
    }

    fn closed(&mut self, _: &mut Context<'_>, _: ConnId, _: &Closed) {
        self.said.push("closed".into());
    }
}

fn client(cx: &Context<'_>, conn: ConnId) -> String {
    cx.info(conn).unwrap().client.unwrap().to_string()
}

const HOP: &str = "10.0.0.1";
const STRANGER: &str = "203.0.113.9";
const LINE: &[u8] = b"PROXY TCP4 192.0.2.1 10.0.0.9 50000 80\r\n";

fn hub(framing: Framing, proxy_protocol: bool) -> Hub<Mirror> {
    let forwarding = Forwarding { proxy_protocol, ..Forwarding::trusting(["10.0.0.0/8".parse().unwrap()]) };
    let config = Config { framing, forwarding: Some(Arc::new(forwarding)), ..Config::default() };
    Hub::new(START, WALL, Mirror::default(), &Arc::new(config), Entropy::from_seed([1; 32]))
}

fn accept(hub: &mut Hub<Mirror>, peer: &str) -> ConnId {
    let ip: IpAddr = peer.parse().unwrap();
    let conn = hub.accept(START, (ip, 1).into()).unwrap();
    hub.receive(START, conn, &mut []);
    conn
}

fn say(hub: &mut Hub<Mirror>, conn: ConnId, bytes: &[u8]) -> String {
    hub.receive(START, conn, &mut bytes.to_vec());
    String::from_utf8_lossy(&written(hub, START, conn)).into_owned()
}

fn get(field: &str) -> Vec<u8> {
    std::format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n").into_bytes()
}

const FIELD: &str = "X-Forwarded-For: 192.0.2.1\r\n";
const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[test]
fn the_address_is_that_of_each_request_behind_a_trusted_hop() {
    let mut hub = hub(Framing::WebSocket, false);
    let conn = accept(&mut hub, HOP);
    for (field, expected) in [(FIELD, "192.0.2.1"), ("", HOP), ("Forwarded: for=192.0.2.7\r\n", "192.0.2.7")]
    {
        assert!(say(&mut hub, conn, &get(field)).ends_with(&std::format!("\r\n\r\n{expected}")), "{field}");
    }
    say(&mut hub, conn, &get(&[FIELD, UPGRADE].concat()));
    say(&mut hub, conn, b"\x81\x84\0\0\0\0ahoy");
    assert_eq!(hub.service().said, ["opened 192.0.2.1", "192.0.2.1 ahoy"], "it stays that of the request");
}

#[test]
fn an_untrusted_hop_names_nobody() {
    let mut hub = hub(Framing::WebSocket, true);
    let conn = accept(&mut hub, STRANGER);
    assert!(say(&mut hub, conn, &get(FIELD)).ends_with(STRANGER));
    let conn = accept(&mut hub, STRANGER);
    let answer = say(&mut hub, conn, &[LINE, &get("")].concat());
    assert!(answer.starts_with("HTTP/1.1 505 "), "{answer}");
    assert_eq!(hub.stats().proxy_headers_refused, 0, "none was due");
}

#[test]
fn a_proxy_header_comes_before_all_else_in_any_pieces() {
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0f\xc0\0\x02\x01\x0a\0\0\x09\xc3\x50\0\x50\x04\0\0";
    for header in [LINE, v2] {
        let bytes = [header, &get("")].concat();
        for size in [1, 2, 5, 13, 1000] {
            let mut hub = hub(Framing::WebSocket, true);
            let conn = accept(&mut hub, HOP);
            let answer: String = bytes.chunks(size).map(|piece| say(&mut hub, conn, piece)).collect();
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n192.0.2.1"), "{answer}");
        }
    }
    let mut hub = hub(Framing::WebSocket, true);
    let conn = accept(&mut hub, HOP);
    let unbelieved = [LINE, &get("X-Forwarded-For: 192.0.2.99\r\n")].concat();
    assert!(say(&mut hub, conn, &unbelieved).ends_with("192.0.2.1"), "whom it names is no hop");
}

#[test]
fn framed_messages_have_the_address_before_they_open() {
    let mut hub = hub(Framing::codec(Lines::new()), true);
    let conn = accept(&mut hub, HOP);
    assert!(hub.service().said.is_empty() && hub.wants(conn).unwrap().read, "it waits for the header");
    say(&mut hub, conn, LINE);
    say(&mut hub, conn, b"ahoy\n");
    accept(&mut hub, STRANGER);
    let expected =
        ["asks 192.0.2.1", "opened 192.0.2.1", "192.0.2.1 ahoy", "asks 203.0.113.9", "opened 203.0.113.9"];
    assert_eq!(hub.service().said, expected);
    let conn = accept(&mut hub, HOP);
    say(&mut hub, conn, b"PROXY UNKNOWN\r\nahoy\n");
    assert_eq!(hub.service().said[5..], ["asks 10.0.0.1", "opened 10.0.0.1", "10.0.0.1 ahoy"]);
}

/// Whether a connection is gone, with not a word written.
fn is_reset(hub: &mut Hub<Mirror>, now: Instant, conn: ConnId) -> bool {
    let silent = written(hub, now, conn).is_empty();
    silent && hub.wants(conn).unwrap().shutdown == Some(crate::base::Shutdown::Abort)
}

#[test]
fn a_malformed_header_ends_the_connection_and_is_counted() {
    for framing in [Framing::WebSocket, Framing::codec(Lines::new())] {
        let mut hub = hub(framing, true);
        let mut counted = 0;
        for bad in [&get("")[..], b"PROXY TCP4 x\r\n", b"\r\n\r\n\0\r\nQUIT\n\x31\0\0\0", b"\x16\x03\x01"] {
            let conn = accept(&mut hub, HOP);
            hub.receive(START, conn, &mut bad.to_vec());
            assert!(is_reset(&mut hub, START, conn));
            hub.release(START, conn);
            counted += 1;
            assert_eq!((hub.stats().proxy_headers_refused, hub.len()), (counted, 0));
        }
        let conn = accept(&mut hub, HOP);
        hub.receive(START, conn, &mut LINE[..20].to_vec());
        hub.receive_end(START, conn, End::Eof);
        assert!(is_reset(&mut hub, START, conn), "cut in the middle");
        let conn = accept(&mut hub, HOP);
        hub.receive_end(START, conn, End::Eof);
        hub.release(START, conn);
        assert_eq!(hub.stats().proxy_headers_refused, 5, "a hop may look whether somebody listens");
        assert_eq!((&hub.service().said[..], hub.handshakes()), (&[][..], 0));
    }
}

#[test]
fn a_header_that_never_comes_ends_with_the_open_timeout() {
    for framing in [Framing::WebSocket, Framing::codec(Lines::new())] {
        let mut hub = hub(framing, true);
        let conn = accept(&mut hub, HOP);
        hub.receive(START, conn, &mut LINE[..20].to_vec());
        let due = hub.poll_timeout().unwrap();
        assert_eq!(due, START + Duration::from_secs(10));
        hub.handle_timeout(due);
        assert!(is_reset(&mut hub, due, conn));
        assert_eq!(hub.stats().proxy_headers_refused, 1);
        hub.release(due, conn);
        assert!(hub.is_empty() && hub.service().said.is_empty());
    }
}

/// Whoever is turned away behind a hop has the header of the hop in front of his request, as all have.
#[test]
fn one_too_many_behind_a_trusted_hop_is_told_so_behind_its_header() {
    let mut hub = hub(Framing::WebSocket, true);
    Arc::make_mut(&mut hub.core.config).max_connections = 1;
    accept(&mut hub, HOP);
    let conn = accept(&mut hub, HOP);
    let answer: String =
        [LINE, &get(FIELD)].concat().chunks(9).map(|piece| say(&mut hub, conn, piece)).collect();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nRetry-After: 5\r\n"), "{answer}");
    hub.release(START, conn);
    let conn = accept(&mut hub, HOP);
    assert!(say(&mut hub, conn, &get(FIELD)).is_empty() && is_reset(&mut hub, START, conn), "it has none");
    hub.release(START, conn);
    let conn = accept(&mut hub, HOP);
    say(&mut hub, conn, &LINE[..9]);
    let due = START + Duration::from_secs(1);
    hub.handle_timeout(due);
    assert!(hub.wants(conn).unwrap().shutdown.is_some(), "it takes no longer than another one");
    hub.release(due, conn);
    let conn = accept(&mut hub, STRANGER);
    assert!(say(&mut hub, conn, &get("")).starts_with("HTTP/1.1 503 "));
    hub.release(due, conn);
    assert_eq!((hub.stats().admission.turned_away, hub.len(), hub.service().said.len()), (4, 1, 0));
}

/// All of its clients would share what one of them has.
#[test]
fn a_trusted_hop_is_not_held_to_the_share_of_one_address() {
    let mut hub = hub(Framing::WebSocket, false);
    Arc::make_mut(&mut hub.core.config).max_connections_per_address = Some(2);
    let conns: Vec<ConnId> = (0..5).map(|_| accept(&mut hub, HOP)).collect();
    let strangers: Vec<ConnId> = (0..2).map(|_| accept(&mut hub, STRANGER)).collect();
    let peer: IpAddr = STRANGER.parse().unwrap();
    let one_too_many = hub.accept(START, (peer, 1).into()).unwrap();
    assert_eq!(hub.refusal(one_too_many), Some(crate::link::Refused::TooManyFromAddress));
    assert_eq!(hub.stats().admission.refused_address, 1);
    // A listener with its own word on whom it trusts.
    let nobody = Arc::new(Config::default());
    let hop: IpAddr = HOP.parse().unwrap();
    let direct: Vec<ConnId> =
        (0..2).map(|_| hub.accept_as(START, (hop, 1).into(), Some(&nobody)).unwrap()).collect();
    assert!(direct.iter().all(|conn| hub.refusal(*conn).is_none()));
    let third = hub.accept_as(START, (hop, 1).into(), Some(&nobody)).unwrap();
    assert!(hub.refusal(third).is_some());
    for conn in [conns, strangers, direct, [one_too_many, third].into()].concat() {
        hub.release(START, conn);
    }
    assert!(hub.is_empty() && std::format!("{:?}", hub.core.admission).contains("addresses: {}"));
}

/// What stands before TLS is read as plain text, and what stands behind it as TLS.
#[cfg(feature = "tls")]
#[test]
fn a_proxy_header_comes_before_tls() {
    use super::ways::{IN_2027, configs, target};
    use crate::link::Link;
    for framing in [Framing::WebSocket, Framing::codec(Lines::new())] {
        let forwarding = Forwarding {
            proxy_protocol: true,
            ..Forwarding::trusting([HOP.parse::<IpAddr>().unwrap().into()])
        };
        let (client, mut server) = configs(&framing, true);
        Arc::make_mut(&mut server).forwarding = Some(Arc::new(forwarding));
        let entropy = Entropy::from_seed([1; 32]);
        let mut hub = Hub::new(START, IN_2027, Mirror::default(), &server, entropy.clone());
        let conn = accept(&mut hub, HOP);
        let mut link = Link::client(START, IN_2027, &client, &target(&framing, true), entropy).unwrap();
        hub.receive(START, conn, &mut LINE.to_vec());
        for _ in 0..8 {
            let mut up = Vec::new();
            link.output(START).drain_into(&mut up);
            up.chunks_mut(7).for_each(|piece| hub.receive(START, conn, piece));
            let mut plain = Vec::new();
            let mut down = written(&mut hub, START, conn);
            let mut input = link.input(START, &mut down, &mut plain);
            while link.receive(START, &mut input).is_some() {}
        }
        assert_eq!(hub.service().said.last().unwrap(), "opened 192.0.2.1");
    }
}
