//! The examples do what they say.
#![forbid(unsafe_code)]

mod agnostic;
mod bus_client;
mod client;
mod clients;
mod commands;
mod embedding;
mod groups;
mod guides;
mod health;
mod readme;
mod readme_programs;
mod small;
mod typed;
