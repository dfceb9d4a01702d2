//! Subjects that many processes share, over a NATS server: for Wharf's mesh, and whatever else publishes and subscribes.
//!
//! [`Nats`] is a connection that is made again whenever it is lost, by a thread of its own, so that it serves any runtime; [`Notices`] tells
//! what happens. It is the plain fan-out of NATS: at most once, nothing kept for those who are away. What that loses the mesh finds and tells.
//!
//! A user of the server that may publish and subscribe to `wharf.NAME.>` can do all of it. Closing takes until its timeout where somebody else
//! listens to everything, since the server's word that nobody does is what confirms it.
//!
//! ```no_run
//! use wharf_nats::{Nats, Notice};
//!
//! let (nats, mut notices) = Nats::connect("nats://chat:secret@nats.example/chat")?;
//! nats.subscribe("rooms.general").expect("a subject");
//! while let Some(notice) = notices.recv() {
//!     match notice {
//!         Notice::Up => nats.publish("rooms.general", "here I am".into()).expect("it is there"),
//!         Notice::Delivered { subject, bytes } => println!("{subject}: {bytes:?}"),
//!         other => println!("{other:?}"),
//!     }
//! }
//! # Ok::<(), wharf_nats::ConnectError>(())
//! ```
#![forbid(unsafe_code)]

mod address;
mod bell;
mod config;
mod dial;
mod error;
mod inbox;
mod incoming;
mod nats;
mod notice;
mod outgoing;
mod pump;
mod stats;

pub use config::NatsConfig;
pub use error::{ConnectError, PublishError, SubscribeError};
pub use nats::{Nats, Notices};
pub use notice::Notice;
pub use stats::Stats;
