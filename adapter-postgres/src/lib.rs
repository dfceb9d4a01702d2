//! What Wharf keeps in a PostgreSQL database: what was said in the rooms of its chat, a [store](wharf::service::history) like that in memory
//! and that in SQLite, with the same answers; and with the feature `bus` the store that several nodes of its message bus share
//! (`BusStore`).
//!
//! [`History`] keeps one connection, dials again by itself, and brings its tables to the form of today. The table is
//! `messages(id, room_id, user_id, name, content, timestamp, ref, key)`. With the feature `tls` a URL may ask for `sslmode=require`.
//!
//! ```no_run
//! use wharf::service::history::{Answer, Ask, PageAsk, Span};
//! use wharf_postgres::History;
//!
//! let mut history = History::connect("postgres://chat:secret@db.example/chat")?;
//! let newest = Ask::Page(PageAsk::new(vec!["general".into()], Span::Newest { below: None }, 50));
//! if let Answer::Page(page) = history.carry_out(&newest)? {
//!     page.entries.iter().for_each(|entry| println!("{}: {}", entry.name, entry.content));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `bus` | `BusStore`: the store that several nodes of a message bus share |
//! | `tls` | `sslmode=require`, by rustls; certificates are judged by the operating system's roots |
#![forbid(unsafe_code)]

mod address;
mod blocking;
#[cfg(feature = "bus")]
mod bus;
mod dial;
mod encryption;
mod error;
mod failing;
mod form;
mod link;
mod page;
mod schema;
mod store;
mod text;
mod way;
mod write;

#[cfg(feature = "bus")]
pub use bus::{BusStore, BusStoreConfig, DeadPage, Wakes};
pub use error::DatabaseError;
pub use store::{History, HistoryConfig};
