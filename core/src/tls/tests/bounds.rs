//! What is held, and for how long it counts.

use super::*;
use std::io::{Read, Write};

const AHEAD: usize = 64 * 1024;
/// A record with what is around its contents.
const RECORD: usize = 16 * 1024 + 64;

#[test]
fn sealing_runs_a_bounded_way_ahead() {
    let (mut client, mut server) = pair();
    client.say(&[1; 100_000]);
    client.say_shared(vec![2; 1_000_000]);
    for _ in 0..10 {
        assert!(client.take(0).is_empty());
    }
    assert!((AHEAD..AHEAD + RECORD).contains(&client.session.queued()), "{}", client.session.queued());
    assert_eq!(client.outbox.len(), 1_100_000);
    server.hear(&client.take_all());
    assert_eq!(server.heard.len(), 1_100_000);
    assert!(server.heard[..100_000].iter().all(|&byte| byte == 1));
}

#[test]
fn small_pieces_share_a_record() {
    let (mut client, mut server) = pair();
    client.say(b"head");
    client.say_shared(vec![7; 5000]);
    client.say(b"head");
    client.say_shared(vec![8; 5000]);
    let bytes = client.take_all();
    assert!(bytes.len() < 10_008 + 64, "it was cut into several records");
    server.hear(&bytes);
    assert_eq!(server.heard.len(), 10_008);
}

/// What was sealed is not written until the transport took all of its record.
#[test]
fn sealed_bytes_count_until_they_are_taken() {
    let (mut client, _) = pair();
    client.say(&[0; 1000]);
    let before = client.outbox.written();
    let taken = client.take(1000).len();
    assert_eq!((taken, client.outbox.len(), client.outbox.written()), (1000, 1000, before));
    client.say(b"more");
    assert_eq!(client.outbox.len(), 1004);
    let rest = client.take(22).len();
    assert_eq!((rest, client.outbox.len(), client.outbox.written()), (22, 4, before + 1000));
    client.take_all();
    assert_eq!((client.outbox.len(), client.outbox.written()), (0, before + 1004));
}

/// A machine that took another's place is not told of bytes that it never had.
#[test]
fn a_successor_is_credited_for_its_own_bytes() {
    let (mut client, mut server) = pair();
    client.say(&[1; 1000]);
    let mut bytes = client.take(100);
    client.outbox = Outbox::new();
    client.session.forget_credits();
    client.say(b"new");
    bytes.extend(client.take(922));
    assert_eq!((client.outbox.len(), client.outbox.written()), (3, 0));
    bytes.extend(client.take_all());
    assert_eq!((client.outbox.len(), client.outbox.written()), (0, 3));
    server.hear(&bytes);
    assert_eq!(server.heard.len(), 1003);
}

#[test]
fn at_rest_nothing_is_held() {
    let (mut client, mut server) = pair();
    client.say(&[1; 100_000]);
    for byte in client.take_all().chunks(1000) {
        server.hear(byte);
        assert!(server.session.held() < RECORD);
    }
    assert_eq!((server.heard.len(), server.session.held(), client.session.queued()), (100_000, 0, 0));
}

/// One byte of a handshake message a record: each costs six bytes of memory.
#[test]
fn a_dripping_handshake_is_bounded() {
    let mut server = Party::server();
    let message = [1, 0, 0xff, 0xf0].into_iter().chain(core::iter::repeat_n(0, 0xfff0));
    for byte in message {
        server.hear(&[22, 3, 1, 0, 1, byte]);
        assert!(server.session.held() <= AHEAD);
    }
    assert_eq!(server.session.failure(), Some(&TlsError::HandshakeTooLarge { limit: AHEAD }));
    assert_eq!((server.session.held(), server.wants_write()), (0, false));
}

/// With one byte of a record a read, all is the same, and each byte costs little.
#[test]
fn a_dripping_record_is_kept_whole() {
    let (mut client, mut server) = pair();
    client.say(&[5; 16_384]);
    for byte in client.take_all() {
        server.hear(&[byte]);
    }
    assert_eq!(server.heard, [5; 16_384]);
}

/// The machine holds places in what it has not discarded: sealing must hand that in as well.
#[test]
fn sealing_in_the_middle_of_a_message_after_the_handshake() {
    let config = ServerConfig::from_pem(SERVER.0, SERVER.1).unwrap();
    let config = changed_server(&config, |config| config.max_fragment_size = Some(40));
    let mut server = Party::new(Session::server(&config, WALL));
    let mut client = Party::new(Session::client(&client_of(&rustls::version::TLS13), "localhost", WALL));
    let (mut held_after, mut said) = (0, 0);
    for _ in 0..5 {
        for byte in server.take_all() {
            client.hear(&[byte]);
            if !client.session.is_handshaking() {
                held_after = held_after.max(client.session.held());
                client.say(b"x");
                said += 1;
                let bytes = client.take_all();
                server.hear(&bytes);
            }
        }
        server.hear(&client.take_all());
    }
    assert!(held_after > 100, "no message came in pieces after the handshake: {held_after}");
    assert_eq!((client.session.failure(), server.session.failure()), (None, None));
    assert_eq!(server.heard.len(), said);
}

/// A peer that asks for new keys again and again, and reads none of the answers, makes one answer wait.
#[test]
fn asking_for_new_keys_fills_no_memory() {
    let config = client_of(&rustls::version::TLS13).rustls;
    let mut client = rustls::ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    let mut server = Party::server();
    let send = |client: &mut rustls::ClientConnection, server: &mut Party| {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.hear(&bytes);
    };
    while client.is_handshaking() || server.session.is_handshaking() {
        send(&mut client, &mut server);
        client.read_tls(&mut &*server.take_all()).unwrap();
        client.process_new_packets().unwrap();
    }
    for i in 1..=1000 {
        client.refresh_traffic_keys().unwrap();
        client.writer().write_all(b"x").unwrap();
        send(&mut client, &mut server);
        assert_eq!((server.heard.len(), server.session.failure()), (i, None));
        assert!(server.session.queued() + server.session.held() < 100);
    }
    server.say(b"under new keys");
    client.read_tls(&mut &*server.take_all()).unwrap();
    client.process_new_packets().unwrap();
    let mut heard = [0; 14];
    client.reader().read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"under new keys");
}
