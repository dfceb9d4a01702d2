//! What compression leaves as it is: the limits, the ways out, and an end of stream between fragments.

use super::deflate::{compressed, deflated, inflating, noise, side};
use super::*;
use crate::base::{Cause, End, Kind, Violation};
use crate::ws::Prepared;
use std::vec;

fn both(role: Role) -> Connection {
    side(role, Config { deflate: Some(Default::default()), ..Config::default() }, Default::default())
}

#[test]
fn a_compressed_frame_may_be_a_little_longer_than_what_it_holds() {
    // 1000 bytes, a quarter more, and 64.
    let config = |max_frame, max_message| Config { max_frame, max_message, ..Config::default() };
    let frame_limit = Violation::FrameTooBig { limit: 1000 };
    let message_limit = Violation::MessageTooBig { limit: 1000 };
    for (config, violation) in [(config(1000, 2000), frame_limit), (config(2000, 1000), message_limit)] {
        let header = |len| deflated(0x82, &vec![0; len])[..8].to_vec();
        assert_eq!(feed(&mut inflating(&config), START, &header(1314)), []);
        for cut in [4, 8] {
            let report = closed(feed(&mut inflating(&config), START, &header(1315)[..cut]));
            assert_eq!(report.cause, Cause::Violation(violation), "after {cut} bytes");
        }
    }
}

#[test]
fn nothing_is_read_straight_into_a_compressed_message() {
    let payload = [noise(20_000), vec![b'a'; 4000]].concat();
    let bytes = deflated(0x82, &compressed(&payload));
    let (half, rest) = bytes.split_at(bytes.len() / 2);
    let mut connection = inflating(&Config::default());
    assert_eq!(feed(&mut connection, START, half), []);
    assert!(connection.read_space().is_none());
    connection.handle_read(START, 5000);
    assert_eq!(feed(&mut connection, START, rest), [Got::Message(Message::binary(payload))]);
}

#[test]
fn an_end_between_compressed_fragments_is_the_end() {
    let mut connection = inflating(&Config::default());
    let whole = compressed(&[noise(1000), vec![b'a'; 1000]].concat());
    let first = deflated(0x02, &whole[..500]);
    assert_eq!(feed(&mut connection, START, &[first, frame(0x89, b"")].concat()), []);
    connection.receive_end(START, End::Eof);
    assert!(connection.is_settled());
    assert_eq!(closed(feed(&mut connection, START, b"")).cause, Cause::Transport(End::Eof));
}

#[test]
fn whatever_way_a_message_goes_it_is_compressed_where_that_pays() {
    for role in [Role::Client, Role::Server] {
        for (payload, pays) in [(vec![b'a'; 4000], true), (noise(4000), false)] {
            let prepared = Prepared::new(Kind::Binary, payload.clone().into()).unwrap();
            assert!(!prepared.is_compressed());
            let both_ways =
                Prepared::compressed(Kind::Binary, payload.clone().into(), &Default::default()).unwrap();
            assert_eq!(both_ways.is_compressed(), pays);
            for way in 0..4 {
                let (mut near, mut far) = (both(role), both(role.peer()));
                match way {
                    0 => near.send(START, Message::binary(&payload[..])).unwrap(),
                    1 => near.send_bytes(START, Kind::Binary, payload.clone().into()).unwrap(),
                    2 => near.send_prepared(START, &prepared).unwrap(),
                    _ => near.send_prepared(START, &both_ways).unwrap(),
                };
                let bytes = written(&mut near, START);
                // A server's prepared message is framed before anybody is known who inflates.
                let as_it_is = way == 2 && role == Role::Server;
                assert!(way == 3 || (bytes[0] & 0x40 != 0) == (pays && !as_it_is), "{role:?} {way} {pays}");
                assert_eq!(feed(&mut far, START, &bytes), [Got::Message(Message::binary(payload.clone()))]);
            }
        }
    }
}
