//! Where to, or where to wait, in which words, on which way: what the command line and the environment ask for together.

use super::args::Connect;
use crate::framing::FramingKind;
use crate::runner::Listen;
use crate::tls::{self, TlsFileError};
use std::sync::Arc;
use wharf::link::{Address, Config, Target, TargetError};
use wharf::proxy::{Proxies, ProxiesError, Proxy, ProxyUrlError};
use wharf::ws::handshake::{ClientRequest, RequestError};
use wharf::{framed, http, link, ws};
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
/// assert!(!aim.framing.is_websocket() && aim.target().is_some());
/// ```
#[derive(Debug)]
pub struct Aim {
    /// Which of the two sides this one is.
    pub side: Side,
    /// What is spoken there.
    pub framing: FramingKind,
    /// With all that the environment adds.
    pub config: Arc<Config>,
}

/// Who connects to whom.
///
/// ```
/// use wharf_cli::connect::Side;
///
/// let side = Side::Dial("tcp://localhost:7000".parse().unwrap());
/// # let _ = side;
/// ```
#[derive(Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "a program has one")]
pub enum Side {
    /// This is dialed.
    Dial(Target),
    /// Somebody connects here.
    Listen(Listen),
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
    /// The files of `--ca` and `--tls`.
    #[error(transparent)]
    Tls(#[from] TlsFileError),
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
    /// 2 where the program was used badly, 4 where there is no TLS to be had.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Roots(_)) { 4 } else { 2 }
    }
}

impl Aim {
    /// Reads what was asked for, with the files and variables that it names.
    ///
    /// # Errors
    /// [`AimError`].
    pub fn new(args: &Connect) -> Result<Self, AimError> {
        let (side, framing) = match &args.listen {
            Some(address) => {
                let default = FramingKind::default();
                (Side::Listen(address.clone().into()), args.framing.unwrap_or(default))
            }
            None => {
                let (target, framing) = target(args, args.url.as_deref().unwrap_or_default())?;
                (Side::Dial(target), framing)
            }
        };
        if !framing.is_websocket() {
            let flags = [
                ("--header", !args.header.is_empty()),
                ("--subprotocol", !args.subprotocol.is_empty()),
                ("--deflate", args.deflate),
                ("--ping", args.ping.is_some()),
            ];
            if let Some((flag, _)) = flags.into_iter().find(|(_, is_given)| *is_given) {
                return Err(AimError::NoWebSocket(flag));
            }
        }
        let mut config = config(args, framing)?;
        if let Side::Dial(target) = &side {
            config = with_environment(&config, target.is_secure()).map_err(|error| match error {
                ConnectError::Proxies(error) => AimError::Proxies(error),
                ConnectError::System(error) => AimError::Roots(error.to_string()),
                other => AimError::Roots(other.to_string()),
            })?;
        }
        Ok(Self { side, framing, config })
    }

    /// What is dialed, if something is.
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        match &self.side {
            Side::Dial(target) => Some(target),
            Side::Listen(_) => None,
        }
    }

    /// The proxy that is in between, as `HOST:PORT`.
    #[must_use]
    pub fn proxy(&self) -> Option<String> {
        let target = self.target()?;
        match self.config.hop(target) {
            link::Hop::Host(host, port) if (&*host, port) != (target.host(), target.port()) => {
                Some(format!("{host}:{port}"))
            }
            _ => None,
        }
    }
}

/// What the flags ask of either side.
fn config(args: &Connect, framing: FramingKind) -> Result<Arc<Config>, AimError> {
    let mut config = Config::client();
    config.open_timeout = args.open_timeout;
    config.framing = framing.framing();
    let queue_limit = args.max_message.saturating_add(1 << 20);
    let of = |mut ws: ws::Config| {
        (ws.max_message, ws.max_frame) = (args.max_message, args.max_message);
        ws.queue_limit = ws.queue_limit.max(queue_limit);
        ws.deflate = args.deflate.then(Default::default);
        Arc::new(ws)
    };
    (config.dialed, config.ws) = (of(ws::Config::client()), of(ws::Config::default()));
    // Without messages there is none that could be too big.
    if framing != FramingKind::Raw {
        let of = |mut framed: framed::Config| {
            framed.max_message = args.max_message;
            framed.queue_limit = framed.queue_limit.max(queue_limit);
            Arc::new(framed)
        };
        config.dialed_framed = of(framed::Config::client());
        config.framed = of(framed::Config::default());
    }
    let mut http = http::Config::default();
    http.open_timeout = args.open_timeout;
    config.http = Arc::new(http);
    config.policy.accept_first_subprotocol = true;
    config.client_tls = args.ca.as_deref().map(tls::trusting).transpose()?;
    if let [chain, key] = &args.tls[..] {
        config.tls = Some(tls::showing(chain, key)?);
    }
    config.proxies = match &args.proxy {
        _ if args.no_proxy || args.listen.is_some() => Some(Arc::new(Proxies::none())),
        Some(url) => Some(Arc::new(Proxies::all(Proxy::parse(url)?))),
        None => None,
    };
    Ok(Arc::new(config))
}

fn target(args: &Connect, url: &str) -> Result<(Target, FramingKind), AimError> {
    let is_of = |schemes: &[&str]| {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known))
    };
    if is_of(&["ws", "wss"]) {
        return match args.framing {
            None | Some(FramingKind::Ws) => Ok((request(args, url)?.into(), FramingKind::Ws)),
            Some(_) => Err(AimError::Framing),
        };
    }
    let target: Target = url.parse()?;
    let default = if is_of(&["tcp", "tls"]) { FramingKind::Lines } else { FramingKind::Ws };
    let framing = args.framing.unwrap_or(default);
    if framing.is_websocket() {
        let url = match target.address() {
            Some(_) => "ws://localhost/".to_owned(),
            None if target.is_secure() => format!("wss://{}/", &url["tls://".len()..]),
            None => format!("ws://{}/", &url["tcp://".len()..]),
        };
        let target_of = |request: ClientRequest| match target.address() {
            Some(Address::Unix(path)) => Target::from(request).at(Address::Unix(path.clone())),
            _ => request.into(),
        };
        return Ok((target_of(request(args, &url)?), framing));
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
            assert_eq!((&*aim.target().unwrap().to_string(), aim.framing), (target, framing), "{args:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_told() {
        for (args, word) in [
            (&["ws://a", "--framing", "lines"][..], "tcp://"),
            (&["tcp://a:1", "--deflate"], "--deflate"),
            (&["unix:/x", "--framing", "raw", "--header", "A: b"], "--header"),
            (&["tls://a:1", "--subprotocol", "a"], "--subprotocol"),
            (&["tcp://a:1", "--ping", "1"], "--ping"),
            (&["tcp://a"], "HOST:PORT"),
            (&["http://a"], "wss://"),
            (&["ws://a", "--proxy", "ftp://b"], "--proxy"),
        ] {
            let error = aim(args).unwrap_err();
            assert!(error.to_string().contains(word) && error.exit_code() == 2, "{args:?}: {error}");
        }
    }

    #[test]
    fn the_other_side_is_a_listener() {
        let cli = Cli::parse_from(["wharf", "connect", "--listen", "[::1]:0", "--max-message", "9"]);
        let Command::Connect(args) = &cli.command else { unreachable!() };
        let aim = Aim::new(args).unwrap();
        let Side::Listen(listen) = &aim.side else { panic!() };
        assert_eq!((listen.address.to_string(), aim.target().is_none()), ("[::1]:0".into(), true));
        assert_eq!((aim.config.ws.max_message, aim.proxy()), (9, None));
        assert!(aim.config.check().is_ok());
    }

    #[test]
    fn a_proxy_is_named_where_there_is_one() {
        assert_eq!(aim(&["ws://a", "--proxy", "http://b:3"]).unwrap().proxy().as_deref(), Some("b:3"));
        assert_eq!(aim(&["ws://a", "--no-proxy"]).unwrap().proxy(), None);
        assert_eq!(aim(&["unix:/x", "--proxy", "http://b:3"]).unwrap().proxy(), None);
    }
}
