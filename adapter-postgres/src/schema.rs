//! The tables of a chat.

use crate::form::Form;

/// The tables of a chat.
pub(crate) const FORM: Form = Form { of: "chat", table: "wharf_chat", turn: TURN, steps: &STEPS };

/// `timestamp` and `expires` are ms since 1970, `rooms` is a list in JSON. What others put in need have no key. Indexes are in the order
/// of bytes, which no update of the operating system changes. JavaScript's numbers are exact below 2^53.
const STEPS: [&str; 2] = [
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
