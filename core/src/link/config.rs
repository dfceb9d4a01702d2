//! What a hub and its links are told once.

use crate::ws;
use crate::{http, ws::handshake::ServerPolicy};
use alloc::sync::Arc;
use core::time::Duration;

/// Limits and deadlines of a hub and of each of its links.
///
/// ```
/// use wharf::link::Config;
///
/// let mut config = Config::default();
/// config.max_connections = 100;
/// assert!(config.check().is_ok());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Open WebSocket connections: a hub's accepted ones, and both sides of a [`Link`](super::Link) of its own.
    pub ws: Arc<ws::Config>,
    /// Open WebSocket connections that a hub's service dialed. Default [`ws::Config::client`].
    pub dialed: Arc<ws::Config>,
    /// Connections before their upgrade.
    pub http: Arc<http::Config>,
    /// What is asked of those who want a WebSocket.
    pub policy: ServerPolicy,
    /// How long a client's handshake may take; for a hub's dials lookup and connect are in it. Default 10 s.
    pub open_timeout: Duration,
    /// Most connections at once; more are refused and counted. Default 16,384.
    pub max_connections: usize,
    /// Most connections at once that have not opened a WebSocket; more are refused and counted. Default 4,096.
    pub max_handshakes: usize,
    /// Most jobs in flight; past it a job is given back. Default 1,024.
    pub max_jobs: usize,
    /// Most dials in flight; past it a dial is refused. Default 256.
    pub max_dials: usize,
    /// How long a drain may take before what is left is reset. Default 10 s.
    pub drain_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ws: Arc::default(),
            dialed: Arc::new(ws::Config::client()),
            http: Arc::default(),
            policy: ServerPolicy::default(),
            open_timeout: Duration::from_secs(10),
            max_connections: 16_384,
            max_handshakes: 4096,
            max_jobs: 1024,
            max_dials: 256,
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// A configuration that contradicts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The part for open WebSocket connections.
    #[error(transparent)]
    Ws(#[from] ws::ConfigError),
    /// A limit of zero.
    #[error("{0} is zero")]
    Zero(&'static str),
}

impl Config {
    /// The defaults for a client ([`ws::Config::client`]).
    #[must_use]
    pub fn client() -> Self {
        Self { ws: Arc::new(ws::Config::client()), ..Self::default() }
    }

    /// Whether the parts agree.
    ///
    /// # Errors
    /// The first [`ConfigError`] found.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.ws.check()?;
        self.dialed.check()?;
        for (name, zero) in [
            ("max_connections", self.max_connections == 0),
            ("max_handshakes", self.max_handshakes == 0),
            ("open_timeout", self.open_timeout.is_zero()),
        ] {
            if zero {
                return Err(ConfigError::Zero(name));
            }
        }
        Ok(())
    }
}
