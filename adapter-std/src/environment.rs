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
    let mut config = config.clone();
    if config.proxies.is_none() {
        let proxies = Proxies::from_variables(|name| std::env::var(name).ok())?;
        Arc::make_mut(&mut config).proxies = Some(Arc::new(proxies));
    }
    #[cfg(feature = "tls")]
    if is_secure && config.client_tls.is_none() {
        Arc::make_mut(&mut config).client_tls = crate::roots::default_client()?;
    }
    #[cfg(not(feature = "tls"))]
    let _ = is_secure;
    Ok(config)
}
