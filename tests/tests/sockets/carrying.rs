//! One suite for all runtimes: a service behind real sockets, its good peers and its bad ones.

#[allow(dead_code)]
#[path = "../../examples/blocking.rs"]
mod blocking;

use blocking::Socket;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wharf::base::{Cause, CloseCode, Message, Timeout};
use wharf::link::Config;
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::{PATIENCE, Peer};
use wharf_tests::motley::{Answer, Ground, News, Suite, echoes};
use wharf_tests::peer_stream::PeerStream;
use wharf_tests::rig::{self, Work};
use wharf_tests::wire::{close_body, first, frame, header};

fn sizes_around_every_boundary(ground: Ground) {
    let suite = Suite::start(ground);
    let mut socket = Socket::connect(&suite.url()).unwrap();
    let mut sizes = vec![0, 1, 1 << 20];
    for boundary in [126, 1 << 12, 1 << 14, 1 << 16, 1 << 17] {
        sizes.extend(boundary - 2..boundary + 3);
    }
    for size in sizes {
        let payload: Vec<u8> = (0..size).map(|i| b'a' + (i % 23) as u8).collect();
        socket.send(payload.clone()).unwrap();
        assert!(socket.receive().unwrap() == Some(Message::binary(payload.clone())), "{size} bytes");
        socket.send(String::from_utf8(payload.clone()).unwrap()).unwrap();
        assert!(
            socket.receive().unwrap().unwrap().as_text().unwrap().as_bytes() == payload,
            "{size} letters"
        );
    }
    assert!(socket.close().unwrap().is_clean());
    assert!(suite.closed().is_clean());
}

fn the_client_of_the_same_runtime(ground: Ground) {
    let suite = Suite::start(ground);
    let run = |path: &str, work| {
        let (url, address) = (format!("{}{path}", suite.url()), suite.serving.address.clone());
        rig::run(ground.runtime, Some(address).filter(|_| ground.unix), &url, false, work)
    };
    assert_eq!(run("", Work::SendOne("ahoy".into())).unwrap(), ["ahoy"]);
    let lost = run("nowhere", Work::Collect).unwrap_err();
    assert!(lost.contains("404"), "{lost}");
}

fn two_hundred_at_once(ground: Ground) {
    let suite = Suite::start(ground);
    let mut peers: Vec<Peer> = (0..200).map(|_| suite.open()).collect();
    for (i, peer) in peers.iter_mut().enumerate() {
        peer.send(first::TEXT, format!("from {i}").as_bytes());
    }
    for (i, peer) in peers.iter_mut().enumerate() {
        assert_eq!(peer.frame().unwrap().payload, format!("from {i}").as_bytes());
        peer.close(1000);
        assert_eq!((peer.closed(), peer.rest().len()), (1000, 0));
    }
    assert!((0..200).all(|_| suite.closed().is_clean()));
}

fn pages_on_the_same_port(ground: Ground) {
    let suite = Suite::start(ground);
    let mut peer = suite.connect();
    for _ in 0..3 {
        peer.ask("/page", false);
        assert_eq!(peer.answer(), (200, "ahoy".to_owned()));
        peer.ask("/nowhere", false);
        assert_eq!(peer.answer().0, 404);
    }
    peer.ask("/", true);
    assert_eq!(peer.answer().0, 101);
    echoes(&mut peer);
    let mut late = suite.connect();
    late.ask("/page", false);
    late.end();
    assert_eq!(late.answer(), (200, "ahoy".to_owned()), "an end of asking is not an end of listening");
    assert!(late.rest().is_empty());
}

fn a_panic_is_one_connections_own(ground: Ground) {
    let suite = Suite::start(ground);
    let (mut bystander, mut reader) = (suite.open(), suite.connect());
    for _ in 0..3 {
        let mut peer = suite.open();
        peer.send(first::TEXT, b"panic");
        assert_eq!(peer.closed(), 1011);
        peer.close(1011);
        assert!(peer.rest().is_empty());
        assert_eq!(suite.closed().sent, Some(CloseCode::INTERNAL_ERROR));
        echoes(&mut bystander);

        let mut peer = suite.connect();
        peer.ask("/panic", false);
        assert_eq!(peer.answer().0, 500);
        assert!(peer.rest().is_empty());

        let mut peer = suite.open();
        peer.send(first::TEXT, b"panic at the end");
        peer.close(1000);
        assert_eq!((peer.closed(), peer.rest().len()), (1000, 0));
        assert_eq!(suite.closed().code, CloseCode::NORMAL);
        echoes(&mut bystander);
        reader.ask("/page", false);
        assert_eq!(reader.answer().0, 200);
    }
    suite.serving.drain();
    assert_eq!(bystander.closed(), 1001);
    bystander.close(1001);
    assert!(bystander.rest().is_empty() && reader.rest().is_empty());
    suite.serving.wait();
}

fn a_drain_says_1001_and_ends(ground: Ground) {
    let suite = Suite::start(ground);
    let mut peers: Vec<Peer> = (0..5).map(|_| suite.open()).collect();
    let (mut idle, mut asking) = (suite.connect(), suite.connect());
    asking.ask("/page", false);
    assert_eq!(asking.answer().0, 200);
    suite.serving.drain();
    for peer in &mut peers {
        assert_eq!(peer.closed(), 1001);
        peer.close(1001);
        assert!(peer.rest().is_empty());
        assert_eq!(suite.closed().sent, Some(CloseCode::GOING_AWAY));
    }
    assert!(idle.rest().is_empty() && asking.rest().is_empty());
    let address = suite.serving.address.clone();
    suite.serving.wait();
    let until = Instant::now() + PATIENCE;
    while PeerStream::connect(&address).is_ok() {
        assert!(Instant::now() < until, "it still listens");
    }
}

fn a_drain_waits_for_nobody_for_ever(ground: Ground) {
    let mut config = Config::default();
    config.drain_timeout = Duration::from_millis(100);
    let suite = Suite::with(ground, config);
    let mut silent = suite.open();
    suite.serving.drain();
    assert_eq!(silent.closed(), 1001);
    assert!(silent.rest().is_empty());
    suite.serving.wait();
}

fn half_closed_and_reset(ground: Ground) {
    let suite = Suite::start(ground);
    let mut bystander = suite.open();

    let mut half = suite.open();
    half.send(first::TEXT, b"last words");
    half.end();
    assert_eq!(half.frame().expect("what was asked is answered").payload, b"last words");
    half.rest();
    assert_eq!(suite.closed().code, CloseCode::ABNORMAL);

    let mut torn = suite.open();
    torn.write(&header(first::BINARY, 100_000, Some([0; 4]), wharf_tests::wire::Length::Shortest));
    torn.write(&[0; 50_000]);
    torn.reset();
    let closed = suite.closed();
    assert!(matches!(closed.cause, Cause::Transport(_)) && !closed.is_clean(), "{closed:?}");
    echoes(&mut bystander);
}

fn closes_of_either_side(ground: Ground) {
    let suite = Suite::start(ground);
    let mut peer = suite.open();
    peer.send(first::TEXT, b"close");
    let told = peer.frame().unwrap();
    assert_eq!((told.first, told.payload), (first::CLOSE, close_body(4001, b"as asked")));
    peer.close(4001);
    assert!(peer.rest().is_empty());
    assert_eq!(suite.closed().code, CloseCode::from(4001));

    let mut peer = suite.open();
    let all = [frame_of("one"), frame_of("two"), frame(first::CLOSE, &close_body(4002, b""), Some([1; 4]))];
    peer.write(&all.concat());
    assert_eq!(peer.frame().unwrap().payload, b"one");
    assert_eq!(peer.frame().unwrap().payload, b"two");
    assert_eq!((peer.closed(), peer.rest().len()), (4002, 0));
    assert_eq!(suite.closed().code, CloseCode::from(4002));

    let mut peer = suite.open();
    peer.write(&frame(first::TEXT, b"not masked", None));
    assert_eq!(peer.closed(), 1002);
    peer.close(1002);
    peer.rest();
    assert!(matches!(suite.closed().cause, Cause::Violation(_)));
}

fn frame_of(text: &str) -> Vec<u8> {
    frame(first::TEXT, text.as_bytes(), Some([9; 4]))
}

fn a_peer_that_never_reads(ground: Ground) {
    let mut ws = wharf::ws::Config::default();
    ws.write_timeout = Some(Duration::from_millis(200));
    let mut config = Config::default();
    config.ws = Arc::new(ws);
    let suite = Suite::with(ground, config);
    let mut bystander = suite.open();
    let mut greedy = suite.open();
    let message = frame(first::BINARY, &[0; 60_000], Some([3; 4]));
    while std::io::Write::write_all(&mut greedy.stream, &message).is_ok() {}
    assert_eq!(suite.closed().cause, Cause::Timeout(Timeout::WriteStall));
    echoes(&mut bystander);
}

fn a_peer_that_never_asks(ground: Ground) {
    let mut http = wharf::http::Config::default();
    (http.open_timeout, http.answer_timeout) = (Duration::from_millis(150), Duration::from_millis(150));
    let mut config = Config::default();
    config.http = Arc::new(http);
    let suite = Suite::with(ground, config);
    let (mut mute, mut slow) = (suite.connect(), suite.connect());
    slow.write(b"GET / HTTP/1.1\r\nHost: wh");
    let answer = mute.rest();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408 "));
    let answer = String::from_utf8(slow.rest()).unwrap();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let mut waiting = suite.connect();
    waiting.ask("/later", false);
    assert_eq!(waiting.answer().0, 500, "an answer that never comes");
    assert!(waiting.rest().is_empty());
}

fn no_connection_limit(ground: Ground) {
    let mut config = Config::default();
    config.max_connections = 2;
    let suite = Suite::with(ground, config);
    let (mut one, mut two) = (suite.open(), suite.open());
    for _ in 0..3 {
        let mut told = suite.connect();
        told.ask("/", true);
        let head = told.head();
        assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("\r\nRetry-After: 5\r\n"), "{head}");
        told.rest();
    }
    assert!(suite.connect().rest().is_empty(), "who says nothing hears nothing");
    echoes(&mut two);
    one.close(1000);
    assert_eq!((one.closed(), one.rest().len()), (1000, 0));
    // Its place is free a moment after its end was told.
    let until = Instant::now() + PATIENCE;
    while !suite.connect().is_taken() {
        assert!(Instant::now() < until, "no place gets free");
    }
    echoes(&mut two);
}

fn answers_that_come_later(ground: Ground) {
    let suite = Suite::start(ground);
    let (mut page, mut socket, mut gone) = (suite.connect(), suite.connect(), suite.connect());
    page.ask("/later", false);
    socket.ask("/later", true);
    // What comes behind a request for a WebSocket waits with it.
    socket.send(first::TEXT, b"early");
    gone.ask("/later", true);
    for _ in 0..3 {
        assert!(matches!(suite.news.recv_timeout(PATIENCE), Ok(News::Asked)));
    }
    gone.reset();
    suite.serving.command(Answer);
    assert_eq!(page.answer(), (200, "at last".to_owned()));
    assert_eq!(socket.answer().0, 101);
    assert_eq!(socket.frame().unwrap().payload, b"early");
    echoes(&mut socket);
}

macro_rules! on_every_runtime {
    ($($module:ident = $runtime:ident $unix:literal),* : $tests:tt) => {
        $(on_every_runtime!(@ $module $runtime $unix $tests);)*
    };
    (@ $module:ident $runtime:ident $unix:literal { $($test:ident)* }) => {
        mod $module {
            $(#[test]
            fn $test() {
                super::$test(super::Ground { runtime: super::RuntimeKind::$runtime, unix: $unix });
            })*
        }
    };
}

on_every_runtime!(tokio = Tokio false, async_std = AsyncStd false, smol = Smol false, mio = Mio false: {
    sizes_around_every_boundary
    the_client_of_the_same_runtime
    two_hundred_at_once
    pages_on_the_same_port
    a_panic_is_one_connections_own
    a_drain_says_1001_and_ends
    a_drain_waits_for_nobody_for_ever
    half_closed_and_reset
    closes_of_either_side
    a_peer_that_never_reads
    a_peer_that_never_asks
    no_connection_limit
    answers_that_come_later
});

on_every_runtime!(tokio_unix = Tokio true, async_std_unix = AsyncStd true, smol_unix = Smol true, mio_unix = Mio true: {
    the_client_of_the_same_runtime
    two_hundred_at_once
    pages_on_the_same_port
    a_panic_is_one_connections_own
    a_drain_says_1001_and_ends
    a_drain_waits_for_nobody_for_ever
    half_closed_and_reset
    closes_of_either_side
    a_peer_that_never_reads
    a_peer_that_never_asks
    no_connection_limit
    answers_that_come_later
});
