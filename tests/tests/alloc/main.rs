//! What costs no memory, and what little the rest costs.
#![forbid(unsafe_code)]

mod deflate;
mod groups;
mod machine;
