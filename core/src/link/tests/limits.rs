use super::*;
use crate::link::Refused;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

fn tcp(ip: &str) -> Address {
    Address::from(SocketAddr::new(ip.parse::<IpAddr>().unwrap(), 1))
}

fn nobody() -> Address {
    Address::Unix(String::new())
}

/// Closed without an answer, as most are that have no HTTP to be answered by.
fn strict(max_connections: usize) -> Config {
    let mut config = Config::default();
    (config.max_connections, config.max_refusals) = (max_connections, 0);
    config
}

#[test]
fn no_connection_limit() {
    let mut hub = hub(strict(3));
    let conns: Vec<ConnId> = (0..3).map(|_| hub.accept(START, nobody()).unwrap()).collect();
    for _ in 0..5 {
        assert_eq!(hub.accept(START, nobody()), Err(Refused::TooMany));
    }
    hub.release(START, conns[1]);
    hub.accept(START, nobody()).unwrap();
    assert_eq!(hub.accept(START, nobody()), Err(Refused::TooMany));
    let stats = hub.stats().admission;
    assert_eq!((stats.accepted, stats.refused, stats.refused_full, hub.len()), (4, 6, 6, 3));
}

#[test]
fn an_address_has_its_share_and_a_network_of_ipv6_is_one() {
    let mut config = strict(100);
    config.max_connections_per_address = Some(2);
    let mut hub = hub(config);
    let first = hub.accept(START, tcp("192.0.2.1")).unwrap();
    hub.accept(START, tcp("::ffff:192.0.2.1")).unwrap();
    assert_eq!(hub.accept(START, tcp("192.0.2.1")), Err(Refused::TooManyFromAddress));
    hub.accept(START, tcp("192.0.2.2")).unwrap();
    hub.accept(START, tcp("2001:db8:0:1::1")).unwrap();
    hub.accept(START, tcp("2001:db8:0:1:ffff::9")).unwrap();
    assert_eq!(hub.accept(START, tcp("2001:db8:0:1:2::")), Err(Refused::TooManyFromAddress));
    hub.accept(START, tcp("2001:db8:0:2::1")).unwrap();
    // Whoever comes by a Unix socket has no address.
    for _ in 0..5 {
        hub.accept(START, nobody()).unwrap();
    }
    hub.release(START, first);
    hub.accept(START, tcp("192.0.2.1")).unwrap();
    assert_eq!(hub.accept(START, tcp("192.0.2.1")), Err(Refused::TooManyFromAddress));
    let stats = hub.stats().admission;
    assert_eq!((stats.refused, stats.refused_address), (3, 3));
    let all: Vec<ConnId> = hub.core.links.keys().map(ConnId).collect();
    for conn in all {
        hub.release(START, conn);
    }
    assert!(hub.is_empty() && std::format!("{:?}", hub.core.admission).contains("addresses: {}"));
}

/// Those that keep an answered connection for the next request are in no handshake.
#[test]
fn a_connection_between_two_requests_is_in_no_handshake() {
    let mut config = strict(100);
    config.max_handshakes = 1;
    let mut hub = hub(config);
    let reader = hub.accept(START, nobody()).unwrap();
    assert_eq!((hub.handshakes(), hub.accept(START, nobody())), (1, Err(Refused::TooManyHandshakes)));
    assert!(get(&mut hub, reader, "/a").ends_with("/a"));
    assert_eq!(hub.handshakes(), 0);
    let next = hub.accept(START, nobody()).unwrap();
    assert_eq!(hub.handshakes(), 1);
    hub.receive(START, reader, &mut b"GE".to_vec());
    assert_eq!(hub.handshakes(), 2, "it asks again");
    hub.receive(START, reader, &mut b"T /b HTTP/1.1\r\nHost: a\r\n\r\n".to_vec());
    assert_eq!(hub.handshakes(), 1);
    hub.receive(START, next, &mut b"GET /later HTTP/1.1\r\nHost: a\r\n\r\n".to_vec());
    assert_eq!(hub.handshakes(), 1, "an answer is owed");
    hub.command(START, "at last".into());
    assert_eq!((hub.handshakes(), hub.stats().admission.refused_handshakes), (0, 1));
    hub.release(START, reader);
    hub.release(START, next);
    assert_eq!((hub.handshakes(), hub.len()), (0, 0));
}

#[test]
fn one_too_many_is_told_so_where_http_is_spoken() {
    let mut config = strict(1);
    config.max_refusals = 2;
    let mut hub = hub(config);
    let _taken = Peer::connect(&mut hub);
    let (asking, silent) = (hub.accept(START, nobody()).unwrap(), hub.accept(START, nobody()).unwrap());
    assert_eq!(hub.refusal(asking), Some(Refused::TooMany));
    assert_eq!(hub.accept(START, nobody()), Err(Refused::TooMany), "those that are told are bounded too");
    let request = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    hub.receive(START, asking, &mut request.as_bytes().to_vec());
    let answer = String::from_utf8(written(&mut hub, START, asking)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nRetry-After: 5\r\n") && answer.contains("\r\nConnection: close\r\n"));
    hub.receive_end(START, asking, End::Eof);
    assert_eq!(hub.wants(asking).unwrap().shutdown, Some(Shutdown::Both));
    hub.release(START, asking);
    let due = START + Duration::from_secs(1);
    hub.handle_timeout(due);
    assert_eq!(hub.wants(silent).unwrap().shutdown, Some(Shutdown::Both));
    assert_eq!(written(&mut hub, due, silent), b"");
    hub.release(due, silent);
    assert_eq!(hub.service().log, ["opened"], "the service hears nothing of it");
    let stats = hub.stats().admission;
    assert_eq!((stats.accepted, stats.refused, stats.turned_away, hub.len()), (1, 3, 2, 1));
    // Neither kept a place of those that are told.
    hub.accept(due, nobody()).unwrap();
    hub.accept(due, nobody()).unwrap();
}

#[test]
fn one_too_many_is_not_told_in_a_framing_without_answers() {
    let framing = crate::link::Framing::codec(crate::framed::Lines::new());
    let config = Config { max_connections: 1, framing, ..Config::default() };
    let mut hub = hub(config);
    hub.accept(START, nobody()).unwrap();
    assert_eq!(hub.accept(START, nobody()), Err(Refused::TooMany));
    assert_eq!(hub.stats().admission.turned_away, 0);
}

#[test]
fn what_ends_a_connection_is_counted_by_nothing_or_twice() {
    let ws = crate::ws::Config { max_message: 100, max_frame: 100, ..Default::default() };
    let mut hub = hub(Config { ws: Arc::new(ws), ..Config::default() });
    let request = hub.accept(START, nobody()).unwrap();
    hub.receive(START, request, &mut b"GET / HTTP/1.1\r\n: \r\n\r\n".to_vec());
    let ends = |hub: &Hub<Scripted>| {
        let ends = hub.stats().ends;
        [ends.bad_requests, ends.violations, ends.past_limits, ends.timeouts, ends.lost]
    };
    assert_eq!(ends(&hub), [1, 0, 0, 0, 0]);
    for (frame, counted) in [(b"\xc2\x80", [1, 1, 0, 0, 0]), (b"\x82\xe5", [1, 2, 1, 0, 0])] {
        let peer = Peer::connect(&mut hub);
        // A frame of 101 bytes is refused by its header.
        hub.receive(START, peer.conn, &mut [&frame[..], &[0; 4]].concat());
        assert_eq!(ends(&hub), counted);
    }
    let mut polite = Peer::connect(&mut hub);
    polite.link.close(START, CloseCode::NORMAL, "").unwrap();
    polite.exchange(&mut hub, START);
    assert_eq!((ends(&hub), hub.stats().closed), ([1, 2, 1, 0, 0], 3));
    let gone = Peer::connect(&mut hub);
    hub.receive_end(START, gone.conn, End::Reset);
    assert_eq!(ends(&hub), [1, 2, 1, 0, 1]);
    hub.accept(START, nobody()).unwrap();
    while let Some(due) = hub.poll_timeout() {
        hub.handle_timeout(due);
    }
    assert_eq!(ends(&hub), [1, 2, 1, 1, 1]);
}
