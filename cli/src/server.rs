//! What the flags that every server takes amount to.

use crate::args::Common;
use std::sync::Arc;
use std::time::Duration;
use wharf::http;
use wharf::link::Config;
use wharf::proxy::Proxies;

/// How long a silent WebSocket is left alone before it is pinged, unless a flag says otherwise.
pub const WEBSOCKET_IDLE: Duration = Duration::from_secs(30);
/// How long a silent connection without pings is kept, unless a flag says otherwise.
pub const FRAMED_IDLE: Duration = Duration::from_secs(300);

/// The configuration that each server begins with. What is spoken, and how long silence may last there, is its own.
#[must_use]
pub fn config(common: &Common) -> Config {
    let mut http = http::Config::default();
    http.open_timeout = common.open_timeout;
    let mut config = Config::default();
    config.http = Arc::new(http);
    config.max_connections = common.max_connections;
    config.forwarding = common.limits.forwarding();
    config.max_connections_per_address = common.max_connections_per_address;
    // It dials nobody, so the environment's proxies are none of its business, not even bad ones.
    config.proxies = Some(Arc::new(Proxies::none()));
    config
}
