//! Ways out: HTTP CONNECT and SOCKS5 as machines, and the rules that say when a proxy is used. And the way in: what a
//! proxy in front of a server says of whom it stands for.
//!
//! [`Proxies`] says which [`Proxy`] a target is reached by, if any; whoever dials connects to that one instead and runs
//! a [`Tunnel`] first. Once it is open, the same transport leads to the target, and TLS or the opening handshake begin. A server
//! behind a proxy that speaks the PROXY protocol runs a [`HeaderReader`] first.

mod error;
mod exceptions;
mod header;
mod host;
mod http_connect;
mod rules;
mod socks5;
mod tunnel;
mod url;

pub use error::{ProxyError, ProxyRefusal, SocksReply};
pub use header::{HeaderReader, ProxyHeader, ProxyHeaderError};
pub use rules::{Proxies, ProxiesError};
pub use tunnel::Tunnel;
pub use url::{Proxy, ProxyKind, ProxyUrlError};
