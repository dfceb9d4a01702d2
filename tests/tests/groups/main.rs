//! Groups, in a simulated world and on each runtime.
#![forbid(unsafe_code)]

mod runtimes;
mod world;
