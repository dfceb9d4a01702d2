use super::*;
use crate::base::{Cause, Kind, Violation};
use crate::ws::Delivery;
use std::vec;

fn pieces(bytes: &[u8], size: usize) -> Vec<Got> {
    let mut connection = server(Config::default());
    bytes.chunks(size).flat_map(|piece| feed(&mut connection, START, piece)).collect()
}

#[test]
fn a_message_at_rest_is_lent() {
    let mut connection = server(Config::default());
    let mut bytes = frame(0x81, "né".as_bytes());
    let mut input = Input::new(&mut bytes);
    let Some(Event::Message(message)) = connection.receive(START, &mut input) else { panic!() };
    assert!(message.is_lent());
    connection.send(START, message).unwrap();
    assert_eq!(written(&mut connection, START), b"\x81\x03n\xc3\xa9");
    assert_eq!(connection.stats().messages_in, 1);
}

#[test]
fn fragments_with_control_frames_between() {
    // RFC 6455 5.4: "MUST be capable of handling control frames in the middle of a fragmented message"
    // RFC 6455 5.4: "Clients and servers MUST support receiving both fragmented and unfragmented messages"
    // RFC 6455 6.2: "the endpoint MUST note the /type/ of the data as defined by the opcode"
    // RFC 6455 6.2: "Subsequent data frames MUST be interpreted as belonging to a new WebSocket message"
    let mut bytes = frame(0x01, b"one ");
    bytes.extend(frame(0x89, b"ping"));
    bytes.extend(frame(0x00, b""));
    bytes.extend(frame(0x80, b"two"));
    bytes.extend(frame(0x82, &[7; 300]));
    for size in [1, 2, 3, 7, 4096] {
        let got = pieces(&bytes, size);
        let want = [Got::Message(Message::text("one two")), Got::Message(Message::binary(&[7; 300][..]))];
        assert_eq!(got, want, "in pieces of {size}");
    }
}

#[test]
fn every_length_form_comes_through() {
    // RFC 6455 6.2: "Incoming data MUST be parsed as WebSocket frames"
    // RFC 6455 6.2: "A server MUST remove masking for data frames received from a client"
    for len in [0, 1, 125, 126, 127, 65535, 65536, 70000] {
        let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
        for size in [13, 1000, 1 << 20] {
            let got = pieces(&frame(0x82, &payload), size);
            assert_eq!(got, [Got::Message(Message::binary(payload.clone()))], "{len} in pieces of {size}");
        }
    }
}

#[test]
fn pairs_talk_both_ways() {
    let config = Config { high_mark: 1 << 20, ..Config::default() };
    let (mut a, mut b) = (client(config.clone()), server(config));
    for len in [0, 5, 126, 20_000, 300_000] {
        let payload: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
        a.send(START, Message::binary(payload.clone())).unwrap();
        a.send_bytes(START, Kind::Binary, payload.clone().into()).unwrap();
        let want =
            [Got::Message(Message::binary(payload.clone())), Got::Message(Message::binary(payload.clone()))];
        assert_eq!(feed(&mut b, START, &written(&mut a, START)), want);
        b.send(START, Message::binary(payload.clone())).unwrap();
        b.send(START, Message::binary(&payload[..])).unwrap();
        assert_eq!(feed(&mut a, START, &written(&mut b, START)), want);
    }
}

#[test]
fn large_messages_are_read_into_their_own_buffer() {
    let payload: Vec<u8> = (0..4 << 20).map(|i: u32| (i >> 3) as u8).collect();
    let bytes = frame(0x82, &payload);
    for read in [1461, 65536, usize::MAX] {
        let mut connection = server(Config::default());
        let (mut rest, mut got, mut direct, mut arrived) = (&bytes[..], Vec::new(), 0, 0);
        while !rest.is_empty() {
            if let Some(space) = connection.read_space() {
                assert!(space.len() <= 2 * arrived + 4096, "{} offered after {arrived}", space.len());
                let n = space.len().min(rest.len()).min(read);
                space[..n].copy_from_slice(&rest[..n]);
                connection.handle_read(START, n);
                (direct, arrived, rest) = (direct + n, arrived + n, &rest[n..]);
                got.extend(feed(&mut connection, START, b""));
            } else {
                let n = rest.len().min(read).min(65536);
                got.extend(feed(&mut connection, START, &rest[..n]));
                (arrived, rest) = (arrived + n, &rest[n..]);
            }
        }
        assert_eq!(got, [Got::Message(Message::binary(payload.clone()))]);
        assert!(direct > 3 << 20, "{direct} read directly");
    }
}

#[test]
fn space_is_lent_while_reading_is_paused_or_taken_when_none_was() {
    let (mut connection, bytes) = (server(Config::default()), frame(0x82, &[7; 100_000]));
    connection.handle_read(START, 9);
    assert_eq!(connection.stats().bytes_in, 0, "no message lent any");
    feed(&mut connection, START, &bytes[..50_000]);
    assert!(connection.read_space().is_some());
    connection.pause(START);
    assert!(connection.read_space().is_none());
    connection.resume(START);
    let space = connection.read_space().unwrap();
    let n = space.len().min(bytes.len() - 50_000);
    space[..n].copy_from_slice(&bytes[50_000..][..n]);
    connection.handle_read(START, n);
    let got = feed(&mut connection, START, &bytes[50_000 + n..]);
    assert_eq!(got, [Got::Message(Message::binary(vec![7; 100_000]))]);
}

#[test]
fn limits_hold_at_the_header() {
    // RFC 6455 10.4: "MUST protect themselves against exceeding those limits"
    let config = Config { max_message: 1000, max_frame: 800, max_fragments: 3, ..Config::default() };
    let violation = |bytes: &[u8]| closed(feed(&mut server(config.clone()), START, bytes)).cause;
    let exact = [frame(0x02, &[1; 800]), frame(0x80, &[2; 200])].concat();
    assert_eq!(feed(&mut server(config.clone()), START, &exact).len(), 1);
    let big = Cause::Violation(Violation::FrameTooBig { limit: 800 });
    assert_eq!(violation(&frame(0x82, &[1; 801])[..8]), big);
    assert_eq!(violation(&frame(0x82, &[1; 801])[..4]), big, "told before the mask has come");
    let sum = [frame(0x02, &[1; 800]), frame(0x80, &[2; 201])].concat();
    assert_eq!(violation(&sum), Cause::Violation(Violation::MessageTooBig { limit: 1000 }));
    let many = [frame(0x02, b"a"), frame(0, b"b"), frame(0, b"c"), frame(0x80, b"d")].concat();
    assert_eq!(violation(&many), Cause::Violation(Violation::TooManyFragments { limit: 3 }));
}

#[test]
fn a_frame_out_of_place_and_too_big_is_out_of_place_at_any_cut() {
    // RFC 6455 5.4: "The fragments of one message MUST NOT be interleaved between the fragments of another"
    let config = Config { max_frame: 200, ..Config::default() };
    let lone = frame(0x80, &[0; 201]);
    let second = [frame(0x01, b"a"), frame(0x81, &[b'b'; 201])].concat();
    for (bytes, violation) in
        [(lone, Violation::UnexpectedContinuation), (second, Violation::ExpectedContinuation)]
    {
        for cut in 0..bytes.len() {
            let mut connection = server(config.clone());
            let mut got = feed(&mut connection, START, &bytes[..cut]);
            got.extend(feed(&mut connection, START, &bytes[cut..]));
            assert_eq!(closed(got).cause, Cause::Violation(violation), "cut at {cut}");
        }
    }
}

#[test]
fn text_fails_at_the_first_bad_byte() {
    // RFC 6455 5.6: "the whole message MUST contain valid UTF-8"
    // RFC 6455 8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds"
    let cases: [(&[u8], usize); 4] =
        [(b"ok\xffmore", 3), (b"\xed\xa0\x80", 2), (b"\xf4\x90", 2), (b"a\xc3", 2)];
    for (text, bad) in cases {
        let bytes = frame(0x81, text);
        for size in [1, bytes.len()] {
            let mut connection = server(Config::default());
            let mut used = 0;
            let mut got = Vec::new();
            for piece in bytes.chunks(size) {
                if connection.is_open() {
                    used += piece.len();
                    got.extend(feed(&mut connection, START, piece));
                }
            }
            assert_eq!(closed(got).cause, Cause::Violation(Violation::TextNotUtf8));
            if size == 1 {
                assert_eq!(used, 6 + bad, "{text:x?}");
            }
            assert_eq!(&written(&mut connection, START)[2..4], &1007u16.to_be_bytes());
        }
    }
}

#[test]
fn streaming_hands_up_pieces() {
    let config = Config { delivery: Delivery::Streaming, ..Config::default() };
    let bytes = [frame(0x01, "é".as_bytes()), frame(0x00, b""), frame(0x80, b"!")].concat();
    let mut connection = server(config);
    let got = feed(&mut connection, START, &bytes[..7]);
    assert_eq!(got, [Got::Chunk(vec![0xc3], true, false)]);
    let got = feed(&mut connection, START, &bytes[7..]);
    assert_eq!(got, [Got::Chunk(vec![0xa9], false, false), Got::Chunk(vec![b'!'], false, true)]);
    assert_eq!(feed(&mut connection, START, &frame(0x82, b"")), [Got::Chunk(vec![], true, true)]);
    let got = feed(&mut connection, START, &[frame(0x01, b"\xc3"), frame(0x80, b"")].concat());
    assert_eq!(closed(got).cause, Cause::Violation(Violation::TextNotUtf8));
}

#[test]
fn streaming_gathers_nothing_and_offers_no_space_to_gather_in() {
    let mut connection = server(Config { delivery: Delivery::Streaming, ..Config::default() });
    let bytes = frame(0x82, &[7; 100_000]);
    assert_eq!(feed(&mut connection, START, &bytes[..50_000]).len(), 1);
    assert!(connection.read_space().is_none());
    connection.handle_read(START, 100);
    let [Got::Chunk(rest, false, true)] = &feed(&mut connection, START, &bytes[50_000..])[..] else {
        panic!()
    };
    assert_eq!(rest.len(), bytes.len() - 50_000);
}

#[test]
fn a_whole_frame_at_rest_is_held_to_what_a_cut_one_is() {
    let tight = Config { max_frame: 1000, max_message: 100, ..Config::default() };
    let long = frame(0x82, &[0; 120]);
    let report = closed(feed(&mut server(tight), START, &long));
    assert_eq!(report.cause, Cause::Violation(Violation::MessageTooBig { limit: 100 }));

    // A length of 5 in the form of 16 bits.
    let long_form = [&[0x82, 0x80 | 126, 0, 5, 0, 0, 0, 0][..], b"ahoys"].concat();
    for cut in 1..long_form.len() {
        let (mut whole, mut pieces) = (server(Config::default()), server(Config::default()));
        let mut got = feed(&mut pieces, START, &long_form[..cut]);
        got.extend(feed(&mut pieces, START, &long_form[cut..]));
        let expected = closed(feed(&mut whole, START, &long_form));
        assert!(matches!(expected.cause, Cause::Violation(_)), "{expected}");
        assert_eq!(closed(got).cause, expected.cause, "cut at {cut}");
    }
}
