//! The real bus, killed at any moment, or with its disk full, with four senders and four receivers that are killed as well: what was
//! accepted is applied, nothing twice, nothing that nobody sent. Also two buses on one PostgreSQL, and that killed.
//!
//! `WHARF_KILL_ROUNDS` says how often each is killed: 20 times, and PostgreSQL 5 times.
#![forbid(unsafe_code)]

mod balancer;
mod crowd;
mod ledger;
mod nodes;
mod party;
mod stage;

use self::nodes::Nodes;
use self::stage::Stage;
use wharf_tests::postgres::Postgres;
use wharf_tests::program::Running;

fn rounds(usual: usize) -> usize {
    std::env::var("WHARF_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

#[test]
fn a_bus_that_is_killed_loses_nothing_and_doubles_nothing() {
    let (mut stage, mut bus) = Stage::set(1);
    for round in 0..rounds(20) {
        stage.crowd.until_more(400);
        if stage.crowd.throw(3) == 0 {
            stage.crowd.kill_a_receiver();
        }
        // Dropped, it is killed.
        drop(bus);
        bus = Running::start(stage.flags(round));
        let _ = bus.line();
    }
    stage.crowd.until_more(100);
    stage.finish(bus);
}

#[test]
fn a_full_disk_stops_the_bus_and_loses_nothing() {
    let (mut stage, mut bus) = Stage::set(2);
    for round in 0..3 {
        stage.crowd.until_more(100);
        drop(bus);
        // Blocks of 512 bytes, and a failed write instead of a signal.
        let blocks = 300 + stage.crowd.throw(1000);
        let limits = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let full = Running::start_by(&limits, stage.flags(round));
        let _ = full.line();
        let _ = full.complaint_with("the journal has failed");
        full.signal("TERM");
        let ended = full.wait();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        bus = Running::start(stage.flags(round));
        let _ = bus.line();
    }
    stage.crowd.until_more(100);
    stage.finish(bus);
}

#[test]
fn either_of_two_buses_killed_loses_nothing_and_doubles_nothing() {
    let Some(server) = Postgres::shared("either_of_two_buses_killed") else { return };
    let mut nodes = Nodes::set(&server.database(), 3);
    for round in 0..rounds(20) {
        nodes.crowd.until_more(300);
        nodes.move_some();
        if nodes.crowd.throw(3) == 0 {
            nodes.crowd.kill_a_receiver();
        }
        nodes.kill_one(round);
    }
    nodes.crowd.until_more(100);
    nodes.finish();
}

#[test]
fn a_postgresql_killed_under_two_buses_loses_nothing_and_doubles_nothing() {
    let Some(mut server) = Postgres::start("a_postgresql_killed_under_two_buses") else { return };
    let mut nodes = Nodes::set(&server.database(), 4);
    for _ in 0..rounds(20).div_ceil(4) {
        nodes.crowd.until_more(300);
        nodes.move_some();
        server.kill();
        if nodes.crowd.throw(2) == 0 {
            nodes.crowd.kill_a_receiver();
        }
        server.restart();
        nodes.crowd.until_more(100);
    }
    nodes.finish();
}
