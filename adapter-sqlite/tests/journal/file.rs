//! What a journal keeps, and who may have it.

use crate::folder::Folder;
use crate::traffic::{Traffic, contents, name, records};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use wharf::base::Wall;
use wharf::service::bus::{
    Accepted, Batch, Change, DeadReason, Death, Memory, Numbers, Progress, Record, RestoreError, Seq,
};
use wharf_sqlite::{DeadLetters, Journal, OpenError, StoreError, socket_of};

fn open(path: &Path) -> (Journal, Vec<Record>) {
    Journal::open(path, |records| Ok(records.collect())).expect("it opens")
}

#[test]
fn what_was_carried_out_is_there_again() {
    for seed in 0..20 {
        let folder = Folder::new();
        let path = folder.path("bus.db");
        let (mut traffic, mut memory) = (Traffic::new(seed), Memory::default());
        let (mut journal, _) = open(&path);
        for round in 0..12 {
            for _ in 0..traffic.below(8) {
                let batch = traffic.batch();
                memory.carry_out(&batch).expect("it fits");
                journal.carry_out(&batch).expect("it is carried out");
            }
            // Closed, dropped, or gone without either.
            match round % 3 {
                0 => journal.close().expect("it closes"),
                1 => drop(journal),
                _ => {
                    let copy = Folder::new();
                    for file in crate::traffic::FILES {
                        let from = folder.path(&format!("bus.db{file}"));
                        std::fs::copy(from, copy.path(&format!("bus.db{file}"))).expect("a copy");
                    }
                    assert_eq!(open(&copy.path("bus.db")).1, records(&memory), "seed {seed}, killed");
                    drop(journal);
                }
            }
            let found;
            (journal, found) = open(&path);
            assert_eq!(found, records(&memory), "seed {seed}, round {round}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_as_a_store_in_memory_does() {
    let mut misfits = 0;
    for seed in 0..40 {
        let folder = Folder::new();
        let (mut journal, _) = open(&folder.path("bus.db"));
        let mut memory = Memory::default();
        // Three brokers that know nothing of each other.
        let mut brokers = [Traffic::new(seed), Traffic::new(seed + 1000), Traffic::new(seed + 2000)];
        for round in 0..40 {
            let batch = brokers[round % 3].batch();
            match (memory.carry_out(&batch), journal.carry_out(&batch)) {
                (Ok(()), Ok(())) => {}
                (Err(misfit), Err(StoreError::Misfit { at })) if at == misfit.at => misfits += 1,
                (memory, journal) => panic!("seed {seed}, round {round}: {memory:?} and {journal:?}"),
            }
        }
        drop(journal);
        assert_eq!(open(&folder.path("bus.db")).1, records(&memory), "seed {seed}");
    }
    assert!(misfits > 100, "{misfits}");
}

#[test]
fn two_buses_cannot_have_one_journal() {
    let folder = Folder::new();
    let path = folder.path("bus.db");
    let (mut first, _) = open(&path);
    let told = |path: &Path| match Journal::open(path, |_| Ok(())) {
        Err(OpenError::Locked { path, socket }) => (path, socket),
        other => panic!("{other:?}"),
    };
    assert_eq!(told(&path), (path.clone(), None));
    let socket = folder.path("a socket\nof two lines");
    first.name_socket(&socket).expect("it is named");
    assert_eq!(told(&path), (path.clone(), Some(socket.clone())));
    assert_eq!(socket_of(&path).unwrap(), Some(socket.clone()));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&path, folder.path("link.db")).expect("a link");
        assert_eq!(told(&folder.path("link.db")), (path.clone(), Some(socket)));
    }
    drop(first);
    assert_eq!(socket_of(&path).unwrap(), None);
    open(&path);
}

/// The test is its own child, which holds the journal until it is killed.
#[test]
fn a_killed_bus_leaves_no_lock() {
    if let Some(path) = std::env::var_os("WHARF_TEST_JOURNAL") {
        let (mut journal, _) = open(Path::new(&path));
        journal.name_socket(Path::new("/run/killed.sock")).expect("it is named");
        println!("\nheld");
        std::io::stdin().read_line(&mut String::new()).expect("a line");
        return;
    }
    let folder = Folder::new();
    let path = folder.path("bus.db");
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "file::a_killed_bus_leaves_no_lock", "--nocapture"])
        .env("WHARF_TEST_JOURNAL", &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert!(lines.map(|line| line.expect("a line")).any(|line| line == "held"));
    assert!(matches!(Journal::open(&path, |_| Ok(())), Err(OpenError::Locked { socket: Some(_), .. })));
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    // Who looks for it finds nobody there, and then that the lock is free.
    assert_eq!(socket_of(&path).unwrap().as_deref(), Some(Path::new("/run/killed.sock")));
    open(&path);
}

fn letter(seq: u64, from: &str, id: &str) -> [Change; 2] {
    let (id, from, to) = (name(id), name(from), name("mail"));
    let accepted = Accepted::new(Seq(seq), id, from, to, "sold", "{}".into(), Wall::from_millis(1));
    let mut progress = Progress::default();
    progress.attempts = 3;
    let death = Death::new(DeadReason::Nack("busy".into()), Wall::from_millis(9), progress);
    [Change::Accept(accepted), Change::Bury(Seq(seq), death)]
}

#[test]
fn dead_letters_are_read_beside_a_running_bus() {
    let folder = Folder::new();
    let path = folder.path("bus.db");
    assert!(matches!(DeadLetters::open(&path), Err(OpenError::Failed(_))));
    let (mut bus, _) = open(&path);
    let letters = DeadLetters::open(&path).expect("it opens");
    let list = |letters: &DeadLetters| {
        let mut lines = Vec::new();
        letters.each(|letter| lines.push(serde_json::to_string(&letter).unwrap())).expect("they are read");
        lines
    };
    assert!(list(&letters).is_empty());
    for (seq, from) in [(1, "shop"), (2, "desk")] {
        bus.carry_out(&Batch::new(letter(seq, from, "m").to_vec())).expect("it is carried out");
    }
    let line =
        r#"{"from":"shop","id":"m","to":"mail","type":"sold","reason":"nack: busy","attempts":3,"diedAt":9}"#;
    assert_eq!(list(&letters), [line.to_owned(), line.replace("shop", "desk")]);
    assert_eq!(letters.with_id(&name("m"), None).unwrap().len(), 2);
    let found = letters.with_id(&name("m"), Some(&name("desk"))).unwrap();
    assert!(matches!(&found[..], [found] if found.accepted.seq == Seq(2) && found.accepted.body == "{}"));
    assert!(letters.with_id(&name("n"), None).unwrap().is_empty());
    // Without a bus the same, and what is done about them.
    bus.close().expect("it closes");
    assert_eq!(list(&DeadLetters::open(&path).expect("it opens")).len(), 2);
    let (mut journal, _) = open(&path);
    let changes = vec![Change::Requeue { dead: Seq(1), seq: Seq(3) }, Change::Purge(Seq(2))];
    journal.carry_out(&Batch::new(changes)).expect("it is carried out");
    assert!(list(&letters).is_empty());
    drop(journal);
    assert!(matches!(&open(&path).1[..], [Record::Message(accepted, progress)]
        if accepted.seq == Seq(3) && *progress == Progress::default()));
}

#[test]
fn only_the_last_numbers_of_a_batch_count_and_what_forgets_them_finds_them() {
    let numbers = |seq, high| Numbers::new(name("shop"), name("m"), Seq(seq), high, vec![(0, 3)]);
    let forget = Change::ForgetNumbers { from: name("shop"), prefix: name("m") };
    let remember = |seq, high| Change::RememberNumbers(numbers(seq, high));
    let folder = Folder::new();
    let (mut journal, _) = open(&folder.path("bus.db"));
    let changes = vec![remember(1, 5), forget, remember(2, 6), remember(3, 7)];
    journal.carry_out(&Batch::new(changes)).expect("it is carried out");
    drop(journal);
    assert_eq!(open(&folder.path("bus.db")).1, [Record::Numbers(numbers(3, 7))]);
}

#[test]
fn who_restores_may_refuse_and_nothing_is_touched() {
    let folder = Folder::new();
    let path = folder.path("bus.db");
    let (mut journal, _) = open(&path);
    journal.carry_out(&Batch::new(letter(1, "shop", "m").to_vec())).expect("it is carried out");
    drop(journal);
    let before = contents(path.parent().unwrap());
    let refused = Journal::open(&path, |_| Err::<(), _>(RestoreError::SeqTwice(Seq(1)))).unwrap_err();
    assert!(refused.to_string().ends_with("two messages have the place 1"), "{refused}");
    assert_eq!(contents(path.parent().unwrap()), before);
}
