//! Laws and faults of the client.

mod driver;
mod faults;
mod herd;
mod laws;
mod limits;
mod stopping;
