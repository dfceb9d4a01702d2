//! What was said in a room before, as it is told to who joins.

use crate::chat::protocol::Reply;
use bytes::Bytes;
use serde_json::value::RawValue;
use wharf::service::history::{Entry, Page};

/// A history has no more bytes of messages.
const MAX_HISTORY: usize = 512 << 10;

/// The newest of a page that have room, without those that come by themselves.
pub(super) fn text(room: &str, page: &Page, settled: Option<u64>, left_out: &[u64]) -> Bytes {
    let mut bytes = 0;
    let raw = |entry: &Entry| {
        let text = serde_json::value::to_raw_value(&Reply::message(entry));
        text.expect("strings and numbers always have a JSON text")
    };
    let entries = page.entries.iter().filter(|entry| !left_out.contains(&entry.id));
    let count = entries.clone().count();
    let newest = entries.rev().map(raw).take_while(|text| {
        bytes += text.get().len();
        bytes <= MAX_HISTORY
    });
    let mut messages: Vec<Box<RawValue>> = newest.collect();
    messages.reverse();
    let more = page.more || messages.len() < count;
    Reply::History { room_id: room, messages, more, settled }.to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use wharf::base::Wall;

    #[test]
    fn what_is_too_much_for_one_message_is_more() {
        // Each is six bytes in JSON.
        let content = "\u{1}".repeat(4096);
        let entry =
            |id| Entry::new(id, "a".into(), "u".into(), "U".into(), content.as_str().into(), Wall::default());
        let page = Page::new((1..=50).map(entry).collect(), false);
        let text = text("a", &page, None, &[]);
        assert!(text.len() < 600_000);
        let told: Value = serde_json::from_slice(&text).unwrap();
        let ids: Vec<u64> =
            told["messages"].as_array().unwrap().iter().filter_map(|m| m["id"].as_u64()).collect();
        assert!(ids.last() == Some(&50) && ids.len() > 10 && told["more"] == true, "{ids:?}");
    }
}
