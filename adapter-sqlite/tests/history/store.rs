//! A chat's database as a file: older and newer forms, other programs, and all that happens to files. What a store answers is held to
//! that of the others by a list of their own.

use crate::folder::Folder;
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;
use wharf::base::Wall;
use wharf::service::history::{
    Answer, Ask, Batch, Draft, Entry, Failure, Key, PageAsk, Session, Span, Stored, TokenHash,
};
use wharf_sqlite::{History, HistoryConfig, HistoryError};

fn draft(key: u8, content: &str) -> Draft {
    let (room, user, name) = ("general".into(), "u1".into(), "Ada".into());
    Draft::new(Key([key; 16]), room, user, name, content.into(), Wall::from_millis(key.into()))
}

fn session(name: &str) -> Session {
    Session::new(TokenHash([7; 32]), "u1".into(), name.into(), vec!["general".into()], Wall::from_millis(9))
}

fn say(history: &mut History, key: u8, content: &str) -> Result<u64, Failure> {
    let mut batch = Batch::default();
    batch.drafts.push(draft(key, content));
    match history.carry_out(&Ask::Write(batch))? {
        Answer::Written(stored) => Ok(stored[0].id()),
        other => panic!("{other:?}"),
    }
}

fn all(history: &mut History) -> Vec<Entry> {
    match history.carry_out(&Ask::Page(PageAsk::new(vec!["general".into()], Span::After(0), 200))) {
        Ok(Answer::Page(page)) => page.entries,
        other => panic!("{other:?}"),
    }
}

fn contents(history: &mut History) -> Vec<String> {
    all(history).iter().map(|entry| entry.content.to_string()).collect()
}

fn impatient() -> HistoryConfig {
    let mut config = HistoryConfig::default();
    config.busy_timeout = Duration::from_millis(20);
    config
}

#[test]
fn a_file_of_the_first_version_is_migrated_and_keeps_what_was_said() {
    let folder = Folder::new();
    let path = folder.path("chat.db");
    let old = Connection::open(&path).unwrap();
    let sql = "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, room_id TEXT NOT NULL, user_id TEXT NOT NULL, \
               name TEXT NOT NULL, content TEXT NOT NULL, timestamp INTEGER NOT NULL) STRICT; \
               CREATE INDEX messages_of_room ON messages (room_id); \
               INSERT INTO messages VALUES (7, 'general', 'u0', 'Eve', 'before', 70); \
               PRAGMA application_id = 0x57687263; PRAGMA user_version = 1;";
    old.execute_batch(sql).unwrap();
    drop(old);
    let mut history = History::open(&path).unwrap();
    assert_eq!(say(&mut history, 1, "after"), Ok(8));
    assert_eq!(say(&mut history, 1, "after"), Ok(8));
    drop(history);
    let mut history = History::open(&path).unwrap();
    let before =
        Entry::new(7, "general".into(), "u0".into(), "Eve".into(), "before".into(), Wall::from_millis(70));
    assert_eq!(all(&mut history), [before, draft(1, "after").into_entry(8)]);
}

#[test]
fn a_newer_version_and_foreign_files_are_refused_as_they_are() {
    let folder = Folder::new();
    let newer = folder.path("newer.db");
    drop(History::open(&newer).unwrap());
    Connection::open(&newer).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let other = folder.path("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE recipes (id INTEGER)").unwrap();
    let bus = folder.path("bus.db");
    drop(wharf_sqlite::Journal::open(&bus, |_| Ok(())).unwrap());
    let text = folder.path("notes.txt");
    std::fs::write(&text, "no database, ".repeat(1000)).unwrap();
    for path in [&newer, &other, &bus, &text] {
        let before = std::fs::read(path).unwrap();
        let error = History::open(path).unwrap_err();
        match &error {
            HistoryError::Version { version: 99, .. } => assert_eq!(path, &newer),
            HistoryError::Foreign { .. } => assert_ne!(path, &newer),
            _ => panic!("{path:?}: {error}"),
        }
        assert!(!error.to_string().contains('\n') && error.to_string().contains(path.to_str().unwrap()));
        assert_eq!(std::fs::read(path).unwrap(), before, "{path:?}");
    }
    let nowhere = History::open(folder.path("none/chat.db")).unwrap_err();
    assert!(matches!(nowhere, HistoryError::Failed(_)), "{nowhere}");
}

#[test]
fn others_read_the_file_while_it_is_written_and_their_messages_are_shown() {
    let folder = Folder::new();
    let path = folder.path("chat.db");
    let mut history = History::open(&path).unwrap();
    say(&mut history, 1, "one").unwrap();
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let count = || reader.query_row("SELECT count(*) FROM messages", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(), 1);
    say(&mut history, 2, "two").unwrap();
    assert_eq!(count(), 1, "its state stands still");
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(count(), 2);
    let sql = "INSERT INTO messages (room_id, user_id, name, content, timestamp) VALUES ('general', 'me', 'Me', ?1, 3)";
    for content in ["by hand", "and again"] {
        reader.execute(sql, [content]).unwrap();
    }
    assert_eq!(contents(&mut history), ["one", "two", "by hand", "and again"]);
}

#[test]
fn two_chats_on_one_file_share_what_was_said_and_ids_grow() {
    let folder = Folder::new();
    let path = folder.path("chat.db");
    // Both make it, at the same time.
    let ids: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let chat = |number: u8| {
            let path = &path;
            scope.spawn(move || {
                let mut history = History::open(path).unwrap();
                (0..50).map(|at| say(&mut history, number * 100 + at, "x").unwrap()).collect()
            })
        };
        [chat(0), chat(1)].map(|chat| chat.join().unwrap()).into()
    });
    for ids in &ids {
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }
    let mut both = ids.concat();
    both.sort_unstable();
    assert_eq!(both, (1..=100).collect::<Vec<_>>());
}

#[test]
fn a_locked_file_is_away_and_good_again() {
    let folder = Folder::new();
    let path = folder.path("chat.db");
    let mut history = History::open_with(&path, impatient()).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let away = say(&mut history, 1, "one").unwrap_err();
    assert!(matches!(&away, Failure::Away(text) if text.contains("locked")), "{away}");
    assert_eq!(contents(&mut history), [""; 0], "it can be read");
    let opened = History::open_with(&path, impatient()).unwrap_err();
    assert!(matches!(opened, HistoryError::Failed(_)), "{opened}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(say(&mut history, 1, "one"), Ok(1));
}

/// Writes over bytes of a file as no program of SQLite's would.
fn overwrite(path: &Path, at: usize, bytes: &[u8]) {
    let mut file = std::fs::read(path).unwrap();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    std::fs::write(path, file).unwrap();
}

#[test]
fn a_file_that_cannot_be_written_is_away_and_good_again() {
    let folder = Folder::new();
    let path = folder.path("chat.db");
    let mut history = History::open(&path).unwrap();
    say(&mut history, 1, "one").unwrap();
    drop(history);
    // So it is for whoever runs as root, too, whom permissions do not stop.
    std::fs::create_dir(folder.path("chat.db-wal")).unwrap();
    let error = History::open(&path).unwrap_err();
    assert!(
        matches!(error, HistoryError::Failed(_)) && error.to_string().contains("unable to open"),
        "{error}"
    );
    std::fs::remove_dir(folder.path("chat.db-wal")).unwrap();
    let mut history = History::open(&path).unwrap();
    assert_eq!(say(&mut history, 2, "two"), Ok(2));
}

#[test]
fn a_damaged_file_is_refused_and_good_again_once_it_is_mended() {
    let folder = Folder::new();
    let (path, copy) = (folder.path("chat.db"), folder.path("copy.db"));
    let mut history = History::open(&path).unwrap();
    for key in 0..100 {
        say(&mut history, key, &"long ".repeat(200)).unwrap();
    }
    drop(history);
    std::fs::copy(&path, &copy).unwrap();
    let length = std::fs::metadata(&path).unwrap().len() as usize;
    // All but the first page, which names the tables.
    overwrite(&path, 4096, &vec![0xa5; length - 4096]);
    let mut history = match History::open(&path) {
        Err(HistoryError::Damaged(_)) => return,
        opened => opened.unwrap(),
    };
    let refused = say(&mut history, 101, "one").unwrap_err();
    assert!(matches!(&refused, Failure::Refused(text) if text.contains("malformed")), "{refused}");
    std::fs::rename(&copy, &path).unwrap();
    assert_eq!(say(&mut history, 101, "one"), Ok(101));
}

#[test]
fn a_file_that_is_removed_takes_no_message_with_it_and_ids_go_on() {
    let folder = Folder::new();
    let path = folder.path("chat.db");
    let mut history = History::open(&path).unwrap();
    assert_eq!(say(&mut history, 1, "one"), Ok(1));
    for file in ["chat.db", "chat.db-wal", "chat.db-shm"] {
        std::fs::remove_file(folder.path(file)).unwrap();
    }
    let away = say(&mut history, 2, "two").unwrap_err();
    assert!(matches!(&away, Failure::Away(text) if text.contains("removed")), "{away}");
    assert_eq!(say(&mut history, 2, "two"), Ok(2));
    drop(history);
    assert_eq!(contents(&mut History::open(&path).unwrap()), ["two"]);
}

#[test]
fn ids_end_below_2_to_the_53() {
    let folder = Folder::new();
    let path = folder.path("chat.db");
    let mut history = History::open(&path).unwrap();
    let sql = "INSERT INTO messages (id, room_id, user_id, name, content, timestamp) VALUES (?1, 'r', 'u', 'n', 'c', 1)";
    let last = (1_i64 << 53) - 2;
    Connection::open(&path).unwrap().execute(sql, [last]).unwrap();
    assert_eq!(say(&mut history, 1, "the last"), Ok(last as u64 + 1));
    let refused = say(&mut history, 2, "one too many").unwrap_err();
    assert!(matches!(refused, Failure::Refused(_)), "{refused}");
    assert_eq!(contents(&mut history), ["the last"]);
}

#[test]
fn a_page_and_a_reference_are_found_by_an_index_alone() {
    let folder = Folder::new();
    let path = folder.path("chat.db");
    drop(History::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    for (sql, index) in [
        ("SELECT id FROM messages WHERE room_id = 'r' AND id > 5 ORDER BY id LIMIT 9", "messages_of_room"),
        (
            "SELECT id FROM messages WHERE room_id = 'r' AND id < 5 ORDER BY id DESC LIMIT 9",
            "messages_of_room",
        ),
        ("SELECT name FROM messages WHERE user_id = 'u' AND ref = 'r'", "messages_by_ref"),
        ("SELECT id FROM messages WHERE key = x'00'", "messages_by_key"),
        ("DELETE FROM sessions WHERE expires <= 5", "sessions_by_expiry"),
    ] {
        let plan = format!("EXPLAIN QUERY PLAN {sql}");
        let mut statement = connection.prepare(&plan).unwrap();
        let steps: Vec<String> =
            statement.query_map([], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert!(
            matches!(&steps[..], [step] if step.contains(index) && step.starts_with("SEARCH")),
            "{steps:?}"
        );
    }
}

#[test]
fn an_unknown_reference_of_another_user_is_new() {
    let folder = Folder::new();
    let mut history = History::open(folder.path("chat.db")).unwrap();
    let mut batch = Batch::default();
    for (key, user) in [(1, "u1"), (2, "u2"), (3, "u1")] {
        let mut draft = draft(key, "x");
        draft.user = user.into();
        draft.reference = Some("r".into());
        batch.drafts.push(draft);
    }
    let mut first = draft(1, "x").into_entry(1);
    first.reference = Some("r".into());
    let expected = vec![Stored::New(1), Stored::New(2), Stored::Before(first)];
    assert_eq!(history.carry_out(&Ask::Write(batch)), Ok(Answer::Written(expected)));
}

/// How many transactions are in the log beside a file, as SQLite's "WAL file format" has it: a header of 32 bytes, then pages, each
/// behind 24 bytes, of which the second four are zero but at the end of a transaction.
fn transactions(path: &Path) -> usize {
    let log = std::fs::read(path.with_extension("db-wal")).unwrap();
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let generation = &log[16..24];
    let heads = (32..log.len()).step_by(24 + word(8) as usize);
    heads.filter(|head| &log[head + 8..head + 16] == generation && word(head + 4) != 0).count()
}

/// Fault of the sketch: no batch, but a transaction for each message.
#[test]
fn a_batch_is_one_transaction() {
    let folder = Folder::new();
    let path = folder.path("chat.db");
    let mut history = History::open(&path).unwrap();
    say(&mut history, 1, "one").unwrap();
    let before = transactions(&path);
    let mut batch = Batch::default();
    batch.drafts = (2..=100).map(|key| draft(key, "more")).collect();
    batch.withdraw = vec![draft(1, "one").key];
    batch.sessions = vec![session("Ada")];
    batch.expire = Some(Wall::from_millis(1));
    history.carry_out(&Ask::Write(batch)).unwrap();
    assert_eq!((before > 0, transactions(&path) - before), (true, 1));
    assert_eq!(contents(&mut history), ["more"; 99]);
}

/// Fault of the sketch: no transaction, so that of what belongs together some is there and some is not.
#[test]
fn a_batch_that_fails_in_its_middle_leaves_nothing_of_its_transaction() {
    let folder = Folder::new();
    let path = folder.path("chat.db");
    let mut history = History::open(&path).unwrap();
    let trigger = "CREATE TRIGGER poison BEFORE INSERT ON messages WHEN new.content = 'poison' \
                   BEGIN SELECT RAISE(ABORT, 'no poison here'); END";
    let other = Connection::open(&path).unwrap();
    other.execute_batch(trigger).unwrap();
    let mut batch = Batch::default();
    batch.drafts = vec![draft(1, "one"), draft(2, "poison"), draft(3, "three")];
    let refused = history.carry_out(&Ask::Write(batch.clone())).unwrap_err();
    assert!(matches!(&refused, Failure::Refused(text) if text.contains("no poison")), "{refused}");
    assert_eq!(contents(&mut history), [""; 0]);
    other.execute_batch("DROP TRIGGER poison").unwrap();
    // It may be the sessions that cannot be stored, which come last.
    other.execute_batch(&trigger.replace("messages WHEN new.content", "sessions WHEN new.name")).unwrap();
    batch.sessions = vec![session("Ada"), session("poison")];
    history.carry_out(&Ask::Write(batch.clone())).unwrap_err();
    assert_eq!(contents(&mut history), [""; 0]);
    other.execute_batch("DROP TRIGGER poison").unwrap();
    history.carry_out(&Ask::Write(batch)).unwrap();
    assert_eq!(contents(&mut history), ["one", "poison", "three"]);
}
