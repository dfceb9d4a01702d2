use super::*;
use crate::base::{Cause, CloseCode, End, Kind, SendError, Violation};
use crate::framed::{Field, Length, LengthError, Lines, Order, Raw, Typed};
use std::vec;

/// What a connection hears of `bytes` in pieces of `size`.
fn pieces<C: Codec>(codec: C, config: &Config, bytes: &[u8], size: usize) -> Vec<Got> {
    let mut connection = open(codec, config.clone());
    bytes.chunks(size).flat_map(|piece| feed(&mut connection, START, piece)).collect()
}

fn violation<C: Codec>(codec: C, bytes: &[u8]) -> Violation {
    match closed(pieces(codec, &Config::default(), bytes, 1)).cause {
        Cause::Violation(violation) => violation,
        other => panic!("{other:?}"),
    }
}

fn encoded<C: Codec>(codec: C, message: Message<'_>) -> Result<Vec<u8>, SendError> {
    let mut connection = open(codec, Config::default());
    connection.send(START, message)?;
    Ok(written(&mut connection, START))
}

#[test]
fn typed_frames() {
    let bytes = b"\0\0\0\x06\x02hello\0\0\0\x01\xff\0\0\0\x02\x01!";
    let want = [
        Got::Message(Message::typed(Typed::DATA, b"hello".to_vec())),
        Got::Message(Message::typed(255, vec![])),
        Got::Message(Message::typed(Typed::PING, b"!".to_vec())),
    ];
    for size in 1..30 {
        assert_eq!(pieces(Typed, &Config::default(), bytes, size), want, "in pieces of {size}");
    }
    assert_eq!(encoded(Typed, Message::typed(2, &b"hello"[..])).unwrap(), bytes[..10]);
    assert_eq!(encoded(Typed, Message::text("x")), Err(SendError::UnsupportedKind(Kind::Text)));
}

#[test]
fn lines_of_text() {
    for size in 1..20 {
        let got = pieces(Lines::new(), &Config::default(), "né\r\n\n\ra\r\r\nb\n".as_bytes(), size);
        assert_eq!(got, texts(&["né", "", "\ra\r", "b"]), "in pieces of {size}");
    }
    assert_eq!(encoded(Lines::new(), Message::text("a\r b")).unwrap(), b"a\r b\n");
    assert_eq!(encoded(Lines::crlf(), Message::text("a\r")).unwrap(), b"a\r\r\n");
    for text in ["a\nb", "\n", "a\r\n", "a\r"] {
        assert_eq!(encoded(Lines::new(), Message::text(text)), Err(SendError::ContainsDelimiter), "{text:?}");
    }
    assert_eq!(
        encoded(Lines::new(), Message::binary(&b"x"[..])),
        Err(SendError::UnsupportedKind(Kind::Binary))
    );
}

#[test]
fn lines_are_checked_as_they_come() {
    let mut connection = open(Lines::new(), Config::default());
    assert_eq!(feed(&mut connection, START, b"caf\xc3"), []);
    assert_eq!(feed(&mut connection, START, b"\xa9\n"), texts(&["caf\u{e9}"]));
    assert_eq!(feed(&mut connection, START, b"a"), []);
    let report = closed(feed(&mut connection, START, b"\xff"));
    assert_eq!(report.cause, Cause::Violation(Violation::TextNotUtf8), "before the line has ended");
    assert_eq!(violation(Lines::new(), b"\xc3\n"), Violation::TextNotUtf8);
}

#[test]
fn a_line_may_be_as_long_as_the_limit_and_its_end_does_not_count() {
    let config = Config { max_message: 4, ..Config::default() };
    for size in [1, 2, 100] {
        let got = pieces(Lines::new(), &config, b"1234\n1234\r\n", size);
        assert_eq!(got, texts(&["1234", "1234"]));
        for long in [&b"12345\n"[..], b"12345\r\n", b"123456789", b"12345\rx"] {
            let report = closed(pieces(Lines::new(), &config, long, size));
            assert_eq!(report.cause, Cause::Violation(Violation::MessageTooBig { limit: 4 }));
            assert_eq!((report.code, report.sent), (CloseCode::ABNORMAL, None));
        }
    }
}

#[test]
fn the_last_line_without_an_end() {
    let mut connection = open(Lines::new(), Config::default());
    assert_eq!(feed(&mut connection, START, b"a\nhi"), texts(&["a"]));
    connection.receive_end(START, End::Eof);
    let report = closed(feed(&mut connection, START, b""));
    assert_eq!((report.code, report.cause), (CloseCode::ABNORMAL, Cause::Transport(End::Truncated)));

    for last in ["hi", "hi\r"] {
        let mut connection = open(Lines::new().open_end(), Config::default());
        feed(&mut connection, START, last.as_bytes());
        connection.receive_end(START, End::Eof);
        let mut got = feed(&mut connection, START, b"");
        let report = got.pop();
        assert_eq!(got, texts(&["hi"]));
        assert!(closed(report.into_iter().collect()).is_clean());
        assert_eq!(connection.stats().messages_in, 1);
    }
    let mut connection = open(Lines::new().open_end(), Config::default());
    feed(&mut connection, START, b"caf\xc3");
    connection.receive_end(START, End::Eof);
    let report = closed(feed(&mut connection, START, b""));
    assert_eq!(report.cause, Cause::Violation(Violation::TextNotUtf8));
}

#[test]
fn raw_bytes_come_as_they_were_read() {
    let config = Config { max_message: 4, ..Config::default() };
    let binary = |bytes: &[u8]| Got::Message(Message::binary(bytes.to_vec()));
    assert_eq!(pieces(Raw, &config, b"abcdef", 3), [binary(b"abc"), binary(b"def")]);
    assert_eq!(pieces(Raw, &config, b"abcdef", 6), [binary(b"abcd"), binary(b"ef")]);
    assert_eq!(encoded(Raw, Message::text("as is")).unwrap(), b"as is");
    let mut connection = open(Raw, config);
    feed(&mut connection, START, b"abc");
    connection.receive_end(START, End::Eof);
    assert_eq!(closed(feed(&mut connection, START, b"")).code, CloseCode::NORMAL);
}

#[test]
fn lengths_of_all_widths() {
    let codecs: [(Length, &[u8]); 9] = [
        (Length::default(), b"\0\0\0\x05hello"),
        (Length::new(Field::U8, Order::Big).unwrap(), b"\x05hello"),
        (Length::new(Field::U24, Order::Little).unwrap(), b"\x05\0\0hello"),
        (Length::new(Field::U64, Order::Little).unwrap(), b"\x05\0\0\0\0\0\0\0hello"),
        (Length::new(Field::Varint, Order::Big).unwrap(), b"\x05hello"),
        (Length::new(Field::U16, Order::Big).unwrap().counts_header(), b"\0\x07hello"),
        (Length::new(Field::Varint, Order::Big).unwrap().counts_header(), b"\x06hello"),
        (Length::new(Field::U16, Order::Big).unwrap().offset(3).unwrap(), b"\0\0\0\0\x05hello"),
        (Length::new(Field::U16, Order::Big).unwrap().adjustment(-2).skip(4).unwrap(), b"\0\x07\0\0hello"),
    ];
    for (codec, bytes) in codecs {
        assert_eq!(encoded(codec, Message::text("hello")).unwrap(), bytes, "{codec:?}");
        for size in 1..bytes.len() {
            let got = pieces(codec, &Config::default(), &bytes.repeat(2), size);
            let hello = || Got::Message(Message::binary(b"hello".to_vec()));
            assert_eq!(got, [hello(), hello()], "{codec:?} in pieces of {size}");
        }
    }
}

#[test]
fn a_header_may_be_part_of_the_payload() {
    let codec = Length::new(Field::U16, Order::Big).unwrap().offset(2).unwrap();
    let codec = codec.counts_header().adjustment(4).skip(0).unwrap();
    let bytes = b"\xaa\xbb\0\x06hi\xcc\xdd\0\x04";
    for size in 1..10 {
        let got = pieces(codec, &Config::default(), bytes, size);
        let want = [&bytes[..6], &bytes[6..]].map(|bytes| Got::Message(Message::binary(bytes.to_vec())));
        assert_eq!(got, want, "in pieces of {size}");
    }
    assert_eq!(encoded(codec, Message::binary(&bytes[..6])).unwrap(), bytes[..6]);
    for wrong in [&bytes[..5], b"", b"\0\0\0"] {
        let refused = encoded(codec, Message::binary(wrong));
        assert!(matches!(refused, Err(SendError::Unframeable(_))), "{refused:?}");
    }
    assert_eq!(violation(codec, b"\0\0\0\x03"), Violation::LengthRange, "shorter than its own header");
}

#[test]
fn lengths_out_of_range() {
    let plain = |field| Length::new(field, Order::Big).unwrap();
    assert_eq!(violation(plain(Field::U16).counts_header(), b"\0\x01"), Violation::LengthRange);
    assert_eq!(violation(plain(Field::U8).adjustment(-3), b"\x02"), Violation::LengthRange);
    assert_eq!(violation(plain(Field::U64).adjustment(1), &[255; 8]), Violation::LengthRange);
    assert_eq!(violation(plain(Field::Varint), &[255; 10]), Violation::LengthRange);
    let limit = Config::default().max_message;
    assert_eq!(violation(plain(Field::U64), &[255; 8]), Violation::MessageTooBig { limit });
    let too_big = |codec, len| encoded(codec, Message::binary(vec![0; len]));
    assert_eq!(too_big(plain(Field::U8), 256), Err(SendError::TooBig { limit: 255 }));
    assert_eq!(too_big(plain(Field::U8).counts_header(), 255), Err(SendError::TooBig { limit: 254 }));
    assert!(matches!(too_big(plain(Field::U8).adjustment(9), 8), Err(SendError::Unframeable(_))));
    assert_eq!(too_big(plain(Field::Varint).counts_header(), 127).unwrap()[..3], [0x81, 0x01, 0]);
    assert_eq!(too_big(plain(Field::Varint).counts_header(), 126).unwrap()[..2], [0x7f, 0]);
}

#[test]
fn lengths_that_make_no_sense() {
    assert_eq!(Length::new(Field::Bytes(0), Order::Big), Err(LengthError::Width(0)));
    assert_eq!(Length::new(Field::Bytes(9), Order::Big), Err(LengthError::Width(9)));
    assert_eq!(Length::default().offset(29), Err(LengthError::Header { size: 33 }));
    assert_eq!(Length::default().skip(33), Err(LengthError::Header { size: 33 }));
    let varint = Length::new(Field::Varint, Order::Big).unwrap();
    assert_eq!(varint.skip(1), Err(LengthError::VarintInPayload));
}
