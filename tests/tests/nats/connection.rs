//! Messages, their order, and servers that go and come back.

use crate::node::{Node, patient, quick};
use std::net::TcpStream;
use std::time::Instant;
use wharf_nats::{NatsConfig, Notice, PublishError};
use wharf_tests::adapter::PATIENCE;
use wharf_tests::nats::Nats as Server;

#[test]
fn messages_come_in_order_to_those_who_share_a_name_and_want_them() {
    let Some(server) = Server::start("nats: order") else { return };
    let mut ada = Node::connect(&server.url("chat"), &["a", "b"]);
    let mut bob = Node::connect(&server.url("chat"), &["a"]);
    let mut other = Node::connect(&server.url("other"), &["a"]);
    ada.until_heard("a", &mut bob);
    bob.until_heard("a", &mut ada);
    for i in 0..2_000 {
        bob.publish("a", &i.to_string());
        bob.publish("b", &i.to_string());
        bob.publish("c", &i.to_string());
    }
    let mut seen = [0, 0];
    for _ in 0..4_000 {
        let (subject, text) = ada.delivered();
        let place = usize::from(subject == "b");
        assert_eq!(text, seen[place].to_string(), "{subject}");
        seen[place] += 1;
    }
    ada.publish("a", "last");
    // Neither its own, nor what another name says, nor what it has not asked for.
    assert_eq!(bob.delivered(), ("a".into(), "last".into()));
    assert_eq!(ada.notices.try_recv(), None);
    let own = Node::connect(&server.url("other"), &[]);
    own.until_heard("a", &mut other);
}

#[test]
fn what_speaks_about_others_messages_is_never_told_before_them() {
    let Some(server) = Server::start("nats: subjects") else { return };
    let mut ada = Node::connect(&server.url("chat"), &["group.x", "nodes", "group.y"]);
    let bob = Node::connect(&server.url("chat"), &[]);
    bob.until_heard("group.y", &mut ada);
    for i in 0..5_000 {
        bob.publish(if i % 2 == 0 { "group.x" } else { "group.y" }, "said");
        bob.publish("nodes", &i.to_string());
    }
    let (mut said, mut told) = (0, 0);
    while told < 5_000 {
        match ada.delivered() {
            (subject, text) if subject == "nodes" => {
                assert_eq!(text, told.to_string());
                told += 1;
                assert!(said >= told, "{told} were told of and {said} were said");
            }
            _ => said += 1,
        }
    }
}

#[test]
fn a_server_that_comes_later_is_found() {
    let Some(mut server) = Server::installed("nats: late", "") else { return };
    let mut ada = Node::begin(&server.url("chat"), &NatsConfig::default());
    ada.nats.subscribe("a").unwrap();
    assert!(matches!(ada.next(), Notice::Trouble { .. }));
    assert_eq!(ada.nats.publish("a", "early".into()), Err(PublishError::Down));
    server.restart();
    assert_eq!(ada.next_but_trouble(), Notice::Up);
    let bob = Node::connect(&server.url("chat"), &[]);
    bob.until_heard("a", &mut ada);
    assert_eq!((ada.nats.stats().connects, ada.nats.stats().dropped_down), (1, 1));
}

#[test]
fn a_server_that_is_killed_and_comes_back_finds_all_as_it_was() {
    let Some(mut server) = Server::start("nats: killed") else { return };
    let mut ada = Node::connect(&server.url("chat"), &["a", "gone"]);
    let mut bob = Node::connect(&server.url("chat"), &["b"]);
    for round in 1..=3 {
        server.kill();
        assert_eq!([ada.next_but_trouble(), bob.next_but_trouble()], [Notice::Down, Notice::Down]);
        assert!(!ada.nats.is_up());
        assert_eq!(ada.nats.publish("b", "lost".into()), Err(PublishError::Down));
        // What is wanted may change meanwhile.
        ada.nats.unsubscribe("gone");
        ada.nats.subscribe(&format!("new.{round}")).unwrap();
        server.restart();
        assert_eq!([ada.next_but_trouble(), bob.next_but_trouble()], [Notice::Up, Notice::Up]);
        ada.until_heard("b", &mut bob);
        // Whoever has heard something from another can be heard by it, also on subjects that it had before and that came meanwhile.
        for (subject, text) in [("gone", "nobody".to_owned()), ("a", format!("{round}"))] {
            bob.publish(subject, &text);
        }
        bob.publish(&format!("new.{round}"), "new");
        let mut heard = [ada.delivered(), ada.delivered()];
        heard.sort();
        assert_eq!(heard[0], ("a".into(), round.to_string()));
        assert_eq!(heard[1], (format!("new.{round}"), "new".into()));
    }
    assert_eq!(ada.nats.stats().connects, 4);
    assert_eq!(ada.nats.stats().subscriptions, 4);
}

#[test]
fn a_server_that_stands_still_is_lost_and_found() {
    let Some(server) = Server::start("nats: still") else { return };
    let mut ada = Node::begin(&server.url("chat"), &quick());
    assert_eq!(ada.next(), Notice::Up);
    server.stand_still(true);
    assert_eq!(ada.next_but_trouble(), Notice::Down);
    server.stand_still(false);
    assert_eq!(ada.next_but_trouble(), Notice::Up);
}

#[test]
fn one_who_takes_nothing_is_told_what_was_dropped() {
    let Some(server) = Server::start("nats: slow") else { return };
    let mut config = NatsConfig::default();
    config.max_incoming = 10;
    let mut slow = Node::begin(&server.url("chat"), &config);
    slow.nats.subscribe("a").unwrap();
    assert_eq!(slow.next(), Notice::Up);
    let mut bob = Node::connect(&server.url("chat"), &["ready"]);
    // What it says to another comes behind its subscription, and it is few that come to it.
    slow.until_heard("ready", &mut bob);
    let before = slow.nats.stats().received;
    for i in 0..3_000 {
        bob.publish("a", &i.to_string());
    }
    let until = Instant::now() + PATIENCE;
    let stats = loop {
        let stats = slow.nats.stats();
        if stats.received - before + stats.dropped_slow == 3_000 {
            break stats;
        }
        assert!(Instant::now() < until, "{stats:?}");
        std::thread::yield_now();
    };
    assert_eq!((stats.incoming, stats.dropped_slow), (10, 2_990));
    for i in 0..10 {
        assert_eq!(slow.delivered().1, i.to_string());
    }
    assert_eq!(slow.next(), Notice::Slow { dropped: 2_990 });
    bob.publish("a", "again");
    assert_eq!(slow.delivered().1, "again");
}

#[test]
fn what_the_server_does_not_take_is_refused_here() {
    let Some(server) = Server::start_with("nats: large", "max_payload: 1000") else { return };
    let mut ada = Node::connect(&server.url("chat"), &["a"]);
    let bob = Node::connect(&server.url("chat"), &[]);
    bob.until_heard("a", &mut ada);
    let of = |size: usize| "x".repeat(size).into();
    assert_eq!(bob.nats.publish("a", of(1_001)), Err(PublishError::TooLarge { limit: 1_000 }));
    assert_eq!(bob.nats.publish("a", of(1_000)), Ok(()));
    assert_eq!(ada.delivered().1.len(), 1_000);
    assert_eq!(bob.nats.stats().dropped_large, 1);
}

#[test]
fn closing_has_the_server_take_all_that_was_published() {
    let Some(server) = Server::start("nats: close") else { return };
    let mut ada = Node::connect(&server.url("chat"), &["a"]);
    for round in 0..5 {
        // It is read from all along, and what it has not read when it ends must not cost what it has sent.
        let noise = format!("noise.{round}");
        let mut bob = Node::connect(&server.url("chat"), &[&noise]);
        ada.until_heard(&noise, &mut bob);
        for i in 0..1_000 {
            ada.publish(&noise, "noise");
            bob.publish("a", &i.to_string());
        }
        bob.publish("a", "goodbye");
        assert!(bob.nats.finish(), "round {round}");
        for i in 0..1_000 {
            assert_eq!(ada.delivered().1, i.to_string());
        }
        assert_eq!(ada.delivered().1, "goodbye");
    }
}

#[test]
fn closing_ends_also_where_there_is_no_server_or_one_that_stands_still() {
    let Some(mut server) = Server::start("nats: close down") else { return };
    let mut config = NatsConfig::default();
    config.close_timeout = std::time::Duration::from_millis(50);
    let mut ada = Node::begin(&server.url("chat"), &config);
    assert_eq!(ada.next(), Notice::Up);
    server.stand_still(true);
    assert!(!ada.nats.finish());
    assert_eq!(ada.notices.recv_timeout(PATIENCE), Some(Notice::Closed { is_confirmed: false }));
    assert_eq!(ada.notices.recv_timeout(PATIENCE), None);
    server.kill();
    let mut bob = Node::begin(&server.url("chat"), &NatsConfig::default());
    drop(bob.nats);
    let told: Vec<Notice> = std::iter::from_fn(|| bob.notices.recv_timeout(PATIENCE)).collect();
    assert_eq!(told.last(), Some(&Notice::Closed { is_confirmed: false }));
}

#[test]
fn tasks_of_any_runtime_are_told() {
    let Some(server) = Server::start("nats: task") else { return };
    let mut ada = Node::begin(&server.url("chat"), &patient());
    assert_eq!(smol::block_on(ada.notices.next()), Some(Notice::Up));
    ada.nats.close();
    assert_eq!(smol::block_on(ada.notices.next()), Some(Notice::Closed { is_confirmed: true }));
    assert_eq!(smol::block_on(ada.notices.next()), None);
    drop(TcpStream::connect(("127.0.0.1", server.port())).expect("it listens on"));
}
