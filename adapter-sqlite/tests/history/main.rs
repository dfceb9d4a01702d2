//! The history of a chat on SQLite.
#![forbid(unsafe_code)]

#[path = "../disk/mod.rs"]
mod disk;
mod disk_full;
#[path = "../../src/folder.rs"]
mod folder;
mod power_cut;
mod store;
#[path = "../traffic/mod.rs"]
mod traffic;
