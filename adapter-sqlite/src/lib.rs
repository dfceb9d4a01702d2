//! The journal of Wharf's message bus on disk: an SQLite file that says when it is damaged.
//!
//! [`Journal`] carries out the batches of a [broker](wharf::service::bus) and hands back what it has when it is opened again.
//! [`DeadLetters`] reads its dead letters beside a running bus, which [`socket_of`] finds.
//!
//! A journal is `FILE` with SQLite's `FILE-wal` and `FILE-shm`, and of ours `FILE.lock`, which a bus holds while it runs, and
//! `FILE.mark`, which says how many batches there were. Copy it only while no bus runs.
#![forbid(unsafe_code)]

mod apply;
mod damage;
mod dead;
mod error;
mod fingerprint;
#[cfg(test)]
mod folder;
mod header;
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
pub use journal::{Journal, JournalConfig};
pub use lock::socket_of;
