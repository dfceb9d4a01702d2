//! The service, in a hub, as a WebSocket and as lines.

use super::message;
use crate::base::{CloseCode, End, Entropy, Instant, Wall};
use crate::framed::Lines;
use crate::link::{Address, Config, ConnId, Framing, Hub};
use crate::service::bus::{
    Batch, Broker, BusCommand, BusConfig, BusNotice, BusService, Changed, StoreFailure,
};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::Mutex;

struct World {
    hub: Hub<BusService>,
    lines: Arc<Config>,
    notices: Arc<Mutex<Vec<BusNotice>>>,
}

const NOW: Instant = Instant::from_nanos(1_000_000_000);

impl World {
    fn new(set: impl FnOnce(&mut BusConfig)) -> Self {
        let mut config = BusConfig::default();
        set(&mut config);
        let limits = BusService::config(&config);
        Self::within(limits, BusService::new(Broker::new(config)))
    }

    fn within(limits: Config, service: BusService) -> Self {
        let notices = Arc::new(Mutex::new(Vec::new()));
        let told = notices.clone();
        let service = service.on_notice(move |notice| told.lock().unwrap().push(notice.clone()));
        Self::silent(limits, service, notices)
    }

    fn silent(limits: Config, service: BusService, notices: Arc<Mutex<Vec<BusNotice>>>) -> Self {
        let lines = Config { framing: Framing::codec(Lines::new()), ..limits.clone() };
        let hub = Hub::new(NOW, Wall::default(), service, &limits.into(), Entropy::from_seed([0; 32]));
        Self { hub, lines: lines.into(), notices }
    }

    fn lines(&mut self) -> ConnId {
        let conn = self.hub.accept_as(NOW, Address::Unix(String::new()), Some(&self.lines)).unwrap();
        self.hub.receive(NOW, conn, &mut []);
        conn
    }

    fn say(&mut self, conn: ConnId, text: &str) {
        self.hub.receive(NOW, conn, &mut text.to_string().into_bytes());
    }

    /// All that waits to be written to it.
    fn written(&mut self, conn: ConnId) -> String {
        let mut slices = [&[][..]; 64];
        let n = self.hub.slices(conn, &mut slices);
        let bytes = slices[..n].concat();
        self.hub.handle_written(NOW, conn, bytes.len());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn batch(&mut self) -> Option<Batch> {
        let (job, batch) = self.hub.poll_job()?;
        self.hub.job_done(NOW, job, Ok(()));
        Some(batch)
    }

    fn get(&mut self, path: &str) -> String {
        let conn = self.hub.accept(NOW, Address::Unix(String::new())).unwrap();
        self.say(conn, &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        self.written(conn)
    }
}

#[test]
fn lines_are_frames() {
    let mut world = World::new(|_| {});
    let (a, b) = (world.lines(), world.lines());
    world.say(a, "{\"type\":\"register\",\"serviceId\":\"a\"}\r\n\r\n \n");
    world.say(b, "{\"type\":\"register\",\"serviceId\":\"b\"}\n");
    assert_eq!(world.written(a), "{\"type\":\"registered\",\"serviceId\":\"a\",\"pending\":0}\n");
    world.written(b);
    let frame = message("a", "b", "m", "[1,\n2]").replace('\n', " ");
    world.say(a, &(frame + "\n"));
    assert_eq!(world.written(a), "");
    assert_eq!(world.batch().unwrap().changes().len(), 2);
    assert_eq!(world.written(a), "{\"type\":\"accepted\",\"messageId\":\"m\"}\n");
    assert!(world.written(b).contains("\"payload\":[1,2],\"timestamp\":0,\"retryCount\":0}}\n"));
    world.say(b, "{\"type\":\"ack\",\"messageId\":\"m\"}\n");
    assert_eq!(world.hub.service().broker().stats().acknowledged, 1);
}

#[test]
fn whoever_ends_its_stream_behind_a_message_is_answered() {
    let mut world = World::new(|_| {});
    let a = world.lines();
    world
        .say(a, &format!("{{\"type\":\"register\",\"serviceId\":\"a\"}}\n{}\n", message("a", "b", "m", "0")));
    world.hub.receive_end(NOW, a, End::Eof);
    world.written(a);
    world.batch();
    assert_eq!(world.written(a), "{\"type\":\"accepted\",\"messageId\":\"m\"}\n");
    assert_eq!(world.hub.service().broker().stats().connections, 0, "and then it is over");
}

#[test]
fn a_line_that_is_too_long_is_answered_before_the_end() {
    let mut world = World::new(|config| config.max_message = 100);
    let a = world.lines();
    world.say(a, &(message("a", "b", "m", &format!("\"{}\"", "x".repeat(100))) + "\n"));
    assert_eq!(
        world.written(a),
        "{\"type\":\"error\",\"reason\":\"too big\",\"detail\":\"the frame is too long\"}\n"
    );
    assert!(world.hub.wants(a).unwrap().shutdown.is_some());
}

#[test]
fn status_and_metrics_are_told_over_http() {
    let mut world = World::new(|_| {});
    let a = world.lines();
    world.say(a, "{\"type\":\"register\",\"serviceId\":\"a\"}\n");
    world.say(a, &(message("a", "b", "m", "0") + "\n"));
    world.batch();
    let status = world.get("/status");
    let body: serde_json::Value = serde_json::from_str(status.split_once("\r\n\r\n").unwrap().1).unwrap();
    for (key, value) in
        [("accepted", 1), ("pending", 1), ("services", 2), ("connections", 1), ("unacknowledged", 0)]
    {
        assert_eq!(body[key], value, "{status}");
    }
    assert_eq!(body["rejected"]["too big"], 0);
    assert!(world.get("/metrics").contains("\nwharf_bus_accepted_total 1\n"));
    assert!(world.get("/").starts_with("HTTP/1.1 404 "));
}

#[test]
fn a_drain_answers_stores_and_closes() {
    let mut world = World::new(|_| {});
    let a = world.lines();
    world.say(a, "{\"type\":\"register\",\"serviceId\":\"a\"}\n");
    world.say(a, &(message("a", "b", "m", "0") + "\n"));
    world.hub.command(NOW, BusCommand::Drain);
    world.say(a, &(message("a", "b", "n", "0") + "\n"));
    assert!(world.written(a).ends_with("\"reason\":\"closing\",\"detail\":\"the bus is shutting down\"}\n"));
    assert!(!world.notices.lock().unwrap().contains(&BusNotice::Drained));
    world.batch();
    assert_eq!(world.written(a), "{\"type\":\"accepted\",\"messageId\":\"m\"}\n");
    assert!(world.notices.lock().unwrap().contains(&BusNotice::Drained));
    assert!(world.hub.wants(a).unwrap().shutdown.is_some());
    world.hub.drain(NOW, CloseCode::GOING_AWAY);
}

#[test]
fn a_failed_job_poisons_and_is_told() {
    let mut world = World::new(|_| {});
    let a = world.lines();
    world.say(a, "{\"type\":\"register\",\"serviceId\":\"a\"}\n");
    world.written(a);
    world.say(a, &(message("a", "b", "m", "0") + "\n"));
    let (job, _) = world.hub.poll_job().unwrap();
    world.hub.job_done(NOW, job, Err(StoreFailure::new("disk full")));
    assert!(world.written(a).contains(r#""messageId":"m","reason":"store""#));
    assert!(world.notices.lock().unwrap().contains(&BusNotice::StoreFailed("disk full".into())));
    world.say(a, &(message("a", "b", "n", "0") + "\n"));
    assert!(world.hub.poll_job().is_none());
}

#[test]
fn a_receiver_that_does_not_read_holds_little() {
    let mut world = World::new(|_| {});
    let (a, b) = (world.lines(), world.lines());
    world.say(a, "{\"type\":\"register\",\"serviceId\":\"a\"}\n");
    world.say(b, "{\"type\":\"register\",\"serviceId\":\"b\"}\n");
    let payload = format!("\"{}\"", "x".repeat(1000));
    for i in 0..900 {
        world.say(a, &(message("a", "b", &format!("m{i}"), &payload) + "\n"));
        world.written(a);
        while world.batch().is_some() {}
    }
    let stats = world.hub.service().broker().stats();
    assert!((50..70).contains(&stats.unacknowledged), "{stats:?}");
    let (mut got, mut reads) = (0, 0);
    while got < 900 {
        got += world.written(b).matches("\"payload\"").count();
        reads += 1;
        assert!(reads < 100, "{got}");
    }
}

#[test]
fn a_batch_for_which_there_is_no_room_is_forgotten() {
    let config = BusConfig::default();
    let limits = Config { max_jobs: 0, ..BusService::config(&config) };
    let mut world = World::within(limits, BusService::new(Broker::new(config)));
    let a = world.lines();
    world.say(a, "{\"type\":\"register\",\"serviceId\":\"a\"}\n");
    world.written(a);
    world.say(a, &(message("a", "b", "m", "0") + "\n"));
    assert!(world.written(a).contains(r#""messageId":"m","reason":"store""#));
    let failed = BusNotice::StoreFailed("there is no room for a job".into());
    assert!(world.notices.lock().unwrap().contains(&failed));
}

#[test]
fn a_batch_of_which_nobody_says_what_became_is_waited_for_for_ever() {
    let mut world = World::new(|_| {});
    let a = world.lines();
    world.say(a, "{\"type\":\"register\",\"serviceId\":\"a\"}\n");
    world.say(a, &(message("a", "b", "m", "0") + "\n"));
    let (job, _) = world.hub.poll_job().unwrap();
    world.written(a);
    world.hub.job_lost(NOW, job);
    assert!(world.written(a).contains(r#""messageId":"m","reason":"store""#));
    assert!(world.hub.service().broker().has_failed());
}

#[test]
fn a_bus_to_which_nobody_listens_stands_still() {
    let config = BusConfig::default();
    let limits = BusService::config(&config);
    let mut world = World::silent(limits, BusService::new(Broker::new(config)), Arc::default());
    let a = world.lines();
    world.say(a, "{\"type\":\"register\",\"serviceId\":\"a\"}\n");
    world.say(a, &(message("a", "a", "m", "0") + "\n"));
    world.batch();
    assert!(world.written(a).contains("\"payload\""));
    assert!(world.notices.lock().unwrap().is_empty());
}

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[test]
fn a_blank_text_of_a_websocket_is_a_blank_line() {
    let mut world = World::new(|_| {});
    let conn = world.hub.accept(NOW, Address::Unix(String::new())).unwrap();
    world.say(conn, UPGRADE);
    assert!(world.written(conn).starts_with("HTTP/1.1 101 "));
    // Masked by zeros: a text of one space, and a binary one of nothing.
    world.hub.receive(NOW, conn, &mut [0x81, 0x81, 0, 0, 0, 0, b' ']);
    assert!(world.written(conn).contains(r#""type":"error","reason":"invalid""#));
    world.hub.receive(NOW, conn, &mut [0x82, 0x80, 0, 0, 0, 0]);
    assert!(world.written(conn).contains("a frame is text"));
}

#[test]
fn whoever_comes_behind_the_end_of_a_drain_stays() {
    let mut world = World::new(|_| {});
    let a = world.lines();
    world.say(a, "{\"type\":\"register\",\"serviceId\":\"a\"}\n");
    world.hub.command(NOW, BusCommand::Drain);
    world.hub.command(NOW, BusCommand::Drain);
    let drained = |notice: &&BusNotice| **notice == BusNotice::Drained;
    assert_eq!(world.notices.lock().unwrap().iter().filter(drained).count(), 1);
    let b = world.lines();
    assert!(world.hub.wants(b).is_none_or(|wants| wants.shutdown.is_some()));
    let c = world.hub.accept(NOW, Address::Unix(String::new())).unwrap();
    world.say(c, UPGRADE);
    assert!(world.written(c).starts_with("HTTP/1.1 503 "));
    assert!(world.get("/status").starts_with("HTTP/1.1 200 "), "how it is is told to the end");
}

#[test]
fn dead_letters_are_out_of_reach_of_the_program() {
    let mut world = World::new(|config| config.attempts = 1);
    let a = world.lines();
    world.say(a, "{\"type\":\"register\",\"serviceId\":\"a\"}\n");
    for id in ["m", "n"] {
        world.say(a, &(message("a", "a", id, "0") + "\n"));
        while world.batch().is_some() {}
        world.say(a, &format!("{{\"type\":\"nack\",\"messageId\":\"{id}\",\"reason\":\"no\"}}\n"));
    }
    let letters = |id: &str| id.parse().unwrap();
    world.hub.command(NOW, BusCommand::Purge { letters: letters("m"), ticket: 1 });
    world.hub.command(NOW, BusCommand::Requeue { letters: letters("n"), ticket: 2 });
    while world.batch().is_some() {}
    let told: Vec<_> = world
        .notices
        .lock()
        .unwrap()
        .iter()
        .filter(|n| matches!(n, BusNotice::Told { .. }))
        .cloned()
        .collect();
    let outcome = Ok(Changed { letters: 1, full: 0 });
    assert_eq!(told, [1, 2].map(|ticket| BusNotice::Told { ticket, outcome }));
    let stats = world.hub.service().broker().stats();
    assert_eq!((stats.dead_letters, stats.pending), (0, 1));
}
