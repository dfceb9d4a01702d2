//! Laws and faults of the client.

mod driver;
mod faults;
mod herd;
#[cfg(feature = "sim")]
mod kept;
mod laws;
mod limits;
mod stopping;
