//! What goes wrong.

use crate::asks::name;
use crate::node::{Node, roomy};
use crate::wire::Wire;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use wharf::service::bus::{Change, ClaimOutcome, Letters, NodeAnswer, NodeRequest, NodeRoom, Progress, Seq};
use wharf_postgres::{BusStore, BusStoreConfig, DatabaseError};
use wharf_tests::adapter::PATIENCE;
use wharf_tests::postgres::{PASSWORD, Postgres};

#[test]
fn newer_foreign_and_other_databases_are_refused_in_one_line() {
    let Some(server) = Postgres::shared("refused") else { return };
    let newer = server.database();
    drop(BusStore::connect(&newer).expect("it connects"));
    server.sql(&newer, "UPDATE wharf_bus SET version = 99");
    let foreign = server.database();
    server.sql(&foreign, "CREATE TABLE bus_messages (subject text)");
    let good = server.database();
    let cases = [
        (newer, "the form 99"),
        (foreign, "already exists"),
        (server.url("none"), "\"none\" does not exist"),
        (good.replace("wharf:", "nobody:"), "password authentication failed"),
        ("postgres://wharf:p%40ss%2Fw%3Frd@127.0.0.1:1/bus".into(), "refused"),
    ];
    for (url, words) in cases {
        let error = BusStore::connect(&url).expect_err(words);
        let (told, debug) = (error.to_string(), format!("{error:?}"));
        assert!(told.contains(words) && !told.contains('\n'), "{told}");
        assert!(!told.contains(PASSWORD) && !debug.contains(PASSWORD) && !told.contains("%40"), "{debug}");
        let is_right = match words {
            "the form 99" => matches!(error, DatabaseError::Version { version: 99, .. }),
            "already exists" => matches!(error, DatabaseError::Foreign { .. }),
            _ => matches!(error, DatabaseError::Failed { .. }),
        };
        assert!(is_right, "{debug}");
    }
    let mut config = BusStoreConfig::default();
    config.makes_tables = false;
    let missing = BusStore::connect_with(&good, config).expect_err("it has none");
    assert!(matches!(missing, DatabaseError::Missing { .. }), "{missing:?}");
    let debug = format!("{:?}", BusStore::connect(&good).expect("it connects"));
    assert!(!debug.contains(PASSWORD) && debug.contains("127.0.0.1"), "{debug}");
}

/// Fault of the sketch: an ask whose commit has no answer is asked again, and done twice; or is not, and lost.
#[test]
fn a_commit_whose_answer_is_lost_is_done_once_whatever_became_of_it() {
    let Some(server) = Postgres::shared("doubt") else { return };
    let url = server.database();
    let port = server.port();
    let wire = Wire::to(port);
    let mut node = Node::join(&url.replace(&format!(":{port}/"), &format!(":{}/", wire.port)));
    assert!(matches!(node.claim("shop"), ClaimOutcome::Had { .. }));
    for round in 1..=4 {
        if round % 2 == 0 {
            wire.cut_before_a_commit()
        } else {
            wire.cut_behind_a_commit()
        }
        // It is nobody's, so it waits.
        let message = node.message("shop", "mail");
        let left = vec![message.seq];
        let request = node.commit(vec![Change::Accept(message)]);
        assert_eq!(node.ask(request), NodeAnswer::Committed { left });
        assert!(wire.is_whole(), "nothing was cut");
        assert_eq!(server.sql(&url, "SELECT count(*) FROM bus_messages"), round.to_string());
        assert_eq!(
            server.sql(&url, "SELECT pending FROM bus_services WHERE name = 'mail'"),
            round.to_string()
        );
    }
    // What was taken and not told is told.
    assert!(matches!(node.claim("mail"), ClaimOutcome::Had { pending: 4, .. }));
    wire.cut_behind_a_commit();
    assert_eq!(node.look().len(), 4);
    assert!(wire.is_whole(), "nothing was cut");
    assert_eq!(node.look().len(), 0);
}

#[test]
fn a_server_that_is_away_is_told_and_good_again() {
    let Some(mut server) = Postgres::start("away") else { return };
    let url = server.database();
    let mut node = Node::join(&url);
    assert!(matches!(node.claim("shop"), ClaimOutcome::Had { .. }));
    server.kill();
    assert_eq!(node.accept("shop", "mail"), NodeAnswer::Away);
    assert_eq!(node.accept("shop", "mail"), NodeAnswer::Away);
    server.restart();
    assert!(matches!(node.accept("shop", "mail"), NodeAnswer::Committed { .. }));
    assert_eq!(server.sql(&url, "SELECT count(*) FROM bus_messages"), "1");
}

/// Fault of the sketch: a node that was paused writes though another one has its place.
#[test]
fn a_node_whose_lease_is_over_and_whose_claims_are_taken_writes_nothing_more() {
    let Some(server) = Postgres::shared("fenced") else { return };
    let url = server.database();
    let mut paused = Node::join(&url);
    let mut other = Node::join(&url);
    assert!(matches!(paused.claim("shop"), ClaimOutcome::Had { .. }));
    assert_eq!(other.claim("shop"), ClaimOutcome::Wanted);
    // Over, but nobody has its place: it is good.
    paused.lease = Duration::ZERO;
    assert!(matches!(paused.accept("shop", "mail"), NodeAnswer::Committed { .. }));
    assert!(matches!(paused.accept("shop", "mail"), NodeAnswer::Committed { .. }));
    assert!(matches!(other.claim("shop"), ClaimOutcome::Had { .. }));
    assert_eq!(paused.accept("shop", "mail"), NodeAnswer::Fenced);
    assert_eq!(server.sql(&url, "SELECT count(*) FROM bus_messages"), "2");
}

#[test]
fn a_node_is_called_when_there_is_something_for_it() {
    let Some(server) = Postgres::shared("called") else { return };
    let url = server.database();
    let (mut one, mut other) = (Node::join(&url), Node::join(&url));
    let ear = |node: &Node| {
        let (tell, told) = channel();
        let wakes = node.store.wakes(move || tell.send(()).expect("somebody listens")).expect("a thread");
        // Once it listens.
        told.recv_timeout(PATIENCE).expect("it is called once");
        (wakes, told)
    };
    let ((wakes, told), (_others, others_told)) = (ear(&one), ear(&other));
    assert!(matches!(one.claim("mail"), ClaimOutcome::Had { .. }));
    assert!(matches!(other.claim("shop"), ClaimOutcome::Had { .. }));
    assert!(matches!(other.accept("shop", "mail"), NodeAnswer::Committed { .. }));
    told.recv_timeout(PATIENCE).expect("a message is called for");
    assert_eq!(one.look().len(), 1);
    assert_eq!(other.claim("mail"), ClaimOutcome::Wanted);
    told.recv_timeout(PATIENCE).expect("a claim is called for");
    assert_eq!(one.ask(NodeRequest::Release { names: vec![name("mail")] }), NodeAnswer::Done);
    others_told.recv_timeout(PATIENCE).expect("who wants a claim is called when it is free");
    // Cut off, it comes back by itself, and calls since it cannot know.
    let listeners = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%LISTEN wharf_bus' \
                     AND datname = current_database()";
    server.sql(&url, listeners);
    told.recv_timeout(PATIENCE).expect("it is called once it listens again");
    drop(wakes);
    // What was called before may not have been heard yet.
    let end = std::iter::repeat_with(|| told.recv_timeout(PATIENCE)).find_map(Result::err);
    assert_eq!(end, Some(RecvTimeoutError::Disconnected));
}

/// Fault of the sketch: whoever waits for a node that stands still writes a row each time that it asks again.
#[test]
fn who_asks_again_for_what_it_waits_for_writes_it_again() {
    let Some(server) = Postgres::shared("again") else { return };
    let url = server.database();
    let (mut one, mut other) = (Node::join(&url), Node::join(&url));
    assert!(matches!(one.claim("mail"), ClaimOutcome::Had { .. }));
    let since = std::time::Instant::now();
    let mut version = || {
        let services = vec![(name("mail"), since.elapsed())];
        let asked = other.ask(NodeRequest::Claim { services, rows: 10, limits: roomy() });
        assert!(matches!(asked, NodeAnswer::Claimed { outcomes, .. } if outcomes == [ClaimOutcome::Wanted]));
        server.sql(&url, "SELECT xmin FROM bus_services WHERE name = 'mail'")
    };
    let mut last = version();
    // Where the machine is busy a time may be told too late to be the same.
    let is_kept = |_| std::mem::replace(&mut last, version()) == last;
    assert!((0..100).any(is_kept));
}

/// Fault of the sketch: a want that was there before the claim stays as it is, by a moment too old to be told.
#[test]
fn who_is_wanted_a_moment_before_it_claims_is_not_told() {
    let Some(server) = Postgres::shared("moment") else { return };
    let url = server.database();
    let (mut one, mut other) = (Node::join(&url), Node::join(&url));
    assert!(matches!(one.claim("mail"), ClaimOutcome::Had { .. }));
    let before = format!(
        "UPDATE bus_services SET wanted = {}, wanted_since = since - interval '0.02 seconds'",
        other.fence.slot
    );
    server.sql(&url, &before);
    let mut wanted = || {
        let room = NodeRoom::new(100, 1 << 20, 100, Vec::new());
        match one.ask(NodeRequest::Look { room, after: None, kept: Vec::new() }) {
            NodeAnswer::Looked { wanted, .. } => wanted.len(),
            answer => panic!("{answer:?}"),
        }
    };
    assert_eq!(wanted(), 0);
    assert_eq!(other.claim("mail"), ClaimOutcome::Wanted);
    assert_eq!(wanted(), 1);
}

#[test]
fn damage_is_found_and_told_with_its_place() {
    let Some(server) = Postgres::shared("damage") else { return };
    let url = server.database();
    let mut node = Node::join(&url);
    for service in ["shop", "mail"] {
        assert!(matches!(node.claim(service), ClaimOutcome::Had { .. }));
    }
    let remembered = vec![Change::RememberId { from: name("shop"), id: name("x"), seq: Seq(9) }];
    let request = node.commit(remembered);
    assert!(matches!(node.ask(request), NodeAnswer::Committed { .. }));
    let release =
        |node: &mut Node| node.ask(NodeRequest::Release { names: vec![name("shop"), name("mail")] });
    let damages = [
        "UPDATE bus_messages SET body = body || '\\x20'::bytea",
        "UPDATE bus_messages SET kind = 'u'",
        "UPDATE bus_messages SET at = 8",
        "UPDATE bus_messages SET id = 'm'",
        "UPDATE bus_messages SET progress = '{\"attempts\":0,\"deliveries\":1,\"isOut\":false,\"history\":[]}'",
        "UPDATE bus_messages SET state_sum = 0",
    ];
    for damage in damages {
        let damage =
            &format!("{damage} WHERE seq = (SELECT min(seq) FROM bus_messages WHERE receiver = 'mail')");
        for to in ["mail", "shop", "mail"] {
            assert!(matches!(node.accept("shop", to), NodeAnswer::Committed { .. }));
        }
        release(&mut node);
        assert!(matches!(node.claim("shop"), ClaimOutcome::Had { .. }));
        assert!(matches!(node.claim("mail"), ClaimOutcome::Had { .. }));
        server.sql(&url, damage);
        let room = NodeRoom::new(9, 9999, 9, Vec::new());
        let answer = node.ask(NodeRequest::Look { room, after: None, kept: Vec::new() });
        // Others are served all the same, and of this one nothing comes that waits behind it.
        let NodeAnswer::Looked { messages, damaged, .. } = answer else { panic!("{damage}: {answer:?}") };
        let [(service, what)] = &damaged[..] else { panic!("{damage}: {damaged:?}") };
        assert!(&**service == "mail" && what.contains("bus_messages, place "), "{damage}: {what}");
        let to: Vec<_> = messages.iter().map(|(accepted, _)| &*accepted.to).collect();
        assert_eq!(to, ["shop"], "{damage}");
        server.sql(
            &url,
            "DELETE FROM bus_messages; UPDATE bus_services SET pending = 0, waiting = 0, pending_bytes = 0",
        );
    }
    release(&mut node);
    server.sql(&url, "UPDATE bus_ids SET seq = 10");
    for (service, is_damaged) in [("shop", true), ("mail", false)] {
        let outcome = node.claim(service);
        let words = "bus_ids, shop/x: its checksum is wrong";
        let is_told = matches!(&outcome, ClaimOutcome::Damaged { what } if what == words);
        assert_eq!(is_told, is_damaged, "{outcome:?}");
    }
    assert_eq!(server.sql(&url, "SELECT name FROM bus_services WHERE owner IS NOT NULL"), "mail");
}

#[test]
fn dead_letters_are_read_page_by_page() {
    let Some(server) = Postgres::shared("letters") else { return };
    let url = server.database();
    let mut node = Node::join(&url);
    for service in ["shop", "mail"] {
        assert!(matches!(node.claim(service), ClaimOutcome::Had { .. }));
    }
    let mut seqs = Vec::new();
    for _ in 0..40 {
        let message = node.message("shop", "mail");
        seqs.push(message.seq);
        let request = node.commit(vec![Change::Accept(message)]);
        assert!(matches!(node.ask(request), NodeAnswer::Committed { left } if left.is_empty()));
    }
    let death = |seq: &Seq| {
        let reason = wharf::service::bus::DeadReason::AckTimeout;
        let at = wharf::base::Wall::from_millis(5);
        Change::Bury(*seq, wharf::service::bus::Death::new(reason, at, Progress::default()))
    };
    // More of a service than has room are dead only where they were let in before.
    let request = node.commit(seqs.iter().map(death).collect());
    assert!(matches!(node.ask(request), NodeAnswer::Committed { .. }));
    let (mut found, mut after) = (Vec::new(), Some(Seq(0)));
    while let Some(place) = after {
        let page = node.store.dead_letters(&Letters::All, place).expect("they are read");
        found.extend(page.letters.iter().map(|(accepted, _)| accepted.seq));
        after = page.next;
    }
    assert_eq!(found, seqs);
    let one = Letters::Id(name(&format!("m-{}", seqs[7].0)));
    let page = node.store.dead_letters(&one, Seq(0)).expect("it is read");
    assert!(page.letters.len() == 1 && page.letters[0].0.seq == seqs[7] && page.next.is_none());
}

/// Fault of the sketch: services are locked in the order of a batch, so that two nodes wait for each other.
#[test]
fn nodes_at_once_are_not_in_each_others_way_and_all_is_counted() {
    let Some(server) = Postgres::shared("at_once") else { return };
    let url = server.database();
    let services = ["a", "b", "c", "d"];
    let nodes: Vec<Node> = (0..3).map(|_| Node::join(&url)).collect();
    std::thread::scope(|scope| {
        for (at, mut node) in nodes.into_iter().enumerate() {
            let own = services[at];
            scope.spawn(move || {
                assert!(matches!(node.claim(own), ClaimOutcome::Had { .. }));
                for round in 0..40 {
                    let mut changes: Vec<_> = node.look().into_iter().map(Change::Remove).collect();
                    for step in 0..4 {
                        let to = services[(round * (at + 1) + step * 3) % 4];
                        changes.push(Change::Accept(node.message(own, to)));
                    }
                    let request = node.commit(changes);
                    let answer = node.ask(request);
                    assert!(matches!(answer, NodeAnswer::Committed { .. }), "{answer:?}");
                }
            });
        }
    });
    let stored = "SELECT receiver, count(*), sum(size) FROM bus_messages GROUP BY receiver ORDER BY receiver";
    let counted = "SELECT name, pending, pending_bytes FROM bus_services WHERE pending > 0 ORDER BY name";
    let stored = server.sql(&url, stored);
    assert_eq!(stored, server.sql(&url, counted));
    assert!(stored.contains("d|120|"), "{stored}");
}

#[test]
fn what_is_accepted_waits_for_the_disk_whatever_the_database_is_set_to() {
    let Some(server) = Postgres::shared("synchronous") else { return };
    let url = server.database();
    let name = url.rsplit('/').next().expect("a name");
    server.sql("postgres", &format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    let mut node = Node::join(&url);
    let sees = "CREATE TABLE seen (setting text); CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS \
                $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN new; END $$; \
                CREATE TRIGGER see BEFORE INSERT ON bus_messages FOR EACH ROW EXECUTE FUNCTION see()";
    server.sql(&url, sees);
    assert!(matches!(node.claim("shop"), ClaimOutcome::Had { .. }));
    assert!(matches!(node.accept("shop", "mail"), NodeAnswer::Committed { .. }));
    assert_eq!(server.sql(&url, "SELECT setting FROM seen"), "on");
}
