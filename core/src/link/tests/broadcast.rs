use super::*;
use crate::base::Kind;
use crate::ws::Prepared;

const MEMBERS: usize = 100;

/// Says to all what one said.
#[derive(Default)]
struct FanOut(Vec<ConnId>);

impl Service for FanOut {
    type Job = ();
    type Done = ();
    type Command = ();

    fn opened(&mut self, _: &mut Context<'_>, conn: ConnId) {
        self.0.push(conn);
    }

    fn message(&mut self, cx: &mut Context<'_>, _: ConnId, message: Message<'_>) {
        let prepared = Prepared::new(Kind::Text, message.into_bytes()).unwrap();
        cx.broadcast(self.0.iter().copied(), &prepared, |_, sent| assert!(sent.is_ok()));
    }
}

/// A message to many is encoded once: all are shown the very same bytes in memory, header and all, in one piece.
#[test]
fn a_broadcast_is_encoded_once() {
    let text = "ahoy ".repeat(4000);
    let mut hub = Hub::new(START, WALL, FanOut::default(), &Arc::default(), Entropy::from_seed([1; 32]));
    let conns: Vec<ConnId> = (0..MEMBERS).map(|_| open(&mut hub)).collect();
    while hub.poll_dirty().is_some() {}
    let mut frame = Vec::from(*b"\x81\xfe\x4e\x20\0\0\0\0");
    frame.extend_from_slice(text.as_bytes());
    hub.receive(START, conns[7], &mut frame);
    let mut turns = Vec::from([conns[7]]);
    turns.extend(core::iter::from_fn(|| hub.poll_dirty()));
    turns.sort_unstable();
    turns.dedup();
    assert_eq!(turns, conns, "all have a turn");
    let shown: Vec<*const u8> = conns
        .iter()
        .map(|conn| {
            let mut slices: [&[u8]; 4] = [&[]; 4];
            assert_eq!(hub.slices(*conn, &mut slices), 1, "one piece, and so one write");
            assert_eq!(slices[0].split_at(4), (&b"\x81\x7e\x4e\x20"[..], text.as_bytes()));
            slices[0].as_ptr()
        })
        .collect();
    assert!(shown.iter().all(|at| *at == shown[0]));
}

fn open(hub: &mut Hub<FanOut>) -> ConnId {
    let conn = hub.accept(START, Address::Unix(String::new())).unwrap();
    let mut request = *b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    hub.receive(START, conn, &mut request);
    hub.handle_written(START, conn, usize::MAX);
    conn
}
