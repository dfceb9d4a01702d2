//! What is spoken in a world, and through what: each seed draws one wire.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::Message;
use wharf::framed::{self, Lines, Typed};
use wharf::link::{Config, Framing, Target};
use wharf::sim::Dice;
use wharf::tls::{ClientConfig, ServerConfig};
use wharf::ws::{self, deflate};

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Speech {
    /// WebSockets.
    Plain,
    /// WebSockets that compress.
    Deflate,
    /// Frames with a length and a type.
    Typed,
    /// Lines.
    Lines,
}

/// What is spoken, and whether through TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wire {
    /// What is spoken.
    pub speech: Speech,
    /// Through TLS.
    pub secure: bool,
}

impl Wire {
    /// Any.
    pub fn any(dice: &mut Dice<'_>) -> Self {
        let speech = dice.pick(&[Speech::Plain, Speech::Deflate, Speech::Typed, Speech::Lines]);
        Self { speech, secure: dice.percent(50) }
    }

    /// Whether messages are framed, without a frame that says goodbye.
    #[must_use]
    pub fn is_framed(self) -> bool {
        matches!(self.speech, Speech::Typed | Speech::Lines)
    }

    /// Whether an end of the stream between two messages is all that there is of a goodbye: anybody can say it.
    #[must_use]
    pub fn is_gullible(self) -> bool {
        self.is_framed() && !self.secure
    }

    /// Whether one that says nothing is asked for a sign of life.
    #[must_use]
    pub fn keeps_alive(self) -> bool {
        !self.is_framed()
    }

    /// Where clients go.
    #[must_use]
    pub fn target(self) -> Target {
        let text = match (self.is_framed(), self.secure) {
            (false, false) => "ws://world/echo",
            (false, true) => "wss://world/echo",
            (true, false) => "tcp://world:7",
            (true, true) => "tls://world:7",
        };
        text.parse().expect("a target")
    }

    /// The configuration of the hub and that of the clients: marks that are small enough to be reached, deadlines that no
    /// fault of the network alone meets.
    #[must_use]
    pub fn configs(self, dice: &mut Dice<'_>) -> (Arc<Config>, Arc<Config>) {
        let (mut server, mut client) = (Config::default(), Config::client());
        (server.framing, client.framing) = (self.framing(), self.framing());
        let (mut ws, mut framed) = (ws::Config::default(), framed::Config::default());
        ws.high_mark = dice.pick(&[500, 10_000, 64 << 10]);
        ws.low_mark = ws.high_mark / dice.between(1, 10);
        (ws.max_message, ws.queue_limit) = (80_000, 0);
        (framed.high_mark, framed.low_mark) = (ws.high_mark, ws.low_mark);
        (framed.max_message, framed.queue_limit) = (ws.max_message, ws.queue_limit);
        ws.fragment_size = dice.pick(&[1000, 128 << 10]);
        let (mut client_ws, mut client_framed) = (ws::Config::client(), framed::Config::client());
        for ws in [&mut ws, &mut client_ws] {
            ws.close_timeout = Duration::from_secs(60);
            ws.deflate = (self.speech == Speech::Deflate).then(|| compression(dice));
        }
        for framed in [&mut framed, &mut client_framed] {
            framed.close_timeout = Duration::from_secs(60);
        }
        (server.ws, server.framed) = (Arc::new(ws), Arc::new(framed));
        (client.ws, client.framed) = (Arc::new(client_ws), Arc::new(client_framed));
        if self.secure {
            let (own, trusted) = certificates(dice);
            (server.tls, client.client_tls) = (Some(own), Some(trusted));
        }
        (Arc::new(server), Arc::new(client))
    }

    /// The most that the hub queues for a connection: what was queued when it last read, and one answer.
    #[must_use]
    pub fn most_queued(config: &Config) -> usize {
        config.ws.high_mark + config.ws.max_message
    }

    /// A client's questions. They have much in common, so that one compresses in the light of those before; by the first
    /// bytes of most of them their place can be told.
    pub fn questions(self, dice: &mut Dice<'_>) -> Vec<Message<'static>> {
        let phrase = dice.bytes(200);
        (0..dice.between(0, 12)).map(|i| self.question(i, &phrase, dice)).collect()
    }

    fn question(self, i: usize, phrase: &[u8], dice: &mut Dice<'_>) -> Message<'static> {
        let len = dice.pick(&[0, 1, 100, 126, 3000, 20_000, 70_000]);
        let mut bytes: Vec<u8> = match dice.below(3) {
            0 => dice.bytes(len),
            1 => phrase.iter().copied().cycle().skip(dice.below(phrase.len())).take(len).collect(),
            _ => vec![i as u8; len],
        };
        let random = len.min(20);
        dice.fill(&mut bytes[..random]);
        bytes.first_mut().into_iter().for_each(|first| *first = i as u8);
        match self.speech {
            Speech::Typed => Message::typed(i as u8, bytes),
            Speech::Lines => Message::text(text(&bytes)),
            Speech::Plain | Speech::Deflate if dice.percent(50) => Message::text(text(&bytes)),
            Speech::Plain | Speech::Deflate => Message::binary(bytes),
        }
    }

    fn framing(self) -> Framing {
        match self.speech {
            Speech::Plain | Speech::Deflate => Framing::WebSocket,
            Speech::Typed => Framing::codec(Typed),
            Speech::Lines => Framing::codec(Lines::new()),
        }
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.speech, if self.secure { " over TLS" } else { "" })
    }
}

/// As long as `bytes` or a little shorter, in one line, with characters of one byte to four.
fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        let letter = match byte % 32 {
            26 => ' ',
            27 => 'é',
            28 => '\t',
            29 => '✓',
            30 => '\0',
            31 => '🦀',
            n => char::from(b'a' + n),
        };
        if text.len() + letter.len_utf8() <= bytes.len() {
            text.push(letter);
        }
    }
    text
}

fn compression(dice: &mut Dice<'_>) -> deflate::Config {
    let mut config = deflate::Config::default();
    config.level = dice.pick(&[1, 6]);
    config.threshold = dice.pick(&[0, 10, 128, 5000]);
    config.window_bits = dice.pick(&[9, 12, 15]);
    config.peer_window_bits = dice.pick(&[8, 9, 15]);
    (config.takeover, config.peer_takeover) = (dice.percent(75), dice.percent(75));
    config
}

/// All that is random in TLS is of a fixed length, the signatures of this certificate too.
fn certificates(dice: &mut Dice<'_>) -> (ServerConfig, ClientConfig) {
    let (chain, key) = (include_bytes!("world.pem"), include_bytes!("world.key"));
    let resumes = dice.percent(50);
    let server = ServerConfig::builder(chain, key).resumption(resumes).build();
    let client = ClientConfig::builder().roots_pem(chain).resumption(resumes).build();
    (server.expect("a certificate and its key"), client.expect("a root"))
}
