//! TLS between the driver and its stream.

use super::*;
use wharf::base::Entropy;
use wharf::framed::Lines;
use wharf::link::Framing;
use wharf::tls::{ClientConfig, ServerConfig};

/// The certificates are valid then.
const IN_2027: Wall = Wall::from_millis(1_800_000_000_000);

fn configs() -> (Arc<Config>, Arc<Config>) {
    let (mut client, mut server) = (Config::client(), Config::default());
    (client.framing, server.framing) = (Framing::codec(Lines::new()), Framing::codec(Lines::new()));
    let root = include_bytes!("testdata/root.pem");
    client.client_tls = Some(ClientConfig::builder().roots_pem(root).build().unwrap());
    let chain = include_bytes!("testdata/server.pem");
    let key = include_bytes!("testdata/server.key");
    server.tls = Some(ServerConfig::from_pem(chain, key).unwrap());
    (client.into(), server.into())
}

/// Where messages follow the TLS handshake at once, nothing else would carry its last word.
#[test]
fn a_client_that_is_open_has_said_the_last_word_of_the_handshake() {
    let (client, server) = configs();
    let (clock, wire) = (Clock::new(), WIRE.with(Clone::clone));
    wire.wire().room = usize::MAX;
    let now = clock.now();
    let target = "tls://localhost:7".parse().unwrap();
    let link = Link::client(now, IN_2027, &client, &target, Entropy::from_seed([1; 32])).unwrap();
    let mut server = Link::server(now, IN_2027, &server);
    let mut driver = Driver::<Scripted>::new(link, Carrier::Tcp(wire.clone()), clock, Vec::new());
    let mut is_open_there = false;
    for _ in 0..4 {
        let is_open_here = poll(crate::client::open(&mut driver)).is_ready();
        let (mut bytes, mut plain) = (std::mem::take(&mut wire.wire().written), Vec::new());
        let mut input = server.input(now, &mut bytes, &mut plain);
        while let Some(event) = server.receive(now, &mut input) {
            is_open_there |= matches!(event, Event::Opened(_));
        }
        if is_open_here {
            assert!(is_open_there, "the server waits for a client that is done");
            return;
        }
        let mut answer = Vec::new();
        server.output(now).drain_into(&mut answer);
        wire.wire().reads.push_back(answer);
    }
    panic!("it never opened");
}
