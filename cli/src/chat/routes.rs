//! What each path answers.

mod messages;
mod metrics;

pub(super) use messages::no_store;
pub use messages::{failed, found};

use super::Rooms;
use super::access::Access;
use super::page;
use serde::Serialize;
use wharf::http::{Request, Response};
use wharf::link::{HubStats, prometheus};
use wharf::service::history::PageAsk;

/// Where a request leads.
///
/// ```
/// use wharf::base::{Entropy, Instant};
/// use wharf::http::Request;
/// use wharf_cli::chat::access::Access;
/// use wharf_cli::chat::routes::{Route, route};
/// use wharf_cli::chat::{Limits, Rooms};
///
/// let rooms = Rooms::<u32>::new(Instant::ORIGIN, Limits::default(), Entropy::from_seed([7; 32]));
/// let request = Request::parse(b"GET /api/rooms HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
/// let Route::Answer(answer) = route(&request, &Access::default(), &rooms) else { panic!() };
/// assert_eq!(answer.content(), r#"{"rooms":[{"roomId":"general","users":0}]}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// To this answer.
    Answer(Response),
    /// To a WebSocket.
    WebSocket {
        /// Whether its user enters `general` by itself.
        auto_join: bool,
    },
    /// To the counters, those of the hub among them: [`counters`].
    Metrics,
    /// To the page of messages that is asked for, as [`found`] or [`failed`] answers it.
    Messages(PageAsk),
}

/// Where `request` leads. A HEAD leads where its GET does; the answer's body is not sent for it. Other methods do
/// not come this far.
#[must_use]
pub fn route<K: Copy + Ord>(request: &Request, access: &Access, rooms: &Rooms<K>) -> Route {
    if !access.allows_host(request) {
        return Route::Answer(Response::plain(403));
    }
    Route::Answer(match request.path() {
        "/ws" if !request.is_websocket() => Response::plain(426)
            .with("Upgrade", "websocket")
            .with("Connection", "Upgrade")
            .with("Sec-WebSocket-Version", "13"),
        "/ws" if !access.allows_origin(request) => Response::plain(403),
        "/ws" => {
            let mut query = request.query().unwrap_or_default().split('&');
            return Route::WebSocket { auto_join: !query.any(|pair| pair == "join=no") };
        }
        "/api/rooms" => json(200, &RoomList::of(rooms)),
        "/health" => {
            let (status, word) = if rooms.is_away() { (503, "unavailable") } else { (200, "ok") };
            let mesh = rooms.is_up().map(|is_up| if is_up { "up" } else { "down" });
            json(status, &Health { status: word, mesh })
        }
        "/metrics" => return Route::Metrics,
        path => match page::part(path) {
            Some(answer) => answer,
            None => return messages::route(path, request.query()),
        },
    })
}

/// The counters of the chat and of the hub that serves it, as Prometheus reads them.
#[must_use]
pub fn counters<K: Copy + Ord>(rooms: &Rooms<K>, hub: &HubStats) -> Response {
    Response::new(200)
        .with("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        .with("X-Content-Type-Options", "nosniff")
        .with("Cache-Control", "no-store")
        .body(metrics::prometheus(&rooms.stats(), rooms.is_away()) + &prometheus(hub))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    /// Without it this node serves all the same: what others say comes late.
    #[serde(skip_serializing_if = "Option::is_none")]
    mesh: Option<&'static str>,
}

#[derive(Serialize)]
struct RoomList<'a> {
    rooms: Vec<Room<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Room<'a> {
    room_id: &'a str,
    users: usize,
}

impl<'a> RoomList<'a> {
    fn of<K: Copy + Ord>(rooms: &'a Rooms<K>) -> Self {
        Self { rooms: rooms.list().map(|(room_id, users)| Room { room_id, users }).collect() }
    }
}

fn json(status: u16, value: &impl Serialize) -> Response {
    let text = serde_json::to_vec(value).expect("strings and numbers always have a JSON text");
    Response::new(status)
        .with("Content-Type", "application/json")
        .with("X-Content-Type-Options", "nosniff")
        .with("Cache-Control", "no-store")
        .body(text)
}

#[cfg(test)]
mod tests {
    use super::super::{Action, Limits, Notice};
    use super::*;
    use std::time::Duration;
    use wharf::base::{Entropy, Instant, Message, Wall};
    use wharf::service::history::Failure;

    fn rooms() -> Rooms<u32> {
        Rooms::new(Instant::ORIGIN, Limits::default(), Entropy::from_seed([7; 32]))
    }

    fn request(path: &str, fields: &str) -> Request {
        let text = format!("GET {path} HTTP/1.1\r\nHost: localhost:80\r\n{fields}\r\n");
        Request::parse(text.as_bytes()).expect(path)
    }

    fn answer_of(rooms: &Rooms<u32>, request: &Request, access: &Access) -> Response {
        match route(request, access, rooms) {
            Route::Answer(answer) => answer,
            Route::Metrics => counters(rooms, &HubStats::default()),
            other => panic!("{request:?}: {other:?}"),
        }
    }

    fn answer(path: &str, fields: &str, access: &Access) -> Response {
        answer_of(&rooms(), &request(path, fields), access)
    }

    fn field<'r>(answer: &'r Response, name: &str) -> Option<&'r str> {
        answer.fields().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n";

    #[test]
    fn every_answer_is_not_to_be_sniffed() {
        for path in
            ["/", "/base.css", "/chat.js", "/ws", "/api/rooms", "/health", "/metrics", "/else", "/api/x"]
        {
            let answer = answer(path, "", &Access::default());
            assert_eq!(field(&answer, "X-Content-Type-Options"), Some("nosniff"), "{path}");
        }
    }

    #[test]
    fn rooms_and_health() {
        let mut rooms = rooms();
        rooms.handle_opened(Instant::ORIGIN, Wall::default(), 1, true);
        let join = Message::text(r#"{"type":"join","roomId":"\"é"}"#);
        rooms.handle_message(Instant::ORIGIN, Wall::default(), 1, &join);
        let Route::Answer(listed) = route(&request("/api/rooms", ""), &Access::default(), &rooms) else {
            panic!("no answer")
        };
        assert_eq!(
            listed.content(),
            r#"{"rooms":[{"roomId":"\"é","users":1},{"roomId":"general","users":0}]}"#
        );
        assert_eq!(field(&listed, "Cache-Control"), Some("no-store"));
        assert_eq!(field(&listed, "Content-Type"), Some("application/json"));
        assert_eq!(answer("/health", "", &Access::default()).content(), r#"{"status":"ok"}"#);
    }

    #[test]
    fn health_and_metrics_while_the_database_is_away() {
        let mut rooms = rooms();
        let (now, wall) = (Instant::ORIGIN + Duration::from_secs(5), Wall::default());
        let answer = |rooms: &_, path| answer_of(rooms, &request(path, ""), &Access::default());
        let up = |rooms: &Rooms<u32>| {
            let text = answer(rooms, "/metrics").content().clone();
            let text = String::from_utf8(text.into()).unwrap();
            text.contains("# TYPE wharf_chat_database_up gauge\nwharf_chat_database_up 1\n")
        };
        assert!(up(&rooms));
        rooms.handle_timeout(now, wall);
        assert!(matches!(rooms.poll_action(), Some(Action::Ask(_))));
        rooms.handle_answer(now, wall, Err(Failure::Away("gone".into())));
        let health = answer(&rooms, "/health");
        assert_eq!((health.status(), &health.content()[..]), (503, &br#"{"status":"unavailable"}"#[..]));
        assert!(!up(&rooms));
        let metrics = answer(&rooms, "/metrics");
        assert!(field(&metrics, "Content-Type").unwrap().starts_with("text/plain; version=0.0.4"));
        let text = String::from_utf8(metrics.content().clone().into()).unwrap();
        for name in ["chat_connections", "chat_rooms", "chat_messages_total", "connections_refused_total"] {
            assert!(text.contains(&format!("\nwharf_{name} ")), "{name}");
        }
    }

    #[test]
    fn a_mesh_that_is_down_is_told_and_no_failure() {
        let entropy = Entropy::from_seed([7; 32]);
        let mut rooms = Rooms::<u32>::among_nodes(Instant::ORIGIN, Limits::default(), entropy);
        let health = |rooms: &Rooms<u32>| match route(&request("/health", ""), &Access::default(), rooms) {
            Route::Answer(answer) => (answer.status(), String::from_utf8(answer.content().to_vec()).unwrap()),
            other => panic!("{other:?}"),
        };
        assert_eq!(health(&rooms), (200, r#"{"status":"ok","mesh":"down"}"#.into()));
        rooms.handle_notice(Instant::ORIGIN, Wall::default(), &Notice::Up);
        assert_eq!(health(&rooms), (200, r#"{"status":"ok","mesh":"up"}"#.into()));
        let metrics = answer_of(&rooms, &request("/metrics", ""), &Access::default());
        let text = String::from_utf8(metrics.content().to_vec()).unwrap();
        assert!(text.contains("# TYPE wharf_chat_mesh_up gauge\nwharf_chat_mesh_up 1\n"), "{text}");
        assert!(text.contains("\nwharf_chat_mesh_gaps_total 0\n"), "{text}");
        assert!(text.contains("\nwharf_chat_mesh_members_refused_total 0\n"), "{text}");
        assert!(
            !answer("/metrics", "", &Access::default()).content().windows(5).any(|part| part == b"_mesh")
        );
    }

    #[test]
    fn messages_are_answered_later() {
        let led = route(&request("/api/rooms/a/messages?limit=3", ""), &Access::default(), &rooms());
        assert!(matches!(led, Route::Messages(ask) if ask.limit == 3));
        let bad = answer("/api/rooms/a/messages?limit=0", "", &Access::default());
        assert_eq!((bad.status(), field(&bad, "Cache-Control")), (400, Some("no-store")));
    }

    #[test]
    fn what_is_not_there() {
        for path in ["/favicon.ico", "/chat", "/ws/", "/api", "/api/rooms/x", "//", "/%2f", "/../"] {
            assert_eq!(answer(path, "", &Access::default()).status(), 404, "{path}");
        }
    }

    #[test]
    fn the_websocket() {
        let answer = answer("/ws", "", &Access::default());
        assert_eq!((answer.status(), field(&answer, "Upgrade")), (426, Some("websocket")));
        for (path, auto_join) in [
            ("/ws", true),
            ("/ws?join=no", false),
            ("/ws?a&join=no", false),
            ("/ws?join=yes", true),
            ("/ws?xjoin=no", true),
        ] {
            let route = route(&request(path, UPGRADE), &Access::default(), &rooms());
            assert_eq!(route, Route::WebSocket { auto_join }, "{path}");
        }
    }

    #[test]
    fn foreign_pages_and_rebound_names_are_refused() {
        let foreign = format!("{UPGRADE}Origin: http://evil.example\r\n");
        assert_eq!(answer("/ws", &foreign, &Access::default()).status(), 403);
        let own = format!("{UPGRADE}Origin: http://localhost\r\n");
        let loopback = Access { loopback: true, ..Access::default() };
        let led = route(&request("/ws", &own), &loopback, &rooms());
        assert_eq!(led, Route::WebSocket { auto_join: true });
        for path in ["/", "/ws", "/api/rooms"] {
            let text = format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\n{UPGRADE}\r\n");
            let request = Request::parse(text.as_bytes()).expect(path);
            let Route::Answer(answer) = route(&request, &loopback, &rooms()) else { panic!("{path}") };
            assert_eq!(answer.status(), 403, "{path}");
        }
    }
}
