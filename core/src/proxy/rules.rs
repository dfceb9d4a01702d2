//! Which proxy a target is reached by.

use super::exceptions::Exceptions;
use super::{Proxy, ProxyUrlError};
use alloc::string::String;

/// Why the rules cannot be made: a variable that does not hold what it should.
///
/// ```
/// use wharf::proxy::{Proxies, ProxiesError, ProxyUrlError};
///
/// let error = Proxies::from_variables(|name| (name == "all_proxy").then(|| "socks4://proxy".into())).unwrap_err();
/// assert_eq!(error, ProxiesError::Proxy { variable: "all_proxy", error: ProxyUrlError::Scheme });
/// let error = Proxies::none().with_exceptions("localhost, a b/8").unwrap_err();
/// assert_eq!(error.to_string(), r#"no_proxy has an entry that cannot be understood: "b/8""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ProxiesError {
    /// No proxy's URL. Its text is not told: there may be a password in it.
    #[error("{variable}: {error}")]
    Proxy {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with it.
        error: ProxyUrlError,
    },
    /// An entry that is no host, no domain and no block of addresses.
    #[error("{variable} has an entry that cannot be understood: {entry:?}")]
    Exception {
        /// The variable's name.
        variable: &'static str,
        /// The entry.
        entry: String,
    },
}

/// Which proxy a target is reached by, if any.
///
/// ```
/// use wharf::proxy::Proxies;
///
/// // Adapters pass `|name| std::env::var(name).ok()`.
/// let proxies = Proxies::from_variables(|name| match name {
///     "https_proxy" => Some("http://proxy:3128".into()),
///     "no_proxy" => Some("localhost, .internal, 10.0.0.0/8".into()),
///     _ => None,
/// })
/// .unwrap();
/// assert_eq!(proxies.for_target(true, "a.example", 443).unwrap().host(), "proxy");
/// assert_eq!(proxies.for_target(true, "db.internal", 443), None);
/// assert_eq!(proxies.for_target(false, "a.example", 80), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    plain: Option<Proxy>,
    secure: Option<Proxy>,
    stream: Option<Proxy>,
    exceptions: Exceptions,
}

impl Proxies {
    /// No proxy for anything.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One proxy for everything.
    #[must_use]
    pub fn all(proxy: Proxy) -> Self {
        let proxy = Some(proxy);
        Self { plain: proxy.clone(), secure: proxy.clone(), stream: proxy, exceptions: Exceptions::default() }
    }

    /// The rules that the environment sets, as curl reads them: `http_proxy` is for `ws`, `https_proxy` for `wss`,
    /// `all_proxy` for what has none of its own and for streams that are no WebSocket. Each is looked for in lower case,
    /// then in upper case, and an empty one counts as unset. `HTTP_PROXY` is left alone where `REQUEST_METHOD` is set: in
    /// a CGI program its value comes from the request (CVE-2016-5385).
    ///
    /// `no_proxy` lists exceptions, as by [`with_exceptions`](Self::with_exceptions).
    ///
    /// # Errors
    /// [`ProxiesError`], which names the variable.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ProxiesError> {
        let first = |names: [&'static str; 2]| {
            let mut known = names.iter().filter_map(|name| Some((*name, variable(name)?)));
            known.find(|(_, value)| !value.is_empty())
        };
        let proxy = |names| match first(names) {
            None => Ok(None),
            Some((variable, url)) => match Proxy::parse(&url) {
                Ok(proxy) => Ok(Some(proxy)),
                Err(error) => Err(ProxiesError::Proxy { variable, error }),
            },
        };
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let stream = proxy(["all_proxy", "ALL_PROXY"])?;
        let plain = proxy(["http_proxy", if is_cgi { "http_proxy" } else { "HTTP_PROXY" }])?;
        let secure = proxy(["https_proxy", "HTTPS_PROXY"])?;
        let (plain, secure) = (plain.or_else(|| stream.clone()), secure.or_else(|| stream.clone()));
        let proxies = Self { plain, secure, stream, exceptions: Exceptions::default() };
        match first(["no_proxy", "NO_PROXY"]) {
            Some((variable, list)) => proxies.except(variable, &list),
            None => Ok(proxies),
        }
    }

    /// The same rules, but for the targets in `list`, which replaces any list before; its entries stand between commas
    /// or white space:
    ///
    /// - `example.com`, `.example.com` and `*.example.com` alike are that host and all below it;
    /// - `10.0.0.1`, `::1` are an address; `10.0.0.0/8`, `fd00::/8` a block of them. A target that is given by name is in no
    ///   block: nothing is resolved;
    /// - any host or address may have a port, `example.com:8080`, `[::1]:8080`, and is excepted on that alone then;
    /// - `*` is everything.
    ///
    /// Nothing is excepted by itself, `localhost` and its addresses neither, as in curl.
    ///
    /// # Errors
    /// [`ProxiesError::Exception`], with `no_proxy` as the variable.
    pub fn with_exceptions(self, list: &str) -> Result<Self, ProxiesError> {
        self.except("no_proxy", list)
    }

    /// The proxy for a WebSocket to `host` and `port`; `secure` is one by `wss`. The brackets of an IPv6 address may be
    /// left out.
    #[must_use]
    pub fn for_target(&self, secure: bool, host: &str, port: u16) -> Option<&Proxy> {
        let proxy = if secure { &self.secure } else { &self.plain };
        proxy.as_ref().filter(|_| !self.exceptions.contains(host, port))
    }

    /// The proxy for a stream that is no WebSocket, with TLS or without.
    #[must_use]
    pub fn for_stream(&self, host: &str, port: u16) -> Option<&Proxy> {
        self.stream.as_ref().filter(|_| !self.exceptions.contains(host, port))
    }

    fn except(mut self, variable: &'static str, list: &str) -> Result<Self, ProxiesError> {
        self.exceptions = Exceptions::parse(list)
            // What stands in front of an @ may be a password that went astray.
            .map_err(|entry| entry.rsplit('@').next().unwrap_or_default())
            .map_err(|entry| ProxiesError::Exception { variable, entry: entry.into() })?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, ProxiesError> {
        Proxies::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
        })
    }

    /// The hosts of the proxies for `ws`, `wss` and streams.
    fn chosen(variables: &[(&str, &str)]) -> [Option<String>; 3] {
        let proxies = proxies(variables).unwrap();
        let found = [
            proxies.for_target(false, "a", 80),
            proxies.for_target(true, "a", 443),
            proxies.for_stream("a", 9),
        ];
        found.map(|proxy| proxy.map(|proxy| proxy.host().into()))
    }

    #[test]
    fn each_variable_has_its_targets() {
        for (variables, ws, wss, stream) in [
            (&[][..], None, None, None),
            (&[("http_proxy", "p")], Some("p"), None, None),
            (&[("HTTP_PROXY", "p")], Some("p"), None, None),
            (&[("http_proxy", "p"), ("HTTP_PROXY", "q")], Some("p"), None, None),
            (&[("http_proxy", ""), ("HTTP_PROXY", "q")], Some("q"), None, None),
            (&[("https_proxy", "p")], None, Some("p"), None),
            (&[("all_proxy", "p")], Some("p"), Some("p"), Some("p")),
            (&[("ALL_PROXY", "p"), ("HTTPS_PROXY", "q")], Some("p"), Some("q"), Some("p")),
            (&[("http_proxy", ""), ("all_proxy", "p")], Some("p"), Some("p"), Some("p")),
            (&[("all_proxy", "p"), ("no_proxy", "*")], None, None, None),
            (&[("all_proxy", "p"), ("NO_PROXY", "a:80")], None, Some("p"), Some("p")),
            (&[("all_proxy", "p"), ("no_proxy", "b"), ("NO_PROXY", "a")], Some("p"), Some("p"), Some("p")),
            (&[("HTTP_PROXY", "p"), ("REQUEST_METHOD", "GET")], None, None, None),
            (&[("http_proxy", "p"), ("REQUEST_METHOD", "GET")], Some("p"), None, None),
            (&[("HTTPS_PROXY", "p"), ("REQUEST_METHOD", "")], None, Some("p"), None),
        ] {
            let expected = [ws, wss, stream].map(|host| host.map(String::from));
            assert_eq!(chosen(variables), expected, "{variables:?}");
        }
    }

    #[test]
    fn loopback_goes_to_the_proxy_unless_it_is_excepted() {
        let all = Proxies::all(Proxy::parse("p").unwrap());
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(all.for_target(false, host, 80).is_some());
        }
        let some = all.with_exceptions("localhost,127.0.0.0/8,::1").unwrap();
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(some.for_target(false, host, 80).is_none() && some.for_stream(host, 80).is_none());
        }
        assert_eq!(Proxies::none().for_target(true, "a", 443), None);
    }

    #[test]
    fn a_fault_names_its_variable_and_no_password() {
        for (name, value, text) in [
            ("HTTPS_PROXY", "https://u:secret@a", "HTTPS_PROXY: TLS to the proxy itself"),
            ("all_proxy", "u:secret@", "all_proxy: the proxy's URL has no valid host"),
            ("http_proxy", "http://u:secret@a:x", "http_proxy: the proxy's port"),
            ("NO_PROXY", "a, b/c", "NO_PROXY has an entry that cannot be understood: \"b/c\""),
            ("no_proxy", "http://u:secret@b", "no_proxy has an entry that cannot be understood: \"b\""),
        ] {
            let error = proxies(&[(name, value)]).unwrap_err();
            assert!(error.to_string().starts_with(text), "{error}");
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
        let shown = format!("{:?}", proxies(&[("all_proxy", "http://user:secret@a")]).unwrap());
        assert!(!shown.contains("secret") && !shown.contains("user"), "{shown}");
    }
}
