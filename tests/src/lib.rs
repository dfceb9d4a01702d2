//! What the tests across crates share: the source tree as tokens and the rules of style over it; a naive receiver as
//! the engine's judge, and seeded streams of frames to judge it by.
#![forbid(unsafe_code)]
// What tests share panics where a test would.
#![allow(clippy::missing_errors_doc, clippy::missing_panics_doc)]

#[cfg(feature = "rig")]
pub mod adapter;
pub mod bus_nodes;
pub mod bus_world;
#[cfg(feature = "rig")]
pub mod cell;
#[cfg(feature = "rig")]
pub mod census;
#[cfg(feature = "rig")]
pub mod certificates;
#[cfg(feature = "rig")]
pub mod client;
pub mod code_block;
#[cfg(feature = "rig")]
pub mod crowd;
#[cfg(feature = "rig")]
pub mod daemon;
#[cfg(feature = "rig")]
pub mod desk;
#[cfg(feature = "rig")]
pub mod dialer;
#[cfg(feature = "rig")]
pub mod door;
pub mod features;
#[cfg(feature = "rig")]
pub mod folder;
pub mod framing;
pub mod fuzz_bodies;
mod fuzz_bus;
mod fuzz_deflate;
mod fuzz_journal;
mod fuzz_mesh;
pub mod fuzz_tls;
#[cfg(feature = "rig")]
pub mod gate;
#[cfg(feature = "rig")]
pub mod log;
#[cfg(feature = "rig")]
pub mod motley;
pub mod naive;
#[cfg(all(feature = "rig", unix))]
pub mod nats;
pub mod packer;
pub mod pair;
#[cfg(feature = "rig")]
pub mod peer_stream;
#[cfg(all(feature = "rig", unix))]
pub mod postgres;
#[cfg(feature = "rig")]
pub mod program;
pub mod purity;
pub mod readme;
pub mod receiver;
#[cfg(feature = "rig")]
pub mod rig;
pub mod scripts;
pub mod seeds;
pub mod side;
pub mod source;
pub mod streams;
pub mod style;
pub mod wire;
pub mod world;
