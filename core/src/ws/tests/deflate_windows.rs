//! How far back compressed messages refer: no further than was agreed on, and as far as a peer may.

use super::deflate::{compressed, deflated, noise, side};
use super::*;
use crate::ws::Role;
use crate::ws::deflate::{self, Parameters};
use zlib_rs::{Inflate, InflateFlush};

/// What an inflater makes of it that has heard nothing before.
fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut stream, mut out) = (Inflate::new(false, 15), std::vec![0; 40_000]);
    stream.decompress(bytes, &mut out, InflateFlush::SyncFlush).ok()?;
    out.truncate(stream.total_out() as usize);
    Some(out)
}

fn side_with(role: Role, parameters: Parameters, takeover: bool) -> Connection {
    let deflate = deflate::Config { takeover, peer_takeover: takeover, ..Default::default() };
    side(role, Config { deflate: Some(deflate), ..Config::default() }, parameters)
}

/// The compressed payload of the one frame that `role` sends.
fn sent(connection: &mut Connection, role: Role, payload: &[u8]) -> Vec<u8> {
    connection.send(START, Message::binary(payload)).unwrap();
    let bytes = written(connection, START);
    let (masked, short) = (role == Role::Client, bytes[1] & 0x7f);
    let from = if short == 126 { 4 } else { 2 };
    let mut payload = bytes[from..].to_vec();
    if masked {
        let key = [payload[0], payload[1], payload[2], payload[3]];
        payload.drain(..4);
        mask::apply(&mut payload, key, 0);
    }
    assert!(bytes[0] & 0x40 != 0, "it is compressed");
    payload
}

#[test]
fn no_side_refers_further_back_than_its_window() {
    // RFC 7692 7.2.1: "the client MUST NOT use an LZ77 sliding window longer than"
    // RFC 7692 7.2.1: "the server MUST NOT use an LZ77 sliding window longer than"
    // RFC 7692 7.2.2: "the client MUST use an LZ77 sliding window of a size that conforms"
    // Noise shrinks only where it was heard before: 2000 bytes before, which is out of sight of a window of 1024.
    let payload = [noise(2000), noise(2000), [b'a'; 500].to_vec()].concat();
    for role in [Role::Client, Role::Server] {
        for bits in [9, 10, 12, 15] {
            for takeover in [false, true] {
                let window = Some(bits);
                let parameters = match role {
                    Role::Client => Parameters { client_max_window_bits: window, ..Default::default() },
                    Role::Server => Parameters { server_max_window_bits: window, ..Default::default() },
                };
                let bytes = sent(&mut side_with(role, parameters, takeover), role, &payload);
                assert_eq!(inflated(&bytes).as_ref(), Some(&payload), "{role:?} {bits} {takeover}");
                let (least, most) = if bits < 11 { (4000, 4500) } else { (2000, 2500) };
                assert!((least..most).contains(&bytes.len()), "{role:?} {bits} {takeover}: {}", bytes.len());
            }
        }
    }
}

#[test]
fn no_side_refers_further_back_than_the_largest_window() {
    // RFC 7692 7.2.1: "An endpoint MUST NOT use an LZ77 sliding window longer than 32,768 bytes"
    for (distance, seen) in [(32_000, true), (33_000, false)] {
        // What comes again is the begin.
        let payload = [noise(distance), noise(300), [b'a'; 500].to_vec()].concat();
        for role in [Role::Client, Role::Server] {
            for takeover in [false, true] {
                let bytes = sent(&mut side_with(role, Parameters::default(), takeover), role, &payload);
                assert_eq!(inflated(&bytes).as_ref(), Some(&payload), "{role:?} {distance} {takeover}");
                let shrinks = bytes.len() < distance + 200;
                assert_eq!(shrinks, seen, "{role:?} {distance} {takeover}: {}", bytes.len());
            }
        }
    }
}

#[test]
fn without_takeover_no_side_refers_to_the_message_before() {
    // RFC 7692 7.2.1: "the client MUST start compressing each new message with an empty"
    // RFC 7692 7.2.1: "the server MUST start compressing each new message with an empty"
    let payload = noise(300).repeat(2);
    for role in [Role::Client, Role::Server] {
        for alone in [true, false] {
            let parameters = match role {
                Role::Client => Parameters { client_no_context_takeover: alone, ..Default::default() },
                Role::Server => Parameters { server_no_context_takeover: alone, ..Default::default() },
            };
            let mut connection = side_with(role, parameters, true);
            sent(&mut connection, role, &payload);
            let second = sent(&mut connection, role, &payload);
            assert_eq!(inflated(&second).as_ref() == Some(&payload), alone, "{role:?}");
        }
    }
}

/// A peer that said nothing of its window may use all of it, from one message to the next, whatever it hinted at.
#[test]
fn a_peer_may_refer_a_whole_window_back() {
    // RFC 7692 7.2.2: "Otherwise, the client MUST decompress each new message using"
    // RFC 7692 7.2.2: "Otherwise, the server MUST decompress each new message using"
    // RFC 7692 7.2.2: "Note that even if the client has included the "client_no_context_takeover""
    // RFC 7692 7.2.2: "Otherwise, the client MUST use a 32,768-byte"
    // RFC 7692 7.2.2: "Otherwise, the server MUST use a 32,768-byte"
    let far = noise(32_000);
    let payload = [&far[..], &far[..300]].concat();
    let packed = compressed(&payload);
    assert!(packed.len() < 32_150, "it refers to what was 32,000 bytes before");
    for role in [Role::Client, Role::Server] {
        for takeover in [false, true] {
            let mut connection = side_with(role, Parameters::default(), takeover);
            let mut bytes = deflated(0x82, &packed);
            if role == Role::Client {
                bytes = [&[0xc2, 126][..], &(packed.len() as u16).to_be_bytes(), &packed].concat();
            }
            assert_eq!(
                feed(&mut connection, START, &bytes),
                [Got::Message(Message::binary(payload.clone()))]
            );
            // A match of the five bytes of "Hello" five bytes back, behind a message that said it.
            for packed in [&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], &[0xf2, 0x00, 0x11, 0x00, 0x00]] {
                let mut bytes = deflated(0x81, packed);
                if role == Role::Client {
                    bytes = [&[0xc1, packed.len() as u8][..], packed].concat();
                }
                assert_eq!(feed(&mut connection, START, &bytes), [Got::Message(Message::text("Hello"))]);
            }
        }
    }
}
