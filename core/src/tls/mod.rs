//! TLS as a stage on slices: ciphertext in and plaintext out, plaintext in and ciphertext out.
//!
//! A [`Session`] stands between a transport and a machine that knows nothing of it. It reads no clock: certificates are
//! judged by the [`Wall`](crate::base::Wall) that is handed in. Its ciphertext is the one output of this crate that is not
//! a function of the inputs alone, since the provider draws its own randomness.
//!
//! rustls does the work; its types are named in two files only, and for escape hatches it is here as
//! [`rustls`].

mod client_auth;
mod config;
mod error;
mod machine;
mod session;

pub use client_auth::ClientAuth;
#[doc(no_inline)]
pub use config::rustls;
pub use config::{ClientConfig, ClientConfigBuilder, ServerConfig, ServerConfigBuilder};
pub use error::{TlsConfigError, TlsError};
pub use session::Session;

#[cfg(test)]
mod tests;
