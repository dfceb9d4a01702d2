//! A disk that is full for a while, and one that fails: whoever writes is told so, tries again, and nothing that was told to be stored is
//! missing or there twice. Each test is its own child, which is put under the failure.
#![cfg(target_os = "linux")]

use crate::folder::Folder;
use std::process::Command;
use wharf::base::Wall;
use wharf::service::history::{Answer, Ask, Batch, Draft, Failure, Key, PageAsk, Span};
use wharf_sqlite::History;

const MESSAGES: u8 = 120;

/// In the child: writes all, however often it has to be tried, and tells what it failed by.
fn write_all(path: &std::ffi::OsStr) {
    let mut history = History::open(path).expect("it opens");
    let (mut number, mut failed) = (0, 0);
    while number < MESSAGES {
        let mut batch = Batch::default();
        let content = format!("{number} {}", "long ".repeat(300));
        let (room, user, name) = ("general".into(), "u1".into(), "Ada".into());
        let at = Wall::from_millis(number.into());
        batch.drafts.push(Draft::new(Key([number; 16]), room, user, name, content.as_str().into(), at));
        match history.carry_out(&Ask::Write(batch)) {
            Ok(_) => number += 1,
            Err(Failure::Away(why)) => {
                failed += 1;
                println!("\nfailed by {why}");
                assert!(failed < 1000, "it is never good again");
            }
            Err(other) => panic!("{other}"),
        }
    }
    println!("\nall written");
}

/// Runs the child under this failure, judges what is in its file, and gives what it failed by.
fn fails(test: &str, inject: &str) -> Option<String> {
    let folder = Folder::new();
    let path = folder.path("chat.db");
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=write,pwrite64,fsync,fdatasync", "-e", inject])
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("WHARF_TEST_HISTORY", &path)
        .output();
    let Some(output) = output.ok().filter(|_| is_traceable()) else {
        assert!(std::env::var("WHARF_REQUIRE").as_deref() != Ok("all"), "{test}: needs strace");
        println!("SKIPPED {test}: needs strace");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("\nall written"), "{text}{complaint}");
    let mut history = History::open(&path).expect("nothing is damaged");
    let ask = Ask::Page(PageAsk::new(vec!["general".into()], Span::After(0), 200));
    let Ok(Answer::Page(page)) = history.carry_out(&ask) else { panic!("it is a page") };
    let numbers: Vec<u64> = page.entries.iter().map(|entry| entry.at.as_millis()).collect();
    assert_eq!(numbers, (0..MESSAGES.into()).collect::<Vec<u64>>());
    let why: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("failed by ")).collect();
    println!("{inject}: failed {} times, first by {:?}", why.len(), why.first());
    Some(why.join("\n"))
}

/// Where processes may not be traced the program is as good as absent.
fn is_traceable() -> bool {
    Command::new("strace").args(["-o", "/dev/null", "true"]).status().is_ok_and(|status| status.success())
}

fn child() -> bool {
    let path = std::env::var_os("WHARF_TEST_HISTORY");
    path.as_deref().inspect(|path| write_all(path)).is_some()
}

#[test]
fn a_full_disk_is_away_and_good_again() {
    if child() {
        return;
    }
    let full = |window| format!("inject=pwrite64:error=ENOSPC:when={window}");
    for window in ["60..90", "200..203"] {
        let Some(why) = fails("disk_full::a_full_disk_is_away_and_good_again", &full(window)) else { return };
        assert!(why.contains("database or disk is full"), "{why}");
    }
}

#[test]
fn a_sync_that_fails_is_away_and_good_again() {
    if child() {
        return;
    }
    for window in ["20", "30..35", "77..78"] {
        let inject = format!("inject=fsync,fdatasync:error=EIO:when={window}");
        let Some(why) = fails("disk_full::a_sync_that_fails_is_away_and_good_again", &inject) else { return };
        assert!(why.contains("disk I/O error"), "{why}");
    }
}
