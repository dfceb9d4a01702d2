//! Those who are told of every change, over WebSockets.

use super::served::{Served, ask, served, written};
use super::{at, endpoint, endpoints};
use crate::base::{Entropy, Input, Wall};
use crate::link::{Address, Config, ConnId, DialError, Event, Hub, Link};
use crate::service::health::{self, Health, HealthCommand, HealthService};
use crate::ws::handshake::ClientRequest;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde_json::Value;

/// A page.
struct Page {
    conn: ConnId,
    link: Link,
    heard: Vec<Value>,
    end: Option<String>,
}

impl Page {
    fn open(hub: &mut Served) -> Self {
        let conn = hub.accept(at(0.0), Address::Unix(String::new())).unwrap();
        let target = ClientRequest::new("ws://a/ws").unwrap().into();
        let link =
            Link::client(at(0.0), Wall::default(), &Arc::default(), &target, Entropy::from_seed([2; 32]));
        let mut page = Self { conn, link: link.unwrap(), heard: Vec::new(), end: None };
        page.exchange(hub);
        page
    }

    fn exchange(&mut self, hub: &mut Served) {
        loop {
            let mut up = Vec::new();
            self.link.output(at(0.0)).drain_into(&mut up);
            hub.receive(at(0.0), self.conn, &mut up);
            let mut down = written(hub, at(0.0), self.conn);
            let is_quiet = up.is_empty() && down.is_empty();
            let mut input = Input::new(&mut down);
            while let Some(event) = self.link.receive(at(0.0), &mut input) {
                match event {
                    Event::Message(message) => self.heard.push(message.as_text().unwrap().parse().unwrap()),
                    Event::Closed(closed) => self.end = Some(closed.code.to_string()),
                    Event::Failed(error) => self.end = Some(error.to_string()),
                    _ => {}
                }
            }
            if is_quiet {
                return;
            }
        }
    }

    /// What it was told since it was asked last: the kind, and each endpoint with its failures.
    fn news(&mut self, hub: &mut Served) -> Vec<String> {
        self.exchange(hub);
        let told = self.heard.drain(..).map(|news| {
            let statuses = news["endpoints"].as_array().unwrap().iter();
            let statuses: Vec<_> = statuses
                .map(|s| format!("{}:{}", s["endpoint"]["id"].as_str().unwrap(), s["consecutiveFailures"]))
                .collect();
            format!("{} {}", news["type"].as_str().unwrap(), statuses.join(","))
        });
        told.collect()
    }
}

fn fail_all_dials(hub: &mut Served) {
    while let Some(dial) = hub.poll_dial() {
        hub.dial_failed(at(1.0), dial.id, &DialError::Connect);
    }
}

#[test]
fn a_page_is_told_everything_and_then_what_changes() {
    let (mut hub, _) = served(endpoints(2));
    let mut page = Page::open(&mut hub);
    assert_eq!(page.news(&mut hub), ["all 0:0,1:0"]);
    fail_all_dials(&mut hub);
    assert_eq!(page.news(&mut hub), ["changed 0:1", "changed 1:1"]);
    hub.command(at(1.0), HealthCommand::Add([endpoint("new")].into()));
    hub.command(at(1.0), HealthCommand::Remove("0".into()));
    assert_eq!(page.news(&mut hub), ["all 0:1,1:1,new:0", "all 1:1,new:0"]);
    assert_eq!(hub.service().stats().subscribers, 1);
    hub.release(at(1.0), page.conn);
    assert_eq!(hub.service().stats().subscribers, 0);
}

/// One message, however much changed meanwhile, and none while there is nothing new: a list that is longer than the high mark is
/// not told again and again.
#[test]
fn a_page_that_is_too_slow_is_told_everything_once_it_has_caught_up() {
    let health = Health::new(health::Config::default(), endpoints(20)).unwrap();
    let mut config: Config = HealthService::config();
    let ws = Arc::make_mut(&mut config.ws);
    (ws.high_mark, ws.low_mark) = (1000, 100);
    let service = HealthService::new(health);
    let mut hub = Hub::new(at(0.0), Wall::default(), service, &config.into(), Entropy::from_seed([1; 32]));
    let mut page = Page::open(&mut hub);
    assert_eq!(page.news(&mut hub).len(), 1);
    // It takes nothing of this.
    hub.command(at(0.0), HealthCommand::Add([endpoint("new")].into()));
    for tick in 0..10 {
        hub.handle_timeout(at(f64::from(tick) / 10.0));
        fail_all_dials(&mut hub);
    }
    let news = page.news(&mut hub);
    assert_eq!(
        (news.len(), news[0].contains("new:0"), news[1].contains("new:1")),
        (2, true, true),
        "{news:?}"
    );
}

#[test]
fn pages_are_bounded_and_those_of_others_refused() {
    let health = Health::new(health::Config::default(), endpoints(1)).unwrap();
    let service = HealthService::new(health).max_subscribers(1);
    let config = HealthService::config();
    let mut hub = Hub::new(at(0.0), Wall::default(), service, &config.into(), Entropy::from_seed([1; 32]));
    let mut first = Page::open(&mut hub);
    assert_eq!(first.news(&mut hub), ["all 0:0"]);
    let mut second = Page::open(&mut hub);
    second.exchange(&mut hub);
    assert!(second.end.as_ref().is_some_and(|end| end.contains("503")), "{:?}", second.end);
    assert_eq!(hub.service().stats().subscribers_refused, 1);
    let foreign = "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://evil.example\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    assert_eq!(ask(&mut hub, foreign).0, 403);
}

#[test]
fn the_page_and_its_parts() {
    let (mut hub, _) = served(endpoints(1));
    for (path, content_type) in
        [("/", "text/html"), ("/health.css", "text/css"), ("/health.js", "text/javascript")]
    {
        let (status, head, _) = ask(&mut hub, &format!("GET {path} HTTP/1.1"));
        assert!(status == 200 && head.contains(content_type), "{head}");
        assert!(head.contains("Content-Security-Policy: default-src 'none'"), "{head}");
    }
}
