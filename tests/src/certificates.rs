//! The certificates of core's tests, valid from 2020 until 2120 by the real clock too, and configurations of them.

use wharf::tls::{ClientConfig, ClientConfigBuilder, ServerConfig, ServerConfigBuilder};

/// The authority that has issued all but [`STRANGER`].
pub const ROOT: &[u8] = include_bytes!("../../core/src/tls/testdata/root.pem");
/// Another authority.
pub const OTHER_ROOT: &[u8] = include_bytes!("../../core/src/tls/testdata/other-root.pem");
/// A server called `localhost`, `a.example`, `127.0.0.1` and `::1`: chain and key.
pub const SERVER: (&[u8], &[u8]) = (
    include_bytes!("../../core/src/tls/testdata/server.pem"),
    include_bytes!("../../core/src/tls/testdata/server.key"),
);
/// The same, but it was valid in January 2025 alone.
pub const EXPIRED: (&[u8], &[u8]) = (
    include_bytes!("../../core/src/tls/testdata/brief.pem"),
    include_bytes!("../../core/src/tls/testdata/brief.key"),
);
/// A client.
pub const CLIENT: (&[u8], &[u8]) = (
    include_bytes!("../../core/src/tls/testdata/client.pem"),
    include_bytes!("../../core/src/tls/testdata/client.key"),
);
/// A client of the other authority.
pub const STRANGER: (&[u8], &[u8]) = (
    include_bytes!("../../core/src/tls/testdata/stranger.pem"),
    include_bytes!("../../core/src/tls/testdata/stranger.key"),
);

/// A client that trusts [`ROOT`], to be told more.
#[must_use]
pub fn trusting() -> ClientConfigBuilder {
    ClientConfig::builder().roots_pem(ROOT)
}

/// A server with [`SERVER`], to be told more.
#[must_use]
pub fn serving() -> ServerConfigBuilder {
    ServerConfig::builder(SERVER.0, SERVER.1)
}
