//! What is recorded of connections that have something around them: hops in front, TLS, a hub, compression.

use super::tests::{Shelf, UPGRADE, WALL, shelf};
use super::{ReplayError, replay};
#[cfg(feature = "deflate")]
use crate::base::Kind;
use crate::base::{End, Instant};
use crate::link::{Address, Config, Event, Forwarding, Framing, Link};
#[cfg(feature = "deflate")]
use crate::ws::Prepared;
use crate::ws::handshake::Acceptance;
use alloc::sync::Arc;
use alloc::vec::Vec;
use proptest::prelude::*;

const NOW: Instant = Instant::from_nanos(77);

fn hear(link: &mut Link, bytes: &[u8]) {
    let (mut bytes, mut plain) = (bytes.to_vec(), Vec::new());
    let mut input = link.input(NOW, &mut bytes, &mut plain);
    while let Some(event) = link.receive(NOW, &mut input) {
        match event {
            Event::Request(_) => link.accept(NOW, &Acceptance::default()).unwrap(),
            Event::Message(message) => drop(link.send(NOW, message)),
            _ => {}
        }
    }
}

fn write(link: &mut Link) -> Vec<u8> {
    let mut out = Vec::new();
    link.output(NOW).drain_into(&mut out);
    out
}

fn recording(shelf: &Shelf) -> Vec<u8> {
    shelf.taken.lock().unwrap().pop().unwrap()
}

const LINE: &[u8] = b"PROXY TCP4 192.0.2.1 10.0.0.9 50000 80\r\n";

/// Whom a trusted hop stands for is known to the service, and nothing that the machine does hangs on it.
#[test]
fn a_connection_behind_a_trusted_hop_comes_out_the_same() {
    let peer = Address::from((core::net::IpAddr::from([10, 0, 0, 1]), 1));
    let field = b"X-Forwarded-For: 192.0.2.7\r\n";
    let request = [&UPGRADE[..UPGRADE.len() - 2], field, b"\r\n\x81\x84\0\0\0\0ahoy"].concat();
    for (framing, proxy_protocol, said) in [
        (Framing::WebSocket, false, request.clone()),
        (Framing::WebSocket, true, [LINE, &request].concat()),
        (Framing::codec(crate::framed::Lines::new()), true, [LINE, b"ahoy\n"].concat()),
        (Framing::codec(crate::framed::Lines::new()), true, LINE[..9].to_vec()),
        (Framing::codec(crate::framed::Lines::new()), true, b"ahoy, no header\r\n".to_vec()),
        (Framing::WebSocket, true, request),
    ] {
        let (shelf, config) = shelf(1 << 20);
        let trusted = Forwarding::trusting(["10.0.0.0/8".parse().unwrap()]);
        let forwarding = Some(Arc::new(Forwarding { proxy_protocol, ..trusted }));
        let config = Arc::new(Config { framing, forwarding, ..Config::clone(&config) });
        let mut link = Link::accepted(NOW, WALL, &config, &peer);
        for piece in said.chunks(11) {
            hear(&mut link, piece);
        }
        write(&mut link);
        link.receive_end(NOW, End::Eof);
        hear(&mut link, &[]);
        write(&mut link);
        drop(link);
        let replayed = replay(&recording(&shelf), &config).unwrap();
        assert_eq!(replayed.difference, None);
    }
}

/// Which of its frames go out hangs on how the message was prepared.
#[cfg(feature = "deflate")]
#[test]
fn a_prepared_message_comes_out_as_it_was_prepared() {
    let (shelf, config) = shelf(1 << 20);
    let deflate = crate::ws::deflate::Config::default();
    let ws = crate::ws::Config { deflate: Some(deflate), ..crate::ws::Config::default() };
    let config = Arc::new(Config { ws: Arc::new(ws), ..Config::clone(&config) });
    let offer = b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n";
    for compressed in [false, true] {
        let mut link = Link::server(NOW, WALL, &config);
        hear(&mut link, &[&UPGRADE[..UPGRADE.len() - 2], offer].concat());
        let payload: Vec<u8> = alloc::vec![b'x'; 5000];
        let prepared = if compressed {
            Prepared::compressed(Kind::Text, payload.into(), &deflate)
        } else {
            Prepared::new(Kind::Text, payload.into())
        };
        link.send_prepared(NOW, &prepared.unwrap()).unwrap();
        assert_eq!(write(&mut link).len() > 5000, !compressed);
        drop(link);
        assert_eq!(replay(&recording(&shelf), &config).unwrap().difference, None, "{compressed}");
    }
}

proptest! {
    /// Whoever makes a file with its checksums right can have it run otherwise, and no more than that.
    #[test]
    fn a_recording_that_was_made_up_panics_nowhere(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        deeds in prop::collection::vec(super::tests::deed(), 0..12),
    ) {
        let (shelf, config) = shelf(1 << 20);
        let recording = super::tests::recorded(&config, &shelf, &deeds);
        let blocks = super::blocks::read(&recording).unwrap();
        let mut calls = blocks[1].to_vec();
        for (at, to) in changes {
            let at = at.index(calls.len());
            calls[at] = to;
        }
        let mut changed = super::blocks::begin();
        for block in [blocks[0], &calls, &[]] {
            super::blocks::push(&mut changed, block);
        }
        match replay(&changed, &config) {
            Ok(_) | Err(ReplayError::Senseless { .. }) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
