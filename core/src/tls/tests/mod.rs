//! Two sessions in memory, with nothing behind them but an outbox each.

mod bounds;
mod ends;
mod errors;
mod handshakes;
mod laws;

use super::*;
use crate::base::{Instant, Outbox, Output, Wall};
use bytes::Bytes;
use std::sync::{Arc, LazyLock};
use std::vec;
use std::vec::Vec;

const NOW: Instant = Instant::ORIGIN;
/// In the middle of 2026.
const WALL: Wall = Wall::from_millis(1_782_000_000_000);
const DAY: u64 = 24 * 60 * 60 * 1000;

const ROOT: &[u8] = include_bytes!("../testdata/root.pem");
const OTHER_ROOT: &[u8] = include_bytes!("../testdata/other-root.pem");
const SERVER: (&[u8], &[u8]) =
    (include_bytes!("../testdata/server.pem"), include_bytes!("../testdata/server.key"));
/// Valid in January 2025.
const BRIEF: (&[u8], &[u8]) =
    (include_bytes!("../testdata/brief.pem"), include_bytes!("../testdata/brief.key"));
const CLIENT: (&[u8], &[u8]) =
    (include_bytes!("../testdata/client.pem"), include_bytes!("../testdata/client.key"));
/// A client's certificate from the other root.
const STRANGER: (&[u8], &[u8]) =
    (include_bytes!("../testdata/stranger.pem"), include_bytes!("../testdata/stranger.key"));

static TRUSTING: LazyLock<ClientConfig> =
    LazyLock::new(|| ClientConfig::builder().roots_pem(ROOT).resumption(false).build().unwrap());
static PLAIN_SERVER: LazyLock<ServerConfig> =
    LazyLock::new(|| ServerConfig::builder(SERVER.0, SERVER.1).resumption(false).build().unwrap());

/// `config`, with what rustls alone can change.
fn changed_client(config: &ClientConfig, change: impl FnOnce(&mut rustls::ClientConfig)) -> ClientConfig {
    let mut config = rustls::ClientConfig::clone(&config.rustls);
    change(&mut config);
    ClientConfig::from_rustls(Arc::new(config))
}

fn changed_server(config: &ServerConfig, change: impl FnOnce(&mut rustls::ServerConfig)) -> ServerConfig {
    let mut config = rustls::ServerConfig::clone(&config.rustls);
    change(&mut config);
    ServerConfig::from_rustls(Arc::new(config))
}

/// A client that speaks one version alone.
fn client_of(version: &'static rustls::SupportedProtocolVersion) -> ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    for root in certificates(ROOT) {
        roots.add(root).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConfig::from_rustls(Arc::new(config))
}

fn certificates(pem: &[u8]) -> Vec<rustls::pki_types::CertificateDer<'static>> {
    use rustls::pki_types::pem::PemObject;
    rustls::pki_types::CertificateDer::pem_slice_iter(pem).map(Result::unwrap).collect()
}

/// A session, what waits behind it, and what was heard through it.
struct Party {
    session: Session,
    outbox: Outbox,
    heard: Vec<u8>,
}

impl Party {
    fn new(session: Result<Session, TlsError>) -> Self {
        Self { session: session.unwrap(), outbox: Outbox::new(), heard: Vec::new() }
    }

    fn client() -> Self {
        Self::new(Session::client(&TRUSTING, "localhost", WALL))
    }

    fn server() -> Self {
        Self::new(Session::server(&PLAIN_SERVER, WALL))
    }

    fn say(&mut self, bytes: &[u8]) {
        self.outbox.cork(NOW).extend_from_slice(bytes);
    }

    fn say_shared(&mut self, bytes: Vec<u8>) {
        self.outbox.push_shared(NOW, Bytes::from(bytes));
    }

    /// Up to `n` bytes, as the transport takes them.
    fn take(&mut self, n: usize) -> Vec<u8> {
        let mut output = self.session.seal(Output::new(&mut self.outbox, NOW));
        let mut slices: [&[u8]; 4] = [&[]; 4];
        let filled = output.slices(&mut slices);
        let mut bytes = slices[..filled].concat();
        bytes.truncate(n);
        output.advance(bytes.len());
        bytes
    }

    fn take_all(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while self.wants_write() {
            let bytes = self.take(usize::MAX);
            assert!(!bytes.is_empty(), "it wanted to write, and had nothing");
            all.extend(bytes);
        }
        all
    }

    fn wants_write(&self) -> bool {
        self.session.wants_write(!self.outbox.is_empty())
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.session.open(WALL, &mut bytes.to_vec(), &mut self.heard);
    }
}

/// Lets both write and read until neither has anything to say.
fn settle(a: &mut Party, b: &mut Party) {
    for _ in 0..100 {
        let (there, back) = (a.take_all(), b.take_all());
        if there.is_empty() && back.is_empty() {
            return;
        }
        b.hear(&there);
        a.hear(&back);
    }
    panic!("they never fall silent");
}

/// Both, with the handshake done.
fn pair() -> (Party, Party) {
    let (mut client, mut server) = (Party::client(), Party::server());
    settle(&mut client, &mut server);
    assert!(!client.session.is_handshaking() && !server.session.is_handshaking());
    (client, server)
}

/// A handshake between two configurations, as far as it comes.
fn meet(client: &ClientConfig, name: &str, server: &ServerConfig, wall: Wall) -> (Party, Party) {
    let mut client = Party::new(Session::client(client, name, wall));
    let mut server = Party::new(Session::server(server, wall));
    for _ in 0..10 {
        let (there, back) = (client.take_all(), server.take_all());
        server.session.open(wall, &mut there.to_vec(), &mut Vec::new());
        client.session.open(wall, &mut back.to_vec(), &mut Vec::new());
    }
    (client, server)
}
