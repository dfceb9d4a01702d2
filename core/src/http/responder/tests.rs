use super::*;
use crate::base::{Cause, Timeout};
use core::time::Duration;
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
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "405"),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\nabc", "413"),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "413"),
        (&[b'a'; 17_000], "414"),
        (&[&b"GET / HTTP/1.1\r\na: "[..], &[b'a'; 17_000]].concat(), "431"),
        (&[&b"GET / HTTP/1.1\r\n"[..], &b"a: b\r\n".repeat(65)].concat(), "431"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"),
        (b"GET / HTTP/1.1\nHost: a\n\n", "400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: y\n", "400"),
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
    let late = Cause::Timeout(Timeout::Handshake);
    assert!(matches!(&feed(&mut silent, b"")[..], [Event::Closed(closed)] if closed.cause == late));
    let mut kept = responder();
    assert_eq!(feed(&mut kept, GET).len(), 1);
    written(&mut kept);
    kept.handle_timeout(kept.poll_timeout().unwrap(), WALL);
    let idle = Cause::Timeout(Timeout::Idle);
    assert!(matches!(&feed(&mut kept, b"")[..], [Event::Closed(closed)] if closed.cause == idle));
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

fn request(responder: &mut Responder, now: Instant) {
    let mut bytes = GET.to_vec();
    assert!(matches!(responder.receive(now, WALL, &mut Input::new(&mut bytes)), Some(Event::Request(_))));
}

/// A peer takes a byte a second of an answer of 100; all of it must arrive, however short the other deadlines are.
#[test]
fn a_slow_reader_gets_a_large_answer() {
    for closes in [false, true] {
        let mut responder = responder();
        request(&mut responder, START);
        let answer = Response::new(200).body("x".repeat(100));
        let answer = if closes { answer.closing() } else { answer };
        responder.respond(START, WALL, &answer).unwrap();
        let (mut now, mut taken) = (START, 0);
        while responder.wants().write {
            now += Duration::from_secs(1);
            responder.handle_timeout(now, WALL);
            responder.output(now).advance(1);
            taken += 1;
        }
        assert!(taken > 100);
        assert_eq!(responder.wants().shutdown, closes.then_some(Shutdown::Write));
        let wait = Duration::from_secs(if closes { 5 } else { 30 });
        responder.handle_timeout(now + (wait - Duration::from_nanos(1)), WALL);
        assert_eq!(responder.wants().shutdown, closes.then_some(Shutdown::Write));
        responder.handle_timeout(now + wait, WALL);
        assert_eq!(responder.wants().shutdown, Some(if closes { Shutdown::Abort } else { Shutdown::Both }));
    }
}

#[test]
fn a_peer_that_never_reads_is_freed() {
    let mut responder = responder();
    request(&mut responder, START);
    responder.respond(START, WALL, &Response::plain(200)).unwrap();
    let mut last = START;
    while let Some(due) = responder.poll_timeout() {
        assert!(due > last && due <= START + Duration::from_secs(60));
        responder.handle_timeout(due, WALL);
        last = due;
    }
    assert_eq!(responder.wants().shutdown, Some(Shutdown::Abort));
}

#[test]
fn nothing_is_read_while_too_much_waits() {
    let mut responder = responder();
    request(&mut responder, START);
    responder.respond(START, WALL, &Response::new(200).body(std::vec![0; 65 * 1024])).unwrap();
    assert!(!responder.wants().read);
    let mut bytes = GET.to_vec();
    let mut input = Input::new(&mut bytes);
    assert!(responder.receive(START, WALL, &mut input).is_none());
    assert_eq!(input.len(), GET.len());
    responder.output(START).advance(2048);
    assert!(responder.wants().read);
    assert!(matches!(responder.receive(START, WALL, &mut input), Some(Event::Request(_))));
}

#[test]
fn a_kept_connection_waits_for_a_byte_and_then_for_a_head() {
    let mut responder = responder();
    feed(&mut responder, GET);
    written(&mut responder);
    assert_eq!(responder.poll_timeout(), Some(START + Duration::from_secs(30)));
    feed(&mut responder, b"G");
    assert_eq!(responder.poll_timeout(), Some(START + Duration::from_secs(10)));
    responder.handle_timeout(START + Duration::from_secs(10), WALL);
    assert!(written(&mut responder).starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_handler_that_fails_is_a_500_and_the_end() {
    let mut responder = responder();
    request(&mut responder, START);
    responder.fail(START, WALL);
    let text = written(&mut responder);
    assert!(text.starts_with("HTTP/1.1 500 ") && text.contains("\r\nConnection: close\r\n"));
    assert!(text.ends_with("\r\n\r\nInternal Server Error"));
    assert!(matches!(feed(&mut responder, GET)[..], [Event::Closed(_)]));
    responder.fail(START, WALL);
    assert_eq!(written(&mut responder), "");
}

#[test]
fn what_is_behind_a_request_stays() {
    let mut responder = responder();
    let mut bytes = [GET, b"\x81\x85frame"].concat();
    let mut input = Input::new(&mut bytes);
    assert!(responder.receive(START, WALL, &mut input).is_some());
    assert!(responder.receive(START, WALL, &mut input).is_none());
    assert_eq!(input.as_slice(), b"\x81\x85frame");
    assert!(responder.into_unwritten().is_empty());
}
