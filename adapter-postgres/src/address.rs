//! Where the database is.

use crate::error::DatabaseError;
use std::path::Path;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// Where Debian's and most others' servers have their socket.
const SOCKETS: &str = "/var/run/postgresql";

/// What a URL says.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) config: Config,
    pub(crate) is_encrypted: bool,
    /// Host, port and database, for people.
    pub(crate) place: Box<str>,
}

impl Address {
    /// Reads a URL. A password that is not in it is taken from `password`.
    pub(crate) fn parse(url: &str, password: Option<String>) -> Result<Self, DatabaseError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(DatabaseError::Url);
        }
        // Where the credentials end must be beyond doubt, since what comes behind is told.
        let (_, rest) = url.split_once("://").unwrap_or_default();
        let is_doubtful = |(credentials, rest): (&str, &str)| {
            credentials.contains('?') || rest.split('?').next().is_some_and(|place| place.contains('@'))
        };
        if rest.split_once('@').is_some_and(is_doubtful) {
            return Err(DatabaseError::Url);
        }
        // Certificates are always judged, so the strictest of libpq's modes is the only one there is.
        let url = url.replace("sslmode=verify-full", "sslmode=require");
        // What is wrong is not told: it may be a part of the password.
        let mut config: Config = url.parse().map_err(|_| DatabaseError::Url)?;
        if let (None, Some(password)) = (config.get_password(), password) {
            config.password(password);
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            if Path::new(SOCKETS).is_dir() {
                config.host(SOCKETS)
            } else {
                config.host("localhost")
            };
        }
        if config.get_application_name().is_none() {
            config.application_name("wharf");
        }
        let is_encrypted = config.get_ssl_mode() == SslMode::Require;
        if !is_encrypted {
            config.ssl_mode(SslMode::Disable);
        }
        let place = place(&config).into();
        Ok(Self { config, is_encrypted, place })
    }
}

fn place(config: &Config) -> String {
    let mut place = String::new();
    for (at, host) in config.get_hosts().iter().enumerate() {
        let port = config.get_ports().get(at).or(config.get_ports().first()).unwrap_or(&5432);
        let host = match host {
            Host::Tcp(host) => host.clone(),
            #[cfg(unix)]
            Host::Unix(folder) => folder.display().to_string(),
        };
        place.push_str(&format!("{}{host}:{port}", if at == 0 { "" } else { "," }));
    }
    place + "/" + config.get_dbname().or(config.get_user()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place_of(url: &str) -> String {
        Address::parse(url, None).unwrap().place.into()
    }

    #[test]
    fn a_place_is_told_without_user_and_password() {
        assert_eq!(place_of("postgres://ada:s3cret@db.example:6000/chat"), "db.example:6000/chat");
        assert_eq!(place_of("postgresql://ada:s3cret@one,two/chat"), "one:5432,two:5432/chat");
        assert_eq!(place_of("postgres://ada@%2Ftmp%2Fpg/chat?password=s3cret"), "/tmp/pg:5432/chat");
        assert!(place_of("postgres:///chat").ends_with(":5432/chat"));
    }

    #[test]
    fn what_is_no_url_is_refused_without_a_word_of_it() {
        for url in [
            "s3cret",
            "http://ada:s3cret@db/chat",
            "postgres://ada:s3?cret@db/chat",
            "postgres://ada:s3/cret@db:port/chat",
            "postgres://ada:%zz@db/chat?s3cret=1",
            "postgres://db/chat?sslmode=s3cret",
            "postgres://ada:s3@cret@db/chat",
            "postgres://db:5432/chat?user=ada&password=s3@cret",
        ] {
            let error = Address::parse(url, None).err().expect(url);
            assert!(!format!("{error} {error:?}").contains("cret"), "{url}");
        }
    }

    #[test]
    fn a_password_may_come_from_elsewhere() {
        let password = |url| {
            let address = Address::parse(url, Some("other".into())).unwrap();
            address.config.get_password().map(<[u8]>::to_vec)
        };
        assert_eq!(password("postgres://ada@db/chat"), Some(b"other".to_vec()));
        assert_eq!(password("postgres://ada:own@db/chat"), Some(b"own".to_vec()));
    }

    #[test]
    fn only_what_requires_tls_is_encrypted() {
        let is_encrypted = |url| Address::parse(url, None).unwrap().is_encrypted;
        assert!(is_encrypted("postgres://db/chat?sslmode=require"));
        assert!(is_encrypted("postgres://db/chat?sslmode=verify-full"));
        assert!(!is_encrypted("postgres://db/chat?sslmode=prefer") && !is_encrypted("postgres://db/chat"));
    }
}
