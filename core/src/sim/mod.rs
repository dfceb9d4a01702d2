//! A network under virtual time, to test servers in: services, their clients and the wires between them, with faults, all
//! from one seed. Read [`guide`] first.

mod access;
mod client;
mod connections;
mod dialing;
mod dice;
mod faults;
mod host;
mod line;
mod pipe;
mod run;
mod script;
mod setup;
mod transcript;
mod visit;
mod wire;
mod world;

pub mod guide;

pub use client::{Client, Outcome};
pub use dice::Dice;
pub use faults::{Faults, Habit};
pub use line::Line;
pub use run::Stuck;
pub use script::{Act, Quiet, Script};
pub use transcript::Transcript;
pub use visit::{ConnectError, Visit};
pub use world::{ClientId, ServerId, World};

#[cfg(test)]
mod tests;
