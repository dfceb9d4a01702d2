//! Where to, in which words, on which way: what the command line and the environment ask for together.

use crate::args::Connect;
use crate::framing::FramingKind;
use crate::tls::{self, TlsFileError};
use std::sync::Arc;
use wharf::link::{Address, Config, Target, TargetError};
use wharf::proxy::{Proxies, ProxiesError, Proxy, ProxyUrlError};
use wharf::ws::handshake::{ClientRequest, RequestError};
use wharf::{link, ws};
use wharf_std::{ConnectError, with_environment};

/// What to connect to, and how.
///
/// ```
/// use clap::Parser;
/// use wharf_cli::args::{Cli, Command};
/// use wharf_cli::connect::Aim;
///
/// let cli = Cli::parse_from(["wharf", "connect", "tcp://localhost:7000", "--no-proxy"]);
/// let Command::Connect(args) = &cli.command else { panic!() };
/// let aim = Aim::new(args).unwrap();
/// assert!(!aim.framing.is_websocket());
/// ```
#[derive(Debug)]
pub struct Aim {
    /// What is dialed.
    pub target: Target,
    /// What is spoken there.
    pub framing: FramingKind,
    /// With all that the environment adds.
    pub config: Arc<Config>,
}

/// Why nothing can be aimed at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AimError {
    /// The URL.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The URL, a header or a subprotocol.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A framing for a URL that says WebSocket.
    #[error(
        "a URL with ws:// or wss:// is a WebSocket's; for another --framing take tcp://, tls:// or unix:"
    )]
    Framing,
    /// What only a WebSocket has, for something else.
    #[error("{0} is for WebSockets alone; take ws:// or wss://, or --framing ws")]
    NoWebSocket(&'static str),
    /// The file of `--ca`.
    #[error(transparent)]
    Ca(#[from] TlsFileError),
    /// The URL of `--proxy`.
    #[error("--proxy: {0}")]
    Proxy(#[from] ProxyUrlError),
    /// The environment's proxies.
    #[error("{0}; correct the variable, or see --proxy and --no-proxy")]
    Proxies(ProxiesError),
    /// The operating system's roots.
    #[error("TLS: the root certificates of the system cannot be read: {0}; name others with --ca")]
    Roots(String),
}

impl AimError {
    /// 2 where the program was used badly, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Roots(_)) { 1 } else { 2 }
    }
}

impl Aim {
    /// Reads what was asked for, with the files and variables that it names.
    ///
    /// # Errors
    /// [`AimError`].
    pub fn new(args: &Connect) -> Result<Self, AimError> {
        let (target, framing) = target(args)?;
        let mut config = Config::client();
        config.open_timeout = args.open_timeout;
        config.framing = framing.framing();
        let mut ws = ws::Config::client();
        ws.deflate = args.deflate.then(Default::default);
        config.dialed = Arc::new(ws);
        config.client_tls = args.ca.as_deref().map(tls::trusting).transpose()?;
        config.proxies = match &args.proxy {
            _ if args.no_proxy => Some(Arc::new(Proxies::none())),
            Some(url) => Some(Arc::new(Proxies::all(Proxy::parse(url)?))),
            None => None,
        };
        let config =
            with_environment(&Arc::new(config), target.is_secure()).map_err(|error| match error {
                ConnectError::Proxies(error) => AimError::Proxies(error),
                ConnectError::System(error) => AimError::Roots(error.to_string()),
                other => AimError::Roots(other.to_string()),
            })?;
        Ok(Self { target, framing, config })
    }

    /// The proxy that is in between, as `HOST:PORT`.
    #[must_use]
    pub fn proxy(&self) -> Option<String> {
        match self.config.hop(&self.target) {
            link::Hop::Host(host, port) if (&*host, port) != (self.target.host(), self.target.port()) => {
                Some(format!("{host}:{port}"))
            }
            _ => None,
        }
    }
}

fn target(args: &Connect) -> Result<(Target, FramingKind), AimError> {
    let is_of = |schemes: &[&str]| {
        let scheme = args.url.split_once("://").map_or("", |(scheme, _)| scheme);
        schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known))
    };
    if is_of(&["ws", "wss"]) {
        return match args.framing {
            None | Some(FramingKind::Ws) => Ok((request(args, &args.url)?.into(), FramingKind::Ws)),
            Some(_) => Err(AimError::Framing),
        };
    }
    let target: Target = args.url.parse()?;
    let default = if is_of(&["tcp", "tls"]) { FramingKind::Lines } else { FramingKind::Ws };
    let framing = args.framing.unwrap_or(default);
    if framing.is_websocket() {
        let url = match target.address() {
            Some(_) => "ws://localhost/".to_owned(),
            None if target.is_secure() => format!("wss://{}/", &args.url["tls://".len()..]),
            None => format!("ws://{}/", &args.url["tcp://".len()..]),
        };
        let target_of = |request: ClientRequest| match target.address() {
            Some(Address::Unix(path)) => Target::from(request).at(Address::Unix(path.clone())),
            _ => request.into(),
        };
        return Ok((target_of(request(args, &url)?), framing));
    }
    for (flag, is_given) in [
        ("--header", !args.header.is_empty()),
        ("--subprotocol", !args.subprotocol.is_empty()),
        ("--deflate", args.deflate),
    ] {
        if is_given {
            return Err(AimError::NoWebSocket(flag));
        }
    }
    Ok((target, framing))
}

fn request(args: &Connect, url: &str) -> Result<ClientRequest, RequestError> {
    let mut request = ClientRequest::with_basic_auth(url)?;
    for subprotocol in &args.subprotocol {
        request = request.subprotocol(subprotocol)?;
    }
    for header in &args.header {
        let (name, value) = header.split_once(':').ok_or_else(|| RequestError::Header(header.clone()))?;
        request = request.header(name.trim(), value.trim())?;
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn aim(args: &[&str]) -> Result<Aim, AimError> {
        let cli = Cli::parse_from(["wharf", "connect", "--ca", ROOT].iter().chain(args));
        let Command::Connect(args) = &cli.command else { unreachable!() };
        Aim::new(args)
    }

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/connect/testdata/root.pem");

    #[test]
    fn each_url_has_its_framing() {
        for (args, target, framing) in [
            (&["ws://a"][..], "ws://a/", FramingKind::Ws),
            (&["WSS://a:1/x", "--framing", "ws"], "wss://a:1/x", FramingKind::Ws),
            (&["tcp://a:1"], "tcp://a:1", FramingKind::Lines),
            (&["tls://a:1", "--framing", "typed"], "tls://a:1", FramingKind::Typed),
            (&["tls://[::1]:1", "--framing", "ws"], "wss://[::1]:1/", FramingKind::Ws),
            (&["tcp://a:1", "--framing", "ws", "--deflate"], "ws://a:1/", FramingKind::Ws),
            (&["unix:/x"], "ws://localhost/ at unix:/x", FramingKind::Ws),
            (&["unix:/x", "--framing", "json"], "unix:/x", FramingKind::Json),
        ] {
            let aim = aim(args).unwrap();
            assert_eq!((&*aim.target.to_string(), aim.framing), (target, framing), "{args:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_told() {
        for (args, word) in [
            (&["ws://a", "--framing", "lines"][..], "tcp://"),
            (&["tcp://a:1", "--deflate"], "--deflate"),
            (&["unix:/x", "--framing", "raw", "--header", "A: b"], "--header"),
            (&["tls://a:1", "--subprotocol", "a"], "--subprotocol"),
            (&["tcp://a"], "HOST:PORT"),
            (&["http://a"], "wss://"),
            (&["ws://a", "--proxy", "ftp://b"], "--proxy"),
        ] {
            let error = aim(args).unwrap_err();
            assert!(error.to_string().contains(word) && error.exit_code() == 2, "{args:?}: {error}");
        }
    }

    #[test]
    fn a_proxy_is_named_where_there_is_one() {
        assert_eq!(aim(&["ws://a", "--proxy", "http://b:3"]).unwrap().proxy().as_deref(), Some("b:3"));
        assert_eq!(aim(&["ws://a", "--no-proxy"]).unwrap().proxy(), None);
        assert_eq!(aim(&["unix:/x", "--proxy", "http://b:3"]).unwrap().proxy(), None);
    }
}
