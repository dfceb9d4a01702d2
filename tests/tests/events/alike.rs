//! One table of what adapters tell: each runtime tells all of it, with these levels, texts and fields, and nothing else.

use crate::services::Panics;
use std::collections::BTreeSet;
use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use wharf::framed::Lines;
use wharf::link::{Config, Framing, Target};
use wharf::service::schedule::Schedule;
use wharf_async_std::{Bound, Runtime, connect_with, no_jobs, retry, serve_service};
use wharf_cli::runner::{Portable, RuntimeKind};
use wharf_tests::adapter::{Peer, Serving};
use wharf_tests::client::{Client, config};
use wharf_tests::log::Log;
use wharf_tests::on_every_runtime;
use wharf_tests::wire::first;

/// Level, text, fields. That accepting fails takes a process without descriptors, as in the tests of serving.
const TOLD: [&str; 11] = [
    "DEBUG an address cannot be connected to: address error",
    "ERROR a job has no outcome: job cause",
    "ERROR connect failed: error",
    "ERROR handler failed: connection address cause",
    "ERROR listener lost: address error",
    "INFO connection closed: id address code origin",
    "INFO connection opened: id address",
    "INFO drained: address closed reset",
    "INFO listening: address",
    "WARN connection refused: address reason",
    "WARN retry: error attempt delay_ms",
];

/// What a line of the log has of an event of ours.
fn shape(line: &str) -> Option<String> {
    let (head, told) = line.split_once("wharf: ")?;
    let level = head.split_whitespace().next()?;
    let field = |word: &str| {
        let (name, _) = word.split_once('=')?;
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_').then(|| name.to_owned())
    };
    let text: Vec<&str> = told.split(' ').take_while(|word| field(word).is_none()).collect();
    let fields: Vec<String> = told.split(' ').filter_map(field).collect();
    Some(format!("{level} {}: {}", text.join(" "), fields.join(" ")))
}

fn every_event_has_the_level_text_and_fields_of_the_table(runtime: RuntimeKind) {
    let log = Log::alone();
    serve(runtime);
    dial(runtime);
    runtime.run(Lose).unwrap();
    let shapes: BTreeSet<String> = log.lines(&["wharf: "]).iter().filter_map(|line| shape(line)).collect();
    // A detail of a loop or of a wire is its own.
    let is_told = |shape: &&str| !shape.starts_with("DEBUG") || TOLD.contains(shape);
    let shapes: Vec<&str> = shapes.iter().map(String::as_str).filter(is_told).collect();
    assert_eq!(shapes, TOLD);
    log.has(1, &["handler failed", "cause=\"as it was asked to\""]);
    log.has(1, &["handler failed", "cause=\"a panic without a text\""]);
}

/// A service that panics, that nobody carries jobs out for, that is full, and that dials nobody.
fn serve(runtime: RuntimeKind) {
    let mut config = Config::default();
    config.max_connections = 2;
    let serving = Serving::start(runtime, Panics::default(), config);
    let mut peers = ["panic", "panic without a text"].map(|text| (text, Peer::open(&serving.address)));
    assert!(!Peer::connect(&serving.address).is_taken());
    let worker = &mut peers[0].1;
    worker.send(first::TEXT, b"job");
    assert_eq!(worker.frame().unwrap().payload, b"lost");
    for (text, mut peer) in peers {
        peer.send(first::TEXT, text.as_bytes());
        assert_eq!(peer.closed(), 1011);
        peer.close(1011);
        peer.rest();
    }
    serving.drain();
    serving.wait();
}

fn nobody() -> Target {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Target::tcp("127.0.0.1", address.port())
}

/// Clients that are served for a moment, and such as nobody listens for.
fn dial(runtime: RuntimeKind) {
    let mut config = config();
    config.framing = Framing::codec(Lines::new());
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::tcp("127.0.0.1", listener.local_addr().unwrap().port());
    let accepting = thread::spawn(move || drop(listener.accept().unwrap()));
    let mut client = Client::connect(runtime, &target, &config).unwrap();
    accepting.join().unwrap();
    client.ended();
    runtime.run(Retry(config)).unwrap();
}

struct Retry(Arc<Config>);

/// Two attempts.
fn schedule() -> Schedule {
    Schedule::spaced(Duration::from_millis(1)).both(Schedule::recurs(1))
}

impl Portable for Retry {
    type Output = ();

    async fn run_async<R: Runtime>(self) {
        let target = nobody();
        let attempt = async || connect_with::<R>(target.clone(), &self.0).await;
        assert!(retry::<R, _, _, _>(&schedule(), attempt).await.is_err());
    }

    fn run_mio(self) {
        let target = nobody();
        assert!(wharf_mio::retry(&schedule(), || wharf_mio::connect(target.clone(), &self.0)).is_err());
    }
}

/// Loses its only listener.
struct Lose;

/// A listener that listens no more.
fn lost() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    socket2::SockRef::from(&listener).shutdown(Shutdown::Both).unwrap();
    listener
}

impl Portable for Lose {
    type Output = ();

    async fn run_async<R: Runtime>(self) {
        let bound = Bound::<R>::from_std(lost()).await.unwrap();
        let jobs = no_jobs::<(), ()>;
        let service = serve_service(vec![bound], Panics::default(), &Arc::default(), jobs).unwrap();
        assert!(service.lost().await.is_some());
        service.drain().await;
    }

    fn run_mio(self) {
        let server = wharf_mio::Server::new(Panics::default(), Arc::default()).unwrap();
        assert!(server.listen_by(lost()).unwrap().run().is_err());
    }
}

on_every_runtime!({ every_event_has_the_level_text_and_fields_of_the_table });
