//! A drain under load, by the real binary and a signal.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::Peer;
use wharf_tests::on_every_runtime;
use wharf_tests::program::{Running, name_of};
use wharf_tests::wire::first;

const PEERS: usize = 1000;
const THREADS: usize = 4;

/// Talks with all of them until each was told to go; the codes that they were told.
fn talk(mut peers: Vec<Peer>, rounds: &AtomicUsize) -> Vec<u16> {
    let mut codes = Vec::new();
    for round in 0_u64.. {
        for peer in &mut peers {
            // What is said to one that is closing already is not answered.
            peer.try_send(first::TEXT, &round.to_be_bytes().map(|byte| b'a' + byte % 16));
        }
        peers.retain_mut(|peer| {
            let frame = peer.frame().expect("a Close frame comes before the end");
            if frame.first == first::TEXT {
                assert_eq!(frame.payload, round.to_be_bytes().map(|byte| b'a' + byte % 16));
                return true;
            }
            assert_eq!(frame.first, first::CLOSE);
            codes.push(u16::from_be_bytes([frame.payload[0], frame.payload[1]]));
            peer.try_send(first::CLOSE, &frame.payload);
            assert!(peer.rest().is_empty(), "nothing comes behind a Close frame");
            false
        });
        rounds.fetch_add(1, Ordering::SeqCst);
        if peers.is_empty() {
            break;
        }
    }
    codes
}

fn no_drain(runtime: RuntimeKind) {
    let (server, address) = Running::serve(["echo", "--runtime", name_of(runtime)]);
    let rounds = AtomicUsize::new(0);
    let codes: Vec<u16> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let peers: Vec<Peer> = (0..PEERS / THREADS).map(|_| Peer::open(address)).collect();
                scope.spawn(|| talk(peers, &rounds))
            })
            .collect();
        // All of them talk when it comes.
        while rounds.load(Ordering::SeqCst) < 4 * THREADS {
            thread::yield_now();
        }
        server.signal("TERM");
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(codes, [1001; PEERS]);
    let ended = server.wait();
    assert_eq!((ended.code, ended.out), (Some(0), Vec::new()));
    let told: Vec<&String> = ended.err.iter().filter(|line| line.contains("drained")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("INFO") && told[0].contains("closed=1000") && told[0].contains("reset=0"),
        "{told:?}"
    );
}

on_every_runtime!({ no_drain });
