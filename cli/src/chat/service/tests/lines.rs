//! Lines of JSON, without a WebSocket.

use super::*;

/// A connection for lines, on which `text` came; and the lines that it was answered by.
fn said(site: &mut Site, text: &str) -> (ConnId, Vec<Value>) {
    let mut lines = ChatService::config(&Limits::default(), None);
    lines.framing = Framing::codec(framed::Lines::new());
    let lines = Arc::new(lines);
    let conn =
        site.hub.accept_as(site.now, Address::Unix(String::new()), Some(&lines)).expect("room for one more");
    site.hub.receive(site.now, conn, &mut text.as_bytes().to_vec());
    while site.store() {}
    let out = String::from_utf8(written(&mut site.hub, site.now, conn)).unwrap();
    (conn, out.lines().map(|line| serde_json::from_str(line).expect(line)).collect())
}

fn types(heard: &[Value]) -> Vec<&str> {
    heard.iter().map(|message| message["type"].as_str().expect("a type")).collect()
}

#[test]
fn lines_of_json_are_the_same_chat() {
    let mut site = Site::of(1);
    let hello = "\n{\"type\":\"message\",\"content\":\"a\\nb\",\"ref\":\"r\"}\n";
    let (conn, heard) = said(&mut site, hello);
    assert_eq!(types(&heard), ["welcome", "join", "user_list", "history", "message"]);
    site.exchange();
    assert_eq!(site.types(0), ["join", "message"]);
    site.hub.receive_end(site.now, conn, End::Eof);
    site.exchange();
    assert_eq!(site.types(0), ["leave"]);
}

/// A page may have a browser send what it likes to any port, behind a request that it cannot leave out.
#[test]
fn a_request_of_a_foreign_page_says_nothing_in_the_chat() {
    let mut site = Site::of(1);
    let message = "{\"type\":\"message\",\"content\":\"I am you\"}\n";
    let post = format!("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n{message}{message}");
    let (conn, heard) = said(&mut site, &post);
    assert_eq!((types(&heard), &heard[1]["code"]), (vec!["welcome", "error"], &json!("bad_json")));
    let ended = site.hub.wants(conn).is_none_or(|wants| wants.shutdown.is_some());
    assert!(ended && site.hub.service().rooms().stats().users == 1);
    site.hub.receive_end(site.now, conn, End::Eof);
    site.exchange();
    assert!(site.types(0).is_empty() && site.memory.entries().count() == 0);
    assert!(site.hub.service().silent.is_empty());
}

#[test]
fn a_first_line_that_is_no_json_is_told_so_and_the_connection_stays() {
    let mut site = Site::of(1);
    let message = "{\"type\":\"message\",\"content\":\"a\"}\n";
    let (_, heard) = said(&mut site, &format!("hello\n{message}POST / HTTP/1.1\n"));
    let types = types(&heard);
    assert_eq!((types.iter().filter(|kind| **kind == "error").count(), types.len()), (2, 7));
    assert!(types.contains(&"message") && site.hub.service().rooms().stats().users == 2);
}
