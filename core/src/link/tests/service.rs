use super::*;
use crate::framed::Lines;
use crate::link::{Framing, Target};

#[test]
fn echo_close_and_report() {
    let mut hub = hub(Config::default());
    let mut peer = Peer::connect(&mut hub);
    peer.say(&mut hub, "hello");
    peer.say(&mut hub, "close");
    assert_eq!(peer.got, ["opened", "hello", "closed 4000"]);
    assert!(peer.gone && hub.is_empty());
    assert_eq!(hub.service().log, ["opened", "closed 4000"]);
    assert_eq!((hub.stats().opened, hub.stats().closed), (1, 1));
}

#[test]
fn what_is_done_to_others_reaches_them() {
    let mut hub = hub(Config::default());
    let (mut a, mut b) = (Peer::connect(&mut hub), Peer::connect(&mut hub));
    while hub.poll_dirty().is_some() {}
    a.say(&mut hub, "all");
    assert_eq!(core::iter::from_fn(|| hub.poll_dirty()).filter(|c| *c == b.conn).count(), 1);
    b.exchange(&mut hub, START);
    assert_eq!((a.got.last().unwrap().as_str(), b.got.last().unwrap().as_str()), ("all", "all"));
    a.say(&mut hub, "others");
    b.exchange(&mut hub, START);
    assert!(b.gone && !a.gone);
    assert_eq!(hub.service().conns, [a.conn]);
}

#[test]
fn a_page_and_a_websocket_share_a_port() {
    let mut hub = hub(Config::default());
    let conn = hub.accept(START, Address::Unix(String::new())).unwrap();
    let date = "Date: Tue, 14 Nov 2023 22:13:20 GMT";
    assert_eq!(
        get(&mut hub, conn, "/page"),
        std::format!("HTTP/1.1 200 OK\r\n{date}\r\nContent-Length: 5\r\n\r\n/page")
    );
    assert!(get(&mut hub, conn, "/again").ends_with("/again"));
}

#[test]
fn late_answers_come_in_order() {
    let mut hub = hub(Config::default());
    let conn = hub.accept(START, Address::Unix(String::new())).unwrap();
    let mut bytes = b"GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
    hub.receive(START, conn, &mut bytes);
    assert_eq!(written(&mut hub, START, conn), b"");
    assert!(!hub.wants(conn).unwrap().read);
    hub.command(START, "here".into());
    let text = String::from_utf8(written(&mut hub, START, conn)).unwrap();
    assert!(text.find("here").unwrap() < text.find("/next").unwrap());
}

#[test]
fn jobs_are_done_once_and_bounded() {
    let mut hub = hub(Config { max_jobs: 1, ..Config::default() });
    let mut peer = Peer::connect(&mut hub);
    peer.say(&mut hub, "job a");
    peer.say(&mut hub, "job b");
    let (token, job) = hub.poll_job().unwrap();
    assert_eq!(job, "job a");
    assert!(hub.poll_job().is_none());
    hub.job_done(START, token, Ok("x".into()));
    hub.job_done(START, token, Ok("again".into()));
    assert_eq!(hub.service().log[1..], ["submitted", "given back: job b", "done Ok(\"x\")"]);
    assert_eq!(hub.stats().jobs_refused, 1);
}

#[test]
fn a_job_that_is_lost_is_told_once_and_frees_its_place() {
    let mut hub = hub(Config { max_jobs: 1, ..Config::default() });
    let mut peer = Peer::connect(&mut hub);
    peer.say(&mut hub, "job a");
    let (lost, _) = hub.poll_job().unwrap();
    hub.job_lost(START, lost);
    hub.job_lost(START, lost);
    hub.job_done(START, lost, Ok("too late".into()));
    peer.say(&mut hub, "job b");
    let (token, _) = hub.poll_job().expect("its place is free");
    hub.job_done(START, token, Ok("b".into()));
    hub.job_lost(START, token);
    assert_eq!(hub.service().log[1..], ["submitted", "job lost", "submitted", "done Ok(\"b\")"]);
    assert_eq!(hub.stats().jobs_lost, 1);
}

#[test]
fn dials_fail_and_succeed() {
    // RFC 6455 4.1: "If the connection could not be opened, either because a direct connection failed"
    let mut hub = hub(Config::default());
    let mut peer = Peer::connect(&mut hub);
    peer.say(&mut hub, "dial");
    peer.say(&mut hub, "dial");
    let (first, second) = (hub.poll_dial().unwrap(), hub.poll_dial().unwrap());
    hub.dial_failed(START, first.id, &DialError::Connect);
    hub.dial_failed(START, first.id, &DialError::Connect);
    let conn = hub.dialed(START, second.id, Address::Unix(String::new())).unwrap();
    assert!(written(&mut hub, START, conn).starts_with(b"GET / HTTP/1.1\r\nHost: nowhere\r\n"));
    hub.receive_end(START, conn, End::Eof);
    let failed = "dial failed: handshake: the transport ended during the opening handshake: end of stream";
    assert_eq!(hub.service().log[1..], ["dial failed: connect: no address could be connected to", failed]);
    assert_eq!(hub.stats().dials_failed, 2);
    hub.release(START, conn);
    assert_eq!(hub.len(), 1);
}

/// Lookup and connect have a part of the time to open, the handshake has the rest.
#[test]
fn a_dial_has_one_deadline() {
    let mut hub = hub(Config::default());
    let mut peer = Peer::connect(&mut hub);
    peer.say(&mut hub, "dial");
    let dial = hub.poll_dial().unwrap();
    let (late, due) =
        (START + core::time::Duration::from_secs(7), START + core::time::Duration::from_secs(10));
    assert_eq!(dial.deadline, due);
    let conn = hub.dialed(late, dial.id, Address::Unix(String::new())).unwrap();
    assert_eq!(hub.poll_timeout(), Some(due));
    hub.handle_timeout(due);
    assert_eq!(hub.service().log[1..], ["dial failed: handshake: the opening handshake timed out"]);
    assert!(hub.wants(conn).unwrap().shutdown.is_some());
}

/// Its framing, its time and its place in a log are its own; the hub's own connections keep theirs.
#[test]
fn a_dial_may_speak_otherwise_than_its_hub() {
    let mut hub = hub(Config::default());
    let own = Config {
        framing: Framing::codec(Lines::new()),
        open_timeout: core::time::Duration::from_secs(2),
        is_logged: false,
        ..Config::client()
    };
    let target = Target::tcp("nowhere", 7);
    hub.core.dial(START, target.clone(), Some(own.into())).unwrap();
    hub.core.dial(START, target, None).unwrap();
    let (other, plain) = (hub.poll_dial().unwrap(), hub.poll_dial().unwrap());
    let deadlines = [&other, &plain].map(|dial| (dial.deadline - START).as_secs());
    assert_eq!(deadlines, [2, 10]);
    let [other, plain] =
        [other, plain].map(|dial| hub.dialed(START, dial.id, Address::Unix(String::new())).unwrap());
    hub.receive(START, other, &mut []);
    hub.receive(START, other, &mut b"ahoy\n".to_vec());
    assert_eq!(written(&mut hub, START, other), b"ahoy\n");
    assert!(written(&mut hub, START, plain).starts_with(b"GET / HTTP/1.1\r\nHost: nowhere:7\r\n"));
    assert_eq!(hub.service().log, ["opened"]);
    assert!(!hub.was_opened(other), "it is told in a log");
}

/// Two hubs that both stopped reading because the other one does would wait for each other.
#[test]
fn a_dialed_connection_is_read_while_it_is_congested() {
    let mut config = Config::default();
    Arc::make_mut(&mut config.dialed).high_mark = 1;
    Arc::make_mut(&mut config.dialed).low_mark = 0;
    let mut hub = hub(config);
    let mut peer = Peer::connect(&mut hub);
    peer.say(&mut hub, "dial");
    let dial = hub.poll_dial().unwrap();
    let conn = hub.dialed(START, dial.id, Address::Unix(String::new())).unwrap();
    let mut server = Link::server(START, WALL, &Arc::default());
    let mut asked = written(&mut hub, START, conn);
    assert!(matches!(server.receive(START, &mut Input::new(&mut asked)), Some(Event::Request(_))));
    server.accept(START, &Default::default()).unwrap();
    let mut answer = Vec::new();
    server.output(START).drain_into(&mut answer);
    hub.receive(START, conn, &mut answer);
    peer.say(&mut hub, "all");
    let wants = hub.wants(conn).unwrap();
    assert!(wants.read && wants.write);
}

/// A peer that ended its side while its request waited is gone when the WebSocket opens.
#[test]
fn an_end_before_a_late_acceptance_counts() {
    let mut hub = hub(Config::default());
    let conn = hub.accept(START, Address::Unix(String::new())).unwrap();
    let request = "GET /later HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    hub.receive(START, conn, request.as_bytes().to_vec().as_mut_slice());
    hub.receive_end(START, conn, End::Eof);
    hub.command(START, "accept".into());
    assert_eq!(hub.service().log, ["opened", "closed 1006"]);
}

/// Dials that fail all at once are told one after the other, not one inside of the other.
#[test]
fn many_dials_fail_at_once() {
    let mut hub = hub(Config { max_dials: 3000, ..Config::default() });
    for _ in 0..3000 {
        let request = ClientRequest::new("ws://nowhere/").unwrap();
        hub.core.dial(START, request.into(), None).unwrap();
        let dial = hub.poll_dial().unwrap();
        hub.dialed(START, dial.id, Address::Unix(String::new())).unwrap();
    }
    let due = hub.poll_timeout().unwrap();
    hub.handle_timeout(due);
    assert_eq!(hub.stats().dials_failed, 3000);
}

#[test]
fn it_is_told_once_when_output_is_written_and_how_far_a_message_is() {
    let mut hub = hub(Config::default());
    let mut peer = Peer::connect(&mut hub);
    peer.say(&mut hub, "tell");
    peer.say(&mut hub, "more");
    assert_eq!(peer.got, ["opened", "tell", "more"]);
    assert_eq!(hub.service().log, ["opened", "Untouched", "written: Whole"]);
    // In pieces, once for the first of them.
    peer.link.send(START, Message::text("tell")).unwrap();
    let mut up = Vec::new();
    peer.link.output(START).drain_into(&mut up);
    hub.receive(START, peer.conn, &mut up);
    hub.handle_written(START, peer.conn, 2);
    hub.handle_written(START, peer.conn, 4);
    assert_eq!(hub.service().log[3..], ["Untouched", "written: Partly"]);
}

#[test]
fn a_websocket_is_pinged() {
    let mut hub = hub(Config::default());
    let mut peer = Peer::connect(&mut hub);
    peer.say(&mut hub, "ping");
    assert_eq!((hub.service().log[1].as_str(), peer.link.stats().pings_in), ("Ok(())", 1));
}

#[test]
fn how_long_a_pong_took_is_told() {
    let mut hub = hub(Config::default());
    let mut peer = Peer::connect(&mut hub);
    let mut up = Vec::new();
    peer.link.send(START, Message::text("ping")).unwrap();
    peer.link.output(START).drain_into(&mut up);
    hub.receive(START, peer.conn, &mut up);
    peer.exchange(&mut hub, START + core::time::Duration::from_millis(5));
    assert_eq!(hub.service().log, ["opened", "Ok(())", "pong 5ms"]);
}

#[test]
fn nothing_comes_of_a_dial_that_is_given_up() {
    let mut hub = hub(Config::default());
    let mut peer = Peer::connect(&mut hub);
    peer.say(&mut hub, "dial");
    peer.say(&mut hub, "dial");
    peer.say(&mut hub, "dial");
    let dials: Vec<_> = core::iter::from_fn(|| hub.poll_dial()).take(2).collect();
    let conn = hub.dialed(START, dials[0].id, Address::Unix(String::new())).unwrap();
    hub.command(START, "cancel".into());
    // One was on its way to be open, one to be connected, one was not asked for yet.
    assert!(matches!(hub.wants(conn).unwrap().shutdown, Some(Shutdown::Abort | Shutdown::Both)));
    hub.release(START, conn);
    assert_eq!(hub.dialed(START, dials[1].id, Address::Unix(String::new())), None);
    assert!(hub.poll_dial().is_none());
    assert_eq!((hub.service().log.len(), hub.len()), (1, 1));
}
