//! Ways out: HTTP CONNECT and SOCKS5 as machines, and the rules that say when a proxy is used.
//!
//! [`Proxies`] says which [`Proxy`] a target is reached by, if any; whoever dials connects to that one instead and runs
//! a [`Tunnel`] first. Once it is open, the same transport leads to the target, and TLS or the opening handshake begin.

mod error;
mod exceptions;
mod host;
mod http_connect;
mod rules;
mod socks5;
mod tunnel;
mod url;

pub use error::{ProxyError, ProxyRefusal, SocksReply};
pub use rules::{Proxies, ProxiesError};
pub use tunnel::Tunnel;
pub use url::{Proxy, ProxyKind, ProxyUrlError};
