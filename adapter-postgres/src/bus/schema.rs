//! The tables of a bus.

use crate::form::Form;

/// The tables of a bus.
pub(crate) const FORM: Form = Form { of: "bus", table: "wharf_bus", turn: TURN, steps: &STEPS };

/// A service's messages are *taken* where they bear the number of its claim; each claim has a number of its own, so giving one up changes
/// no message. A slot's row stays when its node goes: `last` is the greatest place that was given by whoever had the slot, and
/// `remembered` what those have put into `bus_ids` and `bus_numbers`, less what they took out, so that neither has to be counted.
/// What is changed often leaves room in its pages for what it is changed to, and is cleaned up early.
const STEPS: [&str; 1] = ["CREATE SEQUENCE bus_epochs; CREATE SEQUENCE bus_claims; \
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
