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
