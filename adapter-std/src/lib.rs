//! What every adapter of Wharf takes from std and the operating system, written once: the [`Clock`], randomness,
//! Unix sockets and their files, what connecting fails with, and what is told as `tracing` events.
//!
//! An application uses an adapter, which names what it needs of this. An adapter of your own builds on it.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `tracing` | events and spans of connections |
//! | `tls` | `wss` and TLS on any framing, by rustls |
//! | `tls-webpki-roots` | `tls`, and the roots that Mozilla trusts, built in |
//! | `tls-native-roots` | `tls`, and the operating system's roots |
//! | `tls-platform-verifier` | `tls`, and the operating system judges certificates |
#![forbid(unsafe_code)]

mod accept;
mod addresses;
mod clock;
mod command;
mod connecting;
mod drained;
mod environment;
mod error;
pub mod events;
mod panic;
#[cfg(feature = "tls")]
mod roots;
mod tcp;
mod unix;

pub use accept::{ACCEPT_PAUSE, ACCEPT_TELL, AcceptFailure, ListenerLost};
pub use addresses::address_of_unix;
pub use clock::Clock;
pub use command::CommandError;
pub use connecting::tell_failed;
pub use drained::Drained;
pub use environment::{for_service, with_environment};
pub use error::{ConnectError, end_of, lookup_timed_out};
pub use panic::text_of_panic;
pub use tcp::{listen_tcp, listen_tcp_reusing_port};
pub use unix::{SocketFile, connect_unix, listen_unix};

/// Randomness, seeded by the operating system.
///
/// ```
/// let mut entropy = wharf_std::entropy()?;
/// assert_ne!(entropy.next_u64(), entropy.next_u64());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The operating system has none to give.
pub fn entropy() -> std::io::Result<wharf::base::Entropy> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(std::io::Error::from)?;
    Ok(wharf::base::Entropy::from_seed(seed))
}
