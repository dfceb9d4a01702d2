//! The frames that a message becomes, and those between them.

use super::*;
use crate::base::{CloseCode, Kind};
use crate::ws::Prepared;
use crate::ws::wire::header::{Decoded, Header, decode_with};
use std::vec;

/// The frames of what a side of this role wrote, unmasked.
fn frames(mut bytes: &[u8], from: Role) -> Vec<(Header, Vec<u8>)> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let Ok(Decoded::Header(header, size)) = decode_with(bytes, from, true) else { panic!("{bytes:x?}") };
        let (payload, rest) = bytes[size..].split_at(header.len as usize);
        let mut payload = payload.to_vec();
        mask::apply(&mut payload, header.mask.unwrap_or_default(), 0);
        frames.push((header, payload));
        bytes = rest;
    }
    frames
}

/// Whatever way a message is sent by: it begins with a frame of its kind, goes on in order with continuations, the last of
/// which alone is marked, and no other message stands between them.
#[test]
fn fragments_go_out_in_order_and_one_message_behind_the_other() {
    // RFC 6455 5.4: "Message fragments MUST be delivered to the recipient in the order sent"
    // RFC 6455 5.4: "the type for all fragments in a message MUST be either text, binary"
    // RFC 6455 5.4: "The fragments of one message MUST NOT be interleaved between the fragments of another"
    // RFC 6455 6.1: "an endpoint MUST perform the following steps"
    // RFC 6455 6.1: "An endpoint MUST encapsulate the /data/ in a WebSocket frame"
    // RFC 6455 6.1: "The opcode (frame-opcode) of the first frame containing the data MUST be set"
    // RFC 6455 6.1: "The FIN bit (frame-fin) of the last frame containing the data MUST be set to 1"
    for (role, size) in
        [(Role::Client, 200), (Role::Server, 200), (Role::Client, 40_000), (Role::Server, 40_000)]
    {
        let config = Config { fragment_size: size, high_mark: 1 << 20, ..Config::default() };
        let mut connection = if role == Role::Client { client(config) } else { server(config) };
        let payload =
            |len: usize, seed: usize| (0..len).map(|i| b'a' + ((i * i + seed) % 26) as u8).collect();
        let sent: Vec<Vec<u8>> =
            [0, 199, 200, 201, 1000, 50_000, 100_000].map(|len| payload(len, len)).into();
        for (i, payload) in sent.iter().enumerate() {
            let text = std::string::String::from_utf8(payload.clone()).unwrap();
            match i % 3 {
                0 => connection.send(START, Message::text(text)).unwrap(),
                1 => connection.send_bytes(START, Kind::Binary, payload.clone().into()).unwrap(),
                _ => connection.send(START, Message::text(text).as_lent()).unwrap(),
            };
        }
        let mut frames = frames(&written(&mut connection, START), role).into_iter();
        for (i, payload) in sent.iter().enumerate() {
            let (first, mut whole) = frames.next().unwrap();
            assert_eq!(first.opcode, if i % 3 == 1 { Opcode::Binary } else { Opcode::Text });
            let (mut fin, mut count) = (first.fin, 1);
            while !fin {
                let (next, piece) = frames.next().unwrap();
                assert_eq!(next.opcode, Opcode::Continuation);
                whole.extend(piece);
                (fin, count) = (next.fin, count + 1);
            }
            assert_eq!((&whole, count), (payload, payload.len().div_ceil(size).max(1)));
        }
        assert!(frames.next().is_none());
    }
}

#[test]
fn control_frames_are_whole_and_short() {
    // RFC 6455 5.4: "Control frames themselves MUST NOT be fragmented"
    // RFC 6455 5.5: "All control frames MUST have a payload length of 125 bytes or less"
    // RFC 6455 5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response"
    // RFC 6455 6.2: "the frame MUST be handled as defined by Section 5.5"
    for role in [Role::Client, Role::Server] {
        let config = Config { fragment_size: 1, ..Config::default() };
        let mut connection = if role == Role::Client { client(config) } else { server(config) };
        let mut ping = frame(0x89, &[7; 125]);
        if role == Role::Client {
            ping = [&[0x89, 125][..], &[7; 125]].concat();
        }
        feed(&mut connection, START, &ping);
        connection.ping(START).unwrap();
        let reason = "r".repeat(123);
        assert!(connection.close(START, CloseCode::NORMAL, &(reason.clone() + "r")).is_err());
        connection.close(START, CloseCode::NORMAL, &reason).unwrap();
        let frames = frames(&written(&mut connection, START), role);
        let opcodes: Vec<_> =
            frames.iter().map(|(header, _)| (header.opcode, header.fin, header.len)).collect();
        assert_eq!(opcodes, [(Opcode::Pong, true, 125), (Opcode::Ping, true, 4), (Opcode::Close, true, 125)]);
        assert_eq!(frames[0].1, vec![7; 125]);
    }
}

#[test]
fn a_control_frame_steps_in_between_the_frames_of_a_prepared_message() {
    let prepared = Prepared::new(Kind::Binary, vec![7; 3 << 20].into()).unwrap();
    let mut connection = server(Config::default());
    connection.send_prepared(START, &prepared).unwrap();
    connection.output(START).advance(1);
    connection.ping(START).unwrap();
    let bytes = [vec![0x02], written(&mut connection, START)].concat();
    let frames = frames(&bytes, Role::Server);
    let lens: Vec<_> = frames.iter().map(|(header, _)| (header.opcode, header.len)).collect();
    let next = (Opcode::Continuation, 1 << 20);
    assert_eq!(lens, [(Opcode::Binary, 1 << 20), (Opcode::Ping, 4), next, next]);
}

#[cfg(feature = "deflate")]
#[test]
fn compressed_fragments_are_marked_on_the_first() {
    // RFC 7692 6.1: "to send a message in the form of a compressed message"
    // RFC 7692 6.1: "to send a message in the form of an uncompressed message"
    // RFC 7692 6.1: "bit of control frames and non-first fragments of a data message"
    // RFC 7692 7.2.1: "the removal of 0x00 0x00 0xff 0xff MUST NOT be done"
    use super::deflate::{noise, side};
    use crate::base::Deflater;
    use zlib_rs::{Inflate, InflateFlush, Status};

    for role in [Role::Client, Role::Server] {
        let config = Config { fragment_size: 200, deflate: Some(Default::default()), ..Config::default() };
        let mut connection = side(role, config, Default::default());
        let payload = [noise(1000), vec![b'a'; 4000]].concat();
        connection.send(START, Message::binary(&payload[..])).unwrap();
        connection.send(START, Message::binary(&payload[..900])).unwrap();
        connection.ping(START).unwrap();
        connection.close(START, CloseCode::NORMAL, "").unwrap();
        let frames = frames(&written(&mut connection, START), role);
        let data: Vec<_> = frames.iter().filter(|(header, _)| !header.opcode.is_control()).collect();
        let first_len = data.iter().position(|(header, _)| header.fin).unwrap() + 1;
        let (packed, plain) = data.split_at(first_len);
        assert!(packed.len() > 4 && plain.len() == 5);
        let marked = frames.iter().filter(|(header, _)| header.compressed).count();
        assert!(
            packed[0].0.compressed && marked == 1,
            "the first fragment of what is compressed, and no other frame"
        );
        let whole: Vec<u8> = plain.iter().flat_map(|(_, piece)| piece.clone()).collect();
        assert_eq!(whole, payload[..900], "what does not shrink goes out as it is");
        let mut whole: Vec<u8> = packed.iter().flat_map(|(_, piece)| piece.clone()).collect();
        assert!(!whole.ends_with(&Deflater::TAIL));
        whole.extend_from_slice(&Deflater::TAIL);
        let mut out = vec![0; 10_000];
        let mut stream = Inflate::new(false, 15);
        assert_eq!(stream.decompress(&whole, &mut out, InflateFlush::SyncFlush), Ok(Status::Ok));
        assert!(out[..stream.total_out() as usize] == payload);
    }
}
