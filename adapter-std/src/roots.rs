//! Whom a client trusts where its configuration does not say: the roots of the features, the operating system's first.

use crate::ConnectError;
use wharf::tls::ClientConfig;

#[cfg(not(any(
    feature = "tls-webpki-roots",
    feature = "tls-native-roots",
    feature = "tls-platform-verifier"
)))]
#[allow(clippy::unnecessary_wraps)]
pub(crate) fn default_client() -> Result<Option<ClientConfig>, ConnectError> {
    Ok(None)
}

/// Made once, so that all connections resume each other's sessions.
#[cfg(any(feature = "tls-webpki-roots", feature = "tls-native-roots", feature = "tls-platform-verifier"))]
pub(crate) fn default_client() -> Result<Option<ClientConfig>, ConnectError> {
    use std::sync::{Mutex, PoisonError};

    static MADE: Mutex<Option<ClientConfig>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if made.is_none() {
        *made = Some(make().map_err(|e| ConnectError::System(std::io::Error::other(e)))?);
    }
    Ok(made.clone())
}

#[cfg(feature = "tls-platform-verifier")]
fn make() -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    use std::sync::Arc;

    let provider = Arc::new(wharf::tls::rustls::crypto::ring::default_provider());
    let verifier = rustls_platform_verifier::Verifier::new(provider)?;
    Ok(ClientConfig::builder().verifier(Arc::new(verifier)).build()?)
}

#[cfg(all(feature = "tls-native-roots", not(feature = "tls-platform-verifier")))]
fn make() -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    let found = rustls_native_certs::load_native_certs();
    // Stores have odd ones among their certificates, which nobody can be judged by.
    let fits = |root: &&[u8]| ClientConfig::builder().roots_der([root.to_vec()]).build().is_ok();
    let roots: Vec<&[u8]> = found.certs.iter().map(|root| &root[..]).filter(fits).collect();
    match found.errors.into_iter().next() {
        Some(error) if roots.is_empty() => Err(error.into()),
        _ => Ok(ClientConfig::builder().roots_der(roots).build()?),
    }
}

#[cfg(all(
    feature = "tls-webpki-roots",
    not(any(feature = "tls-native-roots", feature = "tls-platform-verifier"))
))]
fn make() -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    Ok(ClientConfig::builder().webpki_roots().build()?)
}
