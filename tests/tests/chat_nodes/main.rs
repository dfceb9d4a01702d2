//! Three real nodes of a chat under load, over a NATS server and a PostgreSQL of the test's own, while NATS is killed and started again, and
//! nodes are killed: nobody hears a message twice, what was acknowledged is stored, every log is what the database has, and
//! all lists are right soon.
//!
//! `WHARF_KILL_ROUNDS` says how often each is killed: twice.
#![forbid(unsafe_code)]

mod ledger;
mod person;
mod stage;

use self::stage::{NODES, Stage};
use wharf_tests::nats::Nats;
use wharf_tests::postgres::Postgres;

fn rounds() -> usize {
    std::env::var("WHARF_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(2).max(1)
}

#[test]
fn three_nodes_have_one_conversation_whatever_is_killed() {
    let test = "three_nodes_have_one_conversation";
    let (Some(postgres), Some(mut nats)) = (Postgres::start(test), Nats::start(test)) else { return };
    let mut stage = Stage::set(&postgres.database(), &nats.url("chat"), 9);
    for round in 0..rounds() {
        stage.until_more(100);
        nats.kill();
        // Nothing that is said here waits for it, and what is said elsewhere comes by the database.
        stage.until_more(60);
        stage.until_all_have_heard_all();
        nats.restart();
        stage.until_more(60);
        let node = round % NODES;
        stage.kill(node);
        stage.until_more(60);
        stage.until_lists_are_right();
        stage.start(node, round + 1);
        stage.until_more(60);
    }
    stage.one_goes();
    stage.until_lists_are_right();
    let crowded = stage.most_crowded();
    stage.kill_with_its_people(crowded);
    // Nobody has said that they go: they have gone once nobody has heard of their node for long.
    stage.until_lists_are_right();
    stage.start(crowded, 0);
    let heard = stage.finish();
    let sql = "SELECT id || ' ' || content FROM messages ORDER BY id";
    let stored = postgres.sql(stage.database(), sql);
    let stored: Vec<&str> = stored.lines().collect();
    for (number, log) in heard.iter().enumerate() {
        let log: Vec<String> = log.iter().map(|(id, content)| format!("{id} {content}")).collect();
        let differs = log.iter().zip(&stored).find(|(heard, stored)| heard != *stored);
        assert_eq!(differs, None, "{number} was told something else");
        assert_eq!(log.len(), stored.len(), "{number} has missed something, or heard what is not there");
    }
    println!("{} messages, {}", stored.len(), stage.told());
    stage.end();
}

#[test]
fn a_mesh_needs_a_database_that_nodes_can_share_and_an_address() {
    use wharf_tests::program::run;
    for (flags, says) in [
        (&["--mesh", "nats://localhost/chat", "--database", "memory"][..], "give --database postgres://"),
        (&["--mesh", "nats://localhost/chat"], "give --database postgres://"),
        (&["--mesh", "http://u:secret@localhost/chat", "--database", "postgres://localhost:1/x"], "--mesh: "),
        (&["--mesh", "nats://u:secret@localhost", "--database", "postgres://localhost:1/x"], "--mesh: "),
    ] {
        let ended = run(["chat"].into_iter().chain(flags.iter().copied()));
        let said = ended.err.join("\n");
        assert_eq!((ended.code, ended.err.len()), (Some(2), 1), "{flags:?}: {said}");
        assert!(said.contains(says) && !said.contains("secret"), "{flags:?}: {said}");
    }
}
