//! Connections that are recorded, and run again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use wharf::sim::Dice;
use wharf_tests::adapter::Peer;
use wharf_tests::folder::Folder;
use wharf_tests::program::{Running, run};
use wharf_tests::wire::first;

const CONNECTIONS: usize = 1000;
const THREADS: usize = 4;

/// A connection that does this and that.
fn live(address: std::net::SocketAddr, dice: &mut Dice<'_>) {
    let mut peer = Peer::connect(address);
    if dice.below(10) == 0 {
        peer.ask("/", false);
        peer.answer();
        return;
    }
    peer.ask("/", true);
    assert!(peer.head().starts_with("HTTP/1.1 101 "));
    for _ in 0..dice.below(6) {
        let payload = vec![b'a' + dice.below(20) as u8; dice.below(5000)];
        match dice.below(5) {
            0 => peer.send(first::PING, &payload[..payload.len().min(100)]),
            1 => {
                // A message in two pieces.
                peer.send(first::BINARY_BEGIN, &payload);
                peer.send(first::END, b"its end");
            }
            2 => peer.send(first::BINARY, &payload),
            _ => peer.send(first::TEXT, &payload),
        }
        if dice.below(3) > 0 {
            assert!(peer.frame().is_some());
        }
    }
    match dice.below(4) {
        0 => peer.reset(),
        1 => peer.end(),
        2 => peer.send(0xff, b"nobody knows this"),
        _ => {
            peer.close(1000);
            peer.rest();
        }
    }
}

fn recorded_connections_come_out_the_same(runtime: &str) {
    let folder = Folder::new();
    let records = folder.path("records");
    let (server, address) =
        Running::serve(["echo", "--runtime", runtime, "--log", "warn", "--record", &records]);
    thread::scope(|scope| {
        for seed in 0..THREADS as u64 {
            scope.spawn(move || {
                let mut dice = Dice::seeded(seed);
                (0..CONNECTIONS / THREADS).for_each(|_| live(address, &mut dice));
            });
        }
    });
    server.signal("TERM");
    let ended = server.wait();
    assert_eq!((ended.code, &ended.err[..]), (Some(0), &[][..]));

    let mut files = folder_files(&records);
    files.sort();
    assert_eq!(files.len(), CONNECTIONS);
    assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    let replayed = run(["replay"].into_iter().chain(files.iter().map(String::as_str)));
    let same = replayed.out.iter().filter(|line| line.contains(": the same in ")).count();
    let others: Vec<&String> = replayed.out.iter().filter(|line| !line.contains(": the same in ")).collect();
    assert_eq!((replayed.code, same), (Some(0), CONNECTIONS), "{others:?} {:?}", replayed.err);

    // One changed byte is found and named, and a file that is none is told from one that is cut off.
    let good = fs::read(&files[0]).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    for (bytes, complaint) in [
        (&bad[..], "the recording is damaged in the block at byte "),
        (&good[..good.len() - 1], "the recording is cut off"),
        (b"GET / HTTP/1.1\r\n\r\n", "this is no recording of a connection"),
    ] {
        fs::write(&files[0], bytes).unwrap();
        let replayed = run(["replay", &files[0], &files[1]]);
        assert_eq!((replayed.code, replayed.out.len(), replayed.err.len()), (Some(2), 1, 1), "{replayed:?}");
        assert!(replayed.err[0].contains(complaint), "{replayed:?}");
    }
}

#[test]
fn on_tokio() {
    recorded_connections_come_out_the_same("tokio");
}

#[test]
fn on_async_std() {
    recorded_connections_come_out_the_same("async-std");
}

#[test]
fn on_smol() {
    recorded_connections_come_out_the_same("smol");
}

#[test]
fn on_mio() {
    recorded_connections_come_out_the_same("mio");
}

/// On the plaintext side, whatever lies below; and other framings have recordings too.
#[test]
fn over_tls_and_in_lines() {
    let folder = Folder::new();
    let records = folder.path("records");
    let flags = ["echo", "--framing", "lines", "--tls", crate::CHAIN, crate::KEY, "--record", &records];
    let (server, address) = Running::serve(flags);
    for text in ["ahoy", "a\nb\nc"] {
        let url = format!("tls://localhost:{}", address.port());
        let mut client = Running::start(["connect", &url, "--ca", crate::ROOT]);
        client.say(format!("{text}\n"));
        for line in text.lines() {
            assert_eq!(client.line(), line);
        }
        assert_eq!(client.wait().code, Some(0));
    }
    server.signal("TERM");
    assert_eq!(server.wait().code, Some(0));
    let files = folder_files(&records);
    assert_eq!(files.len(), 2);
    let replayed = run(["replay"].into_iter().chain(files.iter().map(String::as_str)));
    assert_eq!((replayed.code, replayed.out.len()), (Some(0), 2), "{replayed:?}");
}

fn folder_files(folder: &str) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|file| file.unwrap().path().to_str().unwrap().to_owned()).collect()
}
