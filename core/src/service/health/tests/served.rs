//! The checker on a hub without sockets: what it dials, and what it answers.

use super::{at, endpoints, secs};
use crate::base::{End, Entropy, Instant, Shutdown, Wall};
use crate::link::{Address, Config, ConnId, DialError, Hub};
use crate::service::health::{self, Endpoint, Failure, Flip, Health, HealthCommand, HealthService};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

pub(super) type Served = Hub<HealthService>;

/// A hub and the flips that it told.
pub(super) fn served(endpoints: impl IntoIterator<Item = Endpoint>) -> (Served, Arc<Mutex<Vec<Flip>>>) {
    let flips = Arc::new(Mutex::new(Vec::new()));
    let told = flips.clone();
    let config = health::Config { rise: 1, fall: 1, ..health::Config::default() };
    let service = HealthService::new(Health::new(config, endpoints).unwrap())
        .on_flip(move |flip| told.lock().unwrap().push(flip.clone()));
    let wall = Wall::from_millis(1_700_000_000_000);
    let entropy = Entropy::from_seed([1; 32]);
    let mut hub = Hub::new(at(0.0), wall, service, &HealthService::config().into(), entropy);
    hub.handle_timeout(at(0.0));
    (hub, flips)
}

pub(super) fn written(hub: &mut Served, now: Instant, conn: ConnId) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let n = hub.slices(conn, &mut slices);
        let bytes = slices[..n].concat();
        if bytes.is_empty() {
            return out;
        }
        hub.handle_written(now, conn, bytes.len());
        out.extend(bytes);
    }
}

fn http(id: &str) -> Endpoint {
    Endpoint::new(id, "http://Host:3000/up").unwrap()
}

/// The connection of the next dial.
fn connected(hub: &mut Served, now: Instant) -> ConnId {
    let dial = hub.poll_dial().expect("it dials");
    let conn = hub.dialed(now, dial.id, Address::Unix(String::new())).unwrap();
    hub.receive(now, conn, &mut []);
    conn
}

/// What `target` is answered: status, fields and body.
pub(super) fn ask(hub: &mut Served, request: &str) -> (u16, String, String) {
    let conn = hub.accept(at(0.0), Address::Unix(String::new())).unwrap();
    hub.receive(at(0.0), conn, &mut format!("{request}\r\nHost: a\r\n\r\n").into_bytes());
    let answer = String::from_utf8(written(hub, at(0.0), conn)).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_string(), body.to_string())
}

fn get(hub: &mut Served, target: &str) -> (u16, String) {
    let (status, _, body) = ask(hub, &format!("GET {target} HTTP/1.1"));
    (status, body)
}

#[test]
fn it_dials_each_endpoint_within_its_time() {
    let mut one = http("a");
    one.timeout = Some(secs(2.0));
    let (mut hub, flips) = served([one, Endpoint::new("b", "tcp://db:1").unwrap()]);
    let dial = hub.poll_dial().unwrap();
    assert_eq!((dial.target.to_string().as_str(), dial.deadline), ("tcp://Host:3000", at(2.0)));
    assert!(hub.poll_dial().is_none(), "all at once");
    hub.handle_timeout(at(0.5));
    let second = hub.poll_dial().unwrap();
    assert_eq!((second.target.to_string().as_str(), second.deadline), ("tcp://db:1", at(5.5)));
    hub.dial_failed(at(1.0), dial.id, &DialError::Lookup);
    hub.dial_failed(at(1.0), second.id, &DialError::Connect);
    let failures: Vec<_> = flips.lock().unwrap().iter().map(|flip| flip.failure).collect();
    assert_eq!(failures, [Some(Failure::Lookup), Some(Failure::Connect)]);
}

#[test]
fn connecting_is_all_by_tcp_and_an_answer_is_asked_for_by_http() {
    let (mut hub, flips) = served(endpoints(1));
    let conn = connected(&mut hub, at(0.25));
    let status = hub.service().health().status("0").unwrap();
    assert_eq!((status.is_healthy, status.response_time), (true, Some(secs(0.25))));
    assert!(written(&mut hub, at(0.25), conn).is_empty());
    assert_eq!(hub.wants(conn).unwrap().shutdown, Some(Shutdown::Write));
    let (mut hub, _) = served([http("a")]);
    let conn = connected(&mut hub, at(0.25));
    let asked = written(&mut hub, at(0.25), conn);
    assert!(asked.starts_with(b"GET /up HTTP/1.1\r\nHost: Host:3000\r\n"), "{}", asked.escape_ascii());
    assert!(hub.service().health().status("a").unwrap().last_check.is_none());
    hub.receive(at(0.5), conn, &mut b"HTTP/1.1 302 x\r\nContent-Length: 2\r\n\r\n".to_vec());
    hub.receive(at(0.75), conn, &mut b"ab".to_vec());
    let status = hub.service().health().status("a").unwrap();
    assert_eq!((status.is_healthy, status.response_time), (true, Some(secs(0.75))));
    assert_eq!(hub.wants(conn).unwrap().shutdown, Some(Shutdown::Write));
    assert!(flips.lock().unwrap().is_empty());
}

#[test]
fn what_an_http_check_fails_by() {
    type Act = fn(&mut Served, ConnId);
    let acts: [(Act, Failure); 5] = [
        (
            |hub, conn| hub.receive(at(1.0), conn, &mut b"HTTP/1.1 500 x\r\n\r\n".to_vec()),
            Failure::Status(500),
        ),
        (|hub, conn| hub.receive(at(1.0), conn, &mut b"+OK\r\n\r\n".to_vec()), Failure::NotHttp),
        (|hub, conn| hub.receive_end(at(1.0), conn, End::Eof), Failure::Ended),
        (|hub, conn| hub.receive_end(at(1.0), conn, End::Reset), Failure::Ended),
        (
            |hub, conn| {
                hub.receive(at(4.0), conn, &mut b"HTTP/1.1 200 x\r\n\r\nand so on".to_vec());
                hub.handle_timeout(at(5.0));
                assert_eq!(hub.wants(conn).unwrap().shutdown, Some(Shutdown::Abort));
            },
            Failure::TimedOut,
        ),
    ];
    for (act, failure) in acts {
        let (mut hub, flips) = served([http("a")]);
        let conn = connected(&mut hub, at(0.0));
        act(&mut hub, conn);
        let flips = flips.lock().unwrap();
        assert_eq!(flips.iter().map(|flip| flip.failure).collect::<Vec<_>>(), [Some(failure)]);
    }
}

/// Its dials and connections are the service's own to end, and say nothing of the endpoints.
#[test]
fn a_drain_is_no_outage() {
    let (mut hub, flips) = served([http("a"), http("b")]);
    let conn = connected(&mut hub, at(0.0));
    hub.handle_timeout(at(0.5));
    hub.poll_dial().unwrap();
    hub.drain(at(0.6), 1001.into());
    let _ = written(&mut hub, at(0.6), conn);
    hub.receive_end(at(0.7), conn, End::Reset);
    hub.release(at(0.7), conn);
    hub.handle_timeout(at(40.0));
    assert!(hub.poll_timeout().is_none());
    let stats = hub.service().health().stats();
    assert_eq!((stats.failed, stats.running, flips.lock().unwrap().len()), (0, 0, 0));
    assert!(stats.abandoned == 2 && hub.is_drained());
}

/// Those that a peer does not close are bounded, and reset in the end.
#[test]
fn connections_of_checks_that_are_over_do_not_pile_up() {
    let (mut hub, _) = served(endpoints(200));
    let mut conns = Vec::new();
    for tick in 0..=200 {
        let now = at(f64::from(tick) * 0.005);
        hub.handle_timeout(now);
        while let Some(dial) = hub.poll_dial() {
            let conn = hub.dialed(now, dial.id, Address::Unix(String::new())).unwrap();
            hub.receive(now, conn, &mut []);
            conns.push(conn);
        }
    }
    let is_reset = |conn: &&ConnId| hub.wants(**conn).unwrap().shutdown == Some(Shutdown::Abort);
    assert!(conns.len() >= 200);
    assert_eq!(conns.len() - conns.iter().filter(is_reset).count(), 64);
}

#[test]
fn the_keys_and_the_order() {
    let mut db = Endpoint::new("db ü", "tcp://[::1]:5432").unwrap();
    db.timeout = Some(secs(3.0));
    let (mut hub, _) = served([http("a/b"), db]);
    connected(&mut hub, at(0.0421));
    let nothing = json!({
        "endpoint": {"id": "a/b", "host": "Host", "port": 3000, "protocol": "http", "timeoutMs": 5000},
        "isHealthy": false, "lastCheck": null, "responseTimeMs": null, "consecutiveFailures": 0,
    });
    hub.handle_timeout(at(0.5));
    let dial = hub.poll_dial().unwrap();
    hub.dial_failed(at(0.5421), dial.id, &DialError::Connect);
    let failed = json!({
        "endpoint": {"id": "db ü", "host": "::1", "port": 5432, "protocol": "tcp", "timeoutMs": 3000},
        "isHealthy": false, "lastCheck": "2023-11-14T22:13:20.542Z", "responseTimeMs": 42,
        "consecutiveFailures": 1,
    });
    let (status, body) = get(&mut hub, "/health");
    assert_eq!((status, body.parse::<Value>().unwrap()), (200, json!([nothing, failed])));
    for (target, expected) in [("/health/a%2fb", &nothing), ("/health/db%20%C3%BC?x", &failed)] {
        assert_eq!(get(&mut hub, target).1.parse::<Value>().unwrap(), *expected, "{target}");
    }
}

#[test]
fn filters_and_readiness() {
    let (mut hub, _) = served(endpoints(2));
    assert_eq!(get(&mut hub, "/ready").0, 503);
    connected(&mut hub, at(0.0));
    assert_eq!(get(&mut hub, "/ready"), (200, r#"{"isReady":true}"#.into()));
    let mut ids = |target: &str| {
        let (status, body) = get(&mut hub, target);
        assert_eq!(status, 200, "{target}");
        let list: Vec<Value> = serde_json::from_str(&body).unwrap();
        list.iter().map(|status| status["endpoint"]["id"].as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        (ids("/health"), ids("/health?")),
        (alloc::vec!["0".into(), "1".into()], alloc::vec!["0".into(), "1".into()])
    );
    assert_eq!(
        (ids("/health?healthy=true"), ids("/health?healthy=false")),
        (alloc::vec!["0".into()], alloc::vec!["1".into()])
    );
    for query in [
        "healthy",
        "healthy=",
        "healthy=TRUE",
        "healthy=1",
        "x=y",
        "healthy=true&healthy=false",
        "healthy=true&",
    ] {
        assert_eq!(get(&mut hub, &format!("/health?{query}")).0, 400, "{query}");
    }
}

#[test]
fn methods_and_types() {
    let (mut hub, _) = served(endpoints(1));
    for target in ["/health", "/health/0", "/ready"] {
        let (_, head, body) = ask(&mut hub, &format!("GET {target} HTTP/1.1"));
        assert!(head.contains("\r\nContent-Type: application/json\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())), "{head}");
        let (_, only_head, nothing) = ask(&mut hub, &format!("HEAD {target} HTTP/1.1"));
        assert_eq!((only_head, nothing), (head, String::new()));
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let (status, head, _) = ask(&mut hub, &format!("{method} /health HTTP/1.1"));
        assert!(status == 405 && head.contains("\r\nAllow: GET, HEAD\r\n"), "{head}");
    }
    let (status, head, _) = ask(&mut hub, "GET /ws HTTP/1.1");
    assert!(status == 426 && head.contains("\r\nUpgrade: websocket\r\n"), "{head}");
}

#[test]
fn commands_change_what_is_checked() {
    let (mut hub, _) = served(endpoints(1));
    while hub.poll_dial().is_some() {}
    hub.command(at(1.0), HealthCommand::Add(alloc::vec![http("new")]));
    assert_eq!(hub.poll_dial().unwrap().target.port(), 3000);
    hub.command(at(2.0), HealthCommand::Add(alloc::vec![http("new")]));
    hub.command(at(2.0), HealthCommand::Remove("nobody".into()));
    hub.command(at(2.0), HealthCommand::CheckNow("nobody".into()));
    assert_eq!(hub.service().stats().commands_refused, 3);
    hub.command(at(2.0), HealthCommand::Remove("0".into()));
    assert_eq!(get(&mut hub, "/health/0").0, 404);
    hub.handle_timeout(at(7.0));
    hub.command(at(8.0), HealthCommand::CheckNow("new".into()));
    assert_eq!(hub.poll_dial().unwrap().target.port(), 3000);
}

/// What the hub's own configuration says of proxies and framings is not for checks.
#[test]
fn checks_go_straight_there() {
    let mut config: Config = HealthService::config();
    let proxies = crate::proxy::Proxies::from_variables(|name| {
        (name == "all_proxy").then(|| "socks5://proxy:1".into())
    });
    config.proxies = Some(Arc::new(proxies.unwrap()));
    let service = HealthService::new(Health::new(health::Config::default(), endpoints(1)).unwrap());
    let mut hub = Hub::new(at(0.0), Wall::default(), service, &config.into(), Entropy::from_seed([1; 32]));
    hub.handle_timeout(at(0.0));
    let hop = hub.poll_dial().unwrap().hop;
    assert_eq!(hop, crate::link::Hop::Host("localhost".into(), 1));
}

/// Each is named after what went wrong in sketches of such a checker.
mod faults {
    use super::*;

    #[test]
    fn it_never_dials() {
        let (mut hub, _) = served(endpoints(3));
        let mut dials = 0;
        for tick in 0..10 {
            hub.handle_timeout(at(f64::from(tick) / 10.0));
            dials += core::iter::from_fn(|| hub.poll_dial()).count();
        }
        assert_eq!(dials, 3);
    }

    #[test]
    fn http_is_not_used() {
        let (mut hub, flips) = served([http("a")]);
        let conn = connected(&mut hub, at(0.0));
        assert!(written(&mut hub, at(0.0), conn).starts_with(b"GET "));
        hub.receive(at(0.1), conn, &mut b"HTTP/1.1 500 x\r\n\r\n".to_vec());
        assert_eq!(flips.lock().unwrap().len(), 1, "connecting is not enough");
    }

    #[test]
    fn the_content_length_of_what_is_not_ascii_is_wrong() {
        let (mut hub, _) = served([Endpoint::new("größe 🚢", "tcp://h:1").unwrap()]);
        for target in ["/health", "/health/gr%C3%B6%C3%9Fe%20%F0%9F%9A%A2"] {
            let (status, head, body) = ask(&mut hub, &format!("GET {target} HTTP/1.1"));
            assert!(status == 200 && body.contains("größe 🚢"), "{body}");
            assert!(
                head.contains(&format!("\r\nContent-Length: {}\r\n", body.len()))
                    || head.ends_with(&format!("\r\nContent-Length: {}", body.len())),
                "{head}"
            );
            assert!(body.len() > body.chars().count());
        }
    }

    #[test]
    fn routes_are_found_by_a_part_of_their_name() {
        let (mut hub, _) = served([http("a"), http("a/b")]);
        for target in [
            "/healthz",
            "/xhealth",
            "/x/health",
            "/health/",
            "/health/A",
            "/health/a/",
            "/health/a/b",
            "/health//a",
            "/Health",
            "/ready/",
            "/readyz",
            "/x?/health",
            "//health",
            "/health%2Fa",
            "/index.html",
            "/ws/",
            "/health/%FF",
            "/health/a%00",
        ] {
            assert_eq!(get(&mut hub, target).0, 404, "{target}");
        }
    }
}
