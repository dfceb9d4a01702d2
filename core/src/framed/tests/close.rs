use super::*;
use crate::base::{Accepted, Cause, CloseCode, End, Origin, SendError, Shutdown, Violation, Wants};
use crate::framed::{Lines, Typed};

#[test]
fn the_peer_ends_between_two_messages_and_gets_its_answer() {
    let mut connection = open(Lines::new(), Config::default());
    assert_eq!(feed(&mut connection, START, b"hi\n"), texts(&["hi"]));
    connection.send(START, Message::text("hi")).unwrap();
    connection.receive_end(START, End::Eof);
    let report = closed(feed(&mut connection, START, b""));
    assert_eq!((report.origin, report.code, report.sent), (Origin::Remote, CloseCode::NORMAL, None));
    assert!(report.is_clean());
    assert_eq!(connection.wants(), Wants { read: false, write: true, shutdown: None });
    assert!(connection.poll_timeout().is_some(), "bounded by the close deadline");
    assert_eq!(written(&mut connection, START), b"hi\n");
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Both));
    assert_eq!(connection.poll_timeout(), None);
    assert_eq!(connection.send(START, Message::text("late")), Err(SendError::Closed));
    assert_eq!(feed(&mut connection, START, b""), []);
}

/// `printf 'x\n' | nc -N`, where the answer takes its time.
#[test]
fn a_peer_that_ends_its_stream_gets_the_answers_it_is_owed() {
    let mut connection = open(Lines::new().open_end(), Config::default());
    connection.owe(START, true);
    assert_eq!(feed(&mut connection, START, b"hi\nlast"), texts(&["hi"]));
    connection.receive_end(START, End::Eof);
    assert_eq!(feed(&mut connection, START, b""), texts(&["last"]));
    assert_eq!(connection.wants(), Wants { read: false, write: false, shutdown: None });
    let close = START + Config::default().close_timeout;
    assert_eq!(connection.poll_timeout(), Some(close), "silence is no fault of his any more");
    let later = START + Duration::from_secs(4);
    connection.send(later, Message::text("answer")).unwrap();
    assert_eq!(written(&mut connection, later), b"answer\n");
    assert_eq!(feed(&mut connection, later, b""), [], "one is still owed");
    connection.send(later, Message::text("answer")).unwrap();
    connection.owe(later, false);
    let report = closed(feed(&mut connection, later, b""));
    assert_eq!((report.origin, report.code), (Origin::Remote, CloseCode::NORMAL));
    assert_eq!(connection.poll_timeout(), Some(close), "one time for all of the end");
    assert_eq!(written(&mut connection, later), b"answer\n");
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Both));
}

#[test]
fn what_is_owed_holds_an_end_up_no_longer_than_a_close_may_take() {
    let mut connection = open(Lines::new(), Config::default());
    connection.owe(START, true);
    connection.receive_end(START, End::Eof);
    assert_eq!(feed(&mut connection, START, b""), []);
    let late = connection.poll_timeout().unwrap();
    connection.handle_timeout(late);
    let report = closed(feed(&mut connection, late, b""));
    assert_eq!(
        (report.origin, report.code, report.cause),
        (Origin::Remote, CloseCode::NORMAL, Cause::Handshake)
    );
    assert_eq!((connection.wants().shutdown, connection.poll_timeout()), (Some(Shutdown::Both), None));
    assert_eq!(connection.send(late, Message::text("late")), Err(SendError::Closed));

    // What is queued and not taken by then is lost, and told so.
    let mut connection = open(Lines::new(), Config::default());
    connection.owe(START, true);
    connection.receive_end(START, End::Eof);
    connection.send(START, Message::text("owed")).unwrap();
    connection.handle_timeout(late);
    assert_eq!(closed(feed(&mut connection, late, b"")).origin, Origin::Remote);
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Abort));

    // This side may have enough, too.
    let mut connection = open(Lines::new(), Config::default());
    connection.owe(START, true);
    connection.receive_end(START, End::Eof);
    connection.close(START, CloseCode::GOING_AWAY, "").unwrap();
    let report = closed(feed(&mut connection, START, b""));
    assert_eq!((report.origin, report.code), (Origin::Local, CloseCode::GOING_AWAY));
    assert!(connection.is_finished());
}

#[test]
fn the_peer_ends_inside_a_message() {
    let cuts: [&[u8]; 4] = [b"\0", b"\0\0\0\x03", b"\0\0\0\x03\x02", b"\0\0\0\x03\x02a"];
    for bytes in cuts {
        let mut connection = open(Typed, Config::default());
        connection.send(START, Message::typed(9, &b"owed"[..])).unwrap();
        assert_eq!(feed(&mut connection, START, bytes), []);
        connection.receive_end(START, End::Eof);
        let report = closed(feed(&mut connection, START, b""));
        assert_eq!((report.origin, report.code), (Origin::Abnormal, CloseCode::ABNORMAL), "{bytes:?}");
        assert_eq!(report.cause, Cause::Transport(End::Truncated));
        assert_eq!(written(&mut connection, START), b"\0\0\0\x05\x09owed");
        assert!(connection.is_finished());
    }
}

#[test]
fn this_side_closes_and_still_hears_messages() {
    let mut connection = open(Lines::new(), Config::default());
    connection.send(START, Message::text("last")).unwrap();
    connection.close(START, CloseCode::GOING_AWAY, "off").unwrap();
    assert_eq!(connection.close(START, CloseCode::NORMAL, ""), Err(SendError::Closing));
    assert_eq!(connection.send(START, Message::text("no")), Err(SendError::Closing));
    assert_eq!(connection.wants(), Wants { read: true, write: true, shutdown: None });
    assert_eq!(written(&mut connection, START), b"last\n");
    assert_eq!(connection.wants(), Wants { read: true, write: false, shutdown: Some(Shutdown::Write) });
    assert_eq!(feed(&mut connection, START, b"hi\n"), texts(&["hi"]));
    connection.receive_end(START, End::Eof);
    let report = closed(feed(&mut connection, START, b""));
    assert_eq!((report.origin, report.code), (Origin::Local, CloseCode::GOING_AWAY));
    assert_eq!((&*report.reason, report.sent, report.cause), ("off", None, Cause::Handshake));
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Both));
    assert_eq!(connection.close(START, CloseCode::NORMAL, ""), Err(SendError::Closed));
}

#[test]
fn what_the_peer_cuts_after_a_local_close_is_truncated_all_the_same() {
    let mut connection = open(Lines::new(), Config::default());
    connection.close(START, CloseCode::NORMAL, "").unwrap();
    feed(&mut connection, START, b"half");
    connection.receive_end(START, End::Eof);
    assert_eq!(closed(feed(&mut connection, START, b"")).cause, Cause::Transport(End::Truncated));
}

#[test]
fn a_violation_flushes_and_lingers() {
    let mut connection = open(Typed, Config::default());
    connection.send(START, Message::typed(1, &b"accepted"[..])).unwrap();
    let got = feed(&mut connection, START, b"\0\0\0\x02\x02!\0\0\0\0unread");
    assert_eq!(got[0], Got::Message(Message::typed(2, b"!".to_vec())));
    let report = closed(got);
    assert_eq!((report.origin, report.code), (Origin::Abnormal, CloseCode::ABNORMAL));
    assert_eq!(report.cause, Cause::Violation(Violation::LengthZero));
    assert_eq!(report.reason, "a frame of length zero");
    assert_eq!(connection.stats().bytes_discarded, 10);
    assert_eq!(written(&mut connection, START), b"\0\0\0\x09\x01accepted");
    assert_eq!(connection.wants(), Wants { read: true, write: false, shutdown: Some(Shutdown::Write) });
    assert_eq!(feed(&mut connection, START, b"\0\0\0\x02\x02!"), [], "nothing after the report");
    connection.receive_end(START, End::Eof);
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Both));
}

#[test]
fn a_reset_and_an_abort_end_at_once() {
    for reset in [true, false] {
        let mut connection = open(Lines::new(), Config::default());
        connection.send(START, Message::text("lost")).unwrap();
        if reset {
            connection.receive_end(START, End::Reset);
        } else {
            connection.abort(START);
        }
        let cause = closed(feed(&mut connection, START, b"")).cause;
        assert_eq!(cause, if reset { Cause::Transport(End::Reset) } else { Cause::Aborted });
        assert_eq!(connection.wants().shutdown, Some(Shutdown::Abort));
        assert_eq!(connection.queued(), 0);
    }
}

#[test]
fn a_failure_of_the_program_flushes_and_reads_no_further() {
    let mut connection = open(Lines::new(), Config::default());
    assert_eq!(connection.send(START, Message::text("owed")), Ok(Accepted::Queued));
    connection.fail(START, CloseCode::INTERNAL_ERROR);
    let report = closed(feed(&mut connection, START, b"more\n"));
    assert_eq!((report.origin, report.code), (Origin::Local, CloseCode::INTERNAL_ERROR));
    assert_eq!(report.cause, Cause::Aborted);
    assert_eq!(written(&mut connection, START), b"owed\n");
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Write));
    connection.fail(START, CloseCode::NORMAL);
    assert_eq!(feed(&mut connection, START, b""), []);
}

#[test]
fn a_close_is_good_or_bad_as_on_a_websocket() {
    let mut connection = open(Lines::new(), Config::default());
    for code in [999, 1004, 1005, 1006, 1015, 2000, 5000] {
        assert_eq!(connection.close(START, code.into(), "why"), Err(SendError::InvalidClose), "{code}");
    }
    let long = "x".repeat(124);
    assert_eq!(connection.close(START, CloseCode::NORMAL, &long), Err(SendError::InvalidClose));
    assert!(connection.close(START, CloseCode::NORMAL, &long[1..]).is_ok());
}

/// The end of a stream is told once; a second time changes nothing.
#[test]
fn a_second_end_of_stream_takes_nothing_back() {
    let mut connection = open(Lines::new().open_end(), Config::default());
    assert_eq!(feed(&mut connection, START, b"last words"), []);
    connection.receive_end(START, End::Eof);
    connection.receive_end(START, End::Eof);
    let mut got = feed(&mut connection, START, b"");
    assert!(closed(got.split_off(got.len() - 1)).is_clean());
    assert_eq!(got, texts(&["last words"]));
}
