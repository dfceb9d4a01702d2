//! What a server leaves behind when it is drained in a process that lives on: neither a descriptor nor a task. One test, since
//! others beside it would have descriptors too.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Instant;
use wharf::base::Message;
use wharf::link::{Config, ConnId, Context, Service};
use wharf_async_std::{Bound, serve};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::{PATIENCE, Peer, Serving};
use wharf_tests::door::{AsyncStd, Door, Smol, Tokio, echo};
use wharf_tests::wire::first;

/// An echo of which each part that is left holds the token.
struct Echo(#[allow(dead_code, reason = "counted")] Arc<()>);

impl Service for Echo {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let _ = cx.send(conn, message);
    }
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Peers that talk until they are told to go.
fn peers(address: &wharf::link::Address) -> Vec<Peer> {
    let mut peers: Vec<Peer> = (0..50).map(|_| Peer::open(address)).collect();
    for peer in &mut peers {
        peer.send(first::TEXT, b"ahoy");
        assert_eq!(peer.frame().unwrap().payload, b"ahoy");
    }
    peers
}

fn are_told_to_go(peers: Vec<Peer>) {
    for mut peer in peers {
        assert_eq!(peer.closed(), 1001);
        peer.close(1001);
        assert!(peer.rest().is_empty());
    }
}

fn service(runtime: RuntimeKind) {
    let token = Arc::new(());
    let serving = Serving::start(runtime, Echo(token.clone()), Config::default());
    let peers = peers(&serving.address);
    serving.drain();
    are_told_to_go(peers);
    serving.wait();
    settle(|| Arc::strong_count(&token) == 1, "a task is left");
}

fn handlers<D: Door>() {
    let token = Arc::new(());
    let drained = D::block_on(async {
        let bound = Bound::<D>::bind(([127, 0, 0, 1], 0)).await.unwrap();
        let held = token.clone();
        let server = serve(bound, Arc::default(), move |socket| {
            let held = held.clone();
            async move {
                let ended = echo::<D>(socket).await;
                drop(held);
                ended
            }
        });
        let peers = peers(server.local_addr());
        let told = std::thread::spawn(move || are_told_to_go(peers));
        let drained = server.drain().await;
        told.join().unwrap();
        drained
    });
    assert_eq!((drained.closed, drained.reset), (50, 0));
    settle(|| Arc::strong_count(&token) == 1, "a task is left");
}

/// What ends in another thread may end a moment later.
fn settle(is_so: impl Fn() -> bool, otherwise: &str) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{otherwise}");
        std::thread::yield_now();
    }
}

#[test]
fn nothing_is_left_of_a_drained_server() {
    let all = || {
        RuntimeKind::ALL.into_iter().for_each(service);
        handlers::<Tokio>();
        handlers::<AsyncStd>();
        handlers::<Smol>();
    };
    // Some runtimes keep what they made for the first who came.
    all();
    let before = descriptors();
    all();
    settle(|| descriptors() <= before, "a descriptor is left");
}
