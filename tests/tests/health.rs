//! The health checker against real servers on free ports, on every runtime: some that work, one that answers 500, one that resets,
//! one that hangs, and none at all.
#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;
use wharf::service::health::{Config, Endpoint, Failure, Flip, Health, HealthCommand, HealthService};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::{PATIENCE, Peer, Serving};
use wharf_tests::daemon::{Daemon, are_installed};
use wharf_tests::peer_stream::PeerStream;

/// How a client is treated.
#[derive(Clone, Copy)]
enum Manner {
    /// It is answered by this status.
    Answer(u16),
    /// Its connection is reset.
    Reset,
    /// It hears nothing.
    Hang,
    /// It gets half an answer.
    Cut,
    /// It is greeted in another protocol.
    Greet,
}

/// A server that treats its clients one after the other by a script, and all others as the last one. It ends with the process.
struct Target {
    address: SocketAddr,
    /// How many it has dealt with.
    served: Arc<AtomicUsize>,
}

impl Target {
    fn start(script: &'static [Manner]) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    fn listen(listener: TcpListener, script: &'static [Manner]) -> Self {
        let (address, served) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let count = served.clone();
        thread::spawn(move || {
            let mut held = Vec::new();
            for (number, stream) in listener.incoming().enumerate() {
                count.store(number + 1, Ordering::SeqCst);
                held.extend(treat(stream.unwrap(), script[number.min(script.len() - 1)]));
            }
        });
        Self { address, served }
    }
}

/// The stream, if it is kept. One that is not read to the end of what was asked would be reset.
fn treat(mut stream: TcpStream, manner: Manner) -> Option<TcpStream> {
    let mut asked = Vec::new();
    let mut bytes = [0; 1024];
    while !asked.ends_with(b"\r\n\r\n") {
        match stream.read(&mut bytes) {
            Ok(n) if n > 0 => asked.extend_from_slice(&bytes[..n]),
            _ => return None,
        }
    }
    let text = match manner {
        Manner::Answer(status) => format!("HTTP/1.1 {status} x\r\nContent-Length: 3\r\n\r\nyes"),
        Manner::Cut => "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nye".into(),
        Manner::Greet => "220 smtp.example ready\r\n".into(),
        Manner::Hang => return Some(stream),
        Manner::Reset => {
            PeerStream::Tcp(stream).reset();
            return None;
        }
    };
    // One that has given up hears nothing.
    let _ = stream.write_all(text.as_bytes());
    None
}

/// What is told of a flip: the state, why, and how many clients the target had seen.
type Told = (bool, Option<Failure>, usize);

fn quick() -> Config {
    let mut config = Config::default();
    config.interval = Duration::from_millis(50);
    config.fast_interval = Some(Duration::from_millis(10));
    config.timeout = Duration::from_millis(500);
    config
}

fn checker(
    runtime: RuntimeKind,
    config: Config,
    endpoint: Endpoint,
    served: &Arc<AtomicUsize>,
) -> (Serving<HealthCommand>, Receiver<Told>) {
    let (tell, told) = channel();
    let served = served.clone();
    let flipped = move |flip: &Flip| {
        // It says nothing to a test that has ended before.
        let _ = tell.send((flip.is_healthy, flip.failure, served.load(Ordering::SeqCst)));
    };
    let service = HealthService::new(Health::new(config, [endpoint]).unwrap()).on_flip(flipped);
    (Serving::start(runtime, service, HealthService::config()), told)
}

fn http(address: SocketAddr) -> Endpoint {
    Endpoint::new("a", &format!("http://{address}/up")).unwrap()
}

fn next(told: &Receiver<Told>) -> Told {
    told.recv_timeout(PATIENCE).expect("a flip")
}

/// A port on which nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn flips_at_exactly_the_thresholds(runtime: RuntimeKind) {
    use Manner::{Answer, Cut, Greet, Hang, Reset};
    let target = Target::start(&[
        Answer(200),
        Answer(500),
        Reset,
        Answer(399),
        Greet,
        Hang,
        Cut, // the third failure in a row
        Answer(200),
        Answer(404),
        Answer(204),
        Answer(302), // the second success in a row
        Reset,
        Answer(200),
        Answer(503),
        Answer(503),
        Answer(503), // the third failure in a row
        Answer(503),
    ]);
    let (serving, told) = checker(runtime, quick(), http(target.address), &target.served);
    assert_eq!(next(&told), (false, Some(Failure::Ended), 7), "{runtime:?}");
    assert_eq!(next(&told), (true, None, 11), "{runtime:?}");
    assert_eq!(next(&told), (false, Some(Failure::Status(503)), 16), "{runtime:?}");
    serving.drain();
    serving.wait();
}

fn a_port_that_nobody_listens_on_is_down_until_somebody_does(runtime: RuntimeKind) {
    let address = nobody();
    let endpoint = Endpoint::new("a", &format!("tcp://{address}")).unwrap();
    let served = Arc::new(AtomicUsize::new(0));
    let (_serving, told) = checker(runtime, quick(), endpoint, &served);
    assert_eq!(next(&told), (false, Some(Failure::Connect), 0), "{runtime:?}");
    let listener = TcpListener::bind(address).expect("the port is still free");
    assert_eq!(next(&told), (true, None, 0), "{runtime:?}");
    // One that accepts nobody has them in its queue all the same.
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "it is closed in order, and nothing is said");
}

fn a_first_result_counts_at_once(runtime: RuntimeKind) {
    for (manner, failure) in [
        (&[Manner::Hang], Failure::TimedOut),
        (&[Manner::Answer(500)], Failure::Status(500)),
        (&[Manner::Reset], Failure::Ended),
        (&[Manner::Greet], Failure::NotHttp),
    ] {
        let target = Target::start(manner);
        let (_serving, told) = checker(runtime, quick(), http(target.address), &target.served);
        assert_eq!(next(&told), (false, Some(failure), 1), "{runtime:?}");
    }
}

/// What the page hears.
fn news(page: &mut Peer) -> String {
    String::from_utf8(page.frame().expect("news").payload).unwrap()
}

fn a_page_and_a_program_hear_of_changes(runtime: RuntimeKind) {
    let target = Target::start(&[Manner::Answer(200)]);
    let mut config = quick();
    config.interval = Duration::from_secs(3600);
    let (serving, _told) = checker(runtime, config, http(target.address), &target.served);
    let mut page = Peer::connect(serving.address.clone());
    page.ask("/ws", true);
    assert!(page.head().starts_with("HTTP/1.1 101 "));
    let mut heard = news(&mut page);
    assert!(heard.starts_with(r#"{"type":"all","endpoints":[{"endpoint":{"id":"a","#), "{heard}");
    if !heard.contains(r#""isHealthy":true"#) {
        heard = news(&mut page);
    }
    assert!(heard.contains(r#""isHealthy":true"#), "{heard}");
    let closed = Endpoint::new("ü/1", &format!("tcp://{}", nobody())).unwrap();
    serving.command(HealthCommand::Add(vec![closed]));
    assert!(news(&mut page).contains(r#""id":"ü/1""#));
    let heard = news(&mut page);
    assert!(
        heard.starts_with(r#"{"type":"changed","#) && heard.contains(r#""consecutiveFailures":1"#),
        "{heard}"
    );
    serving.command(HealthCommand::CheckNow("ü/1".into()));
    assert!(news(&mut page).contains(r#""consecutiveFailures":2"#));
    let mut peer = Peer::connect(serving.address.clone());
    peer.ask("/health/%C3%BC%2F1", false);
    let (status, body) = peer.answer();
    assert!(status == 200 && body.contains(r#""consecutiveFailures":2"#), "{body}");
    serving.command(HealthCommand::Remove("ü/1".into()));
    assert!(!news(&mut page).contains("ü/1"));
    peer.ask("/health/%C3%BC%2F1", false);
    assert_eq!(peer.answer().0, 404);
    serving.drain();
    assert_eq!(page.closed(), 1001);
    page.close(1001);
    serving.wait();
}

fn answers_by_the_rules_of_http(runtime: RuntimeKind) {
    let target = Target::start(&[Manner::Answer(200)]);
    let mut config = HealthService::config();
    let mut limits = wharf::http::Config::default();
    limits.open_timeout = Duration::from_millis(300);
    config.http = limits.into();
    let service = HealthService::new(Health::new(Config::default(), [http(target.address)]).unwrap());
    let serving = Serving::start(runtime, service, config);
    let mut peer = Peer::connect(serving.address.clone());
    // Pipelined, and answered in their order.
    let asked = ["/health?healthy=maybe", "/health/a", "/nowhere", "/", "/health"];
    peer.write(asked.map(|path| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).concat().as_bytes());
    let answers: Vec<(u16, String)> = asked.iter().map(|_| peer.answer()).collect();
    assert_eq!(answers.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [400, 200, 404, 200, 200]);
    assert!(answers[1].1.starts_with('{') && answers[3].1.starts_with("<!doctype html>"), "{answers:?}");
    assert!(answers[4].1.starts_with(r#"[{"endpoint":{"id":"a","host":"127.0.0.1","port":"#), "{answers:?}");
    let last = |asked: String| {
        let mut peer = Peer::connect(serving.address.clone());
        peer.write(asked.as_bytes());
        String::from_utf8(peer.rest()).unwrap()
    };
    let head = last("HEAD /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".into());
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n") && head.contains("application/json"),
        "{head}"
    );
    let refused = last("POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}".into());
    assert!(
        refused.starts_with("HTTP/1.1 405 ") && refused.contains("\r\nAllow: GET, HEAD\r\n"),
        "{refused}"
    );
    let fields = |count: usize| "X: y\r\n".repeat(count);
    for (head, status) in [
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(17_000)), 414),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(17_000)), 431),
        (format!("GET /ready HTTP/1.1\r\nHost: a\r\n{}\r\n", fields(64)), 431),
        ("GET /ready HTTP/1.1\r\nHo".into(), 408),
    ] {
        let answer = last(head);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    }
    let most = last(format!("GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{}\r\n", fields(62)));
    assert!(most.starts_with("HTTP/1.1 404 "), "{most}");
}

fn sees_another_makers_server_come_to_its_end(runtime: RuntimeKind) {
    if !are_installed("health", &["python3"]) {
        return;
    }
    let daemon = Daemon::start("python3", |port, folder| {
        let file = Daemon::file(folder, "status.txt", "all is well");
        let folder = file.trim_end_matches("/status.txt").to_owned();
        ["-m", "http.server", &port.to_string(), "--bind", "127.0.0.1", "--directory", &folder]
            .map(str::to_owned)
            .into()
    });
    let served = Arc::new(AtomicUsize::new(0));
    let mut well = Endpoint::new("well", &format!("http://{}/status.txt", daemon.address)).unwrap();
    well.body = Some("is well".into());
    let mut config = quick();
    config.timeout = PATIENCE;
    let (serving, told) = checker(runtime, config, well, &served);
    let others =
        [("unwell", "/status.txt", Some("is not")), ("absent", "/absent", None), ("moved", "", None)];
    let others = others.map(|(id, path, body)| {
        let mut endpoint = Endpoint::new(id, &format!("http://{}{path}", daemon.address)).unwrap();
        endpoint.body = body.map(str::to_owned);
        endpoint
    });
    serving.command(HealthCommand::Add(others.into()));
    let mut first = [next(&told).1, next(&told).1];
    first.sort_by_key(|failure| *failure == Some(Failure::Body));
    assert_eq!(first, [Some(Failure::Status(404)), Some(Failure::Body)]);
    let mut peer = Peer::connect(serving.address.clone());
    let mut page = Peer::connect(serving.address.clone());
    page.ask("/ws", true);
    assert!(page.head().starts_with("HTTP/1.1 101 "));
    // Each result is told, so the page knows when both are up.
    loop {
        peer.ask("/health?healthy=true", false);
        let (_, healthy) = peer.answer();
        if healthy.contains(r#""id":"well""#) && healthy.contains(r#""id":"moved""#) {
            break;
        }
        let _ = news(&mut page);
    }
    drop(daemon);
    let down = [next(&told), next(&told)].map(|(is_healthy, failure, _)| (is_healthy, failure));
    for (is_healthy, failure) in down {
        assert!(!is_healthy && matches!(failure, Some(Failure::Connect | Failure::Ended)), "{failure:?}");
    }
}

macro_rules! on_every_runtime {
    ($($test:ident)*) => {
        $(mod $test {
            use super::RuntimeKind;

            #[test]
            fn on_tokio() {
                super::$test(RuntimeKind::Tokio);
            }

            #[test]
            fn on_async_std() {
                super::$test(RuntimeKind::AsyncStd);
            }

            #[test]
            fn on_smol() {
                super::$test(RuntimeKind::Smol);
            }

            #[test]
            fn on_mio() {
                super::$test(RuntimeKind::Mio);
            }
        })*
    };
}

on_every_runtime! {
    flips_at_exactly_the_thresholds
    a_port_that_nobody_listens_on_is_down_until_somebody_does
    a_first_result_counts_at_once
    a_page_and_a_program_hear_of_changes
    answers_by_the_rules_of_http
    sees_another_makers_server_come_to_its_end
}
