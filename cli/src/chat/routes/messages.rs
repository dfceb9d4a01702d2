//! `/api/rooms/ID/messages?before=ID&limit=N`.

use super::{Route, json};
use crate::chat::protocol::{MAX_ID, Reply, is_room_id};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use std::ops::RangeInclusive;
use wharf::http::Response;
use wharf::service::history::{Failure, MAX_PAGE, Page, PageAsk, Span};

/// How many messages are told where the request does not say.
const PAGE: usize = 50;

/// The answer with a page.
///
/// ```
/// let answer = wharf_cli::chat::routes::found(&wharf::service::history::Page::default());
/// assert_eq!(answer.content(), r#"{"messages":[],"more":false}"#);
/// ```
#[must_use]
pub fn found(page: &Page) -> Response {
    let messages = page.entries.iter().map(Reply::message).collect();
    json(200, &Messages { messages, more: page.more })
}

/// The answer where the database failed. `id` is the one by which the log tells more.
///
/// ```
/// use wharf::service::history::Failure;
///
/// let answer = wharf_cli::chat::routes::failed(&Failure::Away("connection refused".into()), "7");
/// assert_eq!(answer.status(), 500);
/// assert_eq!(answer.content(), r#"{"error":{"code":"unavailable","message":"the database is away","id":"7"}}"#);
/// ```
#[must_use]
pub fn failed(failure: &Failure, id: &str) -> Response {
    let (code, message) = match failure {
        Failure::Away(_) => ("unavailable", "the database is away"),
        _ => ("internal", "the database refused"),
    };
    json(500, &Failed { error: Cause { code, message, id } })
}

#[derive(Serialize)]
struct Messages<'a> {
    messages: Vec<Reply<'a>>,
    more: bool,
}

#[derive(Serialize)]
struct Failed<'a> {
    error: Cause<'a>,
}

#[derive(Serialize)]
struct Cause<'a> {
    code: &'a str,
    message: &'a str,
    id: &'a str,
}

/// Where a path leads that is none of the others.
pub(super) fn route(path: &str, query: Option<&str>) -> Route {
    let Some(below) = path.strip_prefix("/api/") else { return Route::Answer(Response::plain(404)) };
    let room = below.strip_prefix("rooms/").and_then(|rest| rest.strip_suffix("/messages"));
    let room = room.filter(|room| !room.contains('/'));
    let room = room.and_then(|room| percent_decode_str(room).decode_utf8().ok());
    match room.filter(|room| is_room_id(room)) {
        None => Route::Answer(no_store(404)),
        Some(room) => match span(query.unwrap_or_default()) {
            Some((span, limit)) => Route::Messages(PageAsk::new(vec![(*room).into()], span, limit)),
            None => Route::Answer(no_store(400)),
        },
    }
}

/// The status in words, for a client of the API.
pub(in crate::chat) fn no_store(status: u16) -> Response {
    Response::plain(status).with("Cache-Control", "no-store")
}

/// What a query asks for, each at most once; what is not known in it counts for nothing.
fn span(query: &str) -> Option<(Span, usize)> {
    let (mut below, mut limit) = (None, None);
    for pair in query.split('&') {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("before", _) if below.is_some() => return None,
            ("limit", _) if limit.is_some() => return None,
            ("before", text) => below = Some(number(text, 1..=MAX_ID)?),
            ("limit", text) => limit = Some(number(text, 1..=MAX_PAGE as u64)?),
            _ => {}
        }
    }
    Some((Span::Newest { below }, limit.map_or(PAGE, |limit| limit as usize)))
}

fn number(text: &str, range: RangeInclusive<u64>) -> Option<u64> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| is_plain && range.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn ask(path: &str, query: &str) -> Result<(Arc<str>, Span, usize), u16> {
        match route(path, Some(query)) {
            Route::Messages(ask) => Ok((ask.rooms[0].clone(), ask.span, ask.limit)),
            Route::Answer(answer) => Err(answer.status()),
            Route::WebSocket { .. } | Route::Metrics => panic!("{path}"),
        }
    }

    #[test]
    fn rooms_are_percent_encoded() {
        for (path, room) in [
            ("general", "general"),
            ("a%2Fb", "a/b"),
            ("%c3%a9+%20", "é+ "),
            ("%zz", "%zz"),
            ("..", ".."),
            ("%2e", "."),
        ] {
            let path = format!("/api/rooms/{path}/messages");
            assert_eq!(ask(&path, ""), Ok((room.into(), Span::Newest { below: None }, 50)), "{path}");
        }
        for path in ["a/b", "", "%ff", "%00", "%0a", &"x".repeat(65), "a/messages"] {
            let path = format!("/api/rooms/{path}/messages");
            assert_eq!(ask(&path, ""), Err(404), "{path}");
        }
        for path in
            ["/api", "/api/", "/api/rooms/", "/api/rooms/x", "/api/rooms/messages", "/api/x", "/x/messages"]
        {
            assert_eq!(ask(path, ""), Err(404), "{path}");
        }
    }

    #[test]
    fn queries() {
        let path = "/api/rooms/a/messages";
        for (query, below, limit) in [
            ("before=7", Some(7), 50),
            ("limit=200&before=9007199254740991", Some(MAX_ID), 200),
            ("x=y&limit=1&&Before=no", None, 1),
        ] {
            assert_eq!(ask(path, query), Ok(("a".into(), Span::Newest { below }, limit)), "{query}");
        }
        for query in [
            "before=",
            "before",
            "before=0",
            "before=-1",
            "before=+1",
            "before=x",
            "before=9007199254740992",
            "before=1&before=1",
            "limit=0",
            "limit=201",
            "limit=1&limit=1",
            "limit=1.5",
            "before=99999999999999999999",
        ] {
            assert_eq!(ask(path, query), Err(400), "{query}");
        }
    }
}
