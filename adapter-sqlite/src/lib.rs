//! Wharf in SQLite files: the journal of the message bus, which says when it is damaged, and what was said in a chat.
//!
//! # The journal of a bus
//!
//! [`Journal`] carries out the batches of a [broker](wharf::service::bus) and hands back what it has when it is opened again.
//! [`DeadLetters`] reads its dead letters beside a running bus, which [`socket_of`] finds.
//!
//! A journal is `FILE` with SQLite's `FILE-wal` and `FILE-shm`, and of ours `FILE.lock`, which a bus holds while it runs, and
//! `FILE.mark`, which says how many batches there were. Copy it only while no bus runs.
//!
//! # The history of a chat
//!
//! [`History`] is a [store](wharf::service::history) of messages and of who may come back. Its file is SQLite's alone: read it with any
//! program, while the chat runs, and back it up by SQLite's means (`sqlite3 chat.db '.backup copy.db'`). The table is
//! `messages(id, room_id, user_id, name, content, timestamp, ref, key)`.
#![forbid(unsafe_code)]

mod apply;
mod damage;
mod dead;
mod error;
mod fingerprint;
#[cfg(test)]
mod folder;
mod header;
mod history;
mod journal;
mod lock;
mod mark;
mod migration;
mod opening;
mod records;
mod row;
mod schema;
mod sidecar;
mod tally;
mod wal;

pub use damage::{Damage, Place};
pub use dead::{DeadLetter, DeadLetters};
pub use error::{Failure, OpenError, StoreError};
pub use history::{History, HistoryConfig, HistoryError};
pub use journal::{Journal, JournalConfig};
pub use lock::socket_of;
