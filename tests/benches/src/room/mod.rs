//! A chat's room under load: many people in it, a message every so often, and some who never read.
//!
//! The server is a process of its own ([`measure`]); the people are connections of one thread ([`crowd`], [`member`]), which checks that
//! each who reads hears every message once and all of them in one order, and tells how long each was on its way ([`heard`]).

pub mod crowd;
pub mod heard;
pub mod measure;
pub mod member;
