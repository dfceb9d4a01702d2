//! What each path answers.

use super::page;
use super::{Health, Status};
use crate::http::{Request, Response, percent_decoded};
use alloc::string::String;
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

/// Where the page's WebSocket is.
pub(super) const SOCKET: &str = "/ws";

/// Answers a request for anything but the WebSocket. A HEAD leads where its GET does; other methods do not come this far.
pub(super) fn answer(request: &Request, health: &Health) -> Response {
    let path = request.path();
    if let Some(part) = page::part(path) {
        return part;
    }
    match path {
        "/health" => match filter(request.query().unwrap_or_default()) {
            Some(wanted) => json(200, &List { health, wanted }),
            None => Response::plain(400),
        },
        "/ready" => {
            let is_ready = health.is_ready();
            json(if is_ready { 200 } else { 503 }, &Ready { is_ready })
        }
        SOCKET => Response::plain(426)
            .with("Upgrade", "websocket")
            .with("Connection", "Upgrade")
            .with("Sec-WebSocket-Version", "13"),
        _ => match path.strip_prefix("/health/").and_then(id).and_then(|id| health.status(&id)) {
            Some(status) => json(200, &status),
            None => Response::plain(404),
        },
    }
}

/// Which of them are wanted; `None` for a query that says something else. That it says nothing is fine.
fn filter(query: &str) -> Option<Option<bool>> {
    match query {
        "" => Some(None),
        "healthy=true" => Some(Some(true)),
        "healthy=false" => Some(Some(false)),
        _ => None,
    }
}

/// The id that is one segment of a path.
fn id(segment: &str) -> Option<String> {
    if segment.contains('/') { None } else { String::from_utf8(percent_decoded(segment)).ok() }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    is_ready: bool,
}

/// All of them, or those that are healthy, or those that are not.
pub(super) struct List<'a> {
    pub(super) health: &'a Health,
    pub(super) wanted: Option<bool>,
}

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_seq(None)?;
        let is_wanted = |status: &Status<'_>| self.wanted.is_none_or(|wanted| status.is_healthy == wanted);
        for status in self.health.statuses().filter(is_wanted) {
            out.serialize_element(&status)?;
        }
        out.end()
    }
}

fn json(status: u16, value: &impl Serialize) -> Response {
    // Text and numbers always have a JSON text.
    let text = serde_json::to_vec(value).unwrap_or_default();
    Response::new(status)
        .with("Content-Type", "application/json")
        .with("X-Content-Type-Options", "nosniff")
        .with("Cache-Control", "no-store")
        .body(text)
}
