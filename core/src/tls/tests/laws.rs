//! Any split, any schedule: the same plaintext, in order, nothing lost.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug)]
enum Deed {
    /// Bytes are queued, by reference or copied.
    Say { client: bool, len: usize, shared: bool },
    /// The transport takes up to this many.
    Take { client: bool, n: usize },
    /// Up to this many of those arrive.
    Arrive { client: bool, n: usize },
    /// A side closes, for the last thing that it says.
    Close { client: bool },
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let size = prop_oneof![0_usize..20, 0_usize..3000, 0_usize..100_000];
    let deed = (any::<bool>(), size, any::<bool>(), 0..30).prop_map(|(client, n, shared, kind)| match kind {
        0..8 => Deed::Say { client, len: n, shared },
        8..18 => Deed::Take { client, n },
        18..29 => Deed::Arrive { client, n },
        _ => Deed::Close { client },
    });
    proptest::collection::vec(deed, 0..60)
}

/// One direction of the wire, and what was said in it.
struct Way {
    from: Party,
    transit: VecDeque<u8>,
    said: Vec<u8>,
    closed: bool,
}

impl Way {
    fn new(from: Party) -> Self {
        Self { from, transit: VecDeque::new(), said: Vec::new(), closed: false }
    }

    fn act(&mut self, to: &mut Party, deed: Deed) {
        match deed {
            Deed::Say { len, shared, .. } if !self.closed => {
                let bytes: Vec<u8> = (0..len).map(|i| (self.said.len() + i * 7) as u8).collect();
                self.said.extend_from_slice(&bytes);
                if shared { self.from.say_shared(bytes) } else { self.from.say(&bytes) }
            }
            Deed::Say { .. } => {}
            Deed::Take { n, .. } => self.transit.extend(self.from.take(n)),
            Deed::Arrive { n, .. } => {
                let n = n.min(self.transit.len());
                let bytes: Vec<u8> = self.transit.drain(..n).collect();
                to.hear(&bytes);
            }
            Deed::Close { .. } => {
                self.closed = true;
                self.from.session.close();
            }
        }
    }

    /// The laws that hold at any time.
    fn check(&self, to: &Party) {
        let (outbox, session) = (&self.from.outbox, &self.from.session);
        assert_eq!(session.failure(), None);
        assert_eq!(outbox.written() + outbox.len() as u64, self.said.len() as u64, "bytes are counted once");
        // The smallest fragments double a record.
        assert!(session.queued() <= 64 * 1024 + 2 * 16 * 1024, "{} bytes are sealed", session.queued());
        assert!(session.held() <= 18 * 1024, "{} bytes are held", session.held());
        assert!(self.said.starts_with(&to.heard));
        if self.transit.is_empty() {
            assert!(to.heard.len() as u64 >= outbox.written(), "what is written was taken whole");
        }
        if self.from.wants_write() {
            return;
        }
        assert!(
            session.queued() == 0
                && (outbox.is_empty() || session.is_handshaking() || session.has_sent_close())
        );
    }
}

fn play(client: Party, server: Party, deeds: &[Deed]) {
    let (mut up, mut down) = (Way::new(client), Way::new(server));
    let last = [true, false]
        .map(|client| [Deed::Take { client, n: usize::MAX }, Deed::Arrive { client, n: usize::MAX }]);
    for &deed in deeds.iter().chain(last.as_flattened().iter().cycle().take(200)) {
        let (Deed::Say { client, .. }
        | Deed::Take { client, .. }
        | Deed::Arrive { client, .. }
        | Deed::Close { client }) = deed;
        match client {
            true => up.act(&mut down.from, deed),
            false => down.act(&mut up.from, deed),
        }
        up.check(&down.from);
        down.check(&up.from);
    }
    for (way, to) in [(&up, &down.from), (&down, &up.from)] {
        assert!(!way.from.wants_write() && way.transit.is_empty() && way.from.outbox.is_empty());
        assert!(to.heard == way.said && to.session.peer_closed() == way.closed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_schedule_says_the_same(deeds in deeds(), old in any::<bool>(), fragments in any::<bool>()) {
        let version = if old { &rustls::version::TLS12 } else { &rustls::version::TLS13 };
        let client = changed_client(&client_of(version), |config| {
            config.max_fragment_size = fragments.then_some(64);
        });
        let server = changed_server(&PLAIN_SERVER, |config| config.max_fragment_size = fragments.then_some(64));
        play(
            Party::new(Session::client(&client, "localhost", WALL)),
            Party::new(Session::server(&server, WALL)),
            &deeds,
        );
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 1_usize..50, at in 0_usize..400) {
        // In the middle of a proper conversation, at any place of it, in either direction.
        for client in [true, false] {
            let (mut one, mut other) = (Party::client(), Party::server());
            if !client {
                core::mem::swap(&mut one, &mut other);
            }
            let mut budget = at;
            for _ in 0..4 {
                other.hear(&one.take_all());
                let proper = other.take_all();
                let proper = &proper[..proper.len().min(budget)];
                budget -= proper.len();
                one.hear(proper);
            }
            for piece in bytes.chunks(cut) {
                one.hear(piece);
                one.say(b"x");
                one.take(5);
            }
            one.session.close();
            one.take_all();
        }
    }
}
