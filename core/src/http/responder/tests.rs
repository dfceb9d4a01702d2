use super::*;
use std::string::String;

const START: Instant = Instant::ORIGIN;
const WALL: Wall = Wall::from_millis(784_111_777_000);
const GET: &[u8] = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

fn responder() -> Responder {
    Responder::new(START, &Arc::new(Config::default()))
}

/// Feeds bytes; each request is answered with its path.
fn feed(responder: &mut Responder, bytes: &[u8]) -> Vec<Event> {
    let mut bytes = bytes.to_vec();
    let mut input = Input::new(&mut bytes);
    let mut events = Vec::new();
    while let Some(event) = responder.receive(START, WALL, &mut input) {
        if let Event::Request(request) = &event {
            let body = String::from(request.path());
            responder.respond(START, WALL, &Response::new(200).body(body)).unwrap();
        }
        events.push(event);
    }
    events
}

fn written(responder: &mut Responder) -> String {
    let mut out = Vec::new();
    responder.output(START).drain_into(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn pipelined_requests_are_answered_in_order_at_any_cut() {
    let bytes = [GET, b"HEAD /longer HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /z HTTP/1.0\r\n\r\nrest"].concat();
    let mut whole = None;
    for cut in 0..=bytes.len() {
        let mut responder = responder();
        feed(&mut responder, &bytes[..cut]);
        feed(&mut responder, &bytes[cut..]);
        let text = written(&mut responder);
        assert_eq!(*whole.get_or_insert_with(|| text.clone()), text, "cut at {cut}");
        assert_eq!(responder.wants().shutdown, Some(Shutdown::Write));
    }
    let text = whole.unwrap();
    let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    let want = std::format!(
        "HTTP/1.1 200 OK\r\n{date}Content-Length: 2\r\n\r\n/x\
         HTTP/1.1 200 OK\r\n{date}Content-Length: 7\r\n\r\n\
         HTTP/1.1 200 OK\r\n{date}Content-Length: 2\r\nConnection: close\r\n\r\n/z"
    );
    assert_eq!(text, want);
}

#[test]
fn a_bad_head_is_answered_and_lingers() {
    for (bytes, status) in [
        (&b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"[..], "400"),
        (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", "405"),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "413"),
        (&[b'a'; 17_000], "431"),
        (b"\0\r\n\r\n", "400"),
    ] {
        let mut responder = responder();
        let events = feed(&mut responder, bytes);
        assert!(matches!(&events[..], [Event::Closed(_)]), "{events:?}");
        let text = written(&mut responder);
        assert_eq!(text.split(' ').nth(1), Some(status));
        assert_eq!(text.contains("Allow: GET, HEAD"), status == "405");
        assert_eq!(responder.wants().shutdown, Some(Shutdown::Write));
        assert!(feed(&mut responder, GET).is_empty(), "nothing behind it is answered");
        responder.receive_end(START, End::Eof);
        assert_eq!(responder.wants().shutdown, Some(Shutdown::Both));
    }
}

#[test]
fn deadlines() {
    let ten = START + Duration::from_secs(10);
    let mut silent = responder();
    assert_eq!(silent.poll_timeout(), Some(ten));
    silent.handle_timeout(ten, WALL);
    assert_eq!(written(&mut silent), "");
    let mut slow = responder();
    feed(&mut slow, b"GET / HT");
    slow.handle_timeout(ten, WALL);
    assert!(written(&mut slow).starts_with("HTTP/1.1 408 "));
    assert!(slow.poll_timeout() > Some(ten));
    slow.handle_timeout(ten + Duration::from_secs(5), WALL);
    assert_eq!(slow.wants().shutdown, Some(Shutdown::Abort));
    assert_eq!(slow.poll_timeout(), None);
}

#[test]
fn an_answer_that_does_not_come_is_a_500() {
    let mut responder = responder();
    let mut bytes = GET.to_vec();
    assert!(responder.receive(START, WALL, &mut Input::new(&mut bytes)).is_some());
    assert!(!responder.wants().read);
    responder.handle_timeout(START + Duration::from_secs(30), WALL);
    let text = written(&mut responder);
    assert!(text.starts_with("HTTP/1.1 500 ") && text.ends_with("\r\n\r\nInternal Server Error"));
    assert_eq!(responder.respond(START, WALL, &Response::plain(200)), Err(RespondError::Closed));
}

#[test]
fn a_half_closed_peer_gets_its_answer() {
    let mut responder = responder();
    let mut bytes = GET.to_vec();
    assert!(responder.receive(START, WALL, &mut Input::new(&mut bytes)).is_some());
    responder.receive_end(START, End::Eof);
    responder.respond(START, WALL, &Response::plain(404)).unwrap();
    assert!(written(&mut responder).contains("404"));
    assert_eq!(responder.wants().shutdown, Some(Shutdown::Both));
}
