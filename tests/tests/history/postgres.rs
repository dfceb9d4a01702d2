//! A chat's database in PostgreSQL: older, newer and foreign ones, servers that are not there, stand still or refuse, and what is never told.

use std::process::Command;
use std::sync::Barrier;
use std::time::Duration;
use wharf::base::Wall;
use wharf::service::history::{Answer, Ask, Batch, Draft, Failure, Key, PageAsk, Session, Span, TokenHash};
use wharf_postgres::{DatabaseError, History, HistoryConfig};
use wharf_tests::postgres::{PASSWORD, Postgres};

fn draft(key: u8, content: &str) -> Draft {
    let (room, user, name) = ("general".into(), "u1".into(), "Ada".into());
    Draft::new(Key([key; 16]), room, user, name, content.into(), Wall::from_millis(5))
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

fn contents(history: &mut History) -> Vec<String> {
    match history.carry_out(&Ask::Page(PageAsk::new(vec!["general".into()], Span::After(0), 200))) {
        Ok(Answer::Page(page)) => page.entries.iter().map(|entry| entry.content.to_string()).collect(),
        other => panic!("{other:?}"),
    }
}

fn impatient() -> HistoryConfig {
    let mut config = HistoryConfig::default();
    config.timeout = Duration::from_secs(2);
    config.connect_timeout = Duration::from_secs(2);
    config
}

#[test]
fn a_database_of_the_first_version_is_migrated_and_keeps_what_was_said() {
    let Some(server) = Postgres::shared("migrated") else { return };
    let url = server.database();
    let old = "CREATE TABLE messages (id bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 9007199254740991) PRIMARY KEY, \
               room_id text NOT NULL, user_id text NOT NULL, name text NOT NULL, content text NOT NULL, \
               \"timestamp\" bigint NOT NULL); CREATE INDEX messages_of_room ON messages (room_id, id); \
               CREATE TABLE wharf_chat (one int PRIMARY KEY CHECK (one = 1), version int NOT NULL); \
               INSERT INTO wharf_chat VALUES (1, 1); \
               INSERT INTO messages (room_id, user_id, name, content, timestamp) VALUES ('general', 'u', 'U', 'before', 1)";
    server.sql(&url, old);
    // Two chats do so at the same time.
    std::thread::scope(|scope| {
        for key in 1..=2 {
            let url = &url;
            scope.spawn(move || say(&mut History::connect(url).expect("it connects"), key, "after").unwrap());
        }
    });
    let mut history = History::connect(&url).expect("it connects");
    assert_eq!(say(&mut history, 1, "after").unwrap(), say(&mut history, 1, "after").unwrap());
    assert_eq!(contents(&mut history), ["before", "after", "after"]);
    assert_eq!(server.sql(&url, "SELECT version FROM wharf_chat"), "2");
}

#[test]
fn whoever_waits_for_another_to_make_the_tables_has_them() {
    let Some(server) = Postgres::shared("made_at_once") else { return };
    for _ in 0..8 {
        let (url, at_once) = (server.database(), Barrier::new(4));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    at_once.wait();
                    History::connect(&url).expect("it connects");
                });
            }
        });
    }
}

#[test]
fn a_migration_takes_the_time_that_it_takes() {
    let Some(server) = Postgres::shared("migration") else { return };
    let url = server.database();
    let url = url.as_str();
    std::thread::scope(|scope| {
        // Another one is at it.
        let hold = "BEGIN; SELECT pg_advisory_xact_lock(6298523424906339); SELECT pg_sleep(600)";
        let held = scope.spawn(|| server.try_sql(url, hold));
        let holds = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted \
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while server.sql(url, holds) == "0" {}
        let connecting = scope.spawn(|| History::connect_with(url, impatient()));
        // For longer than either timeout.
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wharf' AND wait_event = 'advisory' \
                     AND datname = current_database() AND clock_timestamp() - query_start > interval '5 seconds'";
        while server.sql(url, waits) == "0" && !connecting.is_finished() {}
        server.sql(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; SELECT pg_advisory%'",
        );
        assert!(held.join().expect("it ends").is_err());
        let mut history = connecting.join().expect("it ends").expect("it connects");
        say(&mut history, 1, "one").expect("it is stored");
    });
}

#[test]
fn newer_foreign_and_other_databases_are_refused_in_one_line() {
    let Some(server) = Postgres::shared("refused") else { return };
    let newer = server.database();
    drop(History::connect(&newer).expect("it connects"));
    server.sql(&newer, "UPDATE wharf_chat SET version = 99");
    let foreign = server.database();
    server.sql(&foreign, "CREATE TABLE messages (subject text)");
    server.sql("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    let good = server.database();
    let cases = [
        (newer, "the form 99"),
        (foreign, "already exists"),
        (server.url("latin"), "LATIN1"),
        (server.url("none"), "\"none\" does not exist"),
        (good.replace("wharf:", "nobody:"), "password authentication failed"),
        ("postgres://wharf:p%40ss%2Fw%3Frd@127.0.0.1:1/chat".into(), "refused"),
        (format!("{}?sslmode=require", server.url("postgres")), "TLS"),
    ];
    for (url, words) in cases {
        let error = History::connect(&url).expect_err(words);
        let (told, debug) = (error.to_string(), format!("{error:?}"));
        assert!(told.contains(words) && !told.contains('\n'), "{told}");
        assert!(
            !told.contains(PASSWORD) && !debug.contains(PASSWORD) && !told.contains("%40"),
            "{told} {debug}"
        );
        let is_right = match words {
            "the form 99" => matches!(error, DatabaseError::Version { version: 99, .. }),
            "already exists" => matches!(error, DatabaseError::Foreign { .. }),
            "LATIN1" => matches!(error, DatabaseError::Encoding { .. }),
            // Where it is built in it is the server that has none.
            "TLS" => matches!(error, DatabaseError::Tls(_) | DatabaseError::Failed { .. }),
            _ => matches!(error, DatabaseError::Failed { .. }),
        };
        assert!(is_right, "{debug}");
    }
    let debug = format!("{:?}", History::connect(&good).expect("it connects"));
    assert!(!debug.contains(PASSWORD) && debug.contains("127.0.0.1"), "{debug}");
}

#[test]
fn a_connection_that_was_ended_is_dialed_again() {
    let Some(mut server) = Postgres::start("dialed_again") else { return };
    let url = server.database();
    let mut history = History::connect(&url).expect("it connects");
    assert_eq!(say(&mut history, 1, "one"), Ok(1));
    server.kill();
    let away = say(&mut history, 2, "two").unwrap_err();
    assert!(matches!(&away, Failure::Away(_)), "{away}");
    let away = say(&mut history, 2, "two").unwrap_err();
    assert!(matches!(&away, Failure::Away(text) if text.contains("refused")), "{away}");
    server.restart();
    say(&mut history, 2, "two").expect("it is back");
    // Where the server said so while nothing was asked, nothing fails.
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wharf'";
    assert_eq!(server.sql("postgres", others), "t");
    let gone = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wharf'";
    while server.sql("postgres", gone) != "0" {}
    say(&mut history, 3, "three").expect("it dials again");
    assert_eq!(contents(&mut history), ["one", "two", "three"]);
}

#[test]
fn a_server_that_stands_still_is_away_in_time_and_good_again() {
    let Some(mut server) = Postgres::start("stands_still") else { return };
    let url = server.database();
    let mut history = History::connect_with(&url, impatient()).expect("it connects");
    say(&mut history, 1, "one").expect("it is stored");
    let backend = server.sql("postgres", "SELECT pid FROM pg_stat_activity WHERE application_name = 'wharf'");
    let processes = [backend, server.id().to_string()];
    let signal = |name: &str| {
        let sent = Command::new("kill").args(["-s", name]).args(&processes).status();
        assert!(sent.is_ok_and(|status| status.success()));
    };
    signal("STOP");
    for _ in 0..2 {
        let away = say(&mut history, 2, "two").unwrap_err();
        assert!(matches!(&away, Failure::Away(text) if text.contains("in time")), "{away}");
    }
    signal("CONT");
    drop(history);
    let mut history = History::connect(&url).expect("it connects");
    say(&mut history, 2, "two").expect("it is back");
    assert_eq!(contents(&mut history), ["one", "two"]);
    server.kill();
}

#[test]
fn whoever_holds_a_transaction_open_keeps_nobody_waiting_for_ever() {
    let Some(server) = Postgres::shared("held") else { return };
    let url = server.database();
    let mut history = History::connect_with(&url, impatient()).expect("it connects");
    let url = url.as_str();
    std::thread::scope(|scope| {
        let hold = "BEGIN; LOCK TABLE messages; SELECT pg_sleep(600)";
        let held = scope.spawn(|| server.try_sql(url, hold));
        let locks = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'messages'::regclass";
        while server.sql(url, locks) == "0" {}
        let away = say(&mut history, 1, "one").unwrap_err();
        assert!(matches!(&away, Failure::Away(_)), "{away}");
        server.sql(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%'",
        );
        assert!(held.join().expect("it ends").is_err());
    });
    say(&mut history, 1, "one").expect("it is stored");
    assert_eq!(contents(&mut history), ["one"]);
}

/// Fault of the sketch: no batch, but a transaction for each message.
#[test]
fn a_batch_is_one_transaction() {
    let Some(server) = Postgres::shared("one_transaction") else { return };
    let url = server.database();
    let mut history = History::connect(&url).expect("it connects");
    say(&mut history, 1, "one").expect("it is stored");
    let mut batch = Batch::default();
    batch.drafts = (2..=100).map(|key| draft(key, "more")).collect();
    batch.sessions = vec![session("Ada")];
    history.carry_out(&Ask::Write(batch)).expect("it is stored");
    // Each row knows what transaction it is of.
    let writers = "SELECT count(DISTINCT writer), count(*) FROM \
                   (SELECT xmin::text AS writer FROM messages UNION ALL SELECT xmin::text FROM sessions) AS rows";
    assert_eq!(server.sql(&url, writers), "2|101");
}

/// Fault of the sketch: no transaction, so that of what belongs together some is there and some is not.
#[test]
fn a_batch_that_fails_in_its_middle_leaves_nothing_of_its_transaction_and_tells_no_content() {
    let Some(server) = Postgres::shared("middle") else { return };
    let url = server.database();
    let mut history = History::connect(&url).expect("it connects");
    server.sql(&url, "ALTER TABLE messages ADD CHECK (content <> 'poison')");
    say(&mut history, 1, "one").expect("it is stored");
    let mut batch = Batch::default();
    batch.drafts = [(2, "two"), (3, "poison"), (4, "four")].map(|(key, content)| draft(key, content)).into();
    let refused = history.carry_out(&Ask::Write(batch.clone())).unwrap_err();
    assert!(
        matches!(&refused, Failure::Refused(text) if text.contains("23514") && !text.contains("poison")),
        "{refused}"
    );
    assert_eq!(contents(&mut history), ["one"]);
    server.sql(&url, "ALTER TABLE messages DROP CONSTRAINT messages_content_check");
    // It may be the sessions that cannot be stored, which come last.
    server.sql(&url, "ALTER TABLE sessions ADD CHECK (name <> 'poison')");
    batch.sessions = vec![session("poison")];
    history.carry_out(&Ask::Write(batch.clone())).unwrap_err();
    assert_eq!(contents(&mut history), ["one"]);
    server.sql(&url, "ALTER TABLE sessions DROP CONSTRAINT sessions_name_check");
    history.carry_out(&Ask::Write(batch)).expect("it is stored");
    assert_eq!(contents(&mut history), ["one", "two", "poison", "four"]);
}

#[test]
fn a_server_that_only_reads_is_away_for_writers_and_ids_end_below_2_to_the_53() {
    let Some(server) = Postgres::shared("reads") else { return };
    let url = server.database();
    let mut history = History::connect(&url).expect("it connects");
    say(&mut history, 1, "one").expect("it is stored");
    let name = url.rsplit('/').next().expect("a name");
    server.sql("postgres", &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let mut reading = History::connect(&url).expect("it connects");
    let away = say(&mut reading, 2, "two").unwrap_err();
    assert!(matches!(&away, Failure::Away(text) if text.contains("read-only")), "{away}");
    assert_eq!(contents(&mut reading), ["one"]);
    server.sql("postgres", &format!("ALTER DATABASE {name} RESET default_transaction_read_only"));
    server.sql(&url, "ALTER TABLE messages ALTER COLUMN id RESTART WITH 9007199254740991");
    assert_eq!(say(&mut history, 2, "the last"), Ok((1 << 53) - 1));
    let refused = say(&mut history, 3, "one too many").unwrap_err();
    assert!(matches!(&refused, Failure::Refused(_)), "{refused}");
}

#[test]
fn others_write_by_hand_and_synchronous_commit_is_on() {
    let Some(server) = Postgres::shared("by_hand") else { return };
    let url = server.database();
    let name = url.rsplit('/').next().expect("a name");
    server.sql("postgres", &format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    let mut history = History::connect(&url).expect("it connects");
    let insert = "INSERT INTO messages (room_id, user_id, name, content, timestamp) VALUES ('general', 'me', 'Me', 'by hand', 1)";
    server.sql(&url, insert);
    server.sql(&url, insert);
    // A trigger sees what holds for the chat's own connection.
    let sees = "CREATE TABLE seen (setting text); CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS \
                $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN new; END $$; \
                CREATE TRIGGER see BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION see()";
    server.sql(&url, sees);
    say(&mut history, 1, "by the chat").expect("it is stored");
    assert_eq!(contents(&mut history), ["by hand", "by hand", "by the chat"]);
    assert_eq!(server.sql(&url, "SELECT setting FROM seen"), "on");
}
