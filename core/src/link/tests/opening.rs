//! What is said before a WebSocket is open, and where.

use super::START;
use super::ways::{IN_2027, Side, carry, configs, pair, target};
use crate::base::{Entropy, Input, Message, SendError};
use crate::http::Response;
use crate::link::{Event, Framing, Link, OpenError};
use crate::ws::handshake::HandshakeError;
use std::vec::Vec;

/// A record of TLS begins with its type, from 20 to 23.
fn records(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while !bytes.is_empty() {
        assert!((20..=23).contains(&bytes[0]) && bytes[1] == 3, "{bytes:x?}");
        bytes = &bytes[5 + usize::from(u16::from_be_bytes([bytes[3], bytes[4]]))..];
        count += 1;
    }
    count
}

#[test]
fn all_that_is_said_over_tls_is_sealed() {
    // RFC 6455 4.1: "If /secure/ is true, the client MUST perform a TLS handshake"
    // RFC 6455 4.1: "all further communication on this channel MUST run through the encrypted tunnel"
    // RFC 6455 4.1: "Clients MUST use the Server Name Indication extension"
    // RFC 6455 4.2.2: "(including the server's handshake) MUST run through the encrypted tunnel"
    // RFC 6455 10.6: "WebSocket implementations MUST support TLS"
    let (mut client, mut server) = pair(&Framing::WebSocket, true);
    let (mut there, mut back) = (Vec::new(), Vec::new());
    for round in 0..12 {
        if client.opened && round % 2 == 0 {
            client.link.send(START, Message::text("a word in confidence")).unwrap();
        }
        for from_client in [true, false] {
            let (from, to, pipe) = match from_client {
                true => (&mut client, &mut server, &mut there),
                false => (&mut server, &mut client, &mut back),
            };
            let mut bytes = from.write(START, 99_999);
            pipe.extend_from_slice(&bytes);
            to.receive(START, &mut bytes);
        }
    }
    assert_eq!(there[0], 22, "the first that a client says is the handshake of TLS");
    assert!(records(&there) > 3 && records(&back) > 2);
    assert!(client.heard.len() > 2 && server.heard.len() == client.heard.len());
    for said in [&b"GET "[..], b"HTTP/1.1 101", b"Sec-WebSocket", b"confidence"] {
        assert!(![&there, &back].iter().any(|pipe| pipe.windows(said.len()).any(|w| w == said)));
    }
    assert_eq!(server.link.tls().unwrap().server_name(), Some("localhost"), "the name that was asked for");
}

#[test]
fn nothing_is_sent_before_the_answer() {
    // RFC 6455 4.1: "the client MUST wait for a response from the server before sending any further data"
    for tls in [false, true] {
        let (mut client, _) = pair(&Framing::WebSocket, tls);
        assert_eq!(client.link.send(START, Message::text("early")), Err(SendError::NotOpen));
        let asked = client.write(START, 99_999);
        assert_eq!(asked.ends_with(b"\r\n\r\n"), !tls);
        assert_eq!(client.link.send(START, Message::text("early")), Err(SendError::NotOpen));
        assert!(client.write(START, 99_999).is_empty() && !client.opened);
    }
}

#[test]
fn a_service_that_is_not_there_is_a_404_and_no_websocket() {
    // RFC 6455 4.2.2: "If the requested service is not available, the server MUST send"
    let (config, server) = configs(&Framing::WebSocket, false);
    let entropy = Entropy::from_seed([1; 32]);
    let link = Link::client(START, IN_2027, &config, &target(&Framing::WebSocket, false), entropy).unwrap();
    let mut client = Side::new(link, false);
    let mut server = Link::server(START, IN_2027, &server);
    let mut asked = client.write(START, 99_999);
    let mut input = Input::new(&mut asked);
    assert!(matches!(server.receive(START, &mut input), Some(Event::Request(_))));
    server.respond(START, &Response::plain(404)).unwrap();
    server.accept(START, &Default::default()).unwrap();
    assert_eq!(server.send(START, Message::text("late")), Err(SendError::NotOpen), "it was answered");
    let mut answer = Vec::new();
    server.output(START).drain_into(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 404 ") && !answer.windows(4).any(|w| w == b" 101"));
    client.receive(START, &mut answer);
    let Some(Err(OpenError::Handshake(HandshakeError::Refused(refused)))) = client.outcome else {
        panic!("{:?}", client.outcome)
    };
    assert_eq!(refused.status, 404);
}

#[test]
fn a_client_asks_and_reads_the_answer() {
    // RFC 6455 4.1: "it MUST open a connection, send an opening handshake"
    // RFC 6455 4.1: "the client MUST send an opening handshake to the server"
    let (mut client, mut server) = pair(&Framing::WebSocket, false);
    assert!(!client.opened);
    carry(START, &mut client, &mut server, &[7]);
    assert!(client.opened && server.opened);
}
