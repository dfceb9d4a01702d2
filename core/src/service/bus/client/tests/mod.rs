//! Clients beside a scripted bus, in virtual time.

mod faults;
mod laws;
mod limits;
mod receiving;
mod scripted;
mod sending;
mod side;
mod stopping;
