//! What ends a call.

use super::super::{CallError, CallId, Failed, Failure, Received, ReplyError, Requests, RequestsConfig};
use super::{at, text};
use crate::base::{Cause, Classifier, CloseCode, Closed, End, Instant, Message, Origin};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::iter::from_fn;
use core::time::Duration;

fn requests(max_in_flight: usize) -> Requests {
    Requests::new(RequestsConfig { max_in_flight, ..RequestsConfig::default() })
}

fn call(requests: &mut Requests, seconds: u64) -> CallId {
    requests.call(at(seconds), "ahoy", None).unwrap().0
}

fn failed(requests: &mut Requests) -> Vec<Failed> {
    from_fn(|| requests.poll_failed()).collect()
}

fn answer(id: CallId) -> Message<'static> {
    Message::text(format!(r#"{{"id":{id},"data":null}}"#))
}

fn lost() -> Closed {
    let cause = Cause::Transport(End::Reset);
    Closed::new(Origin::Abnormal, CloseCode::ABNORMAL, "", cause, Classifier::default())
}

#[test]
fn a_disconnect_leaves_no_request_pending() {
    let mut requests = requests(10);
    let calls: Vec<CallId> = (0..10).map(|_| call(&mut requests, 0)).collect();
    assert!(matches!(requests.receive(&answer(calls[3])), Received::Reply { .. }));
    requests.handle_closed(&lost());
    assert_eq!(requests.poll_timeout(), None);
    let ended = failed(&mut requests);
    let ids: Vec<CallId> = ended.iter().map(|failed| failed.id).collect();
    assert_eq!(ids, [&calls[..3], &calls[4..]].concat(), "each of them once, at once, in order");
    for failed in ended {
        assert_eq!((failed.failure.to_string(), failed.cancel), (lost().to_string(), None));
    }
    assert_eq!((requests.in_flight(), requests.stats().closed), (0, 9));
    // It cannot be asked either, and a second end changes nothing.
    requests.handle_closed(&Closed::new(
        Origin::Local,
        CloseCode::NORMAL,
        "",
        Cause::Handshake,
        Classifier::default(),
    ));
    match requests.call(at(1), "late", None) {
        Err(CallError::Closed(closed)) => assert_eq!(*closed, lost()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failed_write_does_not_leak() {
    let mut requests = requests(1);
    for _ in 0..3 {
        let (id, _message) = requests.call(at(0), "ahoy", None).unwrap();
        // The message was not taken.
        assert!(requests.withdraw(id));
        assert!(!requests.withdraw(id));
        assert_eq!((requests.in_flight(), requests.poll_timeout()), (0, None));
    }
    requests.handle_timeout(at(1000));
    assert_eq!(requests.poll_failed(), None);
    assert_eq!(requests.stats().withdrawn, 3);
}

#[test]
fn an_error_reply_ends_a_call() {
    let mut requests = requests(1);
    let id = call(&mut requests, 0);
    let reply = text(r#"{"id":1,"error":{"code":"not_found","message":"no user"},"data":1}"#);
    let Received::Reply { id: ended, outcome: Err(ReplyError::Refused(error)) } = requests.receive(&reply)
    else {
        panic!("an error is due")
    };
    assert_eq!((ended, error.to_string()), (id, "not_found: no user".into()));
    assert_eq!((requests.in_flight(), requests.stats().refused), (0, 1));
}

#[test]
fn a_cancelled_call_is_told_to_the_peer_and_its_place_is_free() {
    let mut requests = requests(1);
    let id = call(&mut requests, 0);
    assert_eq!(requests.cancel(id), Some(text(r#"{"id":1,"cancel":true}"#)));
    assert_eq!(requests.cancel(id), None);
    assert_eq!((requests.in_flight(), requests.poll_timeout()), (0, None));
    assert_eq!(requests.receive(&answer(id)), Received::Late(id));
    call(&mut requests, 0);
}

#[test]
fn calls_in_flight_are_capped() {
    let mut requests = requests(2);
    let first = call(&mut requests, 0);
    call(&mut requests, 0);
    for _ in 0..3 {
        assert!(matches!(requests.call(at(0), "ahoy", None), Err(CallError::TooMany { limit: 2 })));
    }
    assert_eq!((requests.in_flight(), requests.stats().too_many, requests.stats().calls), (2, 3, 2));
    requests.receive(&answer(first));
    assert_eq!(call(&mut requests, 0).to_string(), "3", "no id is used again");
}

/// Whoever sleeps until the next deadline would sleep for ever.
#[test]
fn a_call_that_is_due_when_it_is_made_is_due_at_once() {
    let mut requests = requests(10);
    requests.handle_timeout(at(7));
    for now in [7, 5] {
        let (id, _) = requests.call(at(now), "ahoy", Some(Duration::ZERO)).unwrap();
        assert_eq!(requests.poll_timeout(), Some(at(now)));
        requests.handle_timeout(at(now));
        assert_eq!(requests.poll_failed().map(|failed| failed.id), Some(id));
        assert_eq!(requests.poll_timeout(), None);
    }
}

#[test]
fn each_call_has_a_deadline_of_its_own() {
    let mut requests = requests(10);
    let thirty = call(&mut requests, 0);
    let (five, _) = requests.call(at(1), "ahoy", Some(Duration::from_secs(5))).unwrap();
    let (never, _) = requests.call(at(1), "ahoy", Some(Duration::MAX)).unwrap();
    assert_eq!(requests.poll_timeout(), Some(at(6)));
    requests.handle_timeout(Instant::from_nanos(at(6).as_nanos() - 1));
    assert_eq!(failed(&mut requests), []);
    requests.handle_timeout(at(6));
    let [Failed { id, failure: Failure::TimedOut, cancel: Some(cancel) }] = &failed(&mut requests)[..] else {
        panic!("it is due")
    };
    assert_eq!((*id, cancel), (five, &text(r#"{"id":2,"cancel":true}"#)));
    assert_eq!(requests.poll_timeout(), Some(at(30)), "and not the next sweep");
    requests.handle_timeout(at(40));
    assert_eq!(failed(&mut requests)[0].id, thirty);
    assert_eq!(requests.poll_timeout(), None);
    requests.handle_timeout(at(u64::MAX));
    assert_eq!(failed(&mut requests), []);
    assert!(matches!(requests.receive(&answer(never)), Received::Reply { .. }));
}

#[test]
fn late_replies_and_duplicates_are_told_apart_and_counted() {
    let mut requests = requests(2);
    let (answered, late) = (call(&mut requests, 0), call(&mut requests, 0));
    requests.receive(&answer(answered));
    requests.handle_timeout(at(30));
    assert_eq!(failed(&mut requests).len(), 1);
    assert_eq!(requests.receive(&answer(answered)), Received::Duplicate(answered));
    assert_eq!(requests.receive(&answer(late)), Received::Late(late));
    assert_eq!(requests.receive(&answer(late)), Received::Duplicate(late));
    let stats = requests.stats();
    assert_eq!((stats.late, stats.duplicates, stats.not_ours), (1, 2, 0));
    // What is remembered of those that were given up is bounded too.
    for _ in 0..100 {
        let id = call(&mut requests, 30);
        requests.cancel(id);
    }
    assert_eq!(requests.receive(&text(r#"{"id":3,"data":0}"#)), Received::Duplicate(CallId(3)));
    assert_eq!(requests.receive(&text(r#"{"id":102,"data":0}"#)), Received::Late(CallId(102)));
}
