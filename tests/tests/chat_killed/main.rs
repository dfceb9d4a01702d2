//! The real chat under load, killed again and again, and its PostgreSQL: what was acknowledged is there, once; everybody was told the
//! same in the same order, and nothing that nobody said.
//!
//! `WHARF_KILL_ROUNDS` says how often each is killed: a few times.
#![forbid(unsafe_code)]

mod ledger;
mod person;
mod stage;

use self::stage::Stage;
use wharf_tests::folder::Folder;
use wharf_tests::postgres::Postgres;

fn rounds(default: usize) -> usize {
    std::env::var("WHARF_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(default)
}

/// Six people, who may say 240 messages at once.
fn kill_the_chat(database: &str, seed: u64, rounds: usize) {
    let mut stage = Stage::set(database, seed, 6, 8);
    for round in 0..rounds {
        stage.until_more(150);
        stage.kill_and_start_again(round);
    }
    stage.until_more(50);
    stage.finish();
}

#[test]
fn a_chat_killed_under_load_loses_nothing_and_doubles_nothing_in_sqlite() {
    let folder = Folder::new();
    kill_the_chat(&format!("sqlite:{}", folder.path("chat.db")), 1, rounds(8));
}

#[test]
fn a_chat_killed_under_load_loses_nothing_and_doubles_nothing_in_postgresql() {
    let Some(server) = Postgres::shared("a_chat_killed_under_load") else { return };
    kill_the_chat(&server.database(), 2, rounds(5));
}

#[test]
fn a_postgresql_killed_under_a_chat_costs_no_message_and_no_connection() {
    let Some(mut server) = Postgres::start("a_postgresql_killed_under_a_chat") else { return };
    // So many messages are out at once that not all of them can wait.
    let mut stage = Stage::set(&server.database(), 3, 16, 64);
    for _ in 0..rounds(3) {
        stage.until_more(300);
        server.kill();
        // Too many wait, long before one has waited for too long.
        stage.until_more_unavailable(40);
        stage.until_all_answer();
        assert!(stage.get("/health").starts_with("HTTP/1.1 503 "));
        server.restart();
        stage.until_more(100);
        assert!(stage.get("/health").starts_with("HTTP/1.1 200 "));
    }
    let lost: u32 = stage.finish().iter().map(|person| person.lost).sum();
    assert_eq!(lost, 0, "connections ended");
}
