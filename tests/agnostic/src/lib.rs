//! A counter that many share, as a library for any runtime: it depends on `wharf-core` alone. The server is a
//! [`Service`](wharf::link::Service), which an adapter runs; the client turns calls into messages and answers into a
//! total, and leaves sending and receiving to whatever socket the application has.
//!
//! ```
//! use wharf_agnostic::{Answer, Client};
//!
//! let mut client = Client::default();
//! assert_eq!(client.add(2).as_text(), Some("add 2"));
//! assert_eq!(client.receive(&"total 2".into()), Ok(Answer::Total(2)));
//! assert_eq!((client.total(), client.is_waiting()), (Some(2), false));
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod client;
mod counter;
mod wire;

pub use client::{Client, ClientError};
pub use counter::Counter;
pub use wire::{Answer, Request};
