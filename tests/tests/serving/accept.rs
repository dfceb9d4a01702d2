//! Listeners that fail to accept, for a while or for good, and such as share a port.

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read};
use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use wharf::base::CloseCode;
use wharf::link::{Config, ConnId, Context, Service};
use wharf_async_std::{Bound, no_jobs, serve, serve_service};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::Peer;
use wharf_tests::door::{Door, echo, run};
use wharf_tests::peer_stream::PeerStream;
use wharf_tests::program::{Running, name_of, run as run_program};
use wharf_tests::wire::first;
use wharf_tests::{on_every_door, on_every_runtime};

/// The limit of descriptors that leaves a process room for so many more. It may have inherited some with high numbers.
fn limit_with_room(id: u32, room: usize) -> u64 {
    let entries = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap();
    let used: BTreeSet<u64> =
        entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect();
    (0..).filter(|number| !used.contains(number)).nth(room).unwrap()
}

/// Processor time that a process has had, in hundredths of a second.
fn busy(id: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// A server without descriptors goes on with those it has, waits without spinning, and takes those who wait once some are
/// free.
#[cfg(target_os = "linux")]
fn nothing_on_accept_errors(runtime: RuntimeKind) {
    const ROOM: usize = 5;
    let (server, address) = Running::serve(["echo", "--runtime", name_of(runtime)]);
    // What a runtime makes for the first who comes is made.
    let mut one = Peer::open(address);
    let pid = Pid::from_raw(i32::try_from(server.id()).unwrap());
    let most = limit_with_room(server.id(), ROOM);
    prlimit(pid, Resource::Nofile, Rlimit { current: Some(most), maximum: Some(most + 1000) }).unwrap();
    let mut taken: Vec<Peer> = (0..ROOM).map(|_| Peer::open(address)).collect();
    let mut waiting: Vec<Peer> = (0..10).map(|_| Peer::connect(address)).collect();
    for peer in &mut waiting {
        peer.ask("/", true);
    }
    let complaint = server.complaint_with("accepting failed; it is tried again");
    assert!(complaint.contains("WARN") && complaint.contains("pause=100ms"), "{complaint}");
    assert!(complaint.contains(&format!("address={address}")) && complaint.contains("error="), "{complaint}");
    let before = busy(server.id());
    let PeerStream::Tcp(stream) = &mut waiting[0].stream else { unreachable!() };
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock, "nobody takes it");
    stream.set_read_timeout(Some(wharf_tests::adapter::PATIENCE)).unwrap();
    let spent = busy(server.id()) - before;
    // Ten tries take hardly one; a spin has as much as a busy machine leaves it.
    assert!(spent < 5, "{spent} of 100 hundredths of a second");
    for peer in taken.iter_mut().chain([&mut one]) {
        peer.send(first::TEXT, b"still here");
        assert_eq!(peer.frame().unwrap().payload, b"still here");
    }
    drop(taken);
    let limit = Rlimit { current: Some(most + 1000), maximum: Some(most + 1000) };
    let (now_free, later) = waiting.split_at_mut(ROOM);
    for peer in now_free {
        assert!(peer.head().starts_with("HTTP/1.1 101 "));
    }
    prlimit(pid, Resource::Nofile, limit).unwrap();
    for peer in later {
        assert!(peer.head().starts_with("HTTP/1.1 101 "));
    }
    server.signal("TERM");
    drop((waiting, one));
    let ended = server.wait();
    assert_eq!(ended.code, Some(0));
    assert!(
        !ended.err.iter().any(|line| line.contains("accepting failed")),
        "it is told once: {:?}",
        ended.err
    );
}

struct Nothing;

impl Service for Nothing {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, _: &mut Context<'_>, _: ConnId, _: wharf::base::Message<'_>) {}
}

/// A listener, and the hand that takes it away.
fn listener() -> (TcpListener, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (listener.try_clone().unwrap(), listener)
}

fn take_away(listener: &TcpListener) {
    socket2::SockRef::from(listener).shutdown(Shutdown::Both).unwrap();
}

fn a_lost_listener_is_told<D: Door>() {
    run::<D>(async {
        let (given, kept) = listener();
        let bound = Bound::<D>::from_std(given).await.unwrap();
        let address = bound.local_addr().clone();
        let service = serve_service(vec![bound], Nothing, &Arc::default(), no_jobs::<(), ()>).unwrap();
        let mut peer = Peer::open(&address);
        take_away(&kept);
        let lost = service.lost().await.expect("a loss");
        assert_eq!(lost.address, address);
        // Who is connected goes on, until the program ends it.
        let told = std::thread::spawn(move || {
            let code = peer.closed();
            peer.close(code);
            code
        });
        let drained = service.drain_with(CloseCode::SERVICE_RESTART).await;
        assert_eq!((told.join().unwrap(), drained.closed, drained.reset), (1012, 1, 0));

        let (given, kept) = listener();
        let bound = Bound::<D>::from_std(given).await.unwrap();
        let server = serve(bound, Arc::default(), echo::<D>);
        take_away(&kept);
        assert!(server.lost().await.is_some());
        server.drain().await;

        let bound = Bound::<D>::bind(([127, 0, 0, 1], 0)).await.unwrap();
        let server = serve(bound, Arc::default(), echo::<D>);
        server.drain().await;
        assert!(server.lost().await.is_none(), "closing it is no loss");
    });
}

#[test]
fn a_lost_listener_ends_the_loop_in_order() {
    let (given, kept) = listener();
    let server = wharf_mio::Server::new(Nothing, Arc::new(Config::default())).unwrap();
    let server = server.listen_by(given).unwrap();
    let (address, handle) = (server.local_addr().unwrap().clone(), server.handle());
    let thread = std::thread::spawn(move || server.run().map(drop));
    let mut peer = Peer::open(&address);
    assert_eq!(handle.final_stats(), None);
    take_away(&kept);
    assert_eq!(peer.closed(), 1001);
    peer.close(1001);
    assert!(peer.rest().is_empty());
    let error = thread.join().unwrap().expect_err("the loss");
    let lost = error.downcast::<wharf_mio::ListenerLost>().unwrap();
    assert_eq!(lost.address, address);
    assert_eq!(
        wharf_mio::Drained::from(handle.final_stats().unwrap()),
        wharf_mio::Drained { closed: 1, reset: 0 }
    );
}

/// What a flag says of the addresses holds for those as well that speak otherwise than the rest.
fn a_port_of_lines_is_shared_too(runtime: RuntimeKind) {
    let chat = ["chat", "--database", "memory", "--listen", "127.0.0.1:0"].as_slice();
    let bus = ["bus", "--journal", "none"].as_slice();
    for server in [chat, bus] {
        let start = |address: &str| {
            let lines = format!("tcp://{address}");
            let flags = ["--runtime", name_of(runtime), "--reuse-port", "--listen", &lines];
            let server = Running::start(server.iter().copied().chain(flags));
            let said = std::iter::repeat_with(|| server.line());
            let address =
                said.take(2).find_map(|line| Some(line.strip_prefix("listening on tcp://")?.to_owned()));
            (server, address.expect("it listens there"))
        };
        let (_one, address) = start("127.0.0.1:0");
        let (_two, shared) = start(&address);
        assert_eq!(shared, address);
    }
}

/// Two processes behind one port, if both say so.
fn a_port_is_shared_by_who_agrees(runtime: RuntimeKind) {
    let name = name_of(runtime);
    let (one, address) = Running::serve(["echo", "--runtime", name, "--reuse-port"]);
    let listen = address.to_string();
    let alone = run_program(["echo", "--runtime", name, "--listen", &listen]);
    assert_eq!(alone.code, Some(2), "{alone:?}");
    let two = Running::start(["echo", "--runtime", name, "--reuse-port", "--listen", &listen]);
    assert_eq!(two.listening().tcp(), Some(address));
    // Neither knows of the other, and between them they take all.
    let peers: Vec<Peer> = (0..64).map(|_| Peer::open(address)).collect();
    for server in [&one, &two] {
        server.signal("TERM");
    }
    drop(peers);
    let taken = [one, two].map(|server| {
        let ended = server.wait();
        assert_eq!(ended.code, Some(0));
        ended.err.iter().filter(|line| line.contains("connection opened")).count()
    });
    assert!(taken[0] > 0 && taken[1] > 0 && taken[0] + taken[1] == 64, "{taken:?}");
}

on_every_runtime!({ nothing_on_accept_errors a_port_is_shared_by_who_agrees a_port_of_lines_is_shared_too });
/// Sockets are of the async runtimes alone.
mod doors {
    use super::*;

    on_every_door!({ a_lost_listener_is_told });
}
