//! Stores killed under load, as nobody can prevent: what was told to be stored is there afterwards, and nothing is there twice, though
//! whoever writes tries again what nobody answered.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use wharf::base::Wall;
use wharf::service::history::{Answer, Ask, Batch, Draft, Entry, Failure, Key, PageAsk, Span, Stored};
use wharf_tests::adapter::PATIENCE;
use wharf_tests::folder::Folder;
use wharf_tests::postgres::Postgres;

/// Drafts of one batch.
const BATCH: u64 = 7;

/// A batch whose drafts have these numbers, in its keys and contents.
fn batch(numbers: std::ops::Range<u64>) -> Ask {
    let mut batch = Batch::default();
    for number in numbers {
        let mut key = [1; 16];
        key[..8].copy_from_slice(&number.to_be_bytes());
        let content = format!("message {number}");
        let at = Wall::from_millis(number);
        let (room, user, name) = ("general".into(), "u1".into(), "Ada".into());
        let draft = Draft::new(Key(key), room, user, name, content.as_str().into(), at);
        batch.drafts.push(draft);
    }
    Ask::Write(batch)
}

/// All that is stored, page by page.
fn all(mut carry_out: impl FnMut(&Ask) -> Result<Answer, Failure>) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let after = all.last().map_or(0, |entry| entry.id);
        match carry_out(&Ask::Page(PageAsk::new(vec!["general".into()], Span::After(after), 200))) {
            Ok(Answer::Page(page)) => {
                all.extend(page.entries);
                if !page.more {
                    return all;
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

/// What was told is there under the id that was told, once, and what is there was written.
fn judge(all: &[Entry], told: &BTreeMap<u64, u64>) {
    let there: BTreeMap<u64, u64> = all.iter().map(|entry| (entry.at.as_millis(), entry.id)).collect();
    assert_eq!(there.len(), all.len(), "one is there twice");
    for (number, id) in told {
        assert_eq!(there.get(number), Some(id), "message {number} was told to be stored");
    }
    assert!(there.keys().copied().eq(0..there.len() as u64), "one is missing between others");
    assert!(there.values().is_sorted_by(|a, b| a < b), "ids do not grow with what was written");
}

/// Learns what is told of a batch, which must say of what was told before what it said then.
fn learn(told: &mut BTreeMap<u64, u64>, begin: u64, stored: &[Stored]) {
    for (number, stored) in (begin..).zip(stored) {
        let Stored::New(id) = stored else { panic!("message {number}: {stored:?}") };
        assert_eq!(*told.entry(number).or_insert(*id), *id, "message {number}");
    }
}

#[test]
fn a_postgresql_killed_under_load_loses_nothing_and_doubles_nothing() {
    let Some(mut server) = Postgres::start("a_postgresql_killed_under_load") else { return };
    let url = server.database();
    let (tell, hear) = channel();
    let (stop, stopped) = channel::<()>();
    let writer = std::thread::spawn(move || {
        let mut history = wharf_postgres::History::connect(&url).expect("it connects");
        let (mut told, mut failures, mut begin) = (BTreeMap::new(), 0_u32, 0);
        while matches!(stopped.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty)) {
            match history.carry_out(&batch(begin..begin + BATCH)) {
                Ok(Answer::Written(stored)) => {
                    learn(&mut told, begin, &stored);
                    begin += BATCH;
                    tell.send(begin).expect("it listens");
                }
                Err(Failure::Away(why)) => {
                    assert!(!why.contains("p@ss") && !why.contains("message "), "{why}");
                    failures += 1;
                    // The one before is tried again, too: as if nobody had heard of it.
                    begin -= begin.min(BATCH);
                    std::thread::park_timeout(Duration::from_millis(10));
                }
                other => panic!("{other:?}"),
            }
        }
        (history, told, failures)
    });
    // So many batches after each start, it is killed.
    for batches in [5, 40, 3, 60, 25, 1, 80, 12] {
        for _ in 0..batches {
            hear.recv_timeout(PATIENCE).expect("a batch is stored");
        }
        server.kill();
        server.restart();
    }
    hear.try_iter().for_each(drop);
    hear.recv_timeout(PATIENCE).expect("it goes on after the last");
    drop(stop);
    let (mut history, told, failures) = writer.join().expect("it ends");
    judge(&all(|ask| history.carry_out(ask)), &told);
    println!("{} messages told, {failures} asks failed", told.len());
    assert!(failures >= 4, "it was hardly noticed: {failures}");
}

/// In the child: writes on from where the file is, until it is killed.
fn write_on(path: &std::ffi::OsStr) -> ! {
    let mut history = wharf_sqlite::History::open(path).expect("it opens");
    let mut begin = all(|ask| history.carry_out(ask)).len() as u64;
    // What was there is tried again, as by who had not heard of it.
    begin -= begin.min(BATCH);
    loop {
        match history.carry_out(&batch(begin..begin + BATCH)) {
            Ok(Answer::Written(stored)) => {
                let ids: Vec<String> = stored.iter().map(|stored| stored.id().to_string()).collect();
                println!("\ntold {begin} {}", ids.join(" "));
                begin += BATCH;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_process_killed_while_it_writes_sqlite_loses_nothing_and_doubles_nothing() {
    const TEST: &str = "killed::a_process_killed_while_it_writes_sqlite_loses_nothing_and_doubles_nothing";
    if let Some(path) = std::env::var_os("WHARF_TEST_HISTORY") {
        write_on(&path);
    }
    let folder = Folder::new();
    let path = folder.path("chat.db");
    let mut told = BTreeMap::new();
    for batches in [1, 30, 3, 55, 17, 2, 70] {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
            .env("WHARF_TEST_HISTORY", &path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let lines = lines(child.stdout.take().expect("a pipe"));
        let until = Instant::now() + PATIENCE;
        let mut heard = 0;
        // Whatever it had written into the pipe when it was killed counts, too.
        loop {
            match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok((begin, stored)) => {
                    learn(&mut told, begin, &stored);
                    heard += 1;
                    if heard == batches {
                        child.kill().expect("it runs");
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it says nothing"),
            }
        }
        let ended = child.wait().expect("its own child");
        assert!(heard >= batches && ended.code().is_none(), "{heard} batches, {ended}");
        let mut history = wharf_sqlite::History::open(&path).expect("it opens");
        judge(&all(|ask| history.carry_out(ask)), &told);
    }
}

/// What a child tells: the number of the first of a batch, and what became of each. Not bounded: it is killed soon.
fn lines(pipe: impl std::io::Read + Send + 'static) -> Receiver<(u64, Vec<Stored>)> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n') {
            let line = String::from_utf8(line.expect("a line")).expect("text");
            let Some(numbers) = line.strip_prefix("told ") else { continue };
            let mut numbers = numbers.split(' ').map(|number| number.parse::<u64>().expect("a number"));
            let begin = numbers.next().expect("where it begins");
            if tell.send((begin, numbers.map(Stored::New).collect())).is_err() {
                return;
            }
        }
    });
    told
}
