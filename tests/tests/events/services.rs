//! A service's server, and its dials.

use std::panic::panic_any;
use std::sync::mpsc;
use wharf::base::Message;
use wharf::link::{Config, ConnId, Context, DialError, DialId, JobToken, Service, Target};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::{PATIENCE, Peer, Serving};
use wharf_tests::log::Log;
use wharf_tests::on_every_runtime;
use wharf_tests::wire::first;

/// Panics where it is told to, and tells whose job was lost.
#[derive(Default)]
pub(crate) struct Panics {
    worker: Option<ConnId>,
}

impl Service for Panics {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        match message.as_text() {
            Some("panic") => panic!("as it was asked to"),
            Some("panic without a text") => panic_any(7),
            Some("job") => {
                self.worker = Some(conn);
                cx.submit(()).expect("there is room");
            }
            _ => tracing::info!("inside"),
        }
    }

    fn job_lost(&mut self, cx: &mut Context<'_>, _: JobToken) {
        let _ = cx.send(self.worker.expect("who submitted it"), Message::text("lost"));
    }
}

fn a_service_tells_of_its_connections(runtime: RuntimeKind) {
    let log = Log::alone();
    let mut config = Config::default();
    config.max_connections = 1;
    let serving = Serving::start(runtime, Panics::default(), config);
    let mut peer = Peer::open(&serving.address);
    assert!(!Peer::connect(&serving.address).is_taken(), "one at a time");
    peer.send(first::TEXT, b"a secret");
    peer.send(first::TEXT, b"panic");
    assert_eq!(peer.closed(), 1011);
    peer.close(1011);
    peer.rest();
    let address = serving.address.clone();
    serving.drain();
    serving.wait();
    let port = address.tcp().unwrap().port();
    let (server, connection) = (format!("tcp.server{{port={port}}}"), ":connection{id=1.0 peer=127.0.0.1:");
    let address = format!("address={address}");
    log.has(1, &["INFO", &server, "listening", &address]);
    log.has(1, &["INFO", &server, connection, "connection opened", "id=1.0", "address=127.0.0.1:"]);
    log.has(1, &["INFO", &server, connection, "inside"]);
    log.has(1, &["INFO", &server, connection, "connection closed", "code=1011", "origin=Local"]);
    log.has(1, &["WARN", &server, "connection refused", "address=127.0.0.1:", "too many connections"]);
    let failure = ["handler failed", "connection=1.0", "address=127.0.0.1:", "as it was asked to"];
    log.has(1, &[&["ERROR", &server, connection], &failure[..]].concat());
    log.has(1, &["INFO", "drained", &address, "reset=0"]);
    log.has(0, &["secret"]);
}

/// Dials what it is told, and tells how that failed.
struct Dials(mpsc::Sender<DialError>);

impl Service for Dials {
    type Job = ();
    type Done = ();
    type Command = Target;

    fn message(&mut self, _: &mut Context<'_>, _: ConnId, _: Message<'_>) {}

    fn command(&mut self, cx: &mut Context<'_>, target: Target) {
        cx.dial(target).unwrap();
    }

    fn dial_failed(&mut self, _: &mut Context<'_>, _: DialId, error: &DialError) {
        self.0.send(error.clone()).unwrap();
    }
}

fn a_dial_stands_in_the_span_of_a_connect(runtime: RuntimeKind) {
    let (log, (tell, told)) = (Log::alone(), mpsc::channel());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let serving = Serving::start(runtime, Dials(tell), Config::default());
    serving.command(format!("ws://{nobody}/").parse().unwrap());
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), DialError::Connect);
    serving.drain();
    serving.wait();
    let client = format!("tcp.client.connect{{host=\"127.0.0.1\" port={}}}", nobody.port());
    log.has(
        1,
        &["DEBUG", &client, "an address cannot be connected to", &format!("address={nobody}"), "refused"],
    );
    // Its service is told, and that is enough.
    log.has(0, &["connect failed"]);
}

on_every_runtime!({ a_service_tells_of_its_connections a_dial_stands_in_the_span_of_a_connect });
