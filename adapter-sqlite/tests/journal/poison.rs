//! A write or a sync that fails: nothing is retried, everything after is refused with its cause, and what was carried out is there
//! when the journal is opened again. Each test is its own child, which is put under the failure.
#![cfg(unix)]

use crate::folder::Folder;
use crate::traffic::{Traffic, history};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use wharf_sqlite::{Journal, JournalConfig, OpenError, StoreError};

const SEED: u64 = 5;
const BATCHES: usize = 400;

/// In the child: stores until it fails, and tells how far it came and what it failed by.
fn store_until_it_fails(path: &OsStr) {
    let mut config = JournalConfig::default();
    config.checkpoint = 64 << 10;
    let (mut journal, ()) = Journal::open_with(Path::new(path), config, |_| Ok(())).expect("it opens");
    let mut traffic = Traffic::new(SEED);
    for number in 0..BATCHES {
        match journal.carry_out(&traffic.batch()) {
            Ok(()) => println!("\ncarried out {}", number + 1),
            Err(StoreError::Failed(failure)) => {
                println!("\nfailed by {failure}");
                break;
            }
            Err(other) => panic!("{other}"),
        }
    }
    let cause = journal.failure().expect("it has failed").to_string();
    for _ in 0..3 {
        let Err(StoreError::Poisoned(failure)) = journal.carry_out(&traffic.batch()) else {
            panic!("it stores")
        };
        assert_eq!(failure.to_string(), cause);
    }
    assert!(matches!(journal.close(), Err(StoreError::Poisoned(_))));
    println!("\npoisoned");
}

/// Runs the child, and gives what is in its journal afterwards as text to look for a cause in.
fn fails(test: &str, command: &[&str]) -> String {
    let folder = Folder::new();
    let path = folder.path("bus.db");
    let this = std::env::current_exe().expect("this test");
    let output = Command::new(command[0])
        .args(&command[1..])
        .arg(this)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("WHARF_TEST_JOURNAL", &path)
        .output()
        .expect("a child");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.contains("\npoisoned"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told = text.lines().filter_map(|line| line.strip_prefix("carried out "));
    let told =
        told.map(|number| number.parse::<usize>().expect("a number")).max().expect("some were carried out");
    assert!(told > 3 && told < BATCHES, "{told} of {BATCHES}");
    let (journal, records) =
        Journal::open(&path, |records| Ok(records.collect::<Vec<_>>())).expect("nothing is damaged");
    let there = journal.batches() as usize;
    // The one that failed may be there: nobody was told that it is, nor that it is not.
    assert!(there == told || there == told + 1, "{there} batches are there, {told} were carried out");
    assert_eq!(records, history(SEED, there)[there]);
    let failed = text.lines().find_map(|line| line.strip_prefix("failed by ")).expect("the cause").to_owned();
    println!("{told} batches, then {failed}");
    failed
}

fn child() -> bool {
    let path = std::env::var_os("WHARF_TEST_JOURNAL");
    path.as_deref().inspect(|path| store_until_it_fails(path)).is_some()
}

fn has_strace(test: &str) -> bool {
    // Where processes may not be traced it is as good as absent.
    let has = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .status()
        .is_ok_and(|status| status.success());
    if !has {
        assert!(std::env::var("WHARF_REQUIRE").as_deref() != Ok("all"), "{test}: needs strace");
        println!("SKIPPED {test}: needs strace");
    }
    has
}

/// The log may not grow beyond this many blocks of 512 bytes.
#[test]
fn a_full_disk_poisons_the_store() {
    if child() {
        return;
    }
    for blocks in ["200", "333"] {
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let cause = fails("poison::a_full_disk_poisons_the_store", &["sh", "-c", &limit, "sh"]);
        assert!(cause.contains("bus.db"), "{cause}");
    }
}

#[test]
fn a_failed_sync_poisons_the_store() {
    if child() || !has_strace("a_failed_sync_poisons_the_store") {
        return;
    }
    // The first syncs make the journal. Only one fails: whoever tried again would be told that all is well.
    let mut causes = Vec::new();
    for number in [30, 57, 58, 59, 60, 61] {
        let inject = format!("inject=fsync:error=EIO:when={number}");
        let command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", &inject];
        causes.push(fails("poison::a_failed_sync_poisons_the_store", &command));
    }
    assert!(causes.iter().all(|cause| cause.contains("disk I/O error")), "{causes:?}");
    // It was met both where a batch is stored and where the log is brought in.
    for what in ["the batch cannot be stored", "the log cannot be brought into the journal"] {
        assert!(causes.iter().any(|cause| cause.contains(what)), "{causes:?}");
    }
}

#[test]
fn a_failed_write_poisons_the_store() {
    if child() || !has_strace("a_failed_write_poisons_the_store") {
        return;
    }
    for number in [200, 400, 401, 403] {
        let inject = format!("inject=write,pwrite64:error=EIO:when={number}");
        let path = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=write,pwrite64", "-e", &inject];
        let cause = fails("poison::a_failed_write_poisons_the_store", &path);
        assert!(cause.contains("disk I/O error") || cause.contains("Input/output"), "{cause}");
    }
}

#[test]
fn a_folder_that_is_gone_is_told() {
    let folder = Folder::new();
    let error = Journal::open(folder.path("none/bus.db"), |_| Ok(())).unwrap_err();
    assert!(
        matches!(&error, OpenError::Failed(failure) if failure.what() == "the journal cannot be found"),
        "{error}"
    );
}
