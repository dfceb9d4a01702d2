//! TLS to the database, where it is asked for and built in.

use crate::error::DatabaseError;

/// What connects by TLS, once it is needed.
#[derive(Clone)]
pub(crate) struct Encryption {
    #[cfg(feature = "tls")]
    pub(crate) connector: Option<tokio_postgres_rustls::MakeRustlsConnect>,
}

#[cfg(feature = "tls")]
impl Encryption {
    /// Gets ready for it, where it is wanted.
    pub(crate) fn new(is_wanted: bool) -> Result<Self, DatabaseError> {
        use rustls::{ClientConfig, RootCertStore, crypto::ring};
        if !is_wanted {
            return Ok(Self { connector: None });
        }
        let failed = |what: String| DatabaseError::Tls(what.into());
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        // Stores have odd ones among their certificates, which nobody can be judged by.
        let (added, _) = roots.add_parsable_certificates(found.certs);
        if added == 0 {
            return Err(failed("there are no root certificates".into()));
        }
        let config = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(|e| failed(e.to_string()))?;
        let config = config.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { connector: Some(tokio_postgres_rustls::MakeRustlsConnect::new(config)) })
    }
}

#[cfg(not(feature = "tls"))]
impl Encryption {
    pub(crate) fn new(is_wanted: bool) -> Result<Self, DatabaseError> {
        if is_wanted {
            return Err(DatabaseError::Tls("TLS is not built in (feature tls)".into()));
        }
        Ok(Self {})
    }
}
