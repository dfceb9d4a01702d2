//! What is refused, what waits for room, parts, and deadlines by their names.

use super::*;
use futures_sink::Sink;
use wharf::base::{Cause, CloseCode, SendError, Timeout};

/// A configuration in which a second message of 5000 bytes finds no room.
fn narrow() -> ws::Config {
    let mut ws = ws::Config::default();
    (ws.high_mark, ws.low_mark, ws.queue_limit, ws.max_message) = (8, 4, 0, 5000);
    ws
}

/// Refused by each way to send, the message comes back as it was; with room it is sent, once.
#[test]
fn what_finds_no_room_is_given_back() {
    let big = || Message::binary(vec![7; 5000]);
    let (mut socket, wire) = open(narrow());
    wire.wire().room = 0;
    assert_eq!(socket.queue(big()), Ok(wharf::base::Accepted::Congested));
    let full = SendError::Full;
    assert_eq!(socket.queue(big()), Err(crate::SendFailed { error: full, message: big() }));
    let lent = big();
    let failed = socket.queue(lent.as_lent()).unwrap_err();
    assert!(failed.error == full && failed.message.is_lent());
    let error = crate::Error::Send { error: full, message: Some(big()) };
    let given_back = Err(error.clone());
    assert_eq!(poll(socket.send(big())), Poll::Ready(given_back.clone()));
    let lent = Err(crate::Error::Send { error: full, message: None });
    assert_eq!(poll(socket.send(lent_of(&big()))), Poll::Ready(lent));
    assert_eq!(Pin::new(&mut socket).start_send(big()), given_back);
    let (reading, mut writing) = socket.split();
    assert_eq!(poll(writing.send(big())), Poll::Ready(given_back.clone()));
    assert_eq!(Pin::new(&mut writing).start_send(big()), given_back);
    assert!(poll(writing.ready()).is_pending());
    wire.wire().room = usize::MAX;
    assert_eq!(poll(writing.ready()), Poll::Ready(Ok(())));
    let unsent = error.into_message().unwrap();
    assert_eq!(poll(writing.send(unsent)), Poll::Ready(Ok(())));
    assert_eq!(wire.wire().written.len(), 2 * 5004);
    let mut socket = reading.reunite(writing).unwrap();
    assert_eq!(socket.stats().messages_out, 2);
    let too_big = socket.queue(Message::binary(vec![0; 50_000])).unwrap_err();
    assert!(matches!(too_big.error, SendError::TooBig { .. }) && too_big.message.payload().len() == 50_000);
    let _ = socket.begin_close(CloseCode::NORMAL, "");
    assert_eq!(socket.queue("late").unwrap_err().error, SendError::Closing);
}

fn lent_of<'m>(message: &'m Message<'m>) -> Message<'m> {
    message.as_lent()
}

/// Below the high mark there may be no room for a large one: it waits and is not lost.
#[test]
fn what_a_sender_sent_waits_for_room() {
    let mut ws = narrow();
    (ws.high_mark, ws.low_mark, ws.queue_limit, ws.max_message) = (60, 4, 0, 60);
    let (mut socket, wire) = open(ws);
    let sender = socket.sender(8);
    wire.wire().room = 0;
    socket.queue(vec![1; 40]).unwrap();
    sender.try_send(vec![2; 4200]).unwrap();
    assert!(poll(socket.next()).is_pending());
    wire.wire().room = usize::MAX;
    assert!(poll(socket.next()).is_pending());
    assert_eq!(wire.wire().written.len(), 42 + 4204);
}

#[test]
fn parts_are_a_socket_again_with_all_that_was_read_and_not_yet_written() {
    let (mut socket, wire) = open(ws::Config::default());
    let frames = TEXT.repeat(3);
    wire.wire().reads.push_back([&frames[..], &TEXT[..2]].concat());
    let Poll::Ready(Some(Ok(_))) = poll(socket.next()) else { panic!("the first of three") };
    wire.wire().room = 0;
    socket.queue("unwritten").unwrap();
    let parts = socket.into_parts();
    assert_eq!(parts.read, [TEXT, TEXT, &TEXT[..2]].concat());
    let mut socket = Socket::from_parts(parts);
    for _ in 0..2 {
        let Poll::Ready(Some(Ok(message))) = poll(socket.next()) else { panic!("it was read") };
        assert_eq!(message.as_text(), Some("m"));
    }
    assert!(poll(socket.next()).is_pending(), "a part of a frame");
    let mut socket = Socket::from_parts(socket.into_parts());
    wire.wire().reads.push_back(TEXT[2..].to_vec());
    let Poll::Ready(Some(Ok(message))) = poll(socket.next()) else { panic!("the frame was cut") };
    assert_eq!(message.as_text(), Some("m"));
    let mut parts = socket.into_parts();
    assert_eq!(parts.take_unwritten(), b"\x81\x09unwritten");
    assert_eq!((parts.take_unwritten(), parts.read), (Vec::new(), Vec::new()));
}

/// The write and the pong deadline have their tests above and on real sockets; the rest is told by its own name too.
#[test]
fn each_deadline_is_told_by_its_own_name() {
    let second = Duration::from_secs(1);
    let mut pong = ws::Config::default();
    (pong.idle_timeout, pong.pong_timeout) = (Some(second), Some(second));
    let mut stall = ws::Config::default();
    stall.write_timeout = Some(second);
    let mut close = ws::Config::default();
    close.close_timeout = second;
    for (ws, timeout) in [(pong, Timeout::Pong), (stall, Timeout::WriteStall), (close, Timeout::Close)] {
        let (mut socket, wire) = open(ws);
        match timeout {
            Timeout::WriteStall => {
                wire.wire().room = 0;
                socket.queue("stalls").unwrap();
            }
            Timeout::Close => socket.begin_close(CloseCode::NORMAL, "").unwrap(),
            _ => {}
        }
        let error = loop {
            match poll(socket.next()) {
                Poll::Ready(end) => break end.unwrap().unwrap_err(),
                Poll::Pending => skip(&mut socket, &wire, second),
            }
        };
        assert_eq!(error.closed().unwrap().cause, Cause::Timeout(timeout));
        assert_eq!(error.is_retryable(), timeout != Timeout::Close);
    }
}

/// Whoever takes what waited out of the parts is read for again.
#[test]
fn parts_whose_messages_were_taken_are_read_on() {
    for taken_out in [true, false] {
        let (mut socket, wire) = open(ws::Config::default());
        wire.wire().reads.extend(std::iter::repeat_n(TEXT.repeat(100), 10));
        for _ in 0..5 {
            assert!(poll(socket.drive_while(std::future::pending::<()>())).is_pending());
        }
        let mut parts = socket.into_parts();
        let mut taken = 0;
        if taken_out {
            taken += std::mem::take(&mut parts.waiting).len();
        }
        let mut socket = Socket::from_parts(parts);
        if !taken_out {
            let left = wire.wire().reads.len();
            assert!(poll(socket.drive_while(std::future::pending::<()>())).is_pending());
            assert_eq!(wire.wire().reads.len(), left, "as many as may wait do already");
        }
        while let Poll::Ready(Some(Ok(_))) = poll(socket.next()) {
            taken += 1;
        }
        assert_eq!(taken, 1000);
    }
}

/// The first sender is gone, what it sent is not.
#[test]
fn a_further_sender_does_not_cost_what_the_former_sent() {
    let (mut socket, wire) = open(ws::Config::default());
    socket.sender(8).try_send("a").unwrap();
    socket.sender(8).try_send("b").unwrap();
    assert!(poll(socket.next()).is_pending());
    assert_eq!(wire.wire().written, b"\x81\x01a\x81\x01b");
}

/// Nobody will ever make room, though the program still has its socket.
#[test]
fn a_sender_that_waits_for_room_is_told_of_the_end() {
    let (mut socket, wire) = open(narrow());
    let sender = socket.sender(1);
    wire.wire().room = 0;
    socket.queue(vec![1; 5000]).unwrap();
    sender.try_send("taken").unwrap();
    let mut waits = Box::pin(sender.send("waits"));
    assert!(waits.as_mut().poll(&mut noop()).is_pending());
    wire.wire().reads.push_back(Vec::new());
    wire.wire().room = usize::MAX;
    while poll(socket.next()) != Poll::Ready(None) {}
    let Poll::Ready(Err(failed)) = waits.as_mut().poll(&mut noop()) else { panic!("it waits for ever") };
    assert_eq!((failed.error, failed.message), (SendError::Closed, Message::text("waits")));
    assert_eq!(socket.sender(1).try_send("late").unwrap_err().error, SendError::Closed);
}

/// As for a program that wants no limit at all.
#[test]
fn a_timeout_past_all_clocks_is_none() {
    let answer = crate::accept::within::<Scripted, _>(Duration::MAX, std::future::ready(1));
    assert_eq!(poll(answer), Poll::Ready(Some(1)));
}

#[test]
fn who_only_flushes_nothing_still_keeps_the_deadlines_and_answers_pings() {
    let mut ws = ws::Config::default();
    (ws.idle_timeout, ws.pong_timeout) = (Some(Duration::from_millis(50)), Some(Duration::from_secs(9)));
    let (mut socket, wire) = open(ws);
    assert_eq!(poll(socket.flush()), Poll::Ready(Ok(())));
    assert!(wire.wire().written.is_empty());
    skip(&mut socket, &wire, Duration::from_millis(60));
    assert_eq!(poll(socket.flush()), Poll::Ready(Ok(())));
    assert_eq!(wire.wire().written.first(), Some(&0x89), "the peer was silent for too long");
    wire.wire().written.clear();
    wire.wire().reads.push_back(PING.to_vec());
    skip(&mut socket, &wire, Duration::from_millis(110));
    assert_eq!(poll(socket.flush()), Poll::Ready(Ok(())));
    assert_eq!(wire.wire().written, b"\x8a\x01p");
}
