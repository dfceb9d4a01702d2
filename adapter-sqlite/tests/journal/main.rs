//! The journal of a bus on SQLite.
#![forbid(unsafe_code)]

mod broker;
mod damage;
#[path = "../disk/mod.rs"]
mod disk;
mod file;
#[path = "../../src/folder.rs"]
mod folder;
mod poison;
mod power_cut;
#[path = "../traffic/mod.rs"]
mod traffic;
