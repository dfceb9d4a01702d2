use super::*;
use crate::ws;

/// One read that holds more messages than the output may hold echoes: the rest waits, and nothing is lost.
#[test]
fn a_slow_reader_loses_nothing() {
    let (mut hub, mut peer) = many_in_one_read();
    assert!(!hub.wants(peer.conn).unwrap().read);
    take_slowly(&mut hub, &mut peer);
    assert!(hub.wants(peer.conn).unwrap().read);
    assert!(hub.service().log.iter().filter(|l| *l == "drained").count() > 10);
}

/// The end of a stream stands behind what came before it.
#[test]
fn an_end_of_stream_cuts_off_nothing() {
    let (mut hub, mut peer) = many_in_one_read();
    hub.receive_end(START, peer.conn, End::Eof);
    assert!(!hub.wants(peer.conn).unwrap().read);
    take_slowly(&mut hub, &mut peer);
    assert_eq!(hub.wants(peer.conn).unwrap().shutdown, Some(Shutdown::Both));
    assert_eq!(hub.service().log.last().unwrap(), "closed 1006");
}

fn many_in_one_read() -> (Hub<Scripted>, Peer) {
    let mut ws = ws::Config::default();
    (ws.high_mark, ws.low_mark, ws.max_message, ws.queue_limit) = (1000, 100, 500, 0);
    let mut hub = hub(Config { ws: Arc::new(ws), ..Config::default() });
    let mut peer = Peer::connect(&mut hub);
    let text = "x".repeat(100);
    for i in 0..500 {
        peer.link.send(START, Message::text(std::format!("{i} {text}"))).unwrap();
    }
    let mut up = Vec::new();
    peer.link.output(START).drain_into(&mut up);
    hub.receive(START, peer.conn, &mut up);
    (hub, peer)
}

fn take_slowly(hub: &mut Hub<Scripted>, peer: &mut Peer) {
    let mut rounds = 0;
    loop {
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let n = hub.slices(peer.conn, &mut slices);
        let mut some = slices[..n].concat();
        assert!(some.len() < 2000, "{} bytes queued", some.len());
        some.truncate(333);
        if some.is_empty() {
            break;
        }
        hub.handle_written(START, peer.conn, some.len());
        let mut input = Input::new(&mut some);
        while let Some(event) = peer.link.receive(START, &mut input) {
            if let Event::Message(message) = event {
                peer.got.push(message.as_text().unwrap().split(' ').next().unwrap().into());
            }
        }
        rounds += 1;
    }
    assert!(rounds > 100);
    let want: Vec<String> = (0..500).map(|i| i.to_string()).collect();
    assert_eq!(peer.got[1..], want);
}

/// Nothing of what it says is heard any more but its goodbye.
#[test]
fn one_that_is_paused_ends_in_order() {
    for throttled in [false, true] {
        for drains in [false, true] {
            let mut hub = hub(Config::default());
            let mut peer = Peer::connect(&mut hub);
            let mut cx = Context::new(&mut hub.core);
            if throttled {
                cx.throttle(peer.conn, true)
            } else {
                cx.pause(peer.conn)
            }
            peer.say(&mut hub, "unheard");
            if drains {
                hub.drain(START, CloseCode::NORMAL);
            } else {
                Context::new(&mut hub.core).close(peer.conn, CloseCode::NORMAL, "").unwrap();
                hub.pump(START);
            }
            peer.exchange(&mut hub, START);
            assert_eq!((&*peer.got, peer.gone), (&["opened".into(), String::from("closed 1000")][..], true));
            assert!(hub.is_empty());
        }
    }
}

/// Whatever it had to say, it is gone.
#[test]
fn one_that_is_paused_leaves_nothing_behind() {
    for end in [None, Some(End::Eof), Some(End::Reset)] {
        let mut hub = hub(Config::default());
        let mut peer = Peer::connect(&mut hub);
        Context::new(&mut hub.core).pause(peer.conn);
        peer.say(&mut hub, "unheard");
        if let Some(end) = end {
            hub.receive_end(START, peer.conn, end);
        }
        hub.release(START, peer.conn);
        assert!(hub.is_empty(), "{end:?}");
    }
}
