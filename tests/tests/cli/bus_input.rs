//! What a bus makes of bad input, at both of its doors: it names it, keeps or closes the connection, and nobody else notices.

use super::RUNTIMES;
use super::bus::{Service, sold, start};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use wharf::link::Address;
use wharf_tests::adapter::Peer;
use wharf_tests::folder::Folder;
use wharf_tests::wire::first;

const MAX_MESSAGE: usize = 1 << 18;

/// A door of the bus, and somebody who stands there.
enum Visitor {
    Lines(Service),
    Web(Peer),
}

/// What a visitor hears.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Frame(String),
    /// The end, with its code where there is one.
    End(Option<u16>),
}

impl Visitor {
    fn enter([tcp, ws]: &[String; 2], is_web: bool) -> Self {
        match is_web {
            true => Self::Web(Peer::open(ws.parse::<Address>().unwrap())),
            false => Self::Lines(Service::connect(tcp)),
        }
    }

    /// Says something as a frame, whatever it is. A bus that has heard enough may be gone before the end of it.
    fn say(&mut self, frame: &[u8]) {
        match self {
            Self::Lines(service) => drop(service.lines.get_mut().write_all(&[frame, b"\n"].concat())),
            Self::Web(peer) => peer.try_send(first::TEXT, frame),
        }
    }

    /// The next thing but heartbeats.
    fn hear(&mut self) -> Heard {
        match self {
            // One that is cut off may be reset.
            Self::Lines(service) => match service.try_hear() {
                Ok(line) if !line.is_empty() => Heard::Frame(line),
                _ => Heard::End(None),
            },
            Self::Web(peer) => loop {
                match peer.frame() {
                    None => return Heard::End(None),
                    Some(frame) if frame.first == first::CLOSE => {
                        return Heard::End(Some(u16::from_be_bytes([frame.payload[0], frame.payload[1]])));
                    }
                    Some(frame) if frame.payload == br#"{"type":"heartbeat"}"# => {}
                    Some(frame) => return Heard::Frame(String::from_utf8(frame.payload).unwrap()),
                }
            },
        }
    }

    /// Whether it is there and can register, or has.
    fn is_well(&mut self, id: &str) {
        self.say(format!(r#"{{"type":"register","serviceId":"{id}"}}"#).as_bytes());
        let registered = format!(r#"{{"type":"registered","serviceId":"{id}","pending":0}}"#);
        assert_eq!(self.hear(), Heard::Frame(registered));
    }
}

/// What comes of it.
enum Fate {
    /// An answer that begins so, and the connection stays.
    Kept(&'static str),
    /// An answer that begins so, and the end, with this code where there are codes.
    Closed(&'static str, u16),
    /// The end without a word, with this code where there are codes.
    CutOff(u16),
}

use Fate::{Closed, CutOff, Kept};

const INVALID: Fate = Kept(r#"{"type":"error","reason":"invalid","detail":""#);
const NO_ID: Fate = Kept(r#"{"type":"error","reason":"id","detail":""#);
const UNKNOWN: Fate = Kept(r#"{"type":"error","reason":"unknown message","detail":""#);
const NAMED_INVALID: Fate = Kept(r#"{"type":"rejected","messageId":"m","reason":"invalid","detail":""#);

/// A frame whose message has another text in the place of `usual`.
fn with(usual: &str, other: &str) -> String {
    let message = r#"{"type":"message","message":{"id":"m","from":"visitor","to":"mail","type":"t","payload":null,"timestamp":0}}"#;
    assert!(message.contains(usual));
    message.replacen(usual, other, 1)
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// Said by somebody who has not registered.
fn by_strangers() -> Vec<(String, Fate)> {
    let long = "x".repeat(129);
    let register = |id: &str| format!(r#"{{"type":"register","serviceId":{id}}}"#);
    vec![
        ("ahoy".into(), INVALID),
        ("{".into(), INVALID),
        (r#"{"type":"heartbeat"}}"#.into(), INVALID),
        ("7".into(), INVALID),
        ("[]".into(), INVALID),
        ("\0".into(), INVALID),
        (r#"{"type":"heart\u0000beat"}"#.into(), INVALID),
        (nested(100_000), INVALID),
        ("{}".into(), INVALID),
        (r#"{"type":7}"#.into(), INVALID),
        (r#"{"type":"sing"}"#.into(), INVALID),
        (r#"{"type":"Register","serviceId":"visitor"}"#.into(), INVALID),
        (r#"{"type":"registered","serviceId":"visitor","pending":0}"#.into(), INVALID),
        (r#"{"type":"heartbeat","type":"heartbeat"}"#.into(), INVALID),
        (r#"{"type":"register"}"#.into(), INVALID),
        (register("7"), INVALID),
        (register("null"), INVALID),
        (register(r#""a","serviceId":"b""#), INVALID),
        (register(r#""a","token":7"#), INVALID),
        (register(r#""""#), NO_ID),
        (register(r#""a b""#), NO_ID),
        (register(r#""\u00e9""#), NO_ID),
        (register(&format!("\"{long}\"")), NO_ID),
        (with("null", "1"), Kept(r#"{"type":"rejected","messageId":"m","reason":"unregistered""#)),
        (r#"{"type":"ack","messageId":"m-1"}"#.into(), Kept(r#"{"type":"error","reason":"unregistered""#)),
    ]
}

/// Said by somebody who is registered as `visitor`.
fn by_a_service() -> Vec<(String, Fate)> {
    let long = "x".repeat(129);
    vec![
        (r#"{"type":"register","serviceId":"shop"}"#.into(), NO_ID),
        (with("visitor", "shop"), Kept(r#"{"type":"rejected","messageId":"m","reason":"from""#)),
        (with("visitor", "no one"), Kept(r#"{"type":"rejected","messageId":"m","reason":"from""#)),
        (with("mail", ""), Kept(r#"{"type":"rejected","messageId":"m","reason":"to""#)),
        (with("mail", &long), Kept(r#"{"type":"rejected","messageId":"m","reason":"to""#)),
        (with(r#""m""#, r#""a b""#), Kept(r#"{"type":"rejected","messageId":"a b","reason":"id""#)),
        (with(r#""m""#, r#""""#), Kept(r#"{"type":"rejected","messageId":"","reason":"id""#)),
        (with(r#""m""#, &format!("\"{}\"", "x".repeat(1025))), NO_ID),
        (with(r#""m""#, "7"), INVALID),
        (with(r#""id":"m","#, ""), INVALID),
        (with(r#""id":"m""#, r#""id":"m","id":"n""#), INVALID),
        (with(r#""t""#, "null"), NAMED_INVALID),
        (with(r#""payload":null,"#, ""), NAMED_INVALID),
        (with(r#""timestamp":0"#, r#""timestamp":true"#), NAMED_INVALID),
        (with(r#""to":"mail""#, r#""to":["mail"]"#), NAMED_INVALID),
        (with("null", &nested(129)), NAMED_INVALID),
        (with("null", &nested(100_000)), NAMED_INVALID),
        (r#"{"type":"message"}"#.into(), INVALID),
        (r#"{"type":"message","message":"m"}"#.into(), INVALID),
        (r#"{"type":"ack","messageId":"m-1"}"#.into(), UNKNOWN),
        (r#"{"type":"ack","messageId":"m-1","from":"shop"}"#.into(), UNKNOWN),
        (r#"{"type":"nack","messageId":"m-1","reason":"no"}"#.into(), UNKNOWN),
        (r#"{"type":"nack","messageId":"m-1"}"#.into(), INVALID),
        (r#"{"type":"ack"}"#.into(), INVALID),
        (r#"{"type":"ack","messageId":18446744073709551616}"#.into(), INVALID),
        (format!(r#"{{"type":"ack","messageId":"{long}"}}"#), NO_ID),
        (r#"{"type":"ack","messageId":"m-1","from":"a b"}"#.into(), NO_ID),
    ]
}

/// Said by anybody, and the end of it.
fn too_big() -> Vec<(String, Fate)> {
    let answered = Closed(r#"{"type":"error","reason":"too big","detail":""#, 1009);
    vec![
        (with("null", &format!("\"{}\"", "x".repeat(MAX_MESSAGE))), answered),
        ("x".repeat(MAX_MESSAGE * 4 + 2000), CutOff(1009)),
    ]
}

fn comes_of(visitor: &mut Visitor, said: &str, fate: &Fate, is_web: bool) {
    visitor.say(said.as_bytes());
    let shown: String = said.chars().take(100).collect();
    let end = |code| Heard::End(is_web.then_some(code));
    if let Kept(answer) | Closed(answer, _) = fate {
        let heard = visitor.hear();
        let is_it = matches!(&heard, Heard::Frame(frame) if frame.starts_with(answer));
        assert!(is_it, "{shown}: {heard:?}, and not {answer}");
    }
    if let Closed(_, code) | CutOff(code) = fate {
        assert_eq!(visitor.hear(), end(*code), "{shown}");
    }
}

/// Ends what waits for it, also where a test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Two services that talk with each other until they are told to stop, and hear nothing but each other; how often they did.
fn talk(tcp: &str, is_over: &AtomicBool) -> u32 {
    let mut shop = Service::registered(tcp, "shop", 0);
    let mut mail = Service::registered(tcp, "mail", 0);
    let mut n = 0;
    while !is_over.load(Ordering::Relaxed) {
        n += 1;
        let id = format!("m-{n}");
        shop.sell(&id, "mail");
        assert_eq!(mail.hear(), sold(&id, "mail", 0));
        mail.say(&format!(r#"{{"type":"ack","messageId":"{id}"}}"#));
    }
    n
}

#[test]
fn bad_input_is_named_and_nobody_else_notices() {
    for runtime in RUNTIMES {
        let folder = Folder::new();
        let flags = ["--runtime", runtime, "--max-message", &MAX_MESSAGE.to_string()];
        let (_bus, doors) = start(&folder.path("bus.db"), &flags);
        let is_over = AtomicBool::new(false);
        let talked = thread::scope(|scope| {
            let talking = scope.spawn(|| talk(&doors[0], &is_over));
            let over = Over(&is_over);
            for is_web in [false, true] {
                // Each by somebody of its own, and all of them by the same.
                for (said, fate) in by_strangers().into_iter().chain(too_big()) {
                    let mut visitor = Visitor::enter(&doors, is_web);
                    comes_of(&mut visitor, &said, &fate, is_web);
                    if matches!(fate, Kept(_)) {
                        visitor.is_well("visitor");
                    }
                }
                let mut visitor = Visitor::enter(&doors, is_web);
                by_strangers().iter().for_each(|(said, fate)| comes_of(&mut visitor, said, fate, is_web));
                visitor.is_well("visitor");
                for (said, fate) in by_a_service() {
                    comes_of(&mut visitor, &said, &fate, is_web);
                    visitor.is_well("visitor");
                }
                for (said, fate) in too_big() {
                    let mut visitor = Visitor::enter(&doors, is_web);
                    visitor.is_well("visitor");
                    comes_of(&mut visitor, &said, &fate, is_web);
                }
            }
            drop(over);
            talking.join().expect("they notice nothing")
        });
        assert!(talked > 0, "{runtime}");
        let mut peer = Peer::connect(doors[1].parse::<Address>().unwrap());
        peer.ask("/status", false);
        let (_, body) = peer.answer();
        let accepted = format!(r#""accepted":{talked},"delivered":{talked},"#);
        assert!(body.contains(&accepted) && body.contains(r#""dead":0"#), "{runtime} {body}");
    }
}

#[test]
fn what_is_no_text_is_named_or_ends_its_connection() {
    for runtime in RUNTIMES {
        let (_bus, doors) = start("none", &["--runtime", runtime]);
        let mut web = Visitor::enter(&doors, true);
        if let Visitor::Web(peer) = &mut web {
            peer.send(first::BINARY, br#"{"type":"heartbeat"}"#);
        }
        let (heard, Kept(invalid)) = (web.hear(), INVALID) else { unreachable!() };
        assert!(matches!(&heard, Heard::Frame(frame) if frame.starts_with(invalid)), "{heard:?}");
        web.is_well("visitor");
        // A text that is no UTF-8 is none of WebSocket's (RFC 6455 section 8.1), nor a line.
        for (mut visitor, code) in [(web, Some(1007)), (Visitor::enter(&doors, false), None)] {
            visitor.say(b"{\"type\":\"\xff\"}");
            assert_eq!(visitor.hear(), Heard::End(code), "{runtime}");
        }
        Visitor::enter(&doors, false).is_well("visitor");
    }
}
