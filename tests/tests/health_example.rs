//! The example of a health checker does what it says, on every runtime.
#![forbid(unsafe_code)]

#[allow(dead_code)]
#[path = "../examples/health.rs"]
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
    let mut peer = Peer::connect(address);
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
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let say = |line: &str| control.send_blocking(Control::Command(health::command(line))).unwrap();
    say("-database");
    say(&format!("local=tcp://{}", listener.local_addr().unwrap()));
    let _ = listener.accept().unwrap();
    say("local");
    let _ = listener.accept().unwrap();
    drop(listener);
    say("local");
    say("local");
    say(&format!("closed=tcp://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()));
    let closed = std::iter::repeat_with(|| flips.recv_timeout(PATIENCE).expect("a flip"));
    assert_eq!(closed.into_iter().find(|(id, _)| id == "closed").unwrap(), ("closed".into(), false));
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
