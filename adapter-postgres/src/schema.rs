//! The tables, and how a database comes to have them.

use crate::error::HistoryError;
use crate::failing::text_of;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// The version of the form that is written.
pub(crate) const VERSION: i32 = STEPS.len() as i32;

/// From no table at all to those of today. Each step makes one version of the one before, and is never changed: a new database takes all.
///
/// `timestamp` and `expires` are ms since 1970, `rooms` is a list in JSON. What others put in need have no key. Indexes are in the order of bytes, which
/// no update of the operating system changes. JavaScript's numbers are exact below 2^53.
pub(crate) const STEPS: [&str; 2] = [
    "CREATE TABLE messages (\
        id bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 9007199254740991) PRIMARY KEY, \
        room_id text COLLATE \"C\" NOT NULL, user_id text COLLATE \"C\" NOT NULL, name text COLLATE \"C\" NOT NULL, \
        content text COLLATE \"C\" NOT NULL, \"timestamp\" bigint NOT NULL); \
     CREATE INDEX messages_of_room ON messages (room_id, id);",
    "ALTER TABLE messages ADD COLUMN ref text COLLATE \"C\", ADD COLUMN key bytea; \
     CREATE UNIQUE INDEX messages_by_ref ON messages (user_id, ref) WHERE ref IS NOT NULL; \
     CREATE UNIQUE INDEX messages_by_key ON messages (key); \
     CREATE TABLE sessions (token bytea PRIMARY KEY, user_id text NOT NULL, name text NOT NULL, rooms text NOT NULL, \
        expires bigint NOT NULL); \
     CREATE INDEX sessions_by_expiry ON sessions (expires);",
];

/// The advisory lock that is held while tables are made, and while a batch is written. Writers take turns, so that ids appear in their
/// order: one whose connection was lost may still be at work over there.
pub(crate) const TURN: &str = "SELECT pg_advisory_xact_lock(6298523424906339)";

/// Brings a database to the form of today, in one transaction, whoever else does so at the same time. It takes the time that it takes: of
/// many messages it is much.
pub(crate) async fn migrate(client: &Client, place: &str) -> Result<(), HistoryError> {
    let failed = |error: tokio_postgres::Error| {
        let what = text_of(&error).into();
        match error.code() {
            Some(&SqlState::DUPLICATE_TABLE) => HistoryError::Foreign { place: place.into(), what },
            _ => HistoryError::Failed { place: place.into(), what },
        }
    };
    // Whoever may only use the tables need not be allowed to make them.
    if version_of(client, place).await? == VERSION {
        return Ok(());
    }
    client.batch_execute("BEGIN; SET LOCAL statement_timeout = 0").await.map_err(failed)?;
    client.batch_execute(TURN).await.map_err(failed)?;
    let version = version_of(client, place).await?;
    if version == 0 {
        let table = "CREATE TABLE wharf_chat (one int PRIMARY KEY CHECK (one = 1), version int NOT NULL); \
                     INSERT INTO wharf_chat VALUES (1, 0)";
        client.batch_execute(table).await.map_err(failed)?;
    }
    for step in &STEPS[version as usize..] {
        client.batch_execute(step).await.map_err(failed)?;
    }
    client.execute("UPDATE wharf_chat SET version = $1", &[&VERSION]).await.map_err(failed)?;
    client.batch_execute("COMMIT").await.map_err(failed)
}

/// The version of a database's form: 0 of one without ours.
async fn version_of(client: &Client, place: &str) -> Result<i32, HistoryError> {
    let failed = |error| HistoryError::Failed { place: place.into(), what: text_of(&error).into() };
    // By the catalogue's table, which is locked for that: a name alone is looked up in what the session has cached, and who waited for
    // another to make the tables would go on without them.
    let asked = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = to_regclass('wharf_chat'))";
    let is_there = client.query_one(asked, &[]).await.map_err(failed)?;
    if !is_there.try_get::<_, bool>(0).map_err(failed)? {
        return Ok(0);
    }
    let row = client.query_one("SELECT version FROM wharf_chat", &[]).await.map_err(failed)?;
    match row.try_get(0).map_err(failed)? {
        version @ 1..=VERSION => Ok(version),
        version => Err(HistoryError::Version { place: place.into(), version }),
    }
}
