use super::*;
use crate::base::{Cause, CloseCode, End, Origin, SendError, Shutdown, Violation};

fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes()[..], reason.as_bytes()].concat())
}

#[test]
fn the_peer_closes() {
    let mut connection = server(Config::default());
    let report = closed(feed(&mut connection, START, &close_frame(4001, "bye")));
    assert_eq!((report.origin, report.code.as_u16(), &*report.reason), (Origin::Remote, 4001, "bye"));
    assert_eq!(report.sent, Some(CloseCode::from(4001)));
    assert_eq!(written(&mut connection, START), b"\x88\x02\x0f\xa1");
    assert_eq!(
        connection.wants().shutdown,
        Some(Shutdown::Both),
        "a server that saw both has no need to linger"
    );
    assert!(connection.is_finished());
    assert_eq!(connection.poll_timeout(), None);
    assert_eq!(connection.send(START, Message::text("late")), Err(SendError::Closed));
}

#[test]
fn an_empty_close_is_answered_by_an_empty_one() {
    let mut connection = server(Config::default());
    let report = closed(feed(&mut connection, START, &frame(0x88, b"")));
    assert_eq!(report.code, CloseCode::NO_STATUS);
    assert_eq!(written(&mut connection, START), b"\x88\x00");
}

#[test]
fn this_side_closes_and_still_hears_messages() {
    let mut connection = server(Config::default());
    connection.send(START, Message::text("last")).unwrap();
    connection.close(START, CloseCode::GOING_AWAY, "off").unwrap();
    assert_eq!(connection.close(START, CloseCode::NORMAL, ""), Err(SendError::Closing));
    assert_eq!(connection.send(START, Message::text("no")), Err(SendError::Closing));
    assert_eq!(written(&mut connection, START), b"\x81\x04last\x88\x05\x03\xe9off");
    assert_eq!(feed(&mut connection, START, &frame(0x81, b"hi")), [Got::Message(Message::text("hi"))]);
    assert_eq!(feed(&mut connection, START, &frame(0x89, b"?")), []);
    assert_eq!(written(&mut connection, START), b"", "nothing follows a Close");
    let report = closed(feed(&mut connection, START, &close_frame(1001, "")));
    assert_eq!((report.origin, report.code), (Origin::Local, CloseCode::GOING_AWAY));
    assert!(connection.is_finished());
}

#[test]
fn a_client_waits_for_the_end_of_the_stream() {
    let mut connection = client(Config::default());
    connection.close(START, CloseCode::NORMAL, "").unwrap();
    written(&mut connection, START);
    assert!(closed(feed(&mut connection, START, b"\x88\x02\x03\xe8")).is_clean());
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Write));
    assert!(connection.wants().read);
    connection.receive_end(START, End::Eof);
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Both));
    assert_eq!(feed(&mut connection, START, b""), []);
}

#[test]
fn a_violation_is_answered_and_lingers() {
    let mut connection = server(Config::default());
    let bytes = [frame(0x81, b"ok"), b"\x83\x80\0\0\0\0".to_vec(), frame(0x81, b"unread")].concat();
    let mut got = feed(&mut connection, START, &bytes);
    assert_eq!(got.remove(0), Got::Message(Message::text("ok")));
    let report = closed(got);
    assert_eq!((report.origin, report.code), (Origin::Abnormal, CloseCode::ABNORMAL));
    assert_eq!(report.cause, Cause::Violation(Violation::ReservedOpcode(3)));
    assert_eq!(report.sent, Some(CloseCode::PROTOCOL_ERROR));
    assert_eq!(connection.stats().bytes_discarded, 6 + 12);
    assert_eq!(&written(&mut connection, START)[..4], b"\x88\x18\x03\xea");
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Write));
    assert_eq!(feed(&mut connection, START, &close_frame(1000, "")), [], "nothing after the report");
    connection.receive_end(START, End::Eof);
    assert!(connection.is_finished());
}

#[test]
fn an_end_of_stream_flushes_what_is_owed() {
    let mut connection = server(Config::default());
    connection.send(START, Message::text("owed")).unwrap();
    connection.receive_end(START, End::Eof);
    let report = closed(feed(&mut connection, START, b""));
    assert_eq!(report.cause, Cause::Transport(End::Eof));
    assert_eq!(connection.wants(), crate::base::Wants { read: false, write: true, shutdown: None });
    assert_eq!(written(&mut connection, START), b"\x81\x04owed");
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Both));
}

#[test]
fn a_reset_and_an_abort_end_at_once() {
    for reset in [true, false] {
        let mut connection = server(Config::default());
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
fn what_may_not_be_sent_is_refused() {
    let mut connection = server(Config::default());
    for code in [999, 1004, 1005, 1006, 1015, 2000, 5000] {
        assert_eq!(connection.close(START, code.into(), "why"), Err(SendError::InvalidClose), "{code}");
    }
    let long = "x".repeat(124);
    assert_eq!(connection.close(START, CloseCode::NORMAL, &long), Err(SendError::InvalidClose));
    assert!(connection.close(START, CloseCode::NORMAL, &long[1..]).is_ok());
}

#[test]
fn bad_close_frames() {
    let cases: [(&[u8], u16); 4] =
        [(b"\x03", 1002), (b"\x03\xed", 1002), (b"\x03\xe8\xff", 1007), (b"\0\0", 1002)];
    for (body, code) in cases {
        let mut connection = server(Config::default());
        let report = closed(feed(&mut connection, START, &frame(0x88, body)));
        assert_eq!(report.sent, Some(code.into()), "{body:x?}");
    }
}
