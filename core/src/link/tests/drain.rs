use super::*;

#[test]
fn all_are_told_and_the_silent_are_reset() {
    let mut hub = hub(Config::default());
    let (mut polite, silent) = (Peer::connect(&mut hub), Peer::connect(&mut hub));
    hub.drain(START, CloseCode::GOING_AWAY);
    assert!(hub.accept(START, Address::Unix(String::new())).is_err());
    polite.exchange(&mut hub, START);
    assert_eq!(polite.got, ["opened", "closed 1001"]);
    assert!(written(&mut hub, START, silent.conn).ends_with(b"\x88\x02\x03\xe9"));
    while let Some(due) = hub.poll_timeout() {
        hub.handle_timeout(due);
    }
    assert_eq!(hub.wants(silent.conn).unwrap().shutdown, Some(Shutdown::Abort));
    assert!(!hub.is_drained());
    hub.release(START, silent.conn);
    assert!(hub.is_drained());
    assert_eq!(hub.service().log[2..], ["closed 1001", "closed 1006"]);
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
