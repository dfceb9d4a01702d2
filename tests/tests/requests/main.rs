//! Requests and their answers.
#![forbid(unsafe_code)]

mod asking;
mod faults;
mod services;
