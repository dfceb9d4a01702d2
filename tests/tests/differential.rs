//! The same byte streams to this engine and to tungstenite, both as servers: the same messages and the same class of
//! verdict. Where they differ, the reason stands in [`known`]; anything else fails.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;
use tungstenite::protocol::{Role as Peer, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};
use wharf::base::{Cause, CloseCode, Kind, Violation};
use wharf::sim::Dice;
use wharf::ws::{Config, Role};
use wharf_tests::naive::{Item, Verdict};
use wharf_tests::receiver::{Heard, hear};
use wharf_tests::streams::wounded;

const LIMIT: usize = 5000;

/// Why the two may differ on a stream, where they may.
fn known(ours: &Heard, theirs: &Verdict) -> Option<&'static str> {
    let Cause::Violation(violation) = ours.closed.as_ref()?.cause else { return None };
    match (violation, theirs) {
        (Violation::LengthNotMinimal | Violation::ControlTooLong, _) => {
            Some("a length that is not in its shortest form: section 5.2 forbids it, tungstenite takes it")
        }
        (Violation::CloseCode(_), Verdict::Close(1002, _)) => {
            Some("a close code that must not be sent: tungstenite answers 1002 too, but hands up a Close")
        }
        (Violation::CloseCode(_), Verdict::Fail(1007)) => Some(
            "a close with a code and a reason that are both wrong: tungstenite looks at the reason first",
        ),
        (_, Verdict::Open) => {
            Some("a violation before the frame is whole: tungstenite looks when it is all there")
        }
        (_, Verdict::Fail(1009)) if violation.close_code() == CloseCode::PROTOCOL_ERROR => {
            Some("a frame both malformed and too large: tungstenite looks at the length first")
        }
        _ => None,
    }
}

/// A socket that has these bytes and then nothing for now.
struct Wire<'a>(&'a [u8]);

impl Read for Wire<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.read(out) }
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite makes of it: messages, then pings.
fn tungstenite(bytes: &[u8]) -> (Vec<Item>, Verdict) {
    let config = WebSocketConfig::default().max_message_size(Some(LIMIT)).max_frame_size(Some(LIMIT));
    let mut socket = WebSocket::from_raw_socket(Wire(bytes), Peer::Server, Some(config));
    let (mut messages, mut pings) = (Vec::new(), Vec::new());
    let verdict = loop {
        match socket.read() {
            Ok(Message::Text(text)) => messages.push(Item::Message(Kind::Text, text.as_bytes().to_vec())),
            Ok(Message::Binary(bytes)) => messages.push(Item::Message(Kind::Binary, bytes.to_vec())),
            Ok(Message::Ping(payload)) => pings.push(Item::Ping(payload.to_vec())),
            Ok(Message::Pong(_) | Message::Frame(_)) => {}
            Ok(Message::Close(None)) => break Verdict::Close(1005, String::new()),
            Ok(Message::Close(Some(close))) => {
                break Verdict::Close(close.code.into(), close.reason.to_string());
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break Verdict::Open,
            Err(Error::Protocol(_)) => break Verdict::Fail(1002),
            Err(Error::Capacity(_)) => break Verdict::Fail(1009),
            Err(Error::Utf8(_)) => break Verdict::Fail(1007),
            Err(other) => panic!("what is {other:?}"),
        }
    };
    messages.append(&mut pings);
    (messages, verdict)
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect(name))
}

#[test]
fn the_same_verdicts_and_messages() {
    let mut config = Config::default();
    (config.max_message, config.max_frame) = (LIMIT, LIMIT);
    let (config, mut tally) = (Arc::new(config), BTreeMap::<&str, u64>::new());
    let (first, streams) = (number("DIFFERENTIAL_SEED", 0), number("DIFFERENTIAL_STREAMS", 2000));
    for seed in first..first + streams {
        let bytes = wounded(&mut Dice::seeded(seed), LIMIT);
        let ours = hear(&bytes, &[], Role::Server, &config);
        let (items, verdict) = tungstenite(&bytes);
        let same = ours.reading.verdict == verdict;
        let reason = if same { "the same" } else { known(&ours, &verdict).unwrap_or("") };
        assert!(!reason.is_empty(), "seed {seed}: {:?} and not {verdict:?}", ours.closed);
        let lenient = matches!(
            ours.closed.as_ref().map(|closed| closed.cause),
            Some(Cause::Violation(Violation::LengthNotMinimal | Violation::ControlTooLong))
        );
        let heard = &ours.reading.items;
        let agree = if lenient { heard.iter().all(|item| items.contains(item)) } else { *heard == items };
        assert!(agree, "seed {seed}: {:?} {heard:?} and not {verdict:?} {items:?}", ours.closed);
        *tally.entry(reason).or_default() += 1;
    }
    for (reason, times) in tally {
        println!("{times:>8} {reason}");
    }
}
