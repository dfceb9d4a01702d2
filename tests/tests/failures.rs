//! A failure stays with its connection, and is told once, as an event with the connection, the address and the cause: of handlers and
//! of services, on every runtime.
#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::panic::panic_any;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tracing::Level;
use wharf_async_std::{Bound, Socket, serve};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::Peer;
use wharf_tests::door::{Door, run};
use wharf_tests::motley::{Ground, Suite, echoes};
use wharf_tests::peer_stream::PeerStream;
use wharf_tests::wire::first;

/// All errors of this process since a test has it to itself.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One test at a time: two of them can reach their servers from one port, since the servers' addresses differ, and the log tells
/// connections apart by the client's address.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    log().0.lock().unwrap().clear();
    alone
}

/// The log, for whatever thread: some runtimes have threads of their own, which start with the first task.
fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::ERROR)
            .without_time()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log
    })
}

/// Asserts that what failed in this connection was told once, with its cause, and nothing else of it.
fn is_told_once(address: SocketAddr, cause: &str) {
    let log = String::from_utf8(log().0.lock().unwrap().clone()).unwrap();
    let told: Vec<&str> = log.lines().filter(|line| line.contains(&format!("={address} "))).collect();
    let [event] = told[..] else { panic!("{cause}: {told:?}") };
    let (head, fields) = event.split_once("handler failed connection=").expect(event);
    let (connection, rest) = fields.split_once(' ').expect(event);
    assert!(head.contains("ERROR") && !connection.is_empty(), "{event}");
    assert_eq!(rest, format!("address={address} cause={cause:?}"));
}

fn local(peer: &Peer) -> SocketAddr {
    let PeerStream::Tcp(stream) = &peer.stream else { panic!("a TCP stream") };
    stream.local_addr().unwrap()
}

fn a_handler_that_fails_takes_others_along_or_is_not_told_once<D: Door>() {
    let _alone = alone();
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
        failed.into_iter().for_each(|(address, cause)| is_told_once(address, cause));
        let log = log().0.lock().unwrap();
        assert!(!String::from_utf8_lossy(&log).contains(&quiet.to_string()), "nothing failed there");
    });
}

fn a_service_that_panics_takes_others_along_or_is_not_told_once(runtime: RuntimeKind) {
    let _alone = alone();
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
    failed.into_iter().for_each(|(address, cause)| is_told_once(address, cause));
}

wharf_tests::on_every_runtime!({ a_service_that_panics_takes_others_along_or_is_not_told_once });
/// Handlers are of the async runtimes alone.
mod doors {
    use super::*;

    wharf_tests::on_every_door!({ a_handler_that_fails_takes_others_along_or_is_not_told_once });
}
