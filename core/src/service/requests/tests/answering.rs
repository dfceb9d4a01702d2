//! What ends a request.

use super::super::{Answers, AnswersConfig, Asked, ErrorReply, Ticket};
use super::{at, text};
use crate::base::{Kind, Message};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

fn answers(max_in_flight: usize) -> Answers<u8> {
    Answers::new(AnswersConfig { max_in_flight, ..AnswersConfig::default() })
}

fn ask(answers: &mut Answers<u8>, conn: u8, id: u64) -> Result<Ticket, Message<'static>> {
    let message = Message::text(format!(r#"{{"id":{id},"data":"ahoy"}}"#));
    match answers.receive(at(0), conn, &message) {
        Asked::Request { ticket, .. } => Ok(ticket),
        Asked::Refused(reply) => Err(reply),
        other => panic!("{other:?}"),
    }
}

fn cancel(answers: &mut Answers<u8>, conn: u8, id: u64) -> Asked<'static> {
    match answers.receive(at(0), conn, &Message::text(format!(r#"{{"id":{id},"cancel":true}}"#))) {
        Asked::Cancelled(ticket) => Asked::Cancelled(ticket),
        Asked::CancelledLate => Asked::CancelledLate,
        other => panic!("{other:?}"),
    }
}

#[test]
fn answers_go_out_in_any_order_and_once() {
    let mut answers = answers(3);
    let tickets = [10, 11, 12].map(|id| ask(&mut answers, 0, id).unwrap());
    assert_eq!(answers.answer(tickets[2], &Ok("c")), Some(text(r#"{"id":12,"data":"c"}"#)));
    assert_eq!(answers.answer(tickets[0], &Ok(())), Some(text(r#"{"id":10,"data":null}"#)));
    let error = Err::<(), _>(ErrorReply::new("no", "not today"));
    let reply = text(r#"{"id":11,"error":{"code":"no","message":"not today"}}"#);
    assert_eq!(answers.answer(tickets[1], &error), Some(reply));
    assert_eq!(answers.answer(tickets[1], &Ok("again")), None);
    let stats = answers.stats();
    assert_eq!((stats.answered, stats.failed, stats.late, answers.in_flight()), (2, 1, 1, 0));
}

#[test]
fn requests_in_flight_are_capped_for_each_connection() {
    let mut answers = answers(2);
    let first = ask(&mut answers, 1, 1).unwrap();
    ask(&mut answers, 1, 2).unwrap();
    let refused = ask(&mut answers, 1, 3).unwrap_err();
    let reply = r#"{"id":3,"error":{"code":"too_many","message":"too many requests are in flight"}}"#;
    assert_eq!(refused, text(reply));
    ask(&mut answers, 2, 1).unwrap();
    assert_eq!((answers.in_flight(), answers.in_flight_of(1), answers.stats().too_many), (3, 2, 1));
    answers.answer(first, &Ok(()));
    ask(&mut answers, 1, 3).unwrap();
}

#[test]
fn requests_in_flight_are_capped_for_all_connections_together() {
    let mut answers = Answers::new(AnswersConfig { max_in_flight_of_all: 2, ..AnswersConfig::default() });
    let first = ask(&mut answers, 1, 1).unwrap();
    ask(&mut answers, 2, 1).unwrap();
    let refused = ask(&mut answers, 3, 7).unwrap_err();
    let reply = r#"{"id":7,"error":{"code":"too_many","message":"too many requests of all are in flight"}}"#;
    assert_eq!(refused, text(reply));
    let stats = answers.stats();
    assert_eq!((answers.in_flight(), stats.too_many_of_all, stats.too_many, stats.requests), (2, 1, 0, 2));
    answers.answer(first, &Ok(()));
    ask(&mut answers, 3, 7).unwrap();
    answers.handle_closed(2);
    ask(&mut answers, 1, 1).unwrap();
}

#[test]
fn an_id_that_is_in_flight_is_refused() {
    let mut answers = answers(9);
    let first = ask(&mut answers, 1, 1).unwrap();
    let reply = r#"{"id":1,"error":{"code":"duplicate_id","message":"a request with this id is in flight"}}"#;
    assert_eq!(ask(&mut answers, 1, 1), Err(text(reply)));
    assert_eq!(answers.stats().duplicates, 1);
    assert!(answers.answer(first, &Ok(())).is_some(), "the one in flight is not touched");
    // Once it is answered its name is free, and a late second answer is not taken for that of its successor.
    let second = ask(&mut answers, 1, 1).unwrap();
    assert_eq!(answers.answer(first, &Ok(())), None);
    assert!(answers.answer(second, &Ok(())).is_some());
}

#[test]
fn a_cancelled_request_is_told_and_forgotten() {
    let mut answers = answers(1);
    let ticket = ask(&mut answers, 1, 1).unwrap();
    assert_eq!(cancel(&mut answers, 2, 1), Asked::CancelledLate, "it is another connection's");
    assert_eq!(cancel(&mut answers, 1, 1), Asked::Cancelled(ticket));
    assert_eq!(cancel(&mut answers, 1, 1), Asked::CancelledLate);
    assert_eq!(answers.answer(ticket, &Ok(())), None);
    ask(&mut answers, 1, 2).unwrap();
    let stats = answers.stats();
    assert_eq!((stats.cancelled, stats.cancelled_late, stats.late), (1, 2, 1));
}

#[test]
fn a_disconnect_ends_the_work_for_it_and_leaves_nothing() {
    let mut answers = answers(9);
    let of_one: Vec<Ticket> = [3, 1, 2].map(|id| ask(&mut answers, 1, id).unwrap()).into();
    let of_two = ask(&mut answers, 2, 1).unwrap();
    assert_eq!(answers.handle_closed(1), of_one);
    assert_eq!(answers.handle_closed(1), []);
    assert_eq!(answers.answer(of_one[0], &Ok(())), None);
    assert!(answers.answer(of_two, &Ok(())).is_some());
    assert_eq!((answers.in_flight(), answers.by_id.len(), answers.stats().closed), (0, 0, 3));
}

#[test]
fn a_request_that_takes_too_long_is_answered() {
    let config = AnswersConfig { timeout: Some(Duration::from_secs(10)), ..AnswersConfig::default() };
    let mut answers = Answers::new(config);
    let tickets = [1, 2].map(|id| ask(&mut answers, 1, id).unwrap());
    answers.answer(tickets[0], &Ok(()));
    assert_eq!(answers.poll_timeout(), Some(at(10)));
    answers.handle_timeout(at(9));
    assert_eq!(answers.poll_expired(), None);
    answers.handle_timeout(at(10));
    assert_eq!(answers.poll_timeout(), Some(at(10)), "until it is polled");
    let expired = answers.poll_expired().unwrap();
    assert_eq!((expired.ticket, expired.conn), (tickets[1], 1));
    assert_eq!((answers.poll_expired(), answers.in_flight()), (None, 0));
    assert_eq!(answers.poll_timeout(), None);
    assert_eq!(answers.answer(tickets[1], &Ok(())), None);
}

/// Whoever sleeps until the next deadline would sleep for ever.
#[test]
fn a_request_that_is_due_when_it_comes_is_due_at_once() {
    let mut answers =
        Answers::new(AnswersConfig { timeout: Some(Duration::ZERO), ..AnswersConfig::default() });
    answers.handle_timeout(at(7));
    for (now, due) in [(7, at(7)), (5, at(5))] {
        let message = Message::text(r#"{"id":1,"data":null}"#);
        assert!(matches!(answers.receive(at(now), 1, &message), Asked::Request { .. }));
        assert_eq!(answers.poll_timeout(), Some(due));
        answers.handle_timeout(at(now));
        assert!(answers.poll_expired().is_some() && answers.poll_timeout().is_none());
    }
}

#[test]
fn an_answer_comes_in_the_kind_of_its_request() {
    let mut answers = answers(9);
    let request = br#"{"id":1,"data":0}"#;
    for message in [Message::binary(&request[..]), Message::typed(7, &request[..])] {
        let Asked::Request { ticket, .. } = answers.receive(at(0), 1, &message) else { panic!("a request") };
        assert_eq!(answers.answer(ticket, &Ok(())).unwrap().kind(), message.kind());
    }
}

#[test]
fn data_without_json_is_an_error_of_ours() {
    let mut answers = answers(9);
    let ticket = ask(&mut answers, 1, 1).unwrap();
    let unwritable = BTreeMap::from([([1_u8], 1)]);
    let reply = answers.answer(ticket, &Ok(unwritable)).unwrap();
    assert_eq!(reply, text(r#"{"id":1,"error":{"code":"internal","message":"it has no JSON"}}"#));
    assert_eq!((reply.kind(), answers.stats().failed), (Kind::Text, 1));
}
