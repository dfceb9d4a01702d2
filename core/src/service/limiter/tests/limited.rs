//! A service behind a limiter, on a hub without sockets.

use super::{Duration, IpAddr, at, ip, nth};
use crate::base::{CloseCode, Closed, End, Entropy, Input, Instant, Message, Shutdown, Wall};
use crate::framed::Lines;
use crate::http::{Request, Response};
use crate::link::{Address, Config, ConnId, Context, Event, Framing, Hub, JobToken, Link, Service, Verdict};
use crate::service::limiter::{self, Limited, Limits, Over, Rate, Why};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::sync::{Arc, Mutex};

/// Writes down what it is told, and wakes up when it said.
#[derive(Default)]
struct Log {
    said: Vec<String>,
    wakes: Option<Instant>,
}

impl Service for Log {
    type Job = ();
    type Done = ();
    type Command = bool;

    fn request(&mut self, _: &mut Context<'_>, _: ConnId, request: &Request) -> Verdict {
        if request.is_websocket() {
            Verdict::accept()
        } else {
            Verdict::Respond(Response::new(200).body("page"))
        }
    }

    fn opened(&mut self, _: &mut Context<'_>, _: ConnId) {
        self.said.push("opened".into());
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        self.said.push(message.as_text().unwrap().to_string());
        if message.as_text() == Some("wake me") {
            self.wakes = Some(cx.now() + Duration::from_secs(90));
        }
        if message.as_text() == Some("pause me") {
            cx.pause(conn);
        }
        if message.as_text() == Some("ping me") {
            cx.ping(conn).unwrap();
        }
        if message.as_text() == Some("work") {
            cx.submit(()).unwrap();
        }
    }

    fn pong(&mut self, _: &mut Context<'_>, _: ConnId, _: Duration) {
        self.said.push("pong".into());
    }

    fn closed(&mut self, _: &mut Context<'_>, _: ConnId, closed: &Closed) {
        self.said.push(std::format!("closed {}", closed.sent.unwrap_or(closed.code)));
    }

    fn done(&mut self, _: &mut Context<'_>, _: JobToken, (): ()) {
        self.said.push("done".into());
    }

    fn job_lost(&mut self, _: &mut Context<'_>, _: JobToken) {
        self.said.push("lost".into());
    }

    fn command(&mut self, cx: &mut Context<'_>, paused: bool) {
        let all: Vec<ConnId> = cx.connections().collect();
        all.into_iter().for_each(|conn| if paused { cx.pause(conn) } else { cx.resume(conn) });
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.wakes
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        assert_eq!(self.wakes.take(), Some(cx.now()), "not before its time");
        self.said.push("woken".into());
    }
}

fn hub(limits: Limits, config: Config) -> Hub<Limited<Log>> {
    let service = Limited::new(Log::default(), limits);
    Hub::new(at(0), Wall::default(), service, &Arc::new(config), Entropy::from_seed([1; 32]))
}

fn connections(change: impl FnOnce(&mut limiter::Config)) -> Limits {
    let (mut limits, mut config) = (Limits::default(), limiter::Config::default());
    change(&mut config);
    limits.connections = Some(config);
    limits
}

fn lines() -> Config {
    Config { framing: Framing::codec(Lines::new()), ..Config::default() }
}

fn accept(hub: &mut Hub<Limited<Log>>, now: Instant, address: IpAddr) -> ConnId {
    let conn = hub.accept(now, (address, 1).into()).unwrap();
    hub.receive(now, conn, &mut []);
    conn
}

fn written(hub: &mut Hub<Limited<Log>>, now: Instant, conn: ConnId) -> Vec<u8> {
    let mut out = Vec::new();
    hub.write(now, conn, |pieces| {
        pieces.iter().for_each(|piece| out.extend_from_slice(piece));
        pieces.iter().map(|piece| piece.len()).sum()
    });
    out
}

fn ask(hub: &mut Hub<Limited<Log>>, now: Instant, conn: ConnId, websocket: bool) -> String {
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let text = std::format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", if websocket { upgrade } else { "" });
    hub.receive(now, conn, &mut text.into_bytes());
    String::from_utf8(written(hub, now, conn)).unwrap()
}

#[test]
fn what_is_not_to_be_counted_is_the_services_to_refuse() {
    let service = Limited::new(Log::default(), connections(|config| config.limit = 1));
    let service = service.counting(|request| request.path() != "/");
    let mut hub =
        Hub::new(at(0), Wall::default(), service, &Arc::new(Config::default()), Entropy::from_seed([1; 32]));
    for _ in 0..3 {
        let conn = accept(&mut hub, at(0), nth(0));
        assert!(ask(&mut hub, at(0), conn, true).starts_with("HTTP/1.1 101 "));
    }
    assert_eq!(hub.service().limiter().unwrap().stats().admitted, 0);
}

#[test]
fn a_refused_websocket_is_told_and_closed() {
    let mut hub = hub(connections(|config| config.limit = 1), Config::default());
    let conn = accept(&mut hub, at(0), nth(0));
    assert!(ask(&mut hub, at(0), conn, true).starts_with("HTTP/1.1 101 "));
    let conn = accept(&mut hub, at(1), nth(0));
    let answer = ask(&mut hub, at(1), conn, true);
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("\r\nRetry-After: 300\r\n"), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert_eq!(hub.wants(conn).unwrap().shutdown, Some(Shutdown::Write));
    hub.receive_end(at(1), conn, End::Eof);
    assert_eq!(hub.wants(conn).unwrap().shutdown, Some(Shutdown::Both));
    assert_eq!(hub.service().service().said, ["opened"]);
    let unix = hub.accept(at(1), Address::Unix(String::new())).unwrap();
    assert!(ask(&mut hub, at(1), unix, true).starts_with("HTTP/1.1 101 "), "it has no address");
}

#[test]
fn pages_are_not_counted() {
    let mut hub = hub(connections(|config| config.limit = 1), Config::default());
    let conn = accept(&mut hub, at(0), nth(0));
    for _ in 0..20 {
        assert!(ask(&mut hub, at(0), conn, false).ends_with("page"));
    }
    assert!(ask(&mut hub, at(0), conn, true).starts_with("HTTP/1.1 101 "));
    let conn = accept(&mut hub, at(0), nth(0));
    assert!(ask(&mut hub, at(0), conn, true).starts_with("HTTP/1.1 429 "));
    let conn = accept(&mut hub, at(0), nth(0));
    assert!(ask(&mut hub, at(0), conn, false).ends_with("page"), "who is blocked may look");
}

#[test]
fn a_refused_framed_connection_is_closed_and_never_opened() {
    let mut hub = hub(connections(|config| config.limit = 2), lines());
    for _ in 0..2 {
        let conn = accept(&mut hub, at(0), nth(0));
        hub.receive(at(0), conn, &mut b"hello\n".to_vec());
    }
    let conn = accept(&mut hub, at(0), nth(0));
    assert_eq!(hub.wants(conn).unwrap().shutdown, Some(Shutdown::Write));
    hub.receive(at(0), conn, &mut b"let me in\n".to_vec());
    hub.receive_end(at(0), conn, End::Eof);
    assert_eq!(hub.wants(conn).unwrap().shutdown, Some(Shutdown::Both));
    hub.release(at(0), conn);
    assert_eq!(hub.service().service().said, ["opened", "hello", "opened", "hello"]);
    assert_eq!((hub.len(), hub.stats().opened, hub.stats().closed), (2, 2, 0));
    accept(&mut hub, at(0), nth(1));
    assert_eq!(hub.stats().opened, 3);
}

#[test]
fn refusals_are_told_for_a_log() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let own = told.clone();
    let service = Limited::new(Log::default(), connections(|config| config.limit = 1));
    let service =
        service.on_refused(move |attempt| own.lock().unwrap().push((attempt.address, attempt.refusal.why)));
    let mut hub = Hub::new(at(0), Wall::default(), service, &Arc::new(lines()), Entropy::from_seed([1; 32]));
    for _ in 0..4 {
        accept(&mut hub, at(0), nth(0));
    }
    let expected = [Why::Rate, Why::Blocked, Why::Blocked].map(|why| (nth(0), why));
    assert_eq!(*told.lock().unwrap(), expected, "a block begins once");
}

#[test]
fn the_services_own_time_is_kept() {
    let mut hub = hub(connections(|_| {}), lines());
    let conn = accept(&mut hub, at(0), nth(0));
    hub.receive(at(0), conn, &mut b"wake me\n".to_vec());
    let mut timeouts = Vec::new();
    while let Some(due) = hub.poll_timeout().filter(|due| *due <= at(200)) {
        hub.handle_timeout(due);
        timeouts.push(due);
    }
    assert_eq!(timeouts, [at(60), at(90)], "a sweep and the service's own");
    assert_eq!(hub.service().service().said, ["opened", "wake me", "woken"]);
}

#[test]
fn the_services_jobs_are_done_or_lost() {
    let mut hub = hub(Limits::default(), lines());
    let conn = accept(&mut hub, at(0), nth(0));
    hub.receive(at(0), conn, &mut b"work\nwork\n".to_vec());
    let (done, lost) = (hub.poll_job().unwrap().0, hub.poll_job().unwrap().0);
    hub.job_done(at(0), done, ());
    hub.job_lost(at(0), lost);
    assert_eq!(hub.service().service().said[3..], ["done", "lost"]);
}

#[test]
fn the_service_is_told_of_pongs() {
    let mut hub = hub(Limits::default(), Config::default());
    let conn = accept(&mut hub, at(0), nth(0));
    assert!(ask(&mut hub, at(0), conn, true).starts_with("HTTP/1.1 101 "));
    // Masked with zeroes.
    hub.receive(at(0), conn, &mut b"\x81\x87\0\0\0\0ping me".to_vec());
    let ping = written(&mut hub, at(0), conn);
    assert_eq!(ping[..2], [0x89, 4]);
    hub.receive(at(0), conn, &mut [b"\x8a\x84\0\0\0\0", &ping[2..]].concat());
    assert_eq!(hub.service().service().said, ["opened", "ping me", "pong"]);
}

fn slow(messages: Option<Rate>, bytes: Option<Rate>, over: Over) -> Limits {
    let mut limits = Limits::default();
    (limits.messages, limits.bytes, limits.over) = (messages, bytes, over);
    limits
}

#[test]
fn who_says_too_much_is_read_no_further_and_loses_nothing() {
    let mut hub = hub(slow(Some(Rate { per_second: 1, burst: 2 }), None, Over::Slow), lines());
    let (conn, other) = (accept(&mut hub, at(0), nth(0)), accept(&mut hub, at(0), nth(0)));
    hub.receive(at(0), conn, &mut b"0\n1\n2\n3\n4\n".to_vec());
    assert_eq!(hub.service().service().said[2..], ["0", "1", "2"], "the third is one too many");
    assert!(!hub.wants(conn).unwrap().read && hub.wants(other).unwrap().read);
    assert_eq!(hub.service().traffic().slow, 1);
    let mut heard = Vec::new();
    for _ in 0..3 {
        assert!(hub.poll_timeout().unwrap() > at(0));
        let due = hub.poll_timeout().unwrap();
        hub.handle_timeout(due);
        heard.push((due, hub.service().service().said.len() - 2));
    }
    assert_eq!(heard, [(at(1), 4), (at(2), 5), (at(3), 5)], "one a second");
    assert!(hub.wants(conn).unwrap().read);
    assert_eq!((hub.service().traffic().slow, hub.service().traffic().slowed), (0, 3));
}

#[test]
fn bytes_are_counted_as_well() {
    let mut hub = hub(slow(None, Some(Rate { per_second: 10, burst: 10 }), Over::Slow), lines());
    let conn = accept(&mut hub, at(0), nth(0));
    hub.receive(at(0), conn, &mut b"0123456789\nnow it is thirty bytes of text\n".to_vec());
    assert_eq!(hub.service().service().said.len(), 3);
    assert_eq!(hub.service().service().said[2].len(), 30);
    hub.handle_timeout(at(2));
    assert!(!hub.wants(conn).unwrap().read);
    hub.handle_timeout(at(3));
    assert!(hub.wants(conn).unwrap().read);
}

#[test]
fn a_pause_of_the_services_own_outlasts_the_rate() {
    let mut hub = hub(slow(Some(Rate { per_second: 1, burst: 1 }), None, Over::Slow), lines());
    let conn = accept(&mut hub, at(0), nth(0));
    hub.receive(at(0), conn, &mut b"one\npause me\nthree\n".to_vec());
    assert_eq!(hub.service().service().said.len(), 3);
    hub.handle_timeout(at(1));
    assert_eq!((hub.service().service().said.len(), hub.wants(conn).unwrap().read), (3, false));
    hub.command(at(1), false);
    assert_eq!(hub.service().service().said.last().unwrap(), "three");
    hub.command(at(1), true);
    hub.command(at(1), false);
    assert!(!hub.wants(conn).unwrap().read, "and the rate outlasts the service's");
    hub.handle_timeout(at(2));
    assert!(hub.wants(conn).unwrap().read);
}

/// The silence while one is slowed is the limiter's doing, so no deadline counts it, and the peer has all of its time afterwards.
#[test]
fn a_long_wait_ends_nobody_for_silence() {
    let mut config = lines();
    let framed = crate::framed::Config { idle_timeout: Some(Duration::from_secs(5)), ..Default::default() };
    config.framed = Arc::new(framed);
    let mut hub = hub(slow(None, Some(Rate { per_second: 1, burst: 1 }), Over::Slow), config);
    let conn = accept(&mut hub, at(0), nth(0));
    hub.receive(at(0), conn, &mut b"it takes half a minute to say as much\n".to_vec());
    let mut timeouts = Vec::new();
    while let Some(due) = hub.poll_timeout().filter(|_| hub.service().service().said.len() < 3) {
        hub.handle_timeout(due);
        timeouts.push(due);
    }
    assert_eq!(hub.service().service().said[2], "closed 1006");
    assert_eq!(timeouts[timeouts.len() - 2..], [at(36), at(41)], "freed, and as long again as anybody");
}

/// Whoever is closing is read in any case: else the peer's goodbye would wait behind the limit.
#[test]
fn one_that_is_slowed_is_read_once_it_closes() {
    let mut hub = hub(slow(Some(Rate { per_second: 1, burst: 1 }), None, Over::Slow), lines());
    let conn = accept(&mut hub, at(0), nth(0));
    hub.receive(at(0), conn, &mut b"one\ntwo\nthree\n".to_vec());
    assert_eq!((hub.service().service().said.len(), hub.wants(conn).unwrap().read), (3, false));
    hub.drain(at(0), CloseCode::GOING_AWAY);
    assert!(hub.wants(conn).unwrap().read);
    assert_eq!(hub.service().service().said[3], "three");
    hub.receive_end(at(0), conn, End::Eof);
    assert_eq!(hub.service().service().said[4], "closed 1001");
    assert_eq!(hub.service().traffic().slow, 0);
}

#[test]
fn or_is_closed_with_1008() {
    let mut hub = hub(slow(Some(Rate { per_second: 1, burst: 2 }), None, Over::Close), Config::default());
    let conn = accept(&mut hub, at(0), nth(0));
    ask(&mut hub, at(0), conn, true);
    let target = "ws://a/".parse().unwrap();
    let mut client =
        Link::client(at(0), Wall::default(), &Arc::default(), &target, Entropy::from_seed([2; 32])).unwrap();
    let other = accept(&mut hub, at(0), nth(0));
    let mut heard = Vec::new();
    for say in [&["0", "1"][..], &["2", "3"], &["4"]] {
        for _ in 0..3 {
            let mut up = Vec::new();
            client.output(at(0)).drain_into(&mut up);
            hub.receive(at(0), other, &mut up);
            let mut down = written(&mut hub, at(0), other);
            let mut input = Input::new(&mut down);
            while let Some(event) = client.receive(at(0), &mut input) {
                if let Event::Closed(closed) = event {
                    heard.push(closed.code);
                }
            }
        }
        for text in say {
            let _ = client.send(at(0), Message::text(*text));
        }
    }
    assert_eq!(heard.iter().map(|code| code.as_u16()).collect::<Vec<_>>(), [1008]);
    assert_eq!(hub.service().service().said[2..], ["0", "1", "closed 1008"]);
    assert_eq!(hub.service().traffic().closed, 1);
}

#[test]
fn who_is_gone_waits_for_nothing() {
    let mut hub = hub(slow(Some(Rate { per_second: 1, burst: 1 }), None, Over::Slow), lines());
    for _ in 0..100 {
        let conn = accept(&mut hub, at(0), ip("192.0.2.1"));
        hub.receive(at(0), conn, &mut b"one\ntwo\n".to_vec());
        assert_eq!(hub.service().traffic().slow, 1);
        hub.receive_end(at(0), conn, End::Reset);
        hub.release(at(0), conn);
        assert_eq!(hub.service().traffic().slow, 0);
    }
    assert_eq!((hub.len(), hub.poll_timeout()), (0, None));
}
