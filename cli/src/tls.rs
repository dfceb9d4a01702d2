//! Certificates and keys out of files.

use std::io;
use std::path::Path;
use wharf::tls::{ClientConfig, ServerConfig, TlsConfigError};

/// Why files do not make a TLS configuration.
///
/// ```
/// use wharf_cli::tls::trusting;
///
/// let error = trusting("/nowhere/root.pem".as_ref()).unwrap_err();
/// assert!(error.to_string().starts_with("--ca: cannot read /nowhere/root.pem: "));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFileError {
    /// A file cannot be read.
    #[error("{flag}: cannot read {path}: {error}")]
    Read {
        /// The flag that names it.
        flag: &'static str,
        /// Its path.
        path: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// What is in them is not what it should be.
    #[error("{flag} {paths}: {error}")]
    Content {
        /// The flag that names them.
        flag: &'static str,
        /// Their paths.
        paths: String,
        /// What is wrong.
        error: TlsConfigError,
    },
}

/// A server that shows the certificate chain and has the key of two PEM files.
///
/// # Errors
/// [`TlsFileError`].
pub fn showing(chain: &Path, key: &Path) -> Result<ServerConfig, TlsFileError> {
    let flag = "--tls";
    ServerConfig::from_pem(&read(flag, chain)?, &read(flag, key)?).map_err(|error| TlsFileError::Content {
        flag,
        paths: format!("{} {}", chain.display(), key.display()),
        error,
    })
}

/// A client that trusts the roots of a PEM file and no others.
///
/// # Errors
/// [`TlsFileError`].
pub fn trusting(roots: &Path) -> Result<ClientConfig, TlsFileError> {
    let flag = "--ca";
    let built = ClientConfig::builder().roots_pem(&read(flag, roots)?).build();
    built.map_err(|error| TlsFileError::Content { flag, paths: roots.display().to_string(), error })
}

fn read(flag: &'static str, path: &Path) -> Result<Vec<u8>, TlsFileError> {
    std::fs::read(path).map_err(|error| TlsFileError::Read { flag, path: path.display().to_string(), error })
}
