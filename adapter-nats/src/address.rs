//! Where the server is, and which of those who share it are meant.

use crate::error::ConnectError;
use std::net::Ipv6Addr;

/// The longest name.
const NAME_MAX: usize = 64;

/// How one logs in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Login {
    Nobody,
    User { name: String, password: String },
    Token(String),
}

/// What a URL says.
#[derive(Clone)]
pub(crate) struct Address {
    /// Scheme, host and port, as the client understands them.
    pub(crate) server: String,
    pub(crate) login: Login,
    /// What stands before each subject, the dot included.
    pub(crate) prefix: String,
    /// Scheme, host, port and name, for people.
    pub(crate) place: Box<str>,
}

impl Address {
    /// Reads a URL. What is wrong with one is not told: it may be a part of the password.
    pub(crate) fn parse(url: &str) -> Result<Self, ConnectError> {
        Self::read(url).ok_or(ConnectError::Url)
    }

    fn read(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        if !matches!(scheme, "nats" | "tls") {
            return None;
        }
        let (authority, name) = rest.split_once('/')?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(is_name) {
            return None;
        }
        let (login, place) = match authority.split_once('@') {
            Some((credentials, place)) => (login(credentials)?, place),
            None => (Login::Nobody, authority),
        };
        let server = format!("{scheme}://{}", host_and_port(place)?);
        let place = format!("{server}/{name}").into();
        Some(Self { server, login, prefix: format!("wharf.{name}."), place })
    }
}

fn login(credentials: &str) -> Option<Login> {
    match credentials.split_once(':') {
        Some((name, password)) => Some(Login::User { name: decoded(name)?, password: decoded(password)? }),
        None if credentials.is_empty() => None,
        None => Some(Login::Token(decoded(credentials)?)),
    }
}

/// With the port that is meant where none is given.
fn host_and_port(place: &str) -> Option<String> {
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !place.ends_with(']') => (host, port.parse::<u16>().ok()?),
        _ => (place, 4222),
    };
    let is_bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match is_bracketed {
        Some(host) => host.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        }
    };
    (is_host && port != 0).then(|| format!("{host}:{port}"))
}

/// Text whose special characters are written as % and two hexadecimal digits.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            b'@' | b':' | b'/' | b'?' | b'#' => return None,
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Address {
        Address::parse(url).unwrap()
    }

    #[test]
    fn a_url_says_where_who_and_which() {
        let address = read("nats://ada:s%40cr%3Aet@nats.example:5222/chat_1");
        assert_eq!(address.server, "nats://nats.example:5222");
        assert_eq!(address.prefix, "wharf.chat_1.");
        assert_eq!(&*address.place, "nats://nats.example:5222/chat_1");
        assert!(address.login == Login::User { name: "ada".into(), password: "s@cr:et".into() });
        assert!(read("nats://t%2Fk@localhost/a").login == Login::Token("t/k".into()));
        assert!(read("nats://localhost/a").login == Login::Nobody);
    }

    #[test]
    fn a_port_is_the_usual_one_and_a_host_may_be_an_address() {
        assert_eq!(read("nats://localhost/a").server, "nats://localhost:4222");
        assert_eq!(read("tls://10.0.0.1:1/a").server, "tls://10.0.0.1:1");
        assert_eq!(read("nats://[::1]/a").server, "nats://[::1]:4222");
        assert_eq!(read("nats://[fe80::1]:7/a").server, "nats://[fe80::1]:7");
    }

    #[test]
    fn a_name_has_1_to_64_plain_characters() {
        assert_eq!(read(&format!("nats://h/{}", "n".repeat(64))).prefix.len(), 6 + 64 + 1);
        for name in ["", "a.b", "a*", ">", "a b", "a/b", "a?b", "é", &"n".repeat(65)] {
            assert!(Address::parse(&format!("nats://h/{name}")).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_without_a_word_of_it() {
        for url in [
            "s3cret",
            "nats://localhost",
            "http://ada:s3cret@h/a",
            "ws://ada:s3cret@h/a",
            "nats://ada:s3/cret@h/a",
            "nats://ada:s3@cret@h/a",
            "nats://ada:s3?cret@h/a",
            "nats://ada:s3:cret@h/a",
            "nats://ada:%zzcret@h/a",
            "nats://ada:%ff%fecret@h/a",
            "nats://@h/a",
            "nats://ada:s3cret@/a",
            "nats://ada:s3cret@h:port/a",
            "nats://ada:s3cret@h:0/a",
            "nats://ada:s3cret@h:70000/a",
            "nats://ada:s3cret@[::g]/a",
            "nats://ada:s3cret@h one/a",
        ] {
            let error = Address::parse(url).err().expect(url);
            assert!(!format!("{error} {error:?}").contains("cret"), "{url}");
        }
    }
}
