//! Guides for this adapter; those of the machines, which are the same on every runtime, are in [`wharf::guide`]. Nothing is in
//! these modules but text, and all code in it is compiled by the tests.
//!
//! | you | read |
//! |---|---|
//! | have an empty folder | [`first_server`] |
//! | have tokio-tungstenite | [`from_tokio_tungstenite`] |
//! | have read the guide to Effect's `Socket` | [`from_effect`] |

#[doc = include_str!("first_server.md")]
pub mod first_server {}

#[doc = include_str!("from_effect.md")]
pub mod from_effect {}

#[doc = include_str!("from_tokio_tungstenite.md")]
pub mod from_tokio_tungstenite {}
