//! What comes with and behind an upgrade request.

use super::*;

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// What the server writes to who sends the request, and a message behind it in the same bytes.
fn upgraded(site: &mut Site) -> Vec<u8> {
    let conn = site.hub.accept(site.now, Address::Unix(String::new())).expect("room for one more");
    let hello = br#"{"type":"message","content":"ahoy"}"#;
    let mut bytes = UPGRADE.as_bytes().to_vec();
    // A mask of zeros leaves the payload as it is.
    bytes.extend([0x81, 0x80 | hello.len() as u8, 0, 0, 0, 0]);
    bytes.extend(hello);
    site.hub.receive(site.now, conn, &mut bytes);
    while site.store() {}
    written(&mut site.hub, site.now, conn)
}

/// Fault of the sketch: what came with the upgrade request is thrown away with its buffer.
#[test]
fn bytes_after_the_upgrade_request_are_not_lost() {
    let mut site = Site::new();
    let out = upgraded(&mut site);
    assert!(String::from_utf8_lossy(&out).contains(r#""content":"ahoy""#));
    assert_eq!(site.memory.entries().count(), 1);
}

/// Fault of the sketch: a handler of HTTP answers with text over the connection that was upgraded.
#[test]
fn no_text_is_answered_after_the_upgrade_but_in_frames() {
    let mut site = Site::new();
    let out = upgraded(&mut site);
    let head = out.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
    assert!(out.starts_with(b"HTTP/1.1 101 "));
    let (mut at, mut types) = (head, Vec::new());
    while at < out.len() {
        let (first, len) = (out[at], usize::from(out[at + 1]));
        let (len, begin) = match len {
            126 => (usize::from(out[at + 2]) << 8 | usize::from(out[at + 3]), at + 4),
            len => (len, at + 2),
        };
        assert_eq!(first, 0x81, "no text frame at {at}");
        let message: Value = serde_json::from_slice(&out[begin..begin + len]).expect("JSON");
        types.push(message["type"].as_str().expect("a type").to_owned());
        at = begin + len;
    }
    assert_eq!(types, ["welcome", "join", "user_list", "history", "message"]);
}

/// Fault of the sketch: the server connects to itself to have a socket for the upgraded connection.
#[test]
fn the_server_does_not_dial_itself() {
    let mut site = Site::of(2);
    upgraded(&mut site);
    site.say(0, &json!({"type": "message", "content": "a"}));
    assert!(site.hub.poll_dial().is_none());
    assert_eq!(site.hub.service().rooms().stats().users, 3);
}
