//! The same byte streams to the codecs here and to those of tokio-util: the same messages and the same class of verdict.
//! Where they differ, the reason stands in [`known_length`] or [`known_lines`]; anything else fails.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec, LinesCodec, LinesCodecError};
use wharf::base::{Cause, End, Engine, Instant, Message, Violation};
use wharf::framed::{Codec, Config, Connection, Lines};
use wharf::sim::Dice;
use wharf_tests::framing::{Heard, LengthShape, hear, stream};
use wharf_tests::streams::cuts;

const LIMIT: usize = 200;

/// How a stream ends, in words for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Clean,
    Truncated,
    TooBig,
    Range,
    NotUtf8,
    Endless,
}

fn ours(heard: &Heard) -> Verdict {
    match heard.1.as_ref().expect("an end").cause {
        Cause::Handshake => Verdict::Clean,
        Cause::Transport(End::Truncated) => Verdict::Truncated,
        Cause::Violation(Violation::MessageTooBig { .. }) => Verdict::TooBig,
        Cause::Violation(Violation::LengthRange) => Verdict::Range,
        Cause::Violation(Violation::TextNotUtf8) => Verdict::NotUtf8,
        cause => panic!("what is {cause}"),
    }
}

/// What their codec makes of a stream in these pieces.
fn theirs<D: Decoder>(
    mut codec: D,
    bytes: &[u8],
    cuts: &[usize],
    payload: impl Fn(D::Item) -> Vec<u8>,
    verdict: impl Fn(D::Error) -> Verdict,
) -> (Vec<Vec<u8>>, Verdict) {
    let (mut buffer, mut messages, mut from) = (BytesMut::new(), Vec::new(), 0);
    for &to in cuts.iter().chain([&bytes.len()]) {
        buffer.extend_from_slice(&bytes[from..to]);
        from = to;
        loop {
            if messages.len() > bytes.len() {
                return (messages, Verdict::Endless);
            }
            match codec.decode(&mut buffer) {
                Ok(Some(item)) => messages.push(payload(item)),
                Ok(None) => break,
                Err(error) => return (messages, verdict(error)),
            }
        }
    }
    loop {
        match codec.decode_eof(&mut buffer) {
            Ok(Some(item)) => messages.push(payload(item)),
            Ok(None) => return (messages, Verdict::Clean),
            Err(error) => return (messages, verdict(error)),
        }
    }
}

/// Why the two may differ on a stream with lengths, where they may.
fn known_length(shape: &LengthShape, ours: Verdict, theirs: Verdict) -> Option<&'static str> {
    match (ours, theirs) {
        (Verdict::Truncated, Verdict::Clean) => {
            Some("the stream ends right behind a header: tokio-util does not miss the payload")
        }
        (_, Verdict::TooBig) | (Verdict::TooBig, _) if shape.adjustment != 0 => {
            Some("tokio-util compares the number in the field with the limit, before it is adjusted")
        }
        (Verdict::Range, _)
            if shape.skip.is_some_and(|skip| skip < shape.offset + usize::from(shape.width)) =>
        {
            Some("a length that does not cover its own header: tokio-util begins the next one inside of it")
        }
        (Verdict::TooBig | Verdict::Range, Verdict::Truncated) if shape.skip.is_some() => {
            Some("a header that is not all to be skipped yet: tokio-util waits for the bytes to skip")
        }
        _ => None,
    }
}

/// Why the two may differ on lines, where they may.
fn known_lines(bytes: &[u8], ours: Verdict, theirs: Verdict) -> Option<&'static str> {
    match (ours, theirs) {
        (Verdict::NotUtf8, Verdict::TooBig) => {
            Some("a line both too long and not UTF-8: tokio-util looks at the text when the line is whole")
        }
        (_, Verdict::TooBig) => Some("tokio-util counts the CR of a line's end"),
        (Verdict::Clean, Verdict::Clean) if bytes.ends_with(b"\n\r") || bytes == b"\r" => {
            Some("the last line is a CR alone: for tokio-util it is none")
        }
        _ => None,
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect(name))
}

/// Counts agreements and known differences; fails for any other, and where the messages before a difference differ.
fn compare(
    tally: &mut BTreeMap<&'static str, u64>,
    seed: u64,
    heard: &Heard,
    (messages, verdict): &(Vec<Vec<u8>>, Verdict),
    known: impl Fn(Verdict, Verdict) -> Option<&'static str>,
) {
    let ours = ours(heard);
    let got: Vec<&[u8]> = heard.0.iter().map(Message::payload).collect();
    let n = got.len().min(messages.len());
    let same = ours == *verdict && got.len() == messages.len();
    let reason = if same { Some("the same") } else { known(ours, *verdict) };
    let reason =
        reason.unwrap_or_else(|| panic!("seed {seed}: {ours:?} {got:?} and not {verdict:?} {messages:?}"));
    assert!(got[..n] == messages[..n], "seed {seed}: {got:?} and not {messages:?}");
    *tally.entry(reason).or_default() += 1;
}

fn print(tally: BTreeMap<&'static str, u64>) {
    for (reason, times) in tally {
        println!("{times:>8} {reason}");
    }
}

fn seeds() -> std::ops::Range<u64> {
    let first = number("DIFFERENTIAL_SEED", 0);
    first..first + number("DIFFERENTIAL_STREAMS", 2000)
}

#[test]
fn lengths() {
    let mut tally = BTreeMap::new();
    for seed in seeds() {
        let mut dice = Dice::seeded(seed);
        let shape = LengthShape::any(&mut dice);
        let codec: Arc<dyn Codec> = Arc::new(shape.codec());
        let bytes = stream(&mut dice, &codec, LIMIT);
        let cuts = cuts(&mut dice, bytes.len(), 4);
        let mut builder = LengthDelimitedCodec::builder();
        builder.length_field_length(shape.width.into()).length_field_offset(shape.offset);
        builder.length_adjustment(shape.adjustment as isize).max_frame_length(LIMIT);
        if let Some(skip) = shape.skip {
            builder.num_skip(skip);
        }
        let builder = if shape.little { builder.little_endian() } else { &mut builder };
        let verdict = |error: std::io::Error| match error.to_string() {
            text if text.contains("frame size too big") => Verdict::TooBig,
            text if text.contains("would overflow") => Verdict::Range,
            text if text.contains("bytes remaining") => Verdict::Truncated,
            text => panic!("what is {text}"),
        };
        let theirs = theirs(builder.new_codec(), &bytes, &cuts, |item| item.to_vec(), verdict);
        let heard = hear(&codec, LIMIT, &bytes, &cuts);
        compare(&mut tally, seed, &heard, &theirs, |ours, theirs| known_length(&shape, ours, theirs));
    }
    print(tally);
}

#[test]
fn lines() {
    let mut tally = BTreeMap::new();
    for seed in seeds() {
        let mut dice = Dice::seeded(seed);
        let lines = if dice.percent(50) { Lines::new() } else { Lines::crlf() };
        let codec: Arc<dyn Codec> = Arc::new(lines.open_end());
        let bytes = stream(&mut dice, &codec, LIMIT);
        let cuts = cuts(&mut dice, bytes.len(), 4);
        let verdict = |error| match error {
            LinesCodecError::MaxLineLengthExceeded => Verdict::TooBig,
            LinesCodecError::Io(_) => Verdict::NotUtf8,
        };
        let theirs =
            theirs(LinesCodec::new_with_max_length(LIMIT), &bytes, &cuts, String::into_bytes, verdict);
        let heard = hear(&codec, LIMIT, &bytes, &cuts);
        compare(&mut tally, seed, &heard, &theirs, |ours, theirs| known_lines(&bytes, ours, theirs));
    }
    print(tally);
}

#[test]
fn what_is_written_is_the_same() {
    let written = |codec: Arc<dyn Codec>, message: Message<'_>| {
        let mut connection = Connection::new(Instant::ORIGIN, codec, &Config::default().into());
        connection.send(Instant::ORIGIN, message).map_err(|error| error.to_string())?;
        let mut out = Vec::new();
        connection.output(Instant::ORIGIN).drain_into(&mut out);
        Ok::<_, String>(out)
    };
    for seed in 0..2000 {
        let mut dice = Dice::seeded(seed);
        // tokio-util writes the field alone, whatever stands around it.
        let shape = LengthShape { offset: 0, skip: None, ..LengthShape::any(&mut dice) };
        let len = dice.between(0, 300);
        let payload = dice.bytes(len);
        let mut builder = LengthDelimitedCodec::builder();
        builder.length_field_length(shape.width.into()).length_adjustment(shape.adjustment as isize);
        let mut theirs = BytesMut::new();
        let builder = if shape.little { builder.little_endian() } else { &mut builder };
        let refused = builder.new_codec().encode(Bytes::from(payload.clone()), &mut theirs).is_err();
        let ours = written(Arc::new(shape.codec()), Message::binary(&payload[..]));
        assert_eq!(ours.ok(), (!refused).then(|| theirs.to_vec()), "seed {seed}: {shape:?}");
    }
    let mut theirs = BytesMut::new();
    LinesCodec::new().encode("n\u{e9}", &mut theirs).expect("a line");
    assert_eq!(written(Arc::new(Lines::new()), Message::text("n\u{e9}")).ok(), Some(theirs.to_vec()));
}
