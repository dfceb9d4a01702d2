//! Whether a server's clients show who they are.

/// Whether a client must show a certificate, to a server that asks for one
/// ([`client_roots_pem`](super::ServerConfigBuilder::client_roots_pem)). A wrong one is refused in either case.
///
/// ```standalone_crate
/// use wharf::base::{Engine, Instant, Wall};
/// use wharf::tls::{ClientAuth, ClientConfig, ServerConfig, Session, TlsError};
/// use wharf::ws;
///
/// let (now, wall) = (Instant::ORIGIN, Wall::from_millis(1_800_000_000_000));
/// let root = include_bytes!("testdata/root.pem");
/// let (chain, key) = (include_bytes!("testdata/server.pem"), include_bytes!("testdata/server.key"));
/// // It has no certificate.
/// let client = ClientConfig::builder().roots_pem(root).build().unwrap();
/// let failure = |auth| {
///     let server = ServerConfig::builder(chain, key).client_roots_pem(root, auth).build().unwrap();
///     let mut client = Session::client(&client, "localhost", wall).unwrap();
///     let mut server = Session::server(&server, wall).unwrap();
///     let mut silent = ws::Connection::server(now, &ws::Config::default().into());
///     for _ in 0..4 {
///         let (mut there, mut back) = (Vec::new(), Vec::new());
///         client.seal(silent.output(now)).drain_into(&mut there);
///         server.open(wall, &mut there, &mut Vec::new());
///         server.seal(silent.output(now)).drain_into(&mut back);
///         client.open(wall, &mut back, &mut Vec::new());
///     }
///     server.failure().cloned()
/// };
/// assert_eq!(failure(ClientAuth::Optional), None);
/// assert_eq!(failure(ClientAuth::Required), Some(TlsError::NoCertificate));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientAuth {
    /// One without is refused: [`TlsError::NoCertificate`](super::TlsError::NoCertificate).
    Required,
    /// One without is let in; [`Session::peer_certificates`](super::Session::peer_certificates) tells.
    Optional,
}
