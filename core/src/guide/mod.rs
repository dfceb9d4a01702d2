//! The guides: a reader has an afternoon for all of them. Nothing is in these modules but text, and all code in it is compiled
//! and run by the tests.
//!
//! | you want to | read |
//! |---|---|
//! | drive connections from a loop that is there already | [`embedding`] |
//! | write a server once, for every runtime | [`services`] |
//! | test it without a network | `sim::guide` (feature `sim`) |
//! | know how a connection ended, and whether to try again | [`errors`] |
//! | send more than the peer takes | [`backpressure`] |
//! | know what a connection costs at most | [`memory`] |
//! | know what the defaults defend against, and what they do not | [`security`] |
//! | stand behind nginx, HAProxy or a load balancer | [`deploying`] |
//!
//! The adapters have guides of their own: `wharf_tokio::guide` begins with a server from an empty folder, comes over from
//! tokio-tungstenite, and has each section of the guide to Effect's `Socket`; `wharf_async_std::guide` comes over from
//! async-tungstenite.

#[doc = include_str!("backpressure.md")]
pub mod backpressure {}

#[doc = include_str!("deploying.md")]
pub mod deploying {}

#[doc = include_str!("embedding.md")]
pub mod embedding {}

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("memory.md")]
pub mod memory {}

#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("services.md")]
pub mod services {}
