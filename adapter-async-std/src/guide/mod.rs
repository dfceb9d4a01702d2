//! A guide for this adapter; those of the machines, which are the same on every runtime, are in [`wharf::guide`].

#[doc = include_str!("from_async_tungstenite.md")]
pub mod from_async_tungstenite {}
