//! Each phase of a client's opening hangs in turn: it ends by its own deadline, or by that of all of them together, with an error
//! of its own.

use super::START;
use super::ways::{IN_2027, Side, carry, configs, framings, target};
use crate::base::{Entropy, Input, Instant, When};
use crate::framed::Lines;
use crate::link::{Config, Event, Framing, Link, OpenError};
use crate::proxy::{Proxies, Proxy, ProxyError};
use crate::ws::handshake::HandshakeError;
use alloc::sync::Arc;
use core::time::Duration;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// The defaults, with what each phase may take, if anything.
fn config(proxy: bool, way: Option<u64>, handshake: Option<u64>) -> Arc<Config> {
    let mut config = Config::clone(&configs(&Framing::WebSocket, true).0);
    if proxy {
        config.proxies = Some(Arc::new(Proxies::all(Proxy::parse("http://proxy:3128").unwrap())));
    }
    (config.tls_timeout, config.handshake_timeout) = (way.map(secs), handshake.map(secs));
    Arc::new(config)
}

fn client(config: &Arc<Config>, tls: bool) -> Link {
    let target = target(&Framing::WebSocket, tls);
    let mut link = Link::client(START, IN_2027, config, &target, Entropy::from_seed([1; 32])).unwrap();
    let mut written = std::vec::Vec::new();
    link.output(START).drain_into(&mut written);
    assert!(!written.is_empty(), "it asks");
    link
}

/// Nothing comes any more: how it ends, and when.
fn hang(mut link: Link) -> (OpenError, Duration) {
    let mut now = START;
    for _ in 0..9 {
        now = link.poll_timeout().expect("a deadline");
        link.handle_timeout(now);
        if let Some(Event::Failed(error)) = link.receive(now, &mut Input::default()) {
            assert_eq!(link.poll_timeout(), None);
            return (*error, now - START);
        }
    }
    panic!("it waits for ever: {now:?}");
}

#[test]
fn a_proxy_that_hangs() {
    for (way, by) in [(None, 10), (Some(3), 3), (Some(30), 10)] {
        let (error, after) = hang(client(&config(true, way, Some(1)), true));
        assert_eq!((&error, after), (&OpenError::Proxy(ProxyError::TimedOut), secs(by)));
        assert_eq!((error.when(), error.is_retryable()), (When::Proxy, true));
    }
}

#[test]
fn tls_that_hangs() {
    for (way, by) in [(None, 10), (Some(3), 3), (Some(30), 10)] {
        let (error, after) = hang(client(&config(false, way, Some(1)), true));
        assert_eq!((&error, after), (&OpenError::TlsTimedOut, secs(by)));
        assert_eq!((error.when(), error.is_retryable()), (When::Tls, true));
    }
}

#[test]
fn a_handshake_that_hangs() {
    for (handshake, by) in [(None, 10), (Some(3), 3), (Some(30), 10)] {
        let (error, after) = hang(client(&config(false, Some(1), handshake), false));
        assert_eq!((&error, after), (&OpenError::Handshake(HandshakeError::TimedOut), secs(by)));
        assert_eq!((error.when(), error.is_retryable()), (When::Handshake, true));
    }
}

/// The time of the handshake begins once there is a way: what proxy and TLS took is not a part of it.
#[test]
fn the_handshake_has_its_own_time_behind_the_way() {
    let at = START + secs(4);
    for (handshake, by) in [(None, 10), (Some(3), 7), (Some(30), 10)] {
        let mut link = client(&config(true, None, handshake), false);
        let mut said = *b"HTTP/1.1 200 OK\r\n\r\n";
        assert!(link.input(at, &mut said, &mut std::vec::Vec::new()).is_empty());
        let timed_out = OpenError::Handshake(HandshakeError::TimedOut);
        assert_eq!(hang(link), (timed_out.clone(), secs(by)), "behind a proxy");

        // What is asked for is a line of nonsense to the other side, which says nothing to it.
        let (_, silent) = configs(&Framing::codec(Lines::new()), true);
        let link = client_at(at, &config(false, None, handshake));
        let (mut asks, mut says_nothing) =
            (Side::new(link, false), Side::new(Link::server(at, IN_2027, &silent), false));
        carry(at, &mut asks, &mut says_nothing, &[9999]);
        assert!(says_nothing.opened && !says_nothing.heard.is_empty());
        let (error, after) = hang(asks.link);
        assert_eq!((error, after), (timed_out, secs(by)), "behind TLS");
    }
}

/// A client that began at the start, as of now.
fn client_at(now: Instant, config: &Arc<Config>) -> Link {
    let target = target(&framings()[0], true);
    let mut link = Link::client(START, IN_2027, config, &target, Entropy::from_seed([1; 32])).unwrap();
    link.handle_timeout(now);
    link
}
