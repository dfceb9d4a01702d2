//! A failure stays with its connection, and is told once, as an event with the connection, the address and the cause: of handlers and
//! of services, on every runtime.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::panic::panic_any;
use std::sync::Arc;
use wharf_async_std::{Bound, Socket, serve};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::Peer;
use wharf_tests::door::{Door, run};
use wharf_tests::log::Log;
use wharf_tests::motley::{Ground, Suite, echoes};
use wharf_tests::peer_stream::PeerStream;
use wharf_tests::wire::first;

/// Asserts that what failed in this connection was told once, with its cause, and nothing else of it.
fn is_told_once(log: &Log, address: SocketAddr, cause: &str) {
    let told = log.has(1, &["ERROR", &format!("={address} ")]);
    let (_, fields) = told[0].split_once("handler failed connection=").expect(&told[0]);
    let (connection, rest) = fields.split_once(' ').expect(fields);
    assert!(!connection.is_empty(), "{fields}");
    assert_eq!(rest, format!("address={address} cause={cause:?}"));
}

fn local(peer: &Peer) -> SocketAddr {
    let PeerStream::Tcp(stream) = &peer.stream else { panic!("a TCP stream") };
    stream.local_addr().unwrap()
}

fn a_handler_that_fails_takes_others_along_or_is_not_told_once<D: Door>() {
    let log = Log::alone();
    run::<D>(async {
        let bound = Bound::<D>::bind(([127, 0, 0, 1], 0)).await.unwrap();
        let server = serve(bound, Arc::default(), |mut socket: Socket<D>| async move {
            while let Some(message) = socket.next().await {
                let message = message.map_err(|error| error.to_string())?;
                match message.as_text() {
                    Some("fail") => return Err("it could not".to_owned()),
                    Some("panic") => panic_any("it must not"),
                    _ => socket.send(message).await.map_err(|error| error.to_string())?,
                }
            }
            Ok(())
        });
        let address = server.local_addr();
        let mut bystander = Peer::open(address);
        let mut failed = Vec::new();
        for (text, cause) in [("fail", "it could not"), ("panic", "it must not")] {
            let mut peer = Peer::open(address);
            failed.push((local(&peer), cause));
            peer.send(first::TEXT, text.as_bytes());
            assert_eq!(peer.closed(), 1011);
            peer.close(1011);
            peer.rest();
            echoes(&mut bystander);
        }
        bystander.close(1000);
        assert_eq!(bystander.closed(), 1000);
        let quiet = local(&bystander);
        drop(bystander);
        server.drain().await;
        failed.into_iter().for_each(|(address, cause)| is_told_once(&log, address, cause));
        log.has(0, &["ERROR", &quiet.to_string()]);
    });
}

fn a_service_that_panics_takes_others_along_or_is_not_told_once(runtime: RuntimeKind) {
    let log = Log::alone();
    let suite = Suite::start(Ground { runtime, unix: false });
    let mut bystander = suite.open();
    let mut failed = Vec::new();

    let mut peer = suite.connect();
    failed.push((local(&peer), "as it was asked to in a request"));
    peer.ask("/panic", false);
    assert_eq!(peer.answer().0, 500);
    peer.rest();
    echoes(&mut bystander);

    let mut peer = suite.open();
    failed.push((local(&peer), "as it was asked to in a message"));
    peer.send(first::TEXT, b"panic");
    assert_eq!(peer.closed(), 1011);
    peer.close(1011);
    peer.rest();
    echoes(&mut bystander);

    let mut peer = suite.open();
    failed.push((local(&peer), "as it was asked to at the end"));
    peer.send(first::TEXT, b"panic at the end");
    peer.close(1000);
    peer.rest();
    echoes(&mut bystander);

    drop(bystander);
    suite.serving.drain();
    suite.serving.wait();
    failed.into_iter().for_each(|(address, cause)| is_told_once(&log, address, cause));
}

wharf_tests::on_every_runtime!({ a_service_that_panics_takes_others_along_or_is_not_told_once });
/// Handlers are of the async runtimes alone.
mod doors {
    use super::*;

    wharf_tests::on_every_door!({ a_handler_that_fails_takes_others_along_or_is_not_told_once });
}
