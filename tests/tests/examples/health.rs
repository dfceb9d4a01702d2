//! The example of a health checker does what it says, on every runtime.

#[allow(dead_code)]
#[path = "../../examples/health.rs"]
mod health;

use clap::Parser;
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::thread;
use wharf::service::health::Flip;
use wharf_cli::runner::{Control, RuntimeKind};
use wharf_tests::adapter::{PATIENCE, Peer};

fn three_endpoints_and_one_more(runtime: RuntimeKind) {
    let mut args = health::Args::parse_from(["health", "--listen", "127.0.0.1:0"]);
    args.runtime = runtime;
    let (control, controls) = async_channel::bounded(16);
    let (tell, told) = channel();
    let (flip, flips) = channel();
    let flipped = move |flipped: &Flip| {
        // It says nothing to a test that has ended before.
        let _ = flip.send((flipped.endpoint.id().to_owned(), flipped.is_healthy));
    };
    let listening = move |address: &wharf::link::Address| tell.send(address.clone()).unwrap();
    let server = thread::spawn(move || health::serve(&args, &controls, listening, flipped));
    let address = told.recv_timeout(PATIENCE).expect("it listens");
    let mut peer = Peer::connect(address.clone());
    peer.ask("/health", false);
    let (status, body) = peer.answer();
    assert_eq!(status, 200);
    let mut rest = &*body;
    for part in [
        r#"{"id":"api-server-1","host":"api-server-1","port":3000,"protocol":"http","timeoutMs":5000}"#,
        r#"{"id":"database","host":"database","port":5432,"protocol":"tcp","timeoutMs":3000}"#,
        r#"{"id":"redis","host":"redis","port":6379,"protocol":"tcp","timeoutMs":2000}"#,
    ] {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("{part} in {body}")).1;
    }
    let mut page = Peer::connect(address);
    page.ask("/ws", true);
    assert!(page.head().starts_with("HTTP/1.1 101 "));
    // What is checked already is not checked a second time, so each result is waited for.
    let mut hears = |words: &str| loop {
        let news = String::from_utf8(page.frame().expect("news").payload).unwrap();
        if news.split(r#"{"endpoint":{"id":""#).any(|one| one.starts_with("local\"") && one.contains(words)) {
            return;
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let say = |line: &str| control.send_blocking(Control::Command(health::command(line))).unwrap();
    say("-database");
    say(&format!("local=tcp://{}", listener.local_addr().unwrap()));
    hears(r#""isHealthy":true"#);
    let _ = listener.accept().unwrap();
    drop(listener);
    for failures in 1..=3 {
        say("local");
        hears(&format!(r#""consecutiveFailures":{failures}}}"#));
    }
    let flip = std::iter::repeat_with(|| flips.recv_timeout(PATIENCE).expect("a flip"));
    assert_eq!(flip.into_iter().find(|(id, _)| id == "local").unwrap(), ("local".into(), false));
    peer.ask("/health", false);
    let (_, body) = peer.answer();
    assert!(!body.contains("database") && body.contains(r#""id":"local""#), "{body}");
    control.send_blocking(Control::Drain).unwrap();
    server.join().expect("it does not panic").expect("it ran");
}

macro_rules! on_every_runtime {
    ($($test:ident = $runtime:ident)*) => {
        $(#[test]
        fn $test() {
            three_endpoints_and_one_more(RuntimeKind::$runtime);
        })*
    };
}

on_every_runtime!(on_tokio = Tokio on_async_std = AsyncStd on_smol = Smol on_mio = Mio);
