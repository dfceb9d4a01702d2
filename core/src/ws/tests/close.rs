use super::*;
use crate::base::{Cause, CloseCode, End, Origin, SendError, Shutdown, Violation};

fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes()[..], reason.as_bytes()].concat())
}

#[test]
fn the_peer_closes() {
    // RFC 6455 5.5.1: "the endpoint MUST send a Close frame in response"
    // RFC 6455 5.5.1: "considers the WebSocket connection closed and MUST close the underlying TCP connection"
    // RFC 6455 5.5.1: "The server MUST close the underlying TCP connection immediately"
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
    // RFC 6455 5.5.1: "The application MUST NOT send any more data frames after sending a Close frame"
    // RFC 6455 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer"
    // RFC 6455 5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response"
    // RFC 6455 6.1: "The endpoint MUST ensure the WebSocket connection is in the OPEN state"
    // RFC 6455 7.1.2: "an endpoint MUST send a Close control frame, as described in Section 5.5.1"
    let mut connection = server(Config::default());
    connection.send(START, Message::text("last")).unwrap();
    connection.close(START, CloseCode::GOING_AWAY, "off").unwrap();
    assert_eq!(connection.close(START, CloseCode::NORMAL, ""), Err(SendError::Closing));
    assert_eq!(connection.send(START, Message::text("no")), Err(SendError::Closing));
    assert_eq!(written(&mut connection, START), b"\x81\x04last\x88\x05\x03\xe9off");
    assert_eq!(feed(&mut connection, START, &frame(0x81, b"hi")), [Got::Message(Message::text("hi"))]);
    assert_eq!(feed(&mut connection, START, &frame(0x89, b"?")), []);
    assert_eq!(written(&mut connection, START), b"\x8a\x01?", "no Close has come yet");
    let report = closed(feed(&mut connection, START, &close_frame(1001, "")));
    assert_eq!((report.origin, report.code), (Origin::Local, CloseCode::GOING_AWAY));
    assert!(connection.is_finished());
}

#[test]
fn a_client_waits_for_the_end_of_the_stream() {
    // RFC 6455 5.5.1: "considers the WebSocket connection closed and MUST close the underlying TCP connection"
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
    // RFC 6455 6.1: "If at any point the state of the WebSocket connection changes, the endpoint MUST abort"
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
    // RFC 6455 7.4.1: "1005 is a reserved value and MUST NOT be set"
    // RFC 6455 7.4.1: "1006 is a reserved value and MUST NOT be set"
    // RFC 6455 7.4.1: "1015 is a reserved value and MUST NOT be set"
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

#[test]
fn a_pong_that_waited_goes_out_before_the_close_and_none_behind_the_peers() {
    for ends in [b"\x88\x02\x03\xe8".as_slice(), b"\xc1\x00"] {
        let mut connection = server(Config::default());
        let pings: Vec<u8> = (0..100).flat_map(|i| frame(0x89, &[i; 125])).collect();
        feed(&mut connection, START, &pings);
        let mut end = frame(0x88, &ends[2..]);
        end[0] = ends[0];
        closed(feed(&mut connection, START, &end));
        let bytes = written(&mut connection, START);
        let close = bytes.windows(2).rposition(|w| w[0] == 0x88 && usize::from(w[1]) + 2 <= 127).unwrap();
        assert_eq!(bytes[close - 125..close], [99; 125], "the newest ping");
        assert_eq!(usize::from(bytes[close + 1]), bytes.len() - close - 2, "the Close is the last frame");
    }
    let mut connection = server(Config::default());
    connection.close(START, CloseCode::NORMAL, "").unwrap();
    feed(&mut connection, START, &(0..100).flat_map(|i| frame(0x89, &[i; 125])).collect::<Vec<_>>());
    closed(feed(&mut connection, START, &close_frame(1000, "")));
    while !written(&mut connection, START).is_empty() {}
    assert!(connection.is_finished() && !connection.wants().write);
    assert_eq!(connection.stats().pongs_dropped, 100 - 4096 / 127 - 1);
}

/// Either role sends a Close, shuts its side, hears nothing more, and is over with the peer's end of stream.
#[test]
fn either_role_fails_the_connection_on_a_violation() {
    // RFC 6455 5.1: "The server MUST close the connection upon receiving a frame that is not masked"
    // RFC 6455 5.1: "A client MUST close a connection if it detects a masked frame"
    // RFC 6455 7.1.7: "the client MUST _Close the WebSocket Connection_"
    // RFC 6455 7.1.7: "the server MUST _Close the WebSocket Connection_"
    // RFC 6455 7.1.7: "An endpoint MUST NOT continue to attempt to process data"
    let cases: [(Connection, Vec<u8>, Violation); 4] = [
        (client(Config::default()), frame(0x81, b"masked"), Violation::Masked),
        (server(Config::default()), b"\x81\x02hi".to_vec(), Violation::NotMasked),
        (client(Config::default()), b"\x81\x01\xff".to_vec(), Violation::TextNotUtf8),
        (server(Config::default()), frame(0x80, b""), Violation::UnexpectedContinuation),
    ];
    for (mut connection, bytes, violation) in cases {
        let report = closed(feed(&mut connection, START, &bytes));
        assert_eq!(report.cause, Cause::Violation(violation));
        assert_eq!(feed(&mut connection, START, &close_frame(1000, "")), [], "not even a Close is heard");
        assert_eq!(written(&mut connection, START)[0], 0x88);
        assert_eq!(connection.wants().shutdown, Some(Shutdown::Write));
        connection.receive_end(START, End::Eof);
        assert_eq!(connection.wants().shutdown, Some(Shutdown::Both));
    }
}

#[test]
fn a_lost_transport_ends_either_role() {
    // RFC 6455 7.2.1: "If at any point the underlying transport layer connection is unexpectedly lost"
    for end in [End::Eof, End::Reset, End::TimedOut, End::ReadFailed, End::WriteFailed] {
        for mut connection in [client(Config::default()), server(Config::default())] {
            connection.receive_end(START, end);
            let report = closed(feed(&mut connection, START, b""));
            assert_eq!((report.code, report.cause), (CloseCode::ABNORMAL, Cause::Transport(end)));
            assert!(connection.is_finished() && connection.wants().shutdown.is_some());
            assert_eq!(connection.send(START, Message::text("late")), Err(SendError::Closed));
        }
    }
}

#[test]
fn a_program_that_fails_twice_is_told_of_once() {
    let mut connection = server(Config::default());
    connection.fail(START, CloseCode::INTERNAL_ERROR);
    connection.fail(START, CloseCode::GOING_AWAY);
    let report = closed(feed(&mut connection, START, &[]));
    assert_eq!((report.origin, report.code), (Origin::Local, CloseCode::INTERNAL_ERROR));
    assert_eq!(feed(&mut connection, START, &[]), []);
    let out = written(&mut connection, START);
    assert_eq!(out, [0x88, 2, 0x03, 0xf3], "one Close frame, with 1011");
}

#[test]
fn a_program_that_fails_with_what_no_close_frame_can_say_says_nothing() {
    let mut connection = server(Config::default());
    connection.fail(START, CloseCode::ABNORMAL);
    let report = closed(feed(&mut connection, START, &[]));
    assert_eq!((report.origin, report.code, report.sent), (Origin::Local, CloseCode::ABNORMAL, None));
    assert_eq!(written(&mut connection, START), b"");
    assert_eq!(connection.wants().shutdown, Some(Shutdown::Write));
}

#[test]
fn whatever_follows_the_close_of_this_side_no_second_one_is_sent() {
    for fails in [true, false] {
        let mut connection = server(Config::default());
        connection.close(START, CloseCode::GOING_AWAY, "").unwrap();
        assert!(!connection.is_settled());
        if fails {
            connection.fail(START, CloseCode::INTERNAL_ERROR);
        }
        let report = closed(feed(&mut connection, START, &frame(0x80, b"")));
        assert!(connection.is_settled());
        assert_eq!(report.sent, Some(CloseCode::GOING_AWAY));
        if fails {
            assert_eq!((report.origin, report.code), (Origin::Local, CloseCode::GOING_AWAY));
        } else {
            assert_eq!(report.cause, Cause::Violation(Violation::UnexpectedContinuation));
        }
        assert_eq!(connection.wants(), crate::base::Wants { read: true, write: true, shutdown: None });
        assert_eq!(written(&mut connection, START), b"\x88\x02\x03\xe9");
    }
}
