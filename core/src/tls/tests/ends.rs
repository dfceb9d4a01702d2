//! How a session ends.

use super::*;
use crate::base::End;

#[test]
fn a_close_is_told_from_a_cut() {
    let (mut client, mut server) = pair();
    assert_eq!(server.session.judge_end(End::Eof), End::Truncated);
    assert_eq!(server.session.judge_end(End::Reset), End::Reset);
    client.say(b"last");
    client.session.close();
    client.session.close();
    let bytes = client.take_all();
    assert!(client.session.has_sent_close() && client.session.is_close_written());
    // All but the last byte is no close yet.
    server.hear(&bytes[..bytes.len() - 1]);
    assert_eq!((server.session.peer_closed(), server.session.judge_end(End::Eof)), (false, End::Truncated));
    server.hear(&bytes[bytes.len() - 1..]);
    assert_eq!((server.session.peer_closed(), server.session.judge_end(End::Eof)), (true, End::Eof));
    assert_eq!(server.heard, b"last");
    // It is kept, and what comes behind it is nobody's.
    server.hear(b"anything");
    assert!(server.session.peer_closed() && server.session.failure().is_none());
}

#[test]
fn a_half_closed_session_still_speaks() {
    let (mut client, mut server) = pair();
    client.session.close();
    server.hear(&client.take_all());
    server.say(b"and another thing");
    assert!(server.wants_write());
    server.take_all();
    server.session.close();
    assert!(server.wants_write() && !server.session.is_close_written());
    server.take_all();
    assert!(!server.wants_write() && server.session.is_close_written());
    // Behind the close nothing is sealed.
    server.say(b"too late");
    assert_eq!((server.wants_write(), server.take(99).len(), server.outbox.len()), (false, 0, 8));
}

#[test]
fn a_close_stands_behind_all_that_was_said() {
    let (mut client, mut server) = pair();
    client.say(&[1; 300_000]);
    client.session.close();
    let mut bytes = client.take(10);
    assert!(!client.session.has_sent_close());
    bytes.extend(client.take_all());
    server.hear(&bytes);
    assert_eq!((server.heard.len(), server.session.peer_closed()), (300_000, true));
    assert!(!client.wants_write() && client.outbox.is_empty());
}

/// A handshake that was never done has nothing to close, and keeps nobody waiting.
#[test]
fn a_close_in_the_handshake_is_vacuous() {
    let mut client = Party::client();
    client.session.close();
    assert!(client.wants_write() && !client.session.is_close_written());
    client.take_all();
    assert!(!client.wants_write() && client.session.is_close_written());
    assert_eq!(
        (client.session.has_sent_close(), client.session.judge_end(End::Eof)),
        (false, End::Truncated)
    );
    // If it is done after all, it is closed then.
    let mut server = Party::server();
    let mut client = Party::client();
    client.session.close();
    settle(&mut client, &mut server);
    assert!(client.session.has_sent_close() && server.session.peer_closed());
}

/// Only our side is closed: the answer to our last words is heard, and judged like all that comes.
#[test]
fn what_comes_after_our_close_is_heard() {
    let (mut client, mut server) = pair();
    client.say(b"last words");
    client.session.close();
    server.hear(&client.take_all());
    assert!(server.session.peer_closed() && !client.wants_write());
    server.say(&[7; 50_000]);
    for piece in server.take_all().chunks(999) {
        client.hear(piece);
    }
    assert_eq!((client.heard.len(), client.session.judge_end(End::Eof)), (50_000, End::Truncated));
    server.session.close();
    client.hear(&server.take_all());
    assert_eq!((client.session.peer_closed(), client.session.judge_end(End::Eof)), (true, End::Eof));
}

/// An alert behind our own close would be a second one: nothing is said. rustls asserts the same, where it is built with
/// assertions; the profiles of this workspace build it without.
#[test]
fn bad_input_after_our_close_is_answered_by_nothing() {
    let (mut client, _) = pair();
    client.session.close();
    client.take_all();
    client.hear(&[23, 3, 3, 0, 30]);
    client.hear(&[0; 30]);
    assert!(matches!(client.session.failure(), Some(TlsError::Violation { .. })));
    assert_eq!(
        (client.wants_write(), client.session.is_close_written(), client.heard.len()),
        (false, true, 0)
    );
}
