//! What a link says of itself between two calls.

use super::*;
use crate::ws;

/// Takes what there is; a link that was silent has nothing.
fn take(link: &mut Link, input: &mut Input<'_>) -> usize {
    let silent = link.is_silent() && input.is_empty();
    let mut events = 0;
    while let Some(event) = link.receive(START, input) {
        assert!(!silent, "{event:?} of a silent link");
        events += 1;
        if matches!(event, Event::Request(_)) {
            link.accept(START, &Default::default()).unwrap();
            assert!(!link.is_silent(), "`Opened` is to come");
        }
    }
    events
}

/// Whether the link is silent after each byte of `bytes`, with no event left.
fn feed(link: &mut Link, bytes: &[u8]) -> Vec<bool> {
    let mut silent = Vec::new();
    for byte in bytes {
        let mut byte = [*byte];
        take(link, &mut Input::new(&mut byte));
        assert_eq!(take(link, &mut Input::default()), 0);
        silent.push(link.is_silent());
    }
    silent
}

#[test]
fn a_silent_link_has_nothing_to_tell() {
    let mut ws = ws::Config::default();
    (ws.high_mark, ws.low_mark) = (8, 4);
    let mut link = Link::server(START, WALL, &Config { ws: Arc::new(ws), ..Config::default() }.into());
    let request = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let silent = feed(&mut link, request.as_bytes());
    assert_eq!(silent.iter().filter(|silent| **silent).count(), 1, "not before it is open");
    assert!(link.is_silent());
    link.output(START).drain_into(&mut Vec::new());
    // Two fragments with a ping between them, and a message.
    let frames = b"\x01\x81\0\0\0\0a\x89\x80\0\0\0\0\x80\x80\0\0\0\0\x81\x81\0\0\0\0b";
    let silent = feed(&mut link, frames);
    let between: Vec<usize> = (0..silent.len()).filter(|i| silent[*i]).collect();
    assert_eq!(between, [18, 25], "between messages alone");
    link.output(START).drain_into(&mut Vec::new());
    link.send(START, Message::text("0123456789")).unwrap();
    assert!(!link.is_silent(), "a `Drained` is owed");
    link.output(START).drain_into(&mut Vec::new());
    assert_eq!(take(&mut link, &mut Input::default()), 1);
    assert!(link.is_silent());
    link.receive_end(START, End::Eof);
    assert_eq!((link.is_silent(), take(&mut link, &mut Input::default())), (false, 1));
    assert!(!link.is_silent());
}
