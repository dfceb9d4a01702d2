//! What a client takes from the environment where its configuration says nothing.

use crate::ConnectError;
use std::sync::Arc;
use wharf::link::Config;
use wharf::proxy::Proxies;

/// The configuration of a client with what it leaves to its adapter: the proxies of `http_proxy`, `https_proxy`,
/// `all_proxy` and `no_proxy` ([`Proxies::from_variables`]), and, where `is_secure` and a feature brings some, TLS with the
/// roots of that feature.
///
/// ```
/// use std::sync::Arc;
/// use wharf::link::Config;
///
/// let config = wharf_std::with_environment(&Arc::new(Config::client()), false)?;
/// assert!(config.proxies.is_some());
/// # Ok::<(), wharf_std::ConnectError>(())
/// ```
///
/// # Errors
/// [`ConnectError::Proxies`] for a variable that names no proxy, [`ConnectError::System`] for roots that cannot be read.
pub fn with_environment(config: &Arc<Config>, is_secure: bool) -> Result<Arc<Config>, ConnectError> {
    #[cfg_attr(not(feature = "tls"), allow(unused_mut))]
    let mut config = with_proxies(config)?;
    #[cfg(feature = "tls")]
    if is_secure && config.client_tls.is_none() {
        Arc::make_mut(&mut config).client_tls = crate::roots::default_client()?;
    }
    #[cfg(not(feature = "tls"))]
    let _ = is_secure;
    Ok(config)
}

/// The same for a service, of which nobody knows whether it will ever dial over TLS: where the roots cannot be read, as on a
/// machine that has none, it does without them, and such a dial fails with
/// [`OpenError::NoTls`](wharf::link::OpenError::NoTls).
///
/// ```
/// use std::sync::Arc;
/// use wharf::link::Config;
///
/// let config = wharf_std::for_service(&Arc::new(Config::default()))?;
/// assert!(config.proxies.is_some());
/// # Ok::<(), wharf_std::ConnectError>(())
/// ```
///
/// # Errors
/// [`ConnectError::Proxies`] for a variable that names no proxy.
pub fn for_service(config: &Arc<Config>) -> Result<Arc<Config>, ConnectError> {
    #[cfg_attr(not(feature = "tls"), allow(unused_mut))]
    let mut config = with_proxies(config)?;
    #[cfg(feature = "tls")]
    if config.client_tls.is_none() {
        Arc::make_mut(&mut config).client_tls = crate::roots::default_client().unwrap_or_default();
    }
    Ok(config)
}

fn with_proxies(config: &Arc<Config>) -> Result<Arc<Config>, ConnectError> {
    let mut config = config.clone();
    if config.proxies.is_none() {
        let proxies = Proxies::from_variables(|name| std::env::var(name).ok())?;
        Arc::make_mut(&mut config).proxies = Some(Arc::new(proxies));
    }
    Ok(config)
}
