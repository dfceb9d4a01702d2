//! Compressed messages: what comes, what goes, and what must not be.

use super::*;
use crate::base::{Cause, Kind, Scratch, Violation};
use crate::ws::deflate::{self, Parameters};
use crate::ws::handshake::Agreed;
use crate::ws::{Delivery, Prepared, Role};
use std::vec;

const HELLO: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

fn compressing(deflate: deflate::Config) -> Config {
    Config { deflate: Some(deflate), ..Config::default() }
}

/// Either side, after a handshake that said nothing but the extension's name.
pub(super) fn side(role: Role, config: Config, parameters: Parameters) -> Connection {
    let entropy = Entropy::from_seed([3; 32]);
    Connection::new(START, role, &Arc::new(config), entropy, &[]).with_extensions(Agreed::from(parameters))
}

pub(super) fn inflating(config: &Config) -> Connection {
    side(
        Role::Server,
        Config { deflate: Some(deflate::Config::default()), ..config.clone() },
        Parameters::default(),
    )
}

/// A client's frame with a payload that is compressed already.
pub(super) fn deflated(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame(first, payload);
    bytes[0] |= 0x40;
    bytes
}

/// A payload as a peer compresses it.
pub(super) fn compressed(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(crate::base::Deflater::new(9, 15).compress(payload, &mut out));
    out
}

/// What does not shrink.
pub(super) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

fn cause(got: Vec<Got>) -> Cause {
    closed(got).cause
}

/// RFC 7692 section 7.2.3.
#[test]
fn the_examples_of_the_standard() {
    // RFC 7692 6.2: "to receive a message in the form of a compressed message"
    let hello = || Got::Message(Message::text("Hello"));
    let fragments = [deflated(0x01, &HELLO[..3]), frame(0x80, &HELLO[3..])].concat();
    let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    let once = [deflated(0x81, HELLO), fragments, deflated(0x81, &stored), deflated(0x81, &last)].concat();
    let again = [deflated(0x81, HELLO), deflated(0x81, &[0xf2, 0x00, 0x11, 0x00, 0x00])].concat();
    for size in 1..60 {
        let mut connection = inflating(&Config::default());
        let bytes = [&once[..], &deflated(0x81, &two), &again].concat();
        let got: Vec<Got> =
            bytes.chunks(size).flat_map(|piece| feed(&mut connection, START, piece)).collect();
        assert_eq!(got, [(); 7].map(|()| hello()), "in pieces of {size}");
        assert_eq!(connection.stats().compressed_in, 7);
    }
}

#[test]
fn empty_messages() {
    let empty = || Got::Message(Message::binary(vec![]));
    for alone in [true, false] {
        let parameters = Parameters { client_no_context_takeover: alone, ..Parameters::default() };
        let mut connection = side(Role::Server, compressing(deflate::Config::default()), parameters);
        assert_eq!(feed(&mut connection, START, &deflated(0x82, &[0])), [empty()]);
        assert_eq!(feed(&mut connection, START, &deflated(0x82, &[])), [empty()], "as some send it");
        let cut = [deflated(0x02, &[]), frame(0x00, &[]), frame(0x80, &[0])].concat();
        assert_eq!(feed(&mut connection, START, &cut), [empty()]);
        let hello = feed(&mut connection, START, &deflated(0x81, HELLO));
        assert_eq!(hello, [Got::Message(Message::text("Hello"))]);
    }
}

#[test]
fn the_reserved_bit_is_for_the_first_frame_of_what_was_agreed_on() {
    // RFC 7692 6.1: "An endpoint receiving such a frame MUST _Fail the WebSocket Connection_"
    let mut plain = server(compressing(deflate::Config::default()));
    let got = feed(&mut plain, START, &deflated(0x81, HELLO));
    assert_eq!(cause(got), Cause::Violation(Violation::ReservedBits), "wanted, but not agreed on");
    for bytes in [
        deflated(0x89, b""),
        [deflated(0x01, HELLO), deflated(0x80, HELLO)].concat(),
        [frame(0x01, b"plain"), deflated(0x80, HELLO)].concat(),
    ] {
        let got = feed(&mut inflating(&Config::default()), START, &bytes);
        assert_eq!(cause(got), Cause::Violation(Violation::ReservedBits));
    }
}

#[test]
fn a_bomb_of_1000_to_1_ends_with_1009() {
    let bomb = compressed(&vec![0; 20 << 20]);
    assert!(bomb.len() < 21_000, "{}", bomb.len());
    for delivery in [Delivery::Messages, Delivery::Streaming] {
        let config = Config { max_message: 1 << 20, delivery, ..Config::default() };
        let mut connection = inflating(&config);
        let got = feed(&mut connection, START, &deflated(0x82, &bomb));
        let whole: usize =
            got.iter().map(|got| if let Got::Chunk(bytes, ..) = got { bytes.len() } else { 0 }).sum();
        assert!(whole <= 1 << 20);
        let report = closed(got);
        assert_eq!(report.cause, Cause::Violation(Violation::MessageTooBig { limit: 1 << 20 }));
        assert_eq!(report.sent, Some(crate::base::CloseCode::MESSAGE_TOO_BIG));
    }
}

#[test]
fn a_bomb_of_nested_small_frames_ends_with_1009() {
    let bomb = compressed(&vec![b'a'; 4 << 20]);
    let config = Config { max_message: 1 << 20, ..Config::default() };
    let mut connection = inflating(&config);
    let mut got = feed(&mut connection, START, &deflated(0x01, b""));
    for piece in bomb.chunks(7) {
        got.extend(feed(&mut connection, START, &frame(0x00, piece)));
    }
    let too_big = Cause::Violation(Violation::MessageTooBig { limit: 1 << 20 });
    assert_eq!(cause(got), too_big);
    // Blocks without a byte in them never come to an end either.
    let mut connection = inflating(&config);
    let mut got = feed(&mut connection, START, &deflated(0x02, b""));
    let nothing = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(200);
    for _ in 0..2000 {
        got.extend(feed(&mut connection, START, &frame(0x00, &nothing)));
    }
    assert_eq!(cause(got), too_big, "the compressed size is bounded as well");
}

#[test]
fn exactly_the_limit_passes_however_compressible() {
    let config = Config { max_message: 70_000, max_frame: 70_000, ..Config::default() };
    let zeros = compressed(&vec![0; 70_000]);
    let got = feed(&mut inflating(&config), START, &deflated(0x82, &zeros));
    assert_eq!(got, [Got::Message(Message::binary(vec![0; 70_000]))]);
    let stored: Vec<u8> = [7; 70_000]
        .chunks(1000)
        .flat_map(|piece| [&[0, 0xe8, 0x03, 0x17, 0xfc], piece].concat())
        .chain([0])
        .collect();
    assert!(stored.len() > 70_000);
    let got = feed(&mut inflating(&config), START, &deflated(0x82, &stored));
    assert_eq!(got, [Got::Message(Message::binary(vec![7; 70_000]))]);
}

#[test]
fn corrupt_data_is_a_violation() {
    let alone = Parameters { client_no_context_takeover: true, ..Parameters::default() };
    for (payload, parameters) in [
        (&[0x07][..], Parameters::default()),
        (&[0x00, 0x05, 0x00, 0x00, 0x00, 0x61], Parameters::default()),
        (&[0xf2, 0x00, 0x11, 0x00, 0x00], Parameters::default()),
        (&HELLO[..4], alone),
    ] {
        let mut connection = side(Role::Server, compressing(deflate::Config::default()), parameters);
        let report = closed(feed(&mut connection, START, &deflated(0x82, payload)));
        assert_eq!(report.cause, Cause::Violation(Violation::Corrupt), "{payload:x?}");
        assert_eq!(report.sent, Some(crate::base::CloseCode::INVALID_PAYLOAD));
    }
    let mut connection = side(Role::Server, compressing(deflate::Config::default()), alone);
    let twice = [deflated(0x81, HELLO), deflated(0x81, &[0xf2, 0x00, 0x11, 0x00, 0x00])].concat();
    let mut got = feed(&mut connection, START, &twice);
    assert_eq!(got.remove(0), Got::Message(Message::text("Hello")));
    assert_eq!(cause(got), Cause::Violation(Violation::Corrupt), "a context that was not to be taken over");
}

#[test]
fn text_is_checked_after_inflating_at_its_first_bad_byte() {
    let mut text = vec![b'a'; 300_000];
    text[200_000] = 0xff;
    let payload = compressed(&text);
    let mut bytes = deflated(0x81, &payload);
    bytes.truncate(bytes.len() - 1);
    let got = feed(&mut inflating(&Config::default()), START, &bytes);
    assert_eq!(cause(got), Cause::Violation(Violation::TextNotUtf8), "before the message ended");
    let cut = compressed("é".repeat(100).as_bytes().split_last().unwrap().1);
    let got = feed(&mut inflating(&Config::default()), START, &deflated(0x81, &cut));
    assert_eq!(cause(got), Cause::Violation(Violation::TextNotUtf8), "inside a character");
    let fine = compressed("é🦀".repeat(9000).as_bytes());
    let got = feed(&mut inflating(&Config::default()), START, &deflated(0x81, &fine));
    assert_eq!(got, [Got::Message(Message::text("é🦀".repeat(9000)))]);
}

#[test]
fn a_compressed_message_offers_no_space_to_read_into() {
    let mut connection = inflating(&Config::default());
    let noise = noise(100_000);
    let payload = compressed(&[&noise[..], &[0; 50_000]].concat());
    let bytes = deflated(0x82, &payload);
    feed(&mut connection, START, &bytes[..60_000]);
    assert!(connection.read_space().is_none());
    connection.handle_read(START, 5000);
    assert_eq!(feed(&mut connection, START, &bytes[60_000..]).len(), 1);
}

#[test]
fn pieces_are_inflated_in_bounded_steps() {
    let payload = compressed(&vec![b'x'; 1 << 20]);
    for size in [1, 100, 1 << 20] {
        let mut connection = inflating(&Config { delivery: Delivery::Streaming, ..Config::default() });
        let (mut all, mut ends) = (Vec::new(), vec![]);
        for piece in deflated(0x81, &payload).chunks(size) {
            for got in feed(&mut connection, START, piece) {
                let Got::Chunk(bytes, first, last) = got else { panic!("{got:?}") };
                assert!(bytes.len() <= 8192 && (last || !bytes.is_empty()));
                assert_eq!(first, all.is_empty());
                all.extend(bytes);
                ends.push(last);
            }
        }
        assert_eq!(all, vec![b'x'; 1 << 20]);
        assert!(ends.pop() == Some(true) && !ends.contains(&true));
    }
}

/// All that a pair can agree on: each message arrives as it was sent, compressed where it should be.
#[test]
fn pairs_talk_both_ways() {
    // RFC 7692 5: "both endpoints MUST use the algorithm described in Section 6"
    // RFC 7692 6.2: "to receive a message in the form of an uncompressed message"
    for bits in 0..64_u8 {
        let is = |bit: u8| bits >> bit & 1 == 1;
        let window = |bit: u8| if is(bit) { Some(9) } else { None };
        let parameters = Parameters {
            server_no_context_takeover: is(0),
            client_no_context_takeover: is(1),
            server_max_window_bits: window(2),
            client_max_window_bits: window(3),
        };
        let deflate = deflate::Config { takeover: is(4), peer_takeover: is(4), ..Default::default() };
        let config = Config { high_mark: 1 << 20, fragment_size: 700, ..compressing(deflate) };
        let (mut scratch, lends) = (Scratch::new(), is(5));
        let (mut a, mut b) =
            (side(Role::Client, config.clone(), parameters), side(Role::Server, config, parameters));
        for round in 0..12 {
            for len in [0, 100, 128, 1000, 40_000] {
                let text: Vec<u8> = (0..len).map(|i| b'a' + (i * i % (7 + round)) as u8).collect();
                let message = Message::text(std::string::String::from_utf8(text).unwrap());
                for client_sends in [true, false] {
                    let (from, to) = if client_sends { (&mut a, &mut b) } else { (&mut b, &mut a) };
                    if lends {
                        from.lend(&mut scratch);
                    }
                    from.send(START, message.as_lent()).unwrap();
                    let bytes = written(from, START);
                    from.reclaim(&mut scratch);
                    assert!(len < 128 || bytes.len() < len / 2, "{len}: {}", bytes.len());
                    assert_eq!(feed(to, START, &bytes), [Got::Message(message.clone())], "{parameters:?}");
                }
            }
        }
        assert_eq!((a.stats().compressed_out, b.stats().compressed_in), (36, 36));
    }
}

#[test]
fn what_does_not_shrink_goes_out_plain_and_harms_no_context() {
    let noise = noise(2000);
    for takeover in [false, true] {
        let deflate = deflate::Config { takeover, peer_takeover: takeover, ..Default::default() };
        let mut a = side(Role::Client, compressing(deflate), Parameters::default());
        let mut b = side(Role::Server, compressing(deflate), Parameters::default());
        for payload in [&b"harbour ".repeat(50)[..], &noise[..600], &b"harbour ".repeat(60), &noise[100..700]]
        {
            a.send(START, Message::binary(payload)).unwrap();
            let bytes = written(&mut a, START);
            assert!(bytes.len() <= payload.len() + 8);
            assert_eq!(feed(&mut b, START, &bytes), [Got::Message(Message::binary(payload.to_vec()))]);
        }
        assert_eq!(a.stats().compressed_out, 2);
    }
}

#[test]
fn a_context_makes_the_second_message_smaller() {
    let deflate = deflate::Config { takeover: true, peer_takeover: true, ..Default::default() };
    let mut a = side(Role::Server, compressing(deflate), Parameters::default());
    let text = "the quay, the crane, the ropes, the tide, the lamp, the fog, the bell, the pilot, the mate, the berth, \
                the hawser, the bollard, the cleat";
    let sizes = [(); 3].map(|()| {
        a.send(START, Message::text(text)).unwrap();
        written(&mut a, START).len()
    });
    assert!(sizes[1] < sizes[0] / 3 && sizes[2] <= sizes[1], "{sizes:?}");
    let alone = Parameters { server_no_context_takeover: true, ..Parameters::default() };
    let mut b = side(Role::Server, compressing(deflate), alone);
    let sizes = [(); 2].map(|()| {
        b.send(START, Message::text(text)).unwrap();
        written(&mut b, START).len()
    });
    assert_eq!(sizes[0], sizes[1]);
}

#[test]
fn a_client_told_a_window_of_8_bits_compresses_what_fits_into_it() {
    let parameters = Parameters { client_max_window_bits: Some(8), ..Parameters::default() };
    let mut a = side(Role::Client, compressing(deflate::Config::default()), parameters);
    for (len, compresses) in [(256, true), (257, false)] {
        a.send(START, Message::binary(vec![b'a'; len])).unwrap();
        assert_eq!(written(&mut a, START)[0] & 0x40 != 0, compresses, "{len} bytes");
    }
}

#[test]
fn a_prepared_message_is_compressed_once_for_all_who_agreed() {
    let text = "to all ".repeat(400);
    let config = deflate::Config { takeover: true, ..Default::default() };
    let prepared = Prepared::compressed(Kind::Text, text.clone().into(), &config).unwrap();
    let alone = Parameters { server_no_context_takeover: true, ..Parameters::default() };
    let narrow = Parameters { server_max_window_bits: Some(9), ..alone };
    let member = |parameters| side(Role::Server, compressing(config), parameters);
    for (mut from, compresses) in [
        (member(alone), true),
        (member(Parameters::default()), true),
        (member(narrow), false),
        (server(compressing(config)), false),
    ] {
        from.send_prepared(START, &prepared).unwrap();
        from.send_prepared(START, &prepared).unwrap();
        let bytes = written(&mut from, START);
        assert_eq!(bytes[0] & 0x40 != 0, compresses);
        assert_eq!(bytes.len() < text.len(), compresses);
        let mut to = side(Role::Client, compressing(config), Parameters::default());
        let message = || Got::Message(Message::text(text.clone()));
        assert_eq!(feed(&mut to, START, &bytes), [message(), message()]);
    }
    let short = Prepared::compressed(Kind::Text, "to all ".repeat(30).into(), &config).unwrap();
    let mut from = member(narrow);
    from.send_prepared(START, &short).unwrap();
    assert_eq!(written(&mut from, START)[0], 0xc1, "what is shorter than a window fits into it");
}

/// Contexts are lent on, what they have seen is not.
#[test]
fn nobody_refers_to_what_another_connection_said() {
    let alone = Parameters { client_no_context_takeover: true, ..Parameters::default() };
    let mut scratch = Scratch::new();
    let mut turn = |payload: &[u8]| {
        let mut connection = side(Role::Server, compressing(deflate::Config::default()), alone);
        connection.lend(&mut scratch);
        let got = feed(&mut connection, START, &deflated(0x81, payload));
        connection.reclaim(&mut scratch);
        got
    };
    assert_eq!(turn(HELLO), [Got::Message(Message::text("Hello"))]);
    let got = turn(&[0xf2, 0x00, 0x11, 0x00, 0x00]);
    assert_eq!(cause(got), Cause::Violation(Violation::Corrupt), "that was \"Hello\" once more");
}

#[test]
fn contexts_go_back_to_the_thread() {
    let alone = Parameters {
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        ..Parameters::default()
    };
    let (config, mut scratch) = (compressing(deflate::Config::default()), Scratch::new());
    let mut capacity = None;
    for _ in 0..3 {
        let mut connection = side(Role::Server, config.clone(), alone);
        connection.lend(&mut scratch);
        let got = feed(&mut connection, START, &deflated(0x82, &compressed(&[7; 5000])));
        assert_eq!(got.len(), 1);
        connection.send(START, Message::binary(vec![7; 5000])).unwrap();
        written(&mut connection, START);
        connection.reclaim(&mut scratch);
        let now = scratch.capacity();
        assert!(now > 300 << 10 && capacity.replace(now).is_none_or(|before| before == now));
    }
    assert!(scratch.contexts.as_ref().is_some_and(|c| c.deflater.is_some() && c.inflater.is_some()));
}
