//! The ready server, on every wire.

use super::*;
use crate::framed::{Codec, Typed};
use crate::ws;
use std::format;

struct Room {
    hub: Hub<GroupServer>,
}

const NOW: Instant = Instant::ORIGIN;
const SUBSCRIBE: &str = r#"{"type":"subscribe","groupId":"news"}"#;
const HELLO: &str = r#"{"type":"broadcast","groupId":"news","data":{"text": "hello", "n": 1}}"#;
const HEARD: &str = r#"{"text":"hello","n":1}"#;

impl Room {
    fn new(server: GroupServer) -> Self {
        let entropy = Entropy::from_seed([1; 32]);
        Self { hub: Hub::new(NOW, Wall::default(), server, &Arc::default(), entropy) }
    }

    /// One that speaks lines.
    fn enter(&mut self) -> ConnId {
        self.enter_as(Framing::codec(Lines::new()))
    }

    fn enter_as(&mut self, framing: Framing) -> ConnId {
        let config = Arc::new(link::Config { framing, ..link::Config::default() });
        let conn = self.hub.accept_as(NOW, Address::Unix(String::new()), Some(&config)).unwrap();
        self.hub.receive(NOW, conn, &mut []);
        conn
    }

    fn say(&mut self, conn: ConnId, text: &str) {
        self.hub.receive(NOW, conn, &mut format!("{text}\n").into_bytes());
    }

    fn heard(&mut self, conn: ConnId) -> Vec<u8> {
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let n = self.hub.slices(conn, &mut slices);
        let bytes = slices[..n].concat();
        self.hub.handle_written(NOW, conn, bytes.len());
        bytes
    }

    fn lines(&mut self, conn: ConnId) -> String {
        String::from_utf8(self.heard(conn)).unwrap()
    }
}

#[test]
fn members_get_the_data() {
    let mut room = Room::new(GroupServer::new(Config::default()));
    let (a, b, c) = (room.enter(), room.enter(), room.enter());
    room.say(a, SUBSCRIBE);
    room.say(b, SUBSCRIBE);
    room.say(a, SUBSCRIBE);
    room.say(c, HELLO);
    let expected = format!("{HEARD}\n");
    assert_eq!([a, b, c].map(|conn| room.lines(conn)), [&*expected, &*expected, ""]);
    room.say(a, r#"{"type":"unsubscribe","groupId":"news"}"#);
    room.say(b, HELLO);
    assert_eq!([a, b, c].map(|conn| room.lines(conn)), ["", &*expected, ""]);
    assert_eq!(room.hub.service().groups().groups().collect::<Vec<_>>(), [("news", 1)]);
    room.hub.receive_end(NOW, b, End::Eof);
    assert_eq!(room.hub.service().groups().groups().count(), 0);
}

#[test]
fn who_says_it_need_not_hear_it() {
    let mut room = Room::new(GroupServer::new(Config::default()).except_sender());
    let (a, b) = (room.enter(), room.enter());
    room.say(a, SUBSCRIBE);
    room.say(b, SUBSCRIBE);
    room.say(a, HELLO);
    assert_eq!([a, b].map(|conn| room.lines(conn)), ["", &*format!("{HEARD}\n")]);
}

#[test]
fn anything_else_is_answered_and_the_connection_stays() {
    let mut room =
        Room::new(GroupServer::new(Config { max_groups_per_member: 1, max_groups: 2, ..Config::default() }));
    let (a, b, c) = (room.enter(), room.enter(), room.enter());
    room.say(a, SUBSCRIBE);
    room.say(b, r#"{"type":"subscribe","groupId":"b"}"#);
    for (conn, said, code) in [
        (a, "hello", "bad_json"),
        (a, r#"{"groupId":"news"}"#, "bad_message"),
        (a, r#"{"type":"join","groupId":"news"}"#, "unknown_type"),
        (a, r#"{"type":"subscribe","groupId":""}"#, "bad_group"),
        (a, r#"{"type":"broadcast","groupId":"","data":1}"#, "bad_group"),
        (a, r#"{"type":"subscribe","groupId":"b"}"#, "too_many_groups"),
        (c, r#"{"type":"subscribe","groupId":"c"}"#, "no_more_groups"),
    ] {
        room.say(conn, said);
        let answer = room.lines(conn);
        let value: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((&value["type"], &value["code"]), (&"error".into(), &code.into()), "{said}");
        assert!(value["message"].is_string() && value.as_object().unwrap().len() == 3);
    }
    room.say(a, HELLO);
    assert_eq!(room.lines(a), format!("{HEARD}\n"));
}

/// One broadcast reaches a WebSocket, a line and a typed frame.
#[test]
fn every_wire_carries_it() {
    let mut room = Room::new(GroupServer::new(Config::default()));
    let (lines, typed) = (room.enter(), room.enter_as(Framing::codec(Typed)));
    let socket = room.enter_as(Framing::WebSocket);
    let mut request = *b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    room.hub.receive(NOW, socket, &mut request);
    assert!(room.heard(socket).starts_with(b"HTTP/1.1 101"));
    let in_frame = |text: &str| {
        let mut bytes = Vec::new();
        Typed.encode_head(Kind::Typed(9), text.as_bytes(), &mut bytes).unwrap();
        [bytes, text.as_bytes().to_vec()].concat()
    };
    let in_socket = |text: &str| {
        let config = Arc::new(ws::Config::client());
        let mut client =
            ws::Connection::new(NOW, ws::Role::Client, &config, Entropy::from_seed([2; 32]), &[]);
        crate::base::Engine::send(&mut client, NOW, text.into()).unwrap();
        let mut bytes = Vec::new();
        crate::base::Engine::output(&mut client, NOW).drain_into(&mut bytes);
        bytes
    };
    room.say(lines, SUBSCRIBE);
    room.hub.receive(NOW, typed, &mut in_frame(SUBSCRIBE));
    room.hub.receive(NOW, socket, &mut in_socket(SUBSCRIBE));
    let mut said = 0;
    for round in 0..3 {
        match round {
            0 => room.say(lines, HELLO),
            1 => room.hub.receive(NOW, typed, &mut in_frame(HELLO)),
            _ => room.hub.receive(NOW, socket, &mut in_socket(HELLO)),
        }
        said += 3;
        let len = HEARD.len() as u8;
        assert_eq!(room.heard(lines), format!("{HEARD}\n").as_bytes());
        assert_eq!(room.heard(typed), [&[0, 0, 0, len + 1, Typed::DATA], HEARD.as_bytes()].concat());
        assert_eq!(room.heard(socket), [&[0x81, len], HEARD.as_bytes()].concat());
    }
    room.hub.receive(NOW, typed, &mut in_frame("?"));
    assert_eq!(room.heard(typed)[4..6], [Typed::DATA, b'{']);
    assert_eq!(room.hub.service().groups().stats().sent, said + 1);
}

#[test]
fn the_program_announces() {
    let mut room = Room::new(GroupServer::new(Config::default()));
    let (a, b) = (room.enter(), room.enter());
    room.say(a, SUBSCRIBE);
    room.say(a, r#"{"type":"subscribe","groupId":"more"}"#);
    room.hub.command(NOW, Announcement::to_all(&["one"]).unwrap());
    room.hub.command(NOW, Announcement::to_group("more", &["two"]).unwrap());
    room.hub.command(NOW, Announcement::to_group("nobody's", &["three"]).unwrap());
    assert_eq!([a, b].map(|conn| room.lines(conn)), ["[\"one\"]\n[\"two\"]\n", ""]);
}
