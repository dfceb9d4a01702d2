//! What the tests across crates share: the source tree as tokens and the rules of style over it.
#![forbid(unsafe_code)]

pub mod purity;
pub mod source;
pub mod style;
