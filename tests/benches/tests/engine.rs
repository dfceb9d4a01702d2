//! What the engines' benches measure is done rightly: each subject checks what comes of it.
#![forbid(unsafe_code)]

use bytes::Bytes;
use wharf_benches::engine::{
    BROWSERS_REQUEST, Batch, Content, Level, OURS, Payload, REQUEST, SIZES, Side, Subject, broadcasters,
    client_handshakes, deflaters, inflaters, receivers, senders, server_handshakes,
};

/// Each of them a few times, ours among them.
fn run_all(subjects: Vec<Subject>, at_least: usize) {
    assert!(subjects.len() >= at_least && subjects[0].name == OURS);
    for mut subject in subjects {
        for _ in 0..3 {
            subject.run();
        }
    }
}

#[test]
fn all_receive_all_of_a_batch() {
    for content in [Content::Binary, Content::Ascii, Content::Mixed] {
        for size in SIZES {
            run_all(receivers(&Batch::new(content, size)), 9);
        }
    }
}

#[test]
fn all_send_all_of_a_batch() {
    for (side, payload, peers) in [
        (Side::Client, Payload::Lent, 7),
        (Side::Client, Payload::Given, 3),
        (Side::Server, Payload::Lent, 5),
        (Side::Server, Payload::Given, 5),
    ] {
        for size in SIZES {
            run_all(senders(side, payload, &Batch::new(Content::Binary, size)), peers);
        }
    }
}

#[test]
fn all_open() {
    for request in [REQUEST, BROWSERS_REQUEST] {
        run_all(server_handshakes(&Bytes::from_static(request.as_bytes())), 7);
    }
    for mut client in client_handshakes() {
        assert!(!client.measure(100).is_zero());
    }
}

#[test]
fn those_that_compress_do() {
    for size in [1024, 16 * 1024, 64 * 1024] {
        let batch = Batch::new(Content::Json, size);
        run_all(inflaters(&batch), 2);
        run_all(deflaters(Level::Fastest, &batch), 2);
        run_all(deflaters(Level::Default, &batch), 2);
    }
}

#[test]
fn all_reach_each_member() {
    for size in [125, 16 * 1024] {
        run_all(broadcasters(10, &Batch::new(Content::Binary, size).payload), 7);
    }
}
