//! What holds for every stream and every cut.

use super::*;
use crate::base::{Cause, CloseCode, End, Kind, Origin, SendError, Violation};
use crate::framed::{Field, Header, Length, Lines, MAX_HEADER, Order, Raw, Typed};
use proptest::prelude::*;
use std::vec;

/// All that the trait allows and no codec of ours does: a header of two parts, a trailer that is checked, text of known
/// length, a byte that ends a message behind a header, a length that is shorter than the look at it.
#[derive(Debug)]
struct Odd;

impl Codec for Odd {
    fn header(&self, bytes: &[u8]) -> Result<Header, Violation> {
        match bytes {
            [b't'] => Ok(Header::More(3)),
            [b't', _] => Ok(Header::More(3)),
            [b't', a, b, ..] => {
                let len = usize::from(a & 15) * 16 + usize::from(b & 15);
                Ok(Header::Payload { kind: Kind::Text, skip: 3, len, trailer: 2 })
            }
            [b'u', ..] => {
                Ok(Header::Until { kind: Kind::Typed(b'u'), skip: 1, byte: 0, trim: 2, ends_at_eof: false })
            }
            [b's', ..] if bytes.len() < 4 => Ok(Header::More(4)),
            [b's', ..] => Ok(Header::Payload { kind: Kind::Binary, skip: 1, len: 1, trailer: 0 }),
            [b'l', ..] => Ok(Header::Payload { kind: Kind::Binary, skip: 40, len: 3, trailer: 0 }),
            _ => Err(Violation::Framing("odd")),
        }
    }

    fn end(&self, kind: Kind, payload: &[u8], end: &[u8]) -> Result<usize, Violation> {
        match kind {
            Kind::Text if end != b"\r\n" => Err(Violation::Framing("no end")),
            Kind::Typed(_) => Ok(payload.len().saturating_sub(2)),
            _ => Ok(payload.len()),
        }
    }

    fn accepts(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Text | Kind::Typed(b'u'))
    }

    fn encode_head(&self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        match kind {
            Kind::Text if payload.len() > 255 => return Err(SendError::TooBig { limit: 255 }),
            Kind::Text => out.extend([b't', (payload.len() / 16) as u8, (payload.len() % 16) as u8]),
            // What was written before the fault was found must not stay.
            _ => {
                out.push(b'u');
                if payload.contains(&0) {
                    return Err(SendError::ContainsDelimiter);
                }
            }
        }
        Ok(())
    }

    fn encode_tail(&self, kind: Kind, _: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(if kind == Kind::Text { b"\r\n" } else { b"--\0" });
    }
}

pub(super) type AnyCodec = Arc<dyn Codec>;

pub(super) fn any_codec() -> impl Strategy<Value = AnyCodec> {
    let field = prop_oneof![(1..=8u8).prop_map(Field::Bytes), Just(Field::Varint)];
    let order = prop_oneof![Just(Order::Big), Just(Order::Little)];
    let length =
        (field, order, 0..4usize, any::<bool>(), -3..4i32).prop_map(|(f, o, offset, counts, add)| {
            let length = Length::new(f, o).unwrap().offset(offset).unwrap().adjustment(add);
            Arc::new(if counts { length.counts_header() } else { length }) as AnyCodec
        });
    prop_oneof![
        2 => Just(Arc::new(Typed) as AnyCodec),
        1 => Just(Arc::new(Lines::new()) as AnyCodec),
        1 => Just(Arc::new(Lines::crlf().open_end()) as AnyCodec),
        2 => Just(Arc::new(Odd) as AnyCodec),
        3 => length,
    ]
}

/// What may be sent; each codec takes some of it.
pub(super) fn message() -> impl Strategy<Value = Message<'static>> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..60);
    prop_oneof![
        "[a-zé🦀\n\r]{0,20}".prop_map(Message::from),
        "[a-zé🦀 ]{0,40}".prop_map(Message::from),
        bytes().prop_map(Message::from),
        (prop_oneof![Just(b'u'), any::<u8>()], bytes()).prop_map(|(tag, bytes)| Message::typed(tag, bytes)),
        (1..6000usize).prop_map(|len| Message::binary(vec![b'b'; len])),
        (1..6000usize).prop_map(|len| Message::typed(b'u', vec![b't'; len])),
    ]
}

/// As the peer reads it: most framings do not tell text from bytes.
pub(super) fn as_read(codec: &AnyCodec, message: &Message<'_>) -> Message<'static> {
    let told = codec.accepts(Kind::Text) && codec.accepts(Kind::Binary);
    if told { Message::binary(message.payload().to_vec()) } else { message.as_lent().into_owned() }
}

/// Sends what can be sent; the messages and the bytes.
fn encode(codec: &AnyCodec, messages: &[Message<'_>]) -> (Vec<Message<'static>>, Vec<u8>) {
    let mut connection = open(codec.clone(), Config { high_mark: 1 << 24, ..Config::default() });
    let sent = messages.iter().filter(|m| connection.send(START, m.as_lent()).is_ok());
    let sent = sent.map(|message| as_read(codec, message)).collect();
    (sent, written(&mut connection, START))
}

/// All that comes of a stream in these pieces, in turn, and of its end.
fn hear(codec: &AnyCodec, max_message: usize, bytes: &[u8], sizes: &[usize]) -> Vec<Got> {
    let mut connection = open(codec.clone(), Config { max_message, ..Config::default() });
    let (mut got, mut rest, mut sizes) = (Vec::new(), bytes, sizes.iter().cycle());
    while !rest.is_empty() {
        let size = (*sizes.next().unwrap_or(&usize::MAX)).clamp(1, rest.len());
        if let Some(space) = connection.read_space() {
            let n = size.min(space.len());
            space[..n].copy_from_slice(&rest[..n]);
            connection.handle_read(START, n);
            rest = &rest[n..];
            got.extend(feed(&mut connection, START, b""));
        } else {
            got.extend(feed(&mut connection, START, &rest[..size]));
            rest = &rest[size..];
        }
    }
    connection.receive_end(START, End::Eof);
    got.extend(feed(&mut connection, START, b""));
    got
}

/// What [`Odd`] reads, most of it well-formed.
fn odd_stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"sA"[..]),
        Just(&b"t\0\0\r\n"[..]),
        Just("t\0\x05h\u{e9}\u{e8}\r\n".as_bytes()),
        Just(&b"u--\0"[..]),
        Just(&b"uhello--\0"[..]),
        Just(&b"l123456789012345678901234567890123456789abc"[..]),
        Just(&b"t\0\x01x\r\r"[..]),
        Just(&b"t\0\0\n\r"[..]),
        Just(&b"t\0\x01\xc3\r\n"[..]),
    ];
    let weighed = prop::collection::vec((piece, 0..9u8), 0..12);
    // A bad one ends it, so that they are rare.
    weighed.prop_map(|pieces| {
        let keep =
            |piece: &[u8], n| n == 0 || !(piece.ends_with(b"\r") || piece.contains(&0xc3) && piece.len() < 8);
        pieces
            .into_iter()
            .filter(|(piece, n)| keep(piece, *n))
            .flat_map(|(piece, _)| piece.to_vec())
            .collect()
    })
}

#[derive(Clone, Debug)]
enum Wound {
    Flip(usize, u8),
    Cut(usize, usize),
    Insert(usize, Vec<u8>),
}

fn wounds() -> impl Strategy<Value = Vec<Wound>> {
    let wound = prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, bits)| Wound::Flip(at, bits)),
        (any::<usize>(), 1..9usize).prop_map(|(at, n)| Wound::Cut(at, n)),
        (any::<usize>(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, b)| Wound::Insert(at, b)),
    ];
    prop::collection::vec(wound, 0..3)
}

fn wounded(mut bytes: Vec<u8>, wounds: &[Wound]) -> Vec<u8> {
    for wound in wounds {
        let len = bytes.len();
        match wound {
            Wound::Flip(at, bits) if len > 0 => bytes[at % len] ^= bits,
            Wound::Cut(at, n) if len > 0 => drop(bytes.drain(at % len..len.min(at % len + n))),
            Wound::Insert(at, piece) => {
                drop(bytes.splice(at % (len + 1)..at % (len + 1), piece.iter().copied()))
            }
            _ => {}
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(codec in any_codec(), messages in prop::collection::vec(message(), 0..8),
                                    sizes in prop::collection::vec(1..50usize, 0..5)) {
        let (sent, bytes) = encode(&codec, &messages);
        let mut got = hear(&codec, 1 << 20, &bytes, &sizes);
        let report = closed(vec![got.pop().unwrap()]);
        prop_assert_eq!((report.origin, report.code), (Origin::Remote, CloseCode::NORMAL));
        prop_assert_eq!(got, sent.into_iter().map(Got::Message).collect::<Vec<_>>());
    }

    #[test]
    fn any_split_the_same_messages_and_the_same_report(
        codec in any_codec(), messages in prop::collection::vec(message(), 0..6), wounds in wounds(),
        limit in prop_oneof![Just(1 << 20), 0..70usize], sizes in prop::collection::vec(1..40usize, 1..6)
    ) {
        let bytes = wounded(encode(&codec, &messages).1, &wounds);
        let whole = hear(&codec, limit, &bytes, &[]);
        prop_assert_eq!(&hear(&codec, limit, &bytes, &sizes), &whole);
        prop_assert_eq!(&hear(&codec, limit, &bytes, &[1]), &whole);
        prop_assert!(matches!(whole.last(), Some(Got::Closed(_))));
        for got in &whole {
            prop_assert!(!matches!(got, Got::Message(message) if message.payload().len() > limit));
        }
    }

    #[test]
    fn whatever_the_trait_allows_is_cut_anywhere(
        bytes in odd_stream(), sizes in prop::collection::vec(1..6usize, 1..6), limit in prop_oneof![Just(99), 0..6usize],
    ) {
        let codec: AnyCodec = Arc::new(Odd);
        let whole = hear(&codec, limit, &bytes, &[]);
        prop_assert_eq!(&hear(&codec, limit, &bytes, &sizes), &whole);
        prop_assert_eq!(&hear(&codec, limit, &bytes, &[1]), &whole);
    }

    #[test]
    fn noise_ends_the_same_however_it_is_cut(codec in any_codec(), bytes in prop::collection::vec(any::<u8>(), 0..99),
                                             sizes in prop::collection::vec(1..40usize, 1..6)) {
        prop_assert_eq!(hear(&codec, 50, &bytes, &sizes), hear(&codec, 50, &bytes, &[]));
    }

    #[test]
    fn a_longer_look_says_the_same(codec in any_codec(), noise in prop::collection::vec(any::<u8>(), 1..MAX_HEADER),
                                   messages in prop::collection::vec(message(), 1..3)) {
        let stream = encode(&codec, &messages).1;
        for bytes in [&noise[..], &stream[..stream.len().min(MAX_HEADER)]] {
            let looks: Vec<_> = (1..=bytes.len()).map(|n| codec.header(&bytes[..n])).collect();
            for (i, look) in looks.iter().enumerate() {
                match look {
                    Ok(Header::More(least)) => {
                        prop_assert!(*least > i + 1);
                        let before = &looks[i..looks.len().min(least - 1)];
                        prop_assert!(before.iter().all(|look| matches!(look, Ok(Header::More(_)))));
                    }
                    told => prop_assert!(looks[i..].iter().all(|look| look == told)),
                }
            }
        }
    }
}

#[test]
fn raw_pieces_are_the_stream() {
    let stream: Vec<u8> = (0..5000_u32).map(|i| i as u8).collect();
    for size in [1, 7, 64, 5000] {
        let mut connection = open(Raw, Config { max_message: 64, ..Config::default() });
        let mut heard = Vec::new();
        for piece in stream.chunks(size) {
            for got in feed(&mut connection, START, piece) {
                let Got::Message(message) = got else { panic!("{got:?}") };
                assert!(message.payload().len() <= 64);
                heard.extend(message.into_vec());
            }
        }
        assert!(heard == stream);
    }
}

#[test]
fn headers_without_an_end_are_bounded() {
    #[derive(Debug)]
    struct Endless(usize);
    impl Codec for Endless {
        fn header(&self, bytes: &[u8]) -> Result<Header, Violation> {
            Ok(Header::More(if self.0 == 0 { bytes.len() } else { self.0 }))
        }
        fn accepts(&self, _: Kind) -> bool {
            false
        }
        fn encode_head(&self, kind: Kind, _: &[u8], _: &mut Vec<u8>) -> Result<(), SendError> {
            Err(SendError::UnsupportedKind(kind))
        }
    }
    for least in [0, 1, MAX_HEADER, MAX_HEADER + 1, usize::MAX] {
        for size in [1, 5, 100] {
            let mut connection = open(Endless(least), Config::default());
            let got: Vec<Got> = [0; 100].chunks(size).flat_map(|p| feed(&mut connection, START, p)).collect();
            let too_long = Cause::Violation(Violation::HeaderTooLong { limit: MAX_HEADER });
            assert_eq!(closed(got).cause, too_long, "{least} in pieces of {size}");
        }
    }
}
