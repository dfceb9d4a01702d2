use super::*;

#[test]
fn all_are_told_and_the_silent_are_reset() {
    let mut hub = hub(Config::default());
    let (mut polite, silent) = (Peer::connect(&mut hub), Peer::connect(&mut hub));
    hub.drain(START, CloseCode::GOING_AWAY);
    assert!(hub.accept(START, Address::Unix(String::new())).is_err());
    polite.exchange(&mut hub, START);
    assert_eq!(polite.got, ["opened", "closed 1001"]);
    assert!(hub.was_opened(silent.conn) && hub.closed(silent.conn).is_none());
    assert!(written(&mut hub, START, silent.conn).ends_with(b"\x88\x02\x03\xe9"));
    while let Some(due) = hub.poll_timeout() {
        hub.handle_timeout(due);
    }
    assert_eq!(hub.wants(silent.conn).unwrap().shutdown, Some(Shutdown::Abort));
    assert!(!hub.is_drained());
    assert_eq!(hub.closed(silent.conn).unwrap().code, CloseCode::ABNORMAL);
    hub.release(START, silent.conn);
    assert!(hub.is_drained());
    assert_eq!(hub.service().log[2..], ["closed 1001", "closed 1006"]);
}

/// A drain may take for ever.
#[test]
fn who_ends_in_a_drain_without_an_end_is_counted_as_closed() {
    let mut hub = hub(Config { drain_timeout: core::time::Duration::MAX, ..Config::default() });
    let mut polite = Peer::connect(&mut hub);
    hub.drain(START, CloseCode::GOING_AWAY);
    polite.exchange(&mut hub, START);
    assert!(hub.is_drained());
    assert_eq!((hub.stats().drained, hub.stats().drain_resets), (1, 0));
}

/// An acceptance that was put off may come inside of a drain.
#[test]
fn a_late_acceptance_is_told_too() {
    let mut hub = hub(Config::default());
    let conn = hub.accept(START, Address::Unix(String::new())).unwrap();
    let request = "GET /later HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    hub.receive(START, conn, request.as_bytes().to_vec().as_mut_slice());
    hub.drain(START, CloseCode::SERVICE_RESTART);
    hub.command(START, "accept".into());
    let text = written(&mut hub, START, conn);
    assert!(text.starts_with(b"HTTP/1.1 101 ") && text.ends_with(b"\x88\x02\x03\xf4"));
    hub.release(START, conn);
    assert_eq!(hub.service().log, ["opened", "closed 1006"]);
    assert!(hub.is_drained());
}

#[test]
fn a_code_that_must_not_be_sent_is_1001() {
    let mut hub = hub(Config::default());
    let mut peer = Peer::connect(&mut hub);
    hub.drain(START, CloseCode::ABNORMAL);
    peer.exchange(&mut hub, START);
    assert_eq!(peer.got, ["opened", "closed 1001"]);
}

/// Its end was told when the answer was queued, and it takes the answer byte by byte.
#[test]
fn a_slow_reader_of_an_answer_is_reset_too() {
    let mut hub = hub(Config::default());
    let conn = hub.accept(START, Address::Unix(String::new())).unwrap();
    hub.receive(START, conn, &mut b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_vec());
    hub.drain(START, CloseCode::GOING_AWAY);
    let mut now = START;
    for _ in 0..12 {
        now += core::time::Duration::from_secs(1);
        hub.handle_timeout(now);
        hub.handle_written(now, conn, 1);
    }
    assert_eq!(hub.wants(conn).unwrap().shutdown, Some(Shutdown::Abort));
}

#[test]
fn a_job_is_waited_for_as_long_as_a_drain_may_take() {
    for is_late in [false, true] {
        let mut hub = hub(Config::default());
        let mut peer = Peer::connect(&mut hub);
        peer.say(&mut hub, "job a");
        let (job, _) = hub.poll_job().unwrap();
        hub.drain(START, CloseCode::GOING_AWAY);
        peer.exchange(&mut hub, START);
        assert!(hub.is_empty() && !hub.is_drained());
        if is_late {
            let by = hub.poll_timeout().unwrap();
            assert_eq!(by, START + Config::default().drain_timeout);
            hub.handle_timeout(by);
        } else {
            hub.job_done(START, job, Ok("x".into()));
        }
        assert!(hub.is_drained());
    }
}
