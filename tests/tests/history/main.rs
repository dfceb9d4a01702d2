//! Stores of a chat: what each does, alone and beside the others, and when it is killed.
#![forbid(unsafe_code)]

mod differential;
mod killed;
mod postgres;
mod store;
mod stores;
