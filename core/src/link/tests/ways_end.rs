//! How a way ends: whoever gives up gives up at once, and nothing comes behind the report.

use super::START;
use super::ways::{IN_2027, Side, carry, configs, framings, pair, target};
use crate::base::{CloseCode, End, Entropy, Message, Shutdown};
use crate::framed::{Lines, Typed};
use crate::http::Response;
use crate::link::{Event, Framing, Link, OpenError};
use crate::proxy::{Proxies, Proxy};
use crate::ws::handshake::HandshakeError;
use alloc::sync::Arc;
use core::time::Duration;
use std::vec::Vec;

/// A record that nobody sealed.
const DAMAGE: &[u8] = b"\x17\x03\x03\x00\x14damaged record here!";

/// A client whose end is told, and that wants to say goodbye to a peer that takes nothing.
fn leaving() -> Side {
    let (mut client, mut server) = pair(&Framing::codec(Typed), true);
    carry(START, &mut client, &mut server, &[9999]);
    client.link.fail(START);
    assert!(!client.link.output(START).is_empty());
    server.link.close(START, CloseCode::NORMAL, "").unwrap();
    let mut said = server.write(START, 9999);
    client.receive(START, &mut said);
    assert!(client.outcome.is_some() && client.link.wants().write && client.link.wants().shutdown.is_none());
    client
}

/// The last words of TLS need a transport.
#[test]
fn no_goodbye_goes_to_a_transport_that_failed() {
    for end in [End::Reset, End::WriteFailed, End::Dropped] {
        let mut client = leaving();
        client.link.receive_end(START, end);
        let wants = client.link.wants();
        assert!(!wants.write && wants.shutdown.is_some(), "{end}: {wants:?}");
        assert_eq!(client.link.poll_timeout(), None);
    }
}

#[test]
fn who_aborts_says_no_goodbye() {
    let mut client = leaving();
    client.link.abort(START);
    let wants = client.link.wants();
    assert!(!wants.write && wants.shutdown.is_some(), "{wants:?}");
    assert_eq!(client.link.poll_timeout(), None);
}

/// What a peer says does not lengthen the time for which its taking nothing is borne.
#[test]
fn the_time_for_a_goodbye_begins_once() {
    let framing = Framing::codec(Typed);
    let (mut config, server) = configs(&framing, true);
    Arc::make_mut(&mut Arc::make_mut(&mut config).framed).close_timeout = Duration::from_secs(1);
    let link = Link::client(START, IN_2027, &config, &target(&framing, true), Entropy::from_seed([1; 32]));
    let mut client = Side::new(link.unwrap(), false);
    let mut server = Side::new(Link::server(START, IN_2027, &server), false);
    carry(START, &mut client, &mut server, &[9999]);
    client.link.close(START, CloseCode::NORMAL, "").unwrap();
    assert!(!client.link.output(START).is_empty());
    let due = START + Duration::from_secs(1);
    assert_eq!(client.link.poll_timeout(), Some(due));
    server.link.send(START, Message::typed(1, &b"still here"[..])).unwrap();
    let mut said = server.write(START, 9999);
    let later = START + Duration::from_millis(500);
    client.receive(later, &mut said);
    assert!(!client.link.output(later).is_empty());
    assert_eq!(client.link.poll_timeout(), Some(due));
}

/// A handshake that is done behind the report opens nothing.
#[test]
fn nothing_opens_behind_the_report() {
    for framing in &framings()[1..] {
        let (mut client, mut server) = pair(framing, true);
        let mut hello = client.write(START, 9999);
        server.receive(START, &mut hello);
        let mut answer = server.write(START, 9999);
        client.receive(START, &mut answer);
        let mut finished = client.write(START, 9999);
        server.link.close(START, CloseCode::NORMAL, "").unwrap();
        server.hear(START);
        assert!(server.outcome.is_some());
        server.receive(START, &mut finished);
        assert!(!server.opened);
    }
}

/// A program that panics over a message drops what was read with it.
#[test]
fn what_a_failed_program_dropped_holds_up_no_end() {
    let (mut client, mut server) = pair(&Framing::codec(Lines::new()), true);
    carry(START, &mut client, &mut server, &[9999]);
    client.link.send(START, Message::text("dropped")).unwrap();
    client.link.close(START, CloseCode::NORMAL, "").unwrap();
    let mut said = client.write(START, 9999);
    said.extend(client.write(START, 9999));
    assert!(client.ended);
    server.link.input(START, &mut said, &mut Vec::new());
    server.link.fail(START);
    server.link.receive_end(START, End::Eof);
    server.hear(START);
    assert!(!server.write(START, 9999).is_empty());
    assert_eq!(server.gone, Some(Shutdown::Both));
}

/// Damage behind a message takes nothing from it, however the two are cut.
#[test]
fn what_was_said_before_the_damage_is_heard() {
    for cut in [false, true] {
        let (mut client, mut server) = pair(&Framing::codec(Lines::new()), true);
        carry(START, &mut client, &mut server, &[9999]);
        client.link.send(START, Message::text("whole")).unwrap();
        let mut said = client.write(START, 9999);
        let mut damage = DAMAGE.to_vec();
        if cut {
            server.receive(START, &mut said);
            server.receive(START, &mut damage);
        } else {
            said.extend(damage);
            server.receive(START, &mut said);
        }
        assert_eq!(server.heard, [Message::text("whole")]);
        assert_eq!(server.outcome.as_ref().unwrap().as_ref().unwrap().cause, End::TlsFailed.into());
        // A reset could overtake the alert.
        assert!(!server.write(START, 9999).is_empty());
        assert_eq!(server.gone, Some(Shutdown::Both));
    }
}

/// What it said with the last bytes of its handshake, too, and it was open by then.
#[test]
fn who_fails_right_behind_the_handshake_was_open() {
    let (mut client, mut server) = pair(&Framing::codec(Lines::new()), true);
    let mut said = client.write(START, 9999);
    server.receive(START, &mut said);
    let mut said = server.write(START, 9999);
    client.receive(START, &mut said);
    client.link.send(START, Message::text("whole")).unwrap();
    let mut said = client.write(START, 9999);
    said.extend(DAMAGE);
    server.receive(START, &mut said);
    assert!(server.opened);
    assert_eq!(server.heard, [Message::text("whole")]);
    assert_eq!(server.outcome.unwrap().unwrap().cause, End::TlsFailed.into());
}

/// An answer that came whole is what is told, whatever came behind it.
#[test]
fn a_refusal_before_the_damage_is_told() {
    let (mut client, mut server) = pair(&Framing::WebSocket, true);
    let mut said = client.write(START, 9999);
    server.receive(START, &mut said);
    let mut said = server.write(START, 9999);
    client.receive(START, &mut said);
    let mut said = client.write(START, 9999);
    let mut plain = Vec::new();
    let mut input = server.link.input(START, &mut said, &mut plain);
    assert!(matches!(server.link.receive(START, &mut input), Some(Event::Request(_))));
    server.link.respond(START, &Response::new(403)).unwrap();
    let mut answer = server.write(START, 99_999);
    answer.extend(DAMAGE);
    client.receive(START, &mut answer);
    let refused = matches!(client.outcome, Some(Err(OpenError::Handshake(HandshakeError::Refused(_)))));
    assert!(refused, "{:?}", client.outcome);
}

fn tunneling(tls: bool) -> Side {
    let (mut config, _) = configs(&Framing::WebSocket, tls);
    let proxy = Proxy::parse("http://proxy:3128").unwrap();
    Arc::get_mut(&mut config).unwrap().proxies = Some(Proxies::all(proxy).into());
    Arc::get_mut(&mut config).unwrap().tls_timeout = Some(Duration::from_secs(3));
    let target = target(&Framing::WebSocket, tls);
    Side::new(Link::client(START, IN_2027, &config, &target, Entropy::from_seed([1; 32])).unwrap(), false)
}

#[test]
fn the_tls_timeout_holds_for_a_tunnel() {
    for tls in [false, true] {
        let mut client = tunneling(tls);
        assert_eq!(client.link.poll_timeout(), Some(START + Duration::from_secs(3)));
        client.link.abort(START);
        client.hear(START);
        let wants = client.link.wants();
        assert!(!wants.write && !wants.read && wants.shutdown.is_some(), "{wants:?}");
        assert_eq!(client.link.poll_timeout(), None);
        assert_eq!(client.outcome, Some(Err(OpenError::Handshake(HandshakeError::Aborted))));
    }
}

/// The session that failed is not there where a recording is run again, and what the program did then is.
#[test]
fn what_was_recorded_over_tls_that_failed_comes_out_the_same() {
    let [text, tagged] = [Message::text("ahoy"), Message::typed(1, &b"ahoy"[..])];
    for (framing, said) in framings().into_iter().zip([&text, &tagged, &text]) {
        for damaged_at in 0..8 {
            let shelf = Arc::new(super::turmoil::Shelf::default());
            let (client, mut config) = configs(&framing, true);
            Arc::make_mut(&mut config).recorder = Some(shelf.clone());
            let entropy = Entropy::from_seed([1; 32]);
            let link = Link::client(START, IN_2027, &client, &target(&framing, true), entropy).unwrap();
            let (mut client, mut server) =
                (Side::new(link, false), Side::new(Link::server(START, IN_2027, &config), true));
            for round in 0..8 {
                let mut up = client.write(START, 9999);
                if round == damaged_at {
                    up.extend_from_slice(DAMAGE);
                }
                server.receive(START, &mut up);
                if server.outcome.is_some() {
                    let _ = server.link.send(START, said.as_lent());
                    let _ = server.link.close(START, CloseCode::NORMAL, "");
                }
                let mut down = server.write(START, 9999);
                client.receive(START, &mut down);
                let _ = client.link.send(START, said.as_lent());
            }
            assert!(server.outcome.is_some(), "{damaged_at}");
            server.link.receive_end(START, End::Dropped);
            server.hear(START);
            drop(server);
            let recording = shelf.0.lock().unwrap().pop().unwrap();
            let replayed = crate::link::replay(&recording, &config).unwrap();
            assert_eq!(replayed.difference, None, "{framing:?} {damaged_at}");
        }
    }
}
