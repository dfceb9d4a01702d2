//! What a session is told once: whom to trust, who to be, what to speak.

use super::{ClientAuth, TlsConfigError};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{Error, RootCertStore};

/// The very version of rustls whose types are taken here.
pub use ::rustls;

/// A client's side: which servers to trust, and what to show them. Cheap to clone; sessions share what allows them to
/// resume each other, so one configuration is best kept for all connections.
///
/// Its algorithms are those of ring, whatever the process's default provider is; versions are TLS 1.3 and 1.2. Certificates
/// are always verified, by the calendar time that a session is handed.
///
/// ```standalone_crate
/// use wharf::tls::ClientConfig;
///
/// let root = include_bytes!("testdata/root.pem");
/// let config = ClientConfig::builder().roots_pem(root).alpn(["http/1.1"]).build().unwrap();
/// # let _ = config;
/// ```
#[derive(Clone)]
pub struct ClientConfig {
    pub(super) rustls: Arc<rustls::ClientConfig>,
}

impl ClientConfig {
    /// Begins with nothing trusted.
    #[must_use]
    pub fn builder() -> ClientConfigBuilder {
        ClientConfigBuilder {
            roots: RootCertStore::empty(),
            verifier: None,
            identity: None,
            alpn: Vec::new(),
            without_resumption: false,
            fault: None,
        }
    }

    /// Takes a configuration made by rustls's own means, with whatever provider it has. Its time provider is replaced
    /// for each session, and early data is never sent.
    #[must_use]
    pub fn from_rustls(config: Arc<rustls::ClientConfig>) -> Self {
        Self { rustls: config }
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("alpn", &names(&self.rustls.alpn_protocols))
            .finish_non_exhaustive()
    }
}

/// Gathers a [`ClientConfig`]. The first fault in what it is given is told by [`build`](Self::build).
///
/// ```
/// use wharf::tls::{ClientConfig, TlsConfigError};
///
/// let built = ClientConfig::builder().roots_pem(b"no certificate").build();
/// assert_eq!(built.unwrap_err(), TlsConfigError::NoCertificate);
/// ```
pub struct ClientConfigBuilder {
    roots: RootCertStore,
    verifier: Option<Arc<dyn ServerCertVerifier>>,
    identity: Option<Identity>,
    alpn: Vec<Vec<u8>>,
    without_resumption: bool,
    fault: Option<TlsConfigError>,
}

impl ClientConfigBuilder {
    /// Trusts each certificate of a PEM text as a root. All must be readable.
    #[must_use]
    pub fn roots_pem(mut self, pem: &[u8]) -> Self {
        if let Err(fault) = certificates(pem).and_then(|found| add_roots(&mut self.roots, found)) {
            self.fault.get_or_insert(fault);
        }
        self
    }

    /// Trusts certificates in DER: those of the operating system's store, say. Stores have some that nobody can read;
    /// those are passed over.
    #[must_use]
    pub fn roots_der<C: Into<Vec<u8>>>(mut self, certificates: impl IntoIterator<Item = C>) -> Self {
        let found = certificates.into_iter().map(|der| CertificateDer::from(der.into()));
        self.roots.add_parsable_certificates(found);
        self
    }

    /// Trusts the authorities that Mozilla trusts, as built in when this crate's dependency `webpki-roots` was made.
    #[cfg(feature = "tls-webpki-roots")]
    #[must_use]
    pub fn webpki_roots(mut self) -> Self {
        self.roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        self
    }

    /// Has servers judged by `verifier` alone, as by the operating system's own verifier. Roots count for nothing then.
    #[must_use]
    pub fn verifier(mut self, verifier: Arc<dyn ServerCertVerifier>) -> Self {
        self.verifier = Some(verifier);
        self
    }

    /// Shows this certificate to servers that ask for one: its chain and its key, PEM.
    #[must_use]
    pub fn certificate_pem(mut self, chain: &[u8], key: &[u8]) -> Self {
        match Identity::from_pem(chain, key) {
            Ok(identity) => self.identity = Some(identity),
            Err(fault) => drop(self.fault.get_or_insert(fault)),
        }
        self
    }

    /// Offers these application protocols (ALPN, RFC 7301), the preferred one first. None by default; the name of
    /// HTTP/1.1, which a WebSocket begins with, is `http/1.1`.
    #[must_use]
    pub fn alpn<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Whether a connection to a server seen before may resume its session, which saves the certificates. On by
    /// default: tickets of at most 256 servers are kept, eight each. It needs rustls's feature `std`; without it
    /// nothing is ever resumed.
    #[must_use]
    pub fn resumption(mut self, on: bool) -> Self {
        self.without_resumption = !on;
        self
    }

    /// The configuration.
    ///
    /// # Errors
    /// [`TlsConfigError`]: the first fault in what was given, or no roots and no verifier.
    pub fn build(self) -> Result<ClientConfig, TlsConfigError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let alpn = checked(self.alpn)?;
        let builder = rustls::ClientConfig::builder_with_details(provider(), Arc::new(NoTime));
        let builder = builder.with_safe_default_protocol_versions().map_err(key_fault)?;
        let builder = match self.verifier {
            Some(verifier) => builder.dangerous().with_custom_certificate_verifier(verifier),
            None if self.roots.is_empty() => return Err(TlsConfigError::NoRoots),
            None => builder.with_root_certificates(self.roots),
        };
        let mut config = match self.identity {
            Some(own) => builder.with_client_auth_cert(own.chain, own.key).map_err(key_fault)?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = alpn;
        if self.without_resumption {
            config.resumption = Resumption::disabled();
        }
        Ok(ClientConfig { rustls: Arc::new(config) })
    }
}

impl fmt::Debug for ClientConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfigBuilder").field("roots", &self.roots.len()).finish_non_exhaustive()
    }
}

/// A server's side: the certificate it shows, and whether it asks for one. Cheap to clone; one configuration is best
/// kept for all connections.
///
/// ```standalone_crate
/// use wharf::tls::ServerConfig;
///
/// let (chain, key) = (include_bytes!("testdata/server.pem"), include_bytes!("testdata/server.key"));
/// let config = ServerConfig::from_pem(chain, key).unwrap();
/// # let _ = config;
/// ```
#[derive(Clone)]
pub struct ServerConfig {
    pub(super) rustls: Arc<rustls::ServerConfig>,
}

impl ServerConfig {
    /// Shows the certificate of a PEM chain, its own first and then its intermediates, with its private key (PKCS#8,
    /// SEC1 or PKCS#1). Asks clients for none.
    ///
    /// # Errors
    /// As [`ServerConfigBuilder::build`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsConfigError> {
        Self::builder(chain, key).build()
    }

    /// As [`from_pem`](Self::from_pem), to be told more.
    #[must_use]
    pub fn builder(chain: &[u8], key: &[u8]) -> ServerConfigBuilder {
        ServerConfigBuilder {
            identity: Identity::from_pem(chain, key),
            clients: None,
            alpn: Vec::new(),
            without_resumption: false,
        }
    }

    /// Takes a configuration made by rustls's own means: one with several certificates, or with keys for stateless
    /// tickets. Its time provider is replaced for each session, and early data is never accepted.
    #[must_use]
    pub fn from_rustls(config: Arc<rustls::ServerConfig>) -> Self {
        Self { rustls: config }
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig")
            .field("alpn", &names(&self.rustls.alpn_protocols))
            .finish_non_exhaustive()
    }
}

/// Gathers a [`ServerConfig`].
///
/// ```standalone_crate
/// use wharf::tls::{ClientAuth, ServerConfig};
///
/// let (chain, key) = (include_bytes!("testdata/server.pem"), include_bytes!("testdata/server.key"));
/// let root = include_bytes!("testdata/root.pem");
/// let builder = ServerConfig::builder(chain, key).alpn(["http/1.1"]);
/// assert!(builder.client_roots_pem(root, ClientAuth::Required).build().is_ok());
/// ```
pub struct ServerConfigBuilder {
    identity: Result<Identity, TlsConfigError>,
    clients: Option<(ClientAuth, Result<RootCertStore, TlsConfigError>)>,
    alpn: Vec<Vec<u8>>,
    without_resumption: bool,
}

impl ServerConfigBuilder {
    /// Asks clients for a certificate that one of these PEM roots has issued. A wrong one is refused in either case.
    #[must_use]
    pub fn client_roots_pem(mut self, pem: &[u8], auth: ClientAuth) -> Self {
        let mut roots = RootCertStore::empty();
        let added = certificates(pem).and_then(|found| add_roots(&mut roots, found));
        self.clients = Some((auth, added.map(|()| roots)));
        self
    }

    /// Speaks these application protocols (ALPN, RFC 7301), the preferred one first. With a list, a client that offers
    /// only others is refused; without one, which is the default, what a client offers is ignored.
    #[must_use]
    pub fn alpn<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Whether clients may resume sessions, which saves the certificates. On by default: the newest 256 sessions are
    /// kept. It needs rustls's feature `std`; without it nothing is ever resumed. Stateless tickets come by
    /// [`ServerConfig::from_rustls`].
    #[must_use]
    pub fn resumption(mut self, on: bool) -> Self {
        self.without_resumption = !on;
        self
    }

    /// The configuration.
    ///
    /// # Errors
    /// [`TlsConfigError`]: a fault in the chain, the key or the roots, or a key that is not the certificate's.
    pub fn build(self) -> Result<ServerConfig, TlsConfigError> {
        let own = self.identity?;
        let alpn = checked(self.alpn)?;
        let builder = rustls::ServerConfig::builder_with_details(provider(), Arc::new(NoTime));
        let builder = builder.with_safe_default_protocol_versions().map_err(key_fault)?;
        let builder = match self.clients {
            None => builder.with_no_client_auth(),
            Some((auth, roots)) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots?), provider());
                let verifier = match auth {
                    ClientAuth::Required => verifier,
                    ClientAuth::Optional => verifier.allow_unauthenticated(),
                };
                builder.with_client_cert_verifier(verifier.build().map_err(|_| TlsConfigError::NoRoots)?)
            }
        };
        let mut config = builder.with_single_cert(own.chain, own.key).map_err(key_fault)?;
        config.alpn_protocols = alpn;
        if self.without_resumption {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(ServerConfig { rustls: Arc::new(config) })
    }
}

impl fmt::Debug for ServerConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfigBuilder").field("alpn", &names(&self.alpn)).finish_non_exhaustive()
    }
}

/// A certificate chain and its key.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsConfigError> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            pem::Error::NoItemsFound => TlsConfigError::NoKey,
            other => TlsConfigError::BadPem { detail: other.to_string() },
        })?;
        Ok(Self { chain, key })
    }
}

/// The time of a configuration that has no session yet. Each session has its own.
#[derive(Debug)]
struct NoTime;

impl TimeProvider for NoTime {
    fn current_time(&self) -> Option<UnixTime> {
        None
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// All certificates of a PEM text, of which there must be one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(TlsConfigError::NoCertificate),
        Ok(found) => Ok(found),
        Err(error) => Err(TlsConfigError::BadPem { detail: error.to_string() }),
    }
}

fn add_roots(store: &mut RootCertStore, found: Vec<CertificateDer<'static>>) -> Result<(), TlsConfigError> {
    found.into_iter().try_for_each(|root| store.add(root).map_err(key_fault))
}

fn checked(alpn: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, TlsConfigError> {
    match alpn.iter().all(|name| (1..=255).contains(&name.len())) {
        true => Ok(alpn),
        false => Err(TlsConfigError::BadProtocol),
    }
}

/// What rustls says of a certificate or a key.
fn key_fault(error: Error) -> TlsConfigError {
    match error {
        Error::InconsistentKeys(_) => TlsConfigError::KeyMismatch,
        Error::InvalidCertificate(how) => TlsConfigError::BadCertificate { detail: format!("{how:?}") },
        other => TlsConfigError::BadKey { detail: other.to_string() },
    }
}

fn names(alpn: &[Vec<u8>]) -> Vec<Cow<'_, str>> {
    alpn.iter().map(|name| String::from_utf8_lossy(name)).collect()
}
