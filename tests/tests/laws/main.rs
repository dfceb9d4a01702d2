//! Laws that hold for whatever comes in, as properties over seeds, and what the sources keep.
#![forbid(unsafe_code)]

mod bounds;
mod corpus;
mod purity;
mod schedules;
mod splits;
mod time;
mod tls;
mod upload;
