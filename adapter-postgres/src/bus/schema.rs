//! The tables of a bus, and how a database comes to have them.

use super::error::BusStoreError;
use crate::failing::text_of;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// The version of the form that is written.
pub(crate) const VERSION: i32 = STEPS.len() as i32;

/// From no table at all to those of today. Each step makes one version of the one before, and is never changed: a new database takes all.
///
/// A service's messages are *taken* where they bear the number of its claim; each claim has a number of its own, so giving one up changes
/// no message. A slot's row stays when its node goes: `last` is the greatest place that was given by whoever had the slot, and
/// `remembered` what those have put into `bus_ids` and `bus_numbers`, less what they took out, so that neither has to be counted.
/// What is changed often leaves room in its pages for what it is changed to, and is cleaned up early.
pub(crate) const STEPS: [&str; 1] = ["CREATE SEQUENCE bus_epochs; CREATE SEQUENCE bus_claims; \
     CREATE TABLE bus_nodes (\
        slot smallint PRIMARY KEY, epoch bigint NOT NULL, is_in boolean NOT NULL, until timestamptz NOT NULL, \
        number bigint NOT NULL, last bigint NOT NULL DEFAULT 0, \
        remembered bigint NOT NULL DEFAULT 0) WITH (fillfactor = 20); \
     CREATE TABLE bus_services (\
        name text COLLATE \"C\" PRIMARY KEY, owner smallint, since timestamptz, claim bigint NOT NULL DEFAULT 0, \
        wanted smallint, wanted_since timestamptz, \
        pending bigint NOT NULL DEFAULT 0, pending_bytes bigint NOT NULL DEFAULT 0, waiting bigint NOT NULL DEFAULT 0, \
        dead bigint NOT NULL DEFAULT 0, dead_bytes bigint NOT NULL DEFAULT 0) \
        WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000); \
     CREATE INDEX bus_services_of_owner ON bus_services (owner, name) WHERE owner IS NOT NULL; \
     CREATE TABLE bus_messages (\
        seq bigint PRIMARY KEY, taken bigint NOT NULL DEFAULT 0, size bigint NOT NULL, at bigint NOT NULL, died_at bigint, \
        sum bigint NOT NULL, state_sum bigint NOT NULL, is_again boolean NOT NULL DEFAULT false, \
        id text COLLATE \"C\" NOT NULL, sender text COLLATE \"C\" NOT NULL, receiver text COLLATE \"C\" NOT NULL, \
        kind text COLLATE \"C\" NOT NULL, progress text COLLATE \"C\", reason text COLLATE \"C\", body bytea NOT NULL) \
        WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000); \
     CREATE INDEX bus_messages_of_receiver ON bus_messages (receiver, is_again DESC, seq) WHERE died_at IS NULL; \
     CREATE INDEX bus_messages_dead ON bus_messages (seq) WHERE died_at IS NOT NULL; \
     CREATE INDEX bus_messages_dead_by_id ON bus_messages (id, sender, seq) WHERE died_at IS NOT NULL; \
     CREATE TABLE bus_ids (\
        sender text COLLATE \"C\", id text COLLATE \"C\", seq bigint NOT NULL, sum bigint NOT NULL, PRIMARY KEY (sender, id)); \
     CREATE INDEX bus_ids_by_age ON bus_ids (seq); \
     CREATE TABLE bus_numbers (\
        sender text COLLATE \"C\", prefix text COLLATE \"C\", used bigint NOT NULL, high bigint NOT NULL, gaps bytea NOT NULL, \
        sum bigint NOT NULL, PRIMARY KEY (sender, prefix)) \
        WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000); \
     CREATE INDEX bus_numbers_by_age ON bus_numbers (used); \
     CREATE TABLE bus_notices (\
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, slot smallint NOT NULL, \
        sender text NOT NULL, id text NOT NULL, reason text NOT NULL); \
     CREATE INDEX bus_notices_of_slot ON bus_notices (slot, number);"];

/// The advisory lock that is held while tables are made, and while a node joins.
pub(crate) const TURN: &str = "SELECT pg_advisory_xact_lock(6298523424906340)";

/// Brings a database to the form of today, in one transaction, whoever else does so at the same time. It takes the time that it takes.
pub(crate) async fn migrate(client: &Client, place: &str) -> Result<(), BusStoreError> {
    let failed = |error: tokio_postgres::Error| {
        let what = text_of(&error).into();
        match error.code() {
            Some(&SqlState::DUPLICATE_TABLE) => BusStoreError::Foreign { place: place.into(), what },
            _ => BusStoreError::Failed { place: place.into(), what },
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
        let table = "CREATE TABLE wharf_bus (one int PRIMARY KEY CHECK (one = 1), version int NOT NULL); \
                     INSERT INTO wharf_bus VALUES (1, 0)";
        client.batch_execute(table).await.map_err(failed)?;
    }
    for step in &STEPS[version as usize..] {
        client.batch_execute(step).await.map_err(failed)?;
    }
    client.execute("UPDATE wharf_bus SET version = $1", &[&VERSION]).await.map_err(failed)?;
    client.batch_execute("COMMIT").await.map_err(failed)
}

/// The version of a database's form: 0 of one without a bus.
pub(crate) async fn version_of(client: &Client, place: &str) -> Result<i32, BusStoreError> {
    let failed = |error| BusStoreError::Failed { place: place.into(), what: text_of(&error).into() };
    // By the catalogue's table, which is locked for that: a name alone is looked up in what the session has cached, and who waited for
    // another to make the tables would go on without them.
    let asked = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = to_regclass('wharf_bus'))";
    let is_there = client.query_one(asked, &[]).await.map_err(failed)?;
    if !is_there.try_get::<_, bool>(0).map_err(failed)? {
        return Ok(0);
    }
    let row = client.query_one("SELECT version FROM wharf_bus", &[]).await.map_err(failed)?;
    match row.try_get(0).map_err(failed)? {
        version @ 1..=VERSION => Ok(version),
        version => Err(BusStoreError::Version { place: place.into(), version }),
    }
}
