//! What the fuzz target `tls` does: bytes into a session of either side, and a conversation that is tampered with.

use std::sync::{Arc, LazyLock};
use wharf::base::{Engine, Instant, Message, Wall};
use wharf::sim::Dice;
use wharf::tls::{ClientConfig, ServerConfig, Session};
use wharf::ws::{Config, Connection};

const NOW: Instant = Instant::ORIGIN;
/// When the certificates are valid.
const WALL: Wall = Wall::from_millis(1_782_000_000_000);
/// Most that is held back, and most that is sealed ahead.
const HELD: usize = 64 * 1024;
const SEALED: usize = (64 + 17) * 1024;

static CONFIGS: LazyLock<(ClientConfig, ServerConfig)> = LazyLock::new(|| {
    let root = include_bytes!("../../core/src/tls/testdata/root.pem");
    let chain = include_bytes!("../../core/src/tls/testdata/server.pem");
    let key = include_bytes!("../../core/src/tls/testdata/server.key");
    let client = ClientConfig::builder().roots_pem(root).build().expect("a root");
    (client, ServerConfig::from_pem(chain, key).expect("a certificate and its key"))
});

/// A session, the machine behind it, that machine's twin without TLS, and what was heard.
struct Party {
    session: Session,
    machine: Connection,
    twin: Connection,
    said: Vec<u8>,
    heard: Vec<u8>,
    closed: bool,
}

impl Party {
    fn new(session: Session) -> Self {
        let [machine, twin] = [0; 2].map(|_| Connection::server(NOW, &Arc::new(Config::default())));
        Self { session, machine, twin, said: Vec::new(), heard: Vec::new(), closed: false }
    }

    fn client() -> Self {
        Self::new(Session::client(&CONFIGS.0, "localhost", WALL).expect("a name"))
    }

    fn server() -> Self {
        Self::new(Session::server(&CONFIGS.1, WALL).expect("a session"))
    }

    fn say(&mut self, len: usize) {
        if self.closed {
            return;
        }
        for machine in [&mut self.machine, &mut self.twin] {
            // A full queue refuses; both are equally full, but for what the twin has let go.
            let _ = machine.send(NOW, Message::binary(vec![len as u8; len]));
        }
        self.twin.output(NOW).drain_into(&mut self.said);
    }

    fn close(&mut self) {
        self.session.close();
        self.closed = true;
    }

    fn take(&mut self, n: usize) -> Vec<u8> {
        let wanted = self.session.wants_write(self.machine.wants().write);
        let mut output = self.session.seal(self.machine.output(NOW));
        assert!(!wanted || !output.is_empty(), "it wants to write and has nothing");
        let mut slices: [&[u8]; 1] = [&[]];
        let filled = output.slices(&mut slices);
        let bytes = slices[..filled].concat();
        let bytes = bytes[..bytes.len().min(n)].to_vec();
        output.advance(bytes.len());
        assert!(self.session.queued() <= SEALED, "{} bytes are sealed", self.session.queued());
        bytes
    }

    fn hear(&mut self, bytes: &[u8]) {
        let failed = self.session.failure().cloned();
        self.session.open(WALL, &mut bytes.to_vec(), &mut self.heard);
        assert!(self.session.held() <= HELD, "{} bytes are held", self.session.held());
        assert!(failed.is_none() || failed.as_ref() == self.session.failure(), "a failure is for ever");
    }
}

/// Bytes into a session, or a conversation in which bytes are changed: no panic, nothing without bound, and what is heard
/// was said.
pub fn tls(data: &[u8]) {
    let mut dice = Dice::replaying(data);
    match dice.below(3) {
        0 => noise(&mut dice, &mut Party::server()),
        1 => noise(&mut dice, &mut Party::client()),
        _ => tampered(&mut dice),
    }
}

fn noise(dice: &mut Dice<'_>, party: &mut Party) {
    while !dice.is_spent() {
        let n = dice.pick(&[1, 5, 30, 1000, 4000]);
        party.hear(&dice.bytes(n));
        party.say(n);
        party.take(100);
    }
    party.close();
    while !party.take(usize::MAX).is_empty() {}
    assert!(party.heard.is_empty() && party.session.is_close_written());
}

fn tampered(dice: &mut Dice<'_>) {
    let mut parties = [Party::client(), Party::server()];
    let mut honest = true;
    for _ in 0..100 {
        let at = dice.below(2);
        let size = dice.pick(&[0, 1, 17, 600, 3000, 70_000]);
        match dice.below(16) {
            0..=3 => parties[at].say(size),
            4 => parties[at].close(),
            _ => {}
        }
        let mut bytes = parties[at].take(size.max(300));
        // rustls asserts that it never has two last words, and bad input behind our close_notify would make the second.
        let trick = if parties[1 - at].closed { 24 } else { dice.below(24) };
        match trick {
            0 if !bytes.is_empty() => {
                let place = dice.below(bytes.len());
                bytes[place] ^= 1 << dice.below(8);
                honest = false;
            }
            1 => {
                let (place, extra) = (dice.below(bytes.len() + 1), dice.below(9));
                bytes.splice(place..place, dice.bytes(extra));
                honest = honest && extra == 0;
            }
            2 if !bytes.is_empty() => {
                bytes.truncate(dice.below(bytes.len()));
                honest = false;
            }
            _ => {}
        }
        let cut = dice.between(1, 5000);
        for piece in bytes.chunks(cut) {
            parties[1 - at].hear(piece);
        }
    }
    for at in [0, 1, 0, 1, 0, 1, 0, 1] {
        loop {
            let bytes = parties[at].take(usize::MAX);
            if bytes.is_empty() {
                break;
            }
            parties[1 - at].hear(&bytes);
        }
    }
    for at in 0..2 {
        let (from, to) = (&parties[at], &parties[1 - at]);
        assert!(from.said.starts_with(&to.heard), "something was heard that was not said");
        if honest {
            assert_eq!(from.session.failure(), None);
            assert_eq!(to.heard.len(), from.said.len(), "something was lost");
        }
    }
}
