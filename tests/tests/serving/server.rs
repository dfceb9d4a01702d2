//! The faults that a server must not have, each by its name, and the examples of servers.

#[allow(dead_code)]
#[path = "../../examples/server.rs"]
mod server;
#[allow(dead_code)]
#[path = "../../examples/two_loops.rs"]
mod two_loops;

use async_channel::Sender;
use clap::Parser;
use std::io::ErrorKind;
use std::panic::panic_any;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use wharf::base::Message;
use wharf::link::{Address, Config, ConnId, Context, JobToken, Service};
use wharf_async_std::{Bound, Socket, serve, serve_service};
use wharf_cli::runner::{Control, RuntimeKind};
use wharf_tests::adapter::{PATIENCE, Peer};
use wharf_tests::door::{Door, run};
use wharf_tests::program::name_of;
use wharf_tests::wire::first;
use wharf_tests::{on_every_door, on_every_runtime};

fn start(runtime: RuntimeKind) -> (Address, Sender<Control<()>>, JoinHandle<()>) {
    let args = ["server", "--runtime", name_of(runtime), "--listen", "127.0.0.1:0"];
    let args = server::Args::parse_from(args);
    let (control, controls) = async_channel::bounded(1);
    let (tell, told) = mpsc::channel();
    let thread = thread::spawn(move || {
        server::serve(&args, &controls, |address| tell.send(address.clone()).unwrap()).unwrap();
    });
    (told.recv_timeout(PATIENCE).unwrap(), control, thread)
}

fn text(peer: &mut Peer) -> String {
    let frame = peer.frame().unwrap();
    assert_eq!(frame.first, first::TEXT);
    String::from_utf8(frame.payload).unwrap()
}

fn the_example_serves(runtime: RuntimeKind) {
    let (address, control, thread) = start(runtime);
    let mut peers: Vec<Peer> = (0..server::MOST).map(|_| Peer::open(&address)).collect();
    for (i, peer) in peers.iter_mut().enumerate() {
        assert_eq!(text(peer), format!("{} here", i + 1));
    }
    let mut more = Peer::connect(&address);
    more.ask("/", true);
    assert!(more.head().starts_with("HTTP/1.1 503 "));
    peers[0].send(first::TEXT, b"fail");
    assert_eq!(peers[0].closed(), 1011);
    peers[0].close(1011);
    peers[0].rest();
    for peer in &mut peers[1..] {
        peer.send(first::TEXT, b"ahoy");
        assert_eq!(text(peer), "ahoy");
    }
    control.send_blocking(Control::Drain).unwrap();
    for peer in &mut peers[1..] {
        assert_eq!(peer.closed(), 1001);
        peer.close(1001);
        assert!(peer.rest().is_empty());
    }
    thread.join().unwrap();
}

/// Whether it reads or not, a connection goes with its handler.
fn a_handler_that_never_reads_leaves_the_connection_open<D: Door>() {
    run::<D>(async {
        let (tell, told) = async_channel::bounded(1);
        let bound = Bound::<D>::bind(([127, 0, 0, 1], 0)).await.unwrap();
        let server = serve(bound, Arc::default(), move |mut socket: Socket<D>| {
            let tell = tell.clone();
            async move {
                // It only talks, and learns all the same that nobody is there any more.
                while socket.send("on and on").await.is_ok() {}
                tell.send(()).await.unwrap();
            }
        });
        let address = server.local_addr().clone();
        let gone = thread::spawn(move || {
            let mut peer = Peer::open(&address);
            assert_eq!(text(&mut peer), "on and on");
        });
        told.recv().await.unwrap();
        gone.join().unwrap();
        server.drain().await;
        assert_eq!(server.connections(), 0);

        let bound = Bound::<D>::bind(([127, 0, 0, 1], 0)).await.unwrap();
        let server = serve(bound, Arc::default(), |_socket: Socket<D>| async {});
        let address = server.local_addr().clone();
        let told = thread::spawn(move || {
            let mut peer = Peer::open(&address);
            peer.send(first::TEXT, &[b'x'; 1000]);
            let code = peer.closed();
            peer.close(code);
            assert!(peer.rest().is_empty());
            code
        });
        assert_eq!(told.join().unwrap(), 1000);
        server.drain().await;
    });
}

/// Marks that stand the wrong way round.
fn contradiction() -> Arc<Config> {
    let mut ws = wharf::ws::Config::default();
    (ws.low_mark, ws.high_mark) = (2, 1);
    let mut config = Config::default();
    config.ws = Arc::new(ws);
    Arc::new(config)
}

fn a_configuration_that_contradicts_itself_is_served<D: Door>() {
    run::<D>(async {
        for (speaking, config) in [(None, contradiction()), (Some(contradiction()), Arc::default())] {
            let bound = Bound::<D>::bind(([127, 0, 0, 1], 0)).await.unwrap();
            let bound = match &speaking {
                Some(config) => bound.speaking(config),
                None => bound,
            };
            let jobs = |job| async move { carry_out(job) };
            let served = serve_service(vec![bound], Desk::default(), &config, jobs);
            assert_eq!(served.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    });
}

#[test]
fn a_configuration_that_contradicts_itself_is_served_on_mio() {
    let server = wharf_mio::Server::new(Desk::default(), contradiction());
    assert_eq!(server.unwrap_err().kind(), ErrorKind::InvalidInput);
    let server = wharf_mio::Server::bind(([127, 0, 0, 1], 0), Desk::default(), Arc::default()).unwrap();
    assert_eq!(server.speaking(&contradiction()).unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// Submits a job a message, and says what came of it.
#[derive(Default)]
struct Desk(Vec<(JobToken, ConnId)>);

impl Service for Desk {
    type Job = String;
    type Done = String;
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_, String>, conn: ConnId, message: Message<'_>) {
        let job = message.as_text().unwrap_or_default().to_owned();
        match cx.submit(job) {
            Ok(token) => self.0.push((token, conn)),
            Err(_) => drop(cx.send(conn, Message::text("full"))),
        }
    }

    fn done(&mut self, cx: &mut Context<'_, String>, job: JobToken, outcome: String) {
        self.answer(cx, job, outcome);
    }

    fn job_lost(&mut self, cx: &mut Context<'_, String>, job: JobToken) {
        self.answer(cx, job, "lost".to_owned());
    }
}

impl Desk {
    fn answer(&mut self, cx: &mut Context<'_, String>, job: JobToken, text: String) {
        let at = self.0.iter().position(|(token, _)| *token == job).expect("told once");
        let _ = cx.send(self.0.swap_remove(at).1, Message::text(text));
    }
}

fn carry_out(job: String) -> String {
    if job == "panic" {
        panic_any(job);
    }
    job.to_uppercase()
}

fn ask_for_jobs(address: &Address) {
    let mut peer = Peer::open(address);
    for (job, outcome) in [("a", "A"), ("panic", "lost"), ("panic", "lost"), ("b", "B")] {
        peer.send(first::TEXT, job.as_bytes());
        assert_eq!(text(&mut peer), outcome);
    }
    peer.close(1000);
    assert_eq!(peer.closed(), 1000);
}

/// With room for one job, one that kept its place would leave none.
fn one_job() -> Config {
    let mut config = Config::default();
    config.max_jobs = 1;
    config
}

fn a_job_that_panics_keeps_its_place<D: Door>() {
    run::<D>(async {
        let bound = Bound::<D>::bind(([127, 0, 0, 1], 0)).await.unwrap();
        let address = bound.local_addr().clone();
        let jobs = |job| async move { carry_out(job) };
        let service = serve_service(vec![bound], Desk::default(), &Arc::new(one_job()), jobs).unwrap();
        let asking = thread::spawn(move || ask_for_jobs(&address));
        asking.join().unwrap();
        assert_eq!(service.stats().jobs_lost, 2);
        service.drain().await;
    });
}

#[test]
fn a_job_that_panics_keeps_its_place_on_mio() {
    let server = wharf_mio::Server::bind(([127, 0, 0, 1], 0), Desk::default(), Arc::new(one_job())).unwrap();
    let (address, handle) = (server.local_addr().unwrap().clone(), server.handle());
    let thread = thread::spawn(move || server.run_with(carry_out).map(drop));
    ask_for_jobs(&address);
    handle.drain();
    thread.join().unwrap().unwrap();
    assert_eq!(handle.final_stats().unwrap().jobs_lost, 2);
}

/// Where nobody carries jobs out, each is lost at once, and the loop goes on.
#[test]
fn a_job_for_nobody_is_lost() {
    let server = wharf_mio::Server::bind(([127, 0, 0, 1], 0), Desk::default(), Arc::new(one_job())).unwrap();
    let (address, handle) = (server.local_addr().unwrap().clone(), server.handle());
    let thread = thread::spawn(move || server.run().map(drop));
    let mut peer = Peer::open(&address);
    for _ in 0..3 {
        peer.send(first::TEXT, b"a");
        assert_eq!(text(&mut peer), "lost");
    }
    handle.drain();
    assert_eq!(peer.closed(), 1001);
    drop(peer);
    thread.join().unwrap().unwrap();
}

#[test]
fn loops_behind_one_port_share_the_connections() {
    let loops = two_loops::Loops::start(2, ([127, 0, 0, 1], 0).into()).unwrap();
    let mut peers: Vec<Peer> = (0..64).map(|_| Peer::open(loops.address)).collect();
    for peer in &mut peers {
        peer.send(first::TEXT, b"ahoy");
        assert_eq!(text(peer), "ahoy");
    }
    drop(peers);
    let stats = loops.stop().unwrap();
    assert!(stats.iter().all(|stats| stats.admission.accepted > 0), "{stats:?}");
    assert_eq!(stats.iter().map(|stats| stats.admission.accepted).sum::<u64>(), 64);
}

on_every_runtime!({ the_example_serves });
/// Sockets are of the async runtimes alone.
mod doors {
    use super::*;

    on_every_door!({
        a_handler_that_never_reads_leaves_the_connection_open a_job_that_panics_keeps_its_place
        a_configuration_that_contradicts_itself_is_served
    });
}
