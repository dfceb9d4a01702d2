//! What is told as `tracing` events and spans.
#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use tracing::Level;
use wharf::base::Message;
use wharf::link::{Config, ConnId, Context, DialError, DialId, Service, Target};
use wharf::ws::handshake::ClientRequest;
use wharf_mio::{Server, connect};

/// The log so far.
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

impl Log {
    /// Logs what `work` does in this thread.
    fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::DEBUG)
            .without_time()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, work)
    }

    /// Asserts that `count` lines have all of `words`.
    fn has(&self, count: usize, words: &[&str]) {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let found = log.lines().filter(|line| words.iter().all(|word| line.contains(word))).count();
        assert_eq!(found, count, "{words:?} in\n{log}");
    }
}

struct Panics;

impl Service for Panics {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, _: &mut Context<'_>, _: ConnId, message: Message<'_>) {
        assert!(message.as_text() != Some("panic"), "as it was asked to");
        tracing::info!("inside");
    }
}

#[test]
fn a_server_and_its_clients() {
    let (log, theirs) = (Log::default(), Log::default());
    let mut config = Config::default();
    config.max_connections = 1;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(any, Panics, config.into()).unwrap();
    let (address, handle) = (server.local_addr().unwrap().to_string(), server.handle());
    let port = address.rsplit(':').next().unwrap().to_owned();
    let running = thread::spawn({
        let log = log.clone();
        move || log.during(|| server.run().map(drop))
    });
    theirs.during(|| {
        let request = ClientRequest::new(&format!("ws://{address}/")).unwrap();
        let connect = || connect(&request, &Arc::new(Config::client()));
        let mut socket = connect().unwrap();
        assert!(connect().is_err(), "one at a time");
        socket.send(Message::text("a secret")).unwrap();
        socket.send(Message::text("panic")).unwrap();
        while let Some(Ok(_)) = socket.next() {}
    });
    handle.drain();
    running.join().unwrap().unwrap();
    let (server, connection) = (format!("tcp.server{{port={port}}}"), ":connection{id=");
    log.has(1, &["INFO", &server, "listening", &address]);
    log.has(1, &["INFO", &server, connection, "connection opened", "id=", "address=127.0.0.1:"]);
    log.has(1, &["INFO", &server, connection, "inside"]);
    log.has(1, &["INFO", &server, connection, "connection closed", "code=1011", "origin=Local"]);
    log.has(1, &["WARN", &server, "connection refused", "address=127.0.0.1:", "too many connections"]);
    let failure = ["handler failed", "connection=1.0", "address=127.0.0.1:", "as it was asked to"];
    log.has(1, &[&["ERROR", &server, connection], &failure[..]].concat());
    log.has(0, &["secret"]);
    let client = format!("tcp.client.connect{{host=\"127.0.0.1\" port={port}}}");
    theirs.has(1, &["ERROR", &client, "connect failed", "error="]);
}

/// Dials what it is told, and tells how that failed.
struct Dials(mpsc::Sender<DialError>);

impl Service for Dials {
    type Job = ();
    type Done = ();
    type Command = Target;

    fn command(&mut self, cx: &mut Context<'_>, target: Target) {
        cx.dial(target).unwrap();
    }

    fn dial_failed(&mut self, _: &mut Context<'_>, _: DialId, error: &DialError) {
        self.0.send(error.clone()).unwrap();
    }
}

#[test]
fn a_dial_of_a_service() {
    let (log, (tell, told)) = (Log::default(), mpsc::channel());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::bind(([127, 0, 0, 1], 0), Dials(tell), Arc::default()).unwrap();
    let handle = server.handle();
    handle.send(format!("ws://{nobody}/").parse().unwrap()).unwrap();
    let running = thread::spawn({
        let log = log.clone();
        move || log.during(|| server.run().map(drop))
    });
    assert_eq!(told.recv().unwrap(), DialError::Connect);
    handle.drain();
    running.join().unwrap().unwrap();
    let client = format!("tcp.client.connect{{host=\"127.0.0.1\" port={}}}", nobody.port());
    log.has(1, &["DEBUG", &client, "an address cannot be connected to", "refused"]);
}
