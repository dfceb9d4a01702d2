//! What a connection promises stays true through TLS: nothing counts as written before the transport took it.

use core::time::Duration;
use std::sync::Arc;
use wharf::base::{
    Accepted, Cause, CloseCode, Engine, Entropy, Event, Input, Instant, Message, Shutdown, Timeout, Wall,
};
use wharf::tls::{ClientConfig, ServerConfig, Session};
use wharf::ws::{Config, Connection};

const NOW: Instant = Instant::ORIGIN;
const WALL: Wall = Wall::from_millis(1_782_000_000_000);

struct Side {
    connection: Connection,
    session: Session,
    messages: usize,
    drained: usize,
    cause: Option<Cause>,
}

impl Side {
    fn new(connection: Connection, session: Session) -> Self {
        Self { connection, session, messages: 0, drained: 0, cause: None }
    }

    /// What the transport takes, up to `n` bytes.
    fn take(&mut self, now: Instant, n: usize) -> Vec<u8> {
        let mut output = self.session.seal(self.connection.output(now));
        let mut slices: [&[u8]; 1] = [&[]];
        let filled = output.slices(&mut slices);
        let bytes = slices[..filled].concat();
        let bytes = bytes[..bytes.len().min(n)].to_vec();
        output.advance(bytes.len());
        bytes
    }

    fn take_all(&mut self, now: Instant) -> Vec<u8> {
        let mut all = Vec::new();
        while self.session.wants_write(self.connection.wants().write) {
            all.extend(self.take(now, usize::MAX));
        }
        all
    }

    fn hear(&mut self, now: Instant, bytes: &[u8]) {
        let mut plain = Vec::new();
        self.session.open(WALL, &mut bytes.to_vec(), &mut plain);
        let mut input = Input::new(&mut plain);
        while let Some(event) = self.connection.receive(now, &mut input) {
            match event {
                Event::Message(_) => self.messages += 1,
                Event::Drained => self.drained += 1,
                Event::Closed(closed) => self.cause = Some(closed.cause),
                _ => {}
            }
        }
    }
}

/// A client and a server, with the TLS handshake done.
fn pair(config: &Arc<Config>) -> [Side; 2] {
    let root = include_bytes!("../../../core/src/tls/testdata/root.pem");
    let chain = include_bytes!("../../../core/src/tls/testdata/server.pem");
    let key = include_bytes!("../../../core/src/tls/testdata/server.key");
    let client = ClientConfig::builder().roots_pem(root).build().expect("a root");
    let server = ServerConfig::from_pem(chain, key).expect("a certificate");
    let mut sides = [
        Side::new(
            Connection::client(NOW, config, Entropy::from_seed([1; 32])),
            Session::client(&client, "localhost", WALL).expect("a name"),
        ),
        Side::new(Connection::server(NOW, config), Session::server(&server, WALL).expect("a session")),
    ];
    for _ in 0..3 {
        let bytes = sides[0].take_all(NOW);
        sides[1].hear(NOW, &bytes);
        let bytes = sides[1].take_all(NOW);
        sides[0].hear(NOW, &bytes);
    }
    assert!(sides.iter().all(|side| !side.session.is_handshaking()));
    sides
}

#[test]
fn drained_is_told_once_the_transport_took_the_bytes() {
    let mut config = Config::default();
    (config.high_mark, config.low_mark) = (20_000, 1000);
    let [mut client, mut server] = pair(&config.into());
    assert_eq!(server.connection.send(NOW, Message::binary(vec![1; 30_000])), Ok(Accepted::Congested));
    // All of it is sealed, and none taken.
    assert!(server.take(NOW, 0).is_empty() && server.session.queued() > 30_000);
    server.hear(NOW, &[]);
    assert_eq!((server.drained, server.connection.queued()), (0, 30_004));
    let mut bytes = server.take(NOW, 30_000);
    server.hear(NOW, &[]);
    assert!(server.drained == 0 && server.connection.is_congested());
    bytes.extend(server.take_all(NOW));
    server.hear(NOW, &[]);
    assert_eq!((server.drained, server.connection.queued()), (1, 0));
    client.hear(NOW, &bytes);
    assert_eq!(client.messages, 1);
}

#[test]
fn lingering_begins_once_the_transport_took_the_close() {
    let [mut client, mut server] = pair(&Arc::default());
    client.connection.close(NOW, CloseCode::NORMAL, "").expect("it is open");
    let bytes = client.take_all(NOW);
    server.hear(NOW, &bytes);
    // The answer is sealed and sits there.
    assert!(server.take(NOW, 3).len() == 3 && server.session.queued() > 0);
    assert_eq!(server.connection.wants().shutdown, None);
    server.take_all(NOW);
    assert_eq!(server.connection.wants().shutdown, Some(Shutdown::Both));
}

#[test]
fn a_peer_that_takes_nothing_stalls_and_one_that_takes_a_little_does_not() {
    let mut config = Config::default();
    (config.write_timeout, config.idle_timeout) = (Some(Duration::from_secs(10)), None);
    let config = Arc::new(config);
    for takes in [0, 1] {
        let [_, mut server] = pair(&config);
        server.connection.send(NOW, Message::binary(vec![1; 10_000])).expect("room");
        for second in 1..=60 {
            let now = NOW + Duration::from_secs(second);
            server.take(now, takes);
            server.connection.handle_timeout(now);
            server.hear(now, &[]);
        }
        let expected = (takes == 0).then_some(Cause::Timeout(Timeout::WriteStall));
        assert_eq!(server.cause, expected);
    }
}
