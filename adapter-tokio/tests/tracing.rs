//! What is told as `tracing` events and spans.
#![forbid(unsafe_code)]

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tracing::Level;
use wharf::base::{CloseCode, Message};
use wharf::framed::Lines;
use wharf::link::{Config, ConnId, Context, DialError, DialId, Framing, Service, Target};
use wharf::service::client::{ClientConfig, Failure, State};
use wharf::service::schedule::Schedule;
use wharf_tokio::{Client, Error, Socket, Tokio, bind, connect, no_jobs, serve, serve_service};

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
    /// What was logged by one who runs on this thread.
    fn of(test: impl Future<Output = ()>) -> String {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::DEBUG)
            .without_time()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
        });
        let bytes = log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }
}

/// The lines that have all of `words`; there are `count`.
fn lines<'l>(log: &'l str, count: usize, words: &[&str]) -> Vec<&'l str> {
    let found: Vec<&str> = log.lines().filter(|line| words.iter().all(|word| line.contains(word))).collect();
    assert_eq!(found.len(), count, "{words:?} in\n{log}");
    found
}

async fn handler(mut socket: Socket) -> Result<(), String> {
    tracing::info!("inside");
    match socket.next().await.unwrap().map_err(|e: Error| e.to_string())?.as_text() {
        Some("fail") => Err("as it was asked to".to_owned()),
        Some("panic") => panic!("as it was asked to"),
        _ => Ok(()),
    }
}

#[test]
fn a_server_of_handlers_and_its_clients() {
    let mut port = 0;
    let log = Log::of(async {
        let mut config = Config::default();
        config.max_connections = 1;
        let bound = bind("127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap()).await.unwrap();
        let url = format!("ws://{}/", bound.local_addr());
        port = url.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
        let server = serve(bound, Arc::new(config), handler);
        for word in ["a secret", "fail", "panic"] {
            let mut socket = connect(&url).await.unwrap();
            assert!(connect(&url).await.is_err(), "one at a time");
            socket.send(word).await.unwrap();
            while let Some(Ok(_)) = socket.next().await {}
            drop(socket);
            while server.connections() > 0 {
                tokio::task::yield_now().await;
            }
        }
        server.drain().await;
    });
    let (server, connection) = (format!("tcp.server{{port={port}}}"), ":connection{id=");
    let client = format!("tcp.client.connect{{host=\"127.0.0.1\" port={port}}}");
    lines(&log, 1, &["INFO", &server, "listening", &format!("address=127.0.0.1:{port}")]);
    lines(&log, 3, &["INFO", &server, "connection opened", "id=", "address=127.0.0.1:"]);
    lines(&log, 3, &["INFO", &server, connection, "inside"]);
    lines(&log, 1, &["INFO", &server, connection, "connection closed", "code=1000", "origin=Local"]);
    lines(&log, 2, &["INFO", &server, connection, "connection closed", "code=1011", "origin=Local"]);
    lines(&log, 3, &["WARN", &server, "connection refused", "address=127.0.0.1:", "too many connections"]);
    lines(&log, 2, &["ERROR", &server, connection, "handler failed", "connection=", "as it was asked to"]);
    lines(&log, 3, &["INFO", &client, "connection opened"]);
    lines(&log, 1, &["INFO", "drained", "closed=0", "reset=0"]);
    lines(&log, 3, &["ERROR", &client, "connect failed", "error="]);
    lines(&log, 1, &["INFO", "connection closed", "code=1000", "origin=Remote"]);
    lines(&log, 0, &["secret"]);
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
fn a_server_of_a_service() {
    let log = Log::of(async {
        let mut config = Config::default();
        config.max_connections = 1;
        let bound = bind("127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap()).await.unwrap();
        let url = format!("ws://{}/", bound.local_addr());
        let service = serve_service(vec![bound], Panics, &Arc::new(config), no_jobs::<(), ()>).unwrap();
        let mut socket = connect(&url).await.unwrap();
        assert!(connect(&url).await.is_err(), "one at a time");
        socket.send("a secret").await.unwrap();
        socket.send("panic").await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
        assert_eq!(socket.closed().unwrap().code, CloseCode::INTERNAL_ERROR);
        drop(socket);
        service.drain().await;
    });
    let (server, connection) = ("tcp.server{port=", ":connection{id=");
    lines(&log, 1, &["INFO", server, "listening"]);
    lines(&log, 1, &["INFO", server, connection, "connection opened", "address=127.0.0.1:"]);
    lines(&log, 1, &["INFO", server, connection, "inside"]);
    lines(&log, 1, &["INFO", server, connection, "connection closed", "code=1011", "origin=Local"]);
    lines(&log, 1, &["WARN", server, "connection refused", "too many connections"]);
    lines(&log, 1, &["INFO", "drained", "address=127.0.0.1:", "reset=0"]);
    lines(
        &log,
        1,
        &["ERROR", "handler failed", "connection=1.0", "address=127.0.0.1:", "as it was asked to"],
    );
    lines(&log, 0, &["secret"]);
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
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let log = Log::of(async {
        let (tell, told) = mpsc::channel();
        let service = serve_service(vec![], Dials(tell), &Arc::default(), no_jobs::<(), ()>).unwrap();
        service.command(format!("ws://{nobody}/").parse().unwrap()).unwrap();
        let error = loop {
            match told.try_recv() {
                Ok(error) => break error,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        assert_eq!(error, DialError::Connect);
        service.drain().await;
    });
    let client = format!("tcp.client.connect{{host=\"127.0.0.1\" port={}}}", nobody.port());
    lines(&log, 1, &["DEBUG", &client, "an address cannot be connected to", "refused"]);
}

#[test]
fn a_client_that_stays_up() {
    let log = Log::of(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::tcp("127.0.0.1", listener.local_addr().unwrap().port());
        let mut dialing = Config::client();
        dialing.framing = Framing::codec(Lines::new());
        let mut config = ClientConfig::default();
        config.schedule = Schedule::spaced(Duration::from_millis(5));
        (config.heartbeat, config.reply_timeout) =
            (Some(Duration::from_millis(50)), Some(Duration::from_millis(50)));
        let (client, _messages) = Client::connect_with::<Tokio, _, _>(
            target,
            &Arc::new(dialing),
            config,
            |mut socket, again| async move {
                socket.send(if again { "a secret again" } else { "a secret" }).await?;
                Ok(socket)
            },
        )
        .unwrap();
        let mut watch = client.watch();
        assert!(watch.connected().await);
        drop(listener.accept().await.unwrap());
        // This one is never answered, and the one behind it is refused.
        let silent = listener.accept().await.unwrap();
        drop(listener);
        let refused = |state: &State| matches!(state.last_error, Some(Failure::Dial(_)));
        while !refused(&watch.changed().await.unwrap()) {}
        client.stop().await;
        drop(silent);
    });
    lines(&log, 1, &["INFO", " connected", "target=tcp://127.0.0.1:"]);
    lines(&log, 1, &["WARN", "connection lost", "target=tcp://127.0.0.1:"]);
    lines(&log, 1, &["WARN", "reconnected", "target=tcp://127.0.0.1:"]);
    lines(&log, 1, &["WARN", "heartbeat timeout", "target=tcp://127.0.0.1:"]);
    assert!(log.contains("retry"), "{log}");
    lines(&log, 1, &["INFO", "client stopped", "target=tcp://127.0.0.1:"]);
    lines(&log, 0, &["secret"]);
}
