//! The service, in a hub, as a WebSocket and as lines.

use super::message;
use crate::base::{CloseCode, End, Entropy, Instant, Wall};
use crate::framed::Lines;
use crate::link::{Address, Config, ConnId, Framing, Hub};
use crate::service::bus::{Batch, Broker, BusCommand, BusConfig, BusNotice, BusService, StoreFailure};
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
        let notices = Arc::new(Mutex::new(Vec::new()));
        let told = notices.clone();
        let limits = BusService::config(&config);
        let lines = Config { framing: Framing::codec(Lines::new()), ..limits.clone() };
        let service = BusService::new(Broker::new(config))
            .on_notice(move |notice| told.lock().unwrap().push(notice.clone()));
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
