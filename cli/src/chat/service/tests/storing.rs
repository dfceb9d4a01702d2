//! The chat before a database, and on its way there.

use super::*;

/// Fault of the sketch: a database error ends the connection.
#[test]
fn a_database_error_kills_no_connection() {
    let mut site = Site::of(2);
    site.is_away = true;
    site.say(0, &json!({"type": "message", "content": "a", "ref": "r"}));
    assert!(site.get("GET /health HTTP/1.1|Host: a").starts_with("HTTP/1.1 503 "));
    for _ in 0..100 {
        site.pass(100);
    }
    assert_eq!(site.people[0].heard.pop().expect("an answer")["code"], "unavailable");
    site.is_away = false;
    site.pass(500);
    site.say(0, &json!({"type": "message", "content": "b"}));
    assert_eq!(site.types(1), ["message"]);
    assert!(site.people.iter().all(|person| person.closed.is_none()));
    assert!(site.get("GET /health HTTP/1.1|Host: a").starts_with("HTTP/1.1 200 "));
}

/// What was stored at once is told at once: more than anybody has room for, however well it reads.
#[test]
fn a_database_that_was_slow_for_a_moment_closes_nobody() {
    let mut site = Site::of(6);
    site.is_slow = true;
    for i in 0..200 {
        site.say(i % 5, &json!({"type": "message", "content": "\u{1}".repeat(4_096)}));
    }
    assert!(site.people.iter().all(|person| person.heard.is_empty()));
    site.is_slow = false;
    site.exchange();
    for i in 0..6 {
        assert_eq!(site.people[i].closed, None);
        let heard = std::mem::take(&mut site.people[i].heard);
        let ids: Vec<u64> = heard.iter().filter_map(|message| message["id"].as_u64()).collect();
        assert_eq!(ids, (1..=200).collect::<Vec<_>>());
    }
    assert_eq!(site.list(5).len(), 6);
}

#[test]
fn messages_over_http_and_a_500_with_an_id_where_they_cannot_be_told() {
    let mut site = Site::of(1);
    for content in ["a", "<b>"] {
        site.say(0, &json!({"type": "message", "content": content}));
    }
    let answer = site.get("GET /api/rooms/general/messages?limit=1 HTTP/1.1|Host: a");
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("no-store"), "{answer}");
    let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!((&body["more"], &body["messages"][0]["content"]), (&json!(true), &json!("<b>")));
    assert_eq!(body["messages"][0], site.people[0].heard.pop().unwrap());
    assert!(site.get("GET /api/rooms/none/messages HTTP/1.1|Host: a").starts_with("HTTP/1.1 404 "));
    assert!(site.get("HEAD /api/rooms/general/messages HTTP/1.1|Host: a").ends_with("\r\n\r\n"));
    site.is_away = true;
    // First it is found out that the database is away, then it is known.
    for _ in 0..2 {
        let answer = site.get("GET /api/rooms/general/messages HTTP/1.1|Host: a");
        assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains("nosniff"), "{answer}");
        let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!(body["error"]["code"], "unavailable");
        assert_eq!(body["error"]["id"].as_str().map(str::len), Some(16));
    }
}

#[test]
fn an_end_in_order_tells_when_all_is_stored() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let told = Arc::new(AtomicBool::new(false));
    let tell = told.clone();
    let chat = ChatService::new(Access::default(), Limits::default(), Entropy::from_seed([7; 32]));
    let chat = chat.on_drained(move || tell.store(true, Ordering::Relaxed));
    let config = ChatService::config(&Limits::default(), None).into();
    let hub = Hub::new(Instant::ORIGIN, Wall::default(), chat, &config, Entropy::from_seed([8; 32]));
    let mut site = Site { hub, memory: Memory::new(9), ..Site::new() };
    site.come("/ws");
    site.people[0].link.send(site.now, Message::text(r#"{"type":"message","content":"a"}"#)).unwrap();
    let mut up = Vec::new();
    site.people[0].link.output(site.now).drain_into(&mut up);
    site.hub.receive(site.now, site.people[0].conn, &mut up);
    site.hub.command(site.now, ChatCommand::Drain);
    assert!(!told.load(Ordering::Relaxed));
    site.exchange();
    assert!(told.load(Ordering::Relaxed) && site.memory.entries().count() == 1);
    assert_eq!(site.types(0).last().map(String::as_str), Some("message"));
}
