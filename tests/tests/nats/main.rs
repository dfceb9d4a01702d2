//! Subjects that processes share, over a real NATS server: connections that are lost and come back, what is dropped on the way, and the
//! mesh over it.
#![forbid(unsafe_code)]

mod connection;
mod mesh;
mod node;
mod scripted;
mod security;
mod station;
