//! How it ended, in one line.

use super::Aim;
use wharf::base::{Cause, CloseCode, Closed, Origin, SendError, Timeout};
use wharf::link::{DialError, OpenError};
use wharf::tls::TlsError;
use wharf::ws::handshake::{HandshakeError, RefusedBy};

/// How a client's connection ended.
///
/// ```
/// use wharf_cli::connect::{Outcome, Place};
///
/// let place = Place { name: "ws://a/".into(), ..Place::default() };
/// assert!(Outcome::Interrupted.complaint(&place).is_some());
/// assert_eq!(Outcome::Interrupted.exit_code(), 1);
/// assert_eq!(Outcome::OutputClosed.complaint(&place), None);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It was open and has ended.
    Closed(Closed),
    /// As whoever sat there said, whatever the code.
    ClosedAsAsked(Closed),
    /// It was never open.
    NotOpened(DialError),
    /// The input could not be read, for this reason.
    NotRead(String),
    /// A message that cannot be sent there.
    NotSent(SendError),
    /// Stdout was closed: whoever read it has enough.
    OutputClosed,
    /// Ended by a signal before it was open.
    Interrupted,
}

/// What a complaint names.
///
/// ```
/// let place = wharf_cli::connect::Place::default();
/// assert!(place.proxy.is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Where to, without user name and password.
    pub name: String,
    /// The proxy in between, as `HOST:PORT`.
    pub proxy: Option<String>,
    /// It has Close frames, with codes.
    pub is_websocket: bool,
    /// The other side is a client, which connected here.
    pub is_listening: bool,
}

impl From<&Aim> for Place {
    fn from(aim: &Aim) -> Self {
        let name = aim.target().map(ToString::to_string).unwrap_or_default();
        let (is_websocket, is_listening) = (aim.framing.is_websocket(), aim.target().is_none());
        Self { name, proxy: aim.proxy(), is_websocket, is_listening }
    }
}

impl Outcome {
    /// What to say of it, when it failed, and what to try; `None` for a close with 1000. It may quote what a server sent,
    /// control characters and all.
    #[must_use]
    pub fn complaint(&self, place: &Place) -> Option<String> {
        Some(match self {
            Self::OutputClosed | Self::ClosedAsAsked(_) => return None,
            Self::Closed(closed) if closed.code == CloseCode::NORMAL => return None,
            Self::Closed(closed) => of_closed(closed, place),
            Self::NotOpened(error) => of_dial(error, place),
            Self::NotRead(why) => why.clone(),
            Self::NotSent(error) => format!("write: {error}; send something else, or by another --framing"),
            Self::Interrupted => "interrupted before the connection was open".to_owned(),
        })
    }

    /// What the program ends with under `--exit-codes`, as its `--help` has it; without that it is 1 where this is above.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::OutputClosed | Self::ClosedAsAsked(_) => 0,
            Self::Closed(closed) if closed.code == CloseCode::NORMAL => 0,
            Self::Closed(closed) if closed.origin == Origin::Abnormal => 7,
            Self::Closed(_) => 6,
            Self::NotOpened(DialError::Open(error)) => code_of_open(error),
            Self::NotOpened(DialError::TooMany | DialError::Draining) => 1,
            Self::NotOpened(_) => 3,
            Self::NotSent(_) | Self::NotRead(_) | Self::Interrupted => 1,
        }
    }
}

fn code_of_open(error: &OpenError) -> u8 {
    match error {
        OpenError::Proxy(_) => 3,
        OpenError::NoTls | OpenError::Tls(_) | OpenError::TlsTimedOut | OpenError::TlsEnded(_) => 4,
        OpenError::Handshake(_) | OpenError::Redirect(_) => 5,
        _ => 1,
    }
}

fn of_closed(closed: &Closed, place: &Place) -> String {
    let when = closed.when();
    let peer = if place.is_listening { "client" } else { "server" };
    let reason = if closed.reason.is_empty() { String::new() } else { format!(" ({})", closed.reason) };
    match (closed.origin, closed.cause) {
        (Origin::Abnormal, Cause::Violation(violation)) => {
            format!("{when}: the {peer} broke the protocol: {violation}; report it to whoever runs it")
        }
        (Origin::Abnormal, Cause::Timeout(Timeout::Close)) => {
            format!("{when}: the {peer} did not answer the close in time; what it had to say may be missing")
        }
        (Origin::Abnormal, Cause::Timeout(timeout)) => {
            format!("{when}: {timeout}; try again when the network is well")
        }
        (Origin::Abnormal, cause) if place.is_websocket => {
            format!("{when}: {cause}{reason} without a Close frame (1006); try again")
        }
        (Origin::Abnormal, cause) => format!("{when}: {cause}{reason} (1006); try again"),
        (_, _) => {
            let code = closed.code;
            let hint = match code.as_u16() {
                1002 | 1003 | 1007..=1010 => "; it did not take what was sent",
                _ if code.is_retryable() => "; try again later",
                _ => "",
            };
            format!("close: the {peer} closed with {code}{reason}{hint}")
        }
    }
}

fn of_dial(error: &DialError, place: &Place) -> String {
    let Place { name, proxy, .. } = place;
    let is_unix = name.contains("unix:");
    match (error, proxy) {
        (DialError::Lookup, Some(proxy)) => format!("lookup: the proxy {proxy} has no address; {PROXY_HINT}"),
        (DialError::Lookup, None) => format!("lookup: the host of {name} has no address; check its name"),
        (DialError::Connect, Some(proxy)) => {
            format!("connect: the proxy {proxy} refused or did not answer; {PROXY_HINT}")
        }
        (DialError::Connect | DialError::Unusable, None) if is_unix => {
            format!("connect: nobody listens at {name}, or it may not be used; is the server running?")
        }
        (DialError::Connect, None) => {
            format!("connect: {name} refused or did not answer; is the server running?")
        }
        (DialError::TimedOut, proxy) => {
            let what = proxy.as_ref().map_or(name.clone(), |proxy| format!("the proxy {proxy}"));
            format!("connect: {what} did not answer in time; see --open-timeout")
        }
        (DialError::Open(error), _) => of_open(error, name),
        (error, _) => error.to_string(),
    }
}

const PROXY_HINT: &str = "see http_proxy, https_proxy, all_proxy, no_proxy, and --no-proxy";

fn of_open(error: &OpenError, name: &str) -> String {
    match error {
        OpenError::Handshake(HandshakeError::Refused(refused)) => of_refusal(refused),
        OpenError::Handshake(HandshakeError::Tls) => format!("{error}; try {}", with_tls(name)),
        OpenError::Handshake(HandshakeError::TimedOut) => {
            format!("{error}; is it a WebSocket server? see --open-timeout")
        }
        OpenError::Handshake(_) => format!("{error}; is it a WebSocket server?"),
        OpenError::Proxy(_) => format!("{error}; {PROXY_HINT}"),
        OpenError::Tls(TlsError::UnknownAuthority) => {
            "TLS: the server's certificate is from an unknown authority; if it is to be trusted, name its root with --ca FILE"
                .to_owned()
        }
        OpenError::Tls(TlsError::Expired | TlsError::NotYetValid) => {
            format!("{error}; look at the clock, or tell whoever runs the server")
        }
        OpenError::Tls(TlsError::WrongName { .. }) => format!("{error}; connect by one of them"),
        OpenError::Tls(TlsError::NotTls) => {
            format!("TLS: the server does not speak TLS; for a port of plain text try {}", without_tls(name))
        }
        OpenError::TlsTimedOut => format!("{error}; is it a port for TLS? see --open-timeout"),
        OpenError::TlsEnded(_) => format!("{error}; is it a port for TLS? else try {}", without_tls(name)),
        OpenError::Tls(_) => format!("{error}; the server's log may say more"),
        error => error.to_string(),
    }
}

fn of_refusal(refused: &RefusedBy) -> String {
    let status = refused.status;
    if let (300..=399, Some(to)) = (status, refused.headers.get("location")) {
        return format!(
            "handshake: the server answered with status {status} and redirects to {to}; connect there"
        );
    }
    let body = String::from_utf8_lossy(&refused.body[..refused.body.len().min(200)]);
    let body = body.lines().next().unwrap_or_default();
    let hint = match status {
        401 | 407 => "give a user name and password in the URL, or a --header",
        408 | 429 | 500..=599 => "try again later",
        _ => "check the path and the headers",
    };
    format!("handshake: the server answered with status {status} {body}; {hint}")
}

/// The same place by TLS.
fn with_tls(name: &str) -> String {
    name.replacen("ws://", "wss://", 1)
}

/// The same place without TLS.
fn without_tls(name: &str) -> String {
    name.replacen("wss://", "ws://", 1).replacen("tls://", "tcp://", 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf::base::{Classifier, End};

    fn closed(origin: Origin, code: u16, cause: Cause) -> Closed {
        Closed::new(origin, code.into(), "", cause, Classifier::OnlyNormal)
    }

    fn place(name: &str) -> Place {
        Place { name: name.into(), is_websocket: name.starts_with("ws"), ..Place::default() }
    }

    fn of(outcome: &Outcome, name: &str) -> String {
        outcome.complaint(&place(name)).unwrap()
    }

    #[test]
    fn only_1000_is_silent() {
        for (code, silent) in [(1000, true), (1001, false), (1005, false), (1006, false)] {
            let outcome = Outcome::Closed(closed(Origin::Local, code, Cause::Handshake));
            assert_eq!(outcome.complaint(&place("ws://a/")).is_none(), silent);
            assert_eq!(outcome.exit_code() == 0, silent);
        }
    }

    #[test]
    fn ends_are_told_apart_by_their_exit_codes() {
        let open = |error: OpenError| Outcome::NotOpened(DialError::Open(error));
        let lost = Cause::Transport(End::Truncated);
        for (outcome, code) in [
            (Outcome::ClosedAsAsked(closed(Origin::Local, 4001, Cause::Handshake)), 0),
            (Outcome::NotRead("stdin".into()), 1),
            (Outcome::NotSent(SendError::ContainsDelimiter), 1),
            (Outcome::NotOpened(DialError::Lookup), 3),
            (Outcome::NotOpened(DialError::Connect), 3),
            (Outcome::NotOpened(DialError::TimedOut), 3),
            (Outcome::NotOpened(DialError::Unusable), 3),
            (open(TlsError::Expired.into()), 4),
            (open(OpenError::TlsTimedOut), 4),
            (open(HandshakeError::TimedOut.into()), 5),
            (Outcome::Closed(closed(Origin::Remote, 1001, Cause::Handshake)), 6),
            (Outcome::Closed(closed(Origin::Abnormal, 1006, lost)), 7),
            (Outcome::Closed(closed(Origin::Abnormal, 1006, Timeout::Pong.into())), 7),
        ] {
            assert_eq!(outcome.exit_code(), code, "{outcome:?}");
            assert_eq!(outcome.complaint(&place("ws://a/")).is_none(), code == 0);
        }
    }

    #[test]
    fn who_closed_is_called_by_its_side() {
        let outcome = Outcome::Closed(closed(Origin::Remote, 1001, Cause::Handshake));
        let listening = Place { is_listening: true, ..place("") };
        assert!(outcome.complaint(&listening).unwrap().starts_with("close: the client closed with 1001"));
    }

    #[test]
    fn each_end_says_when_and_what_to_try() {
        let truncated = Cause::Transport(End::Truncated);
        for (closed, name, when, hint) in [
            (closed(Origin::Remote, 1013, Cause::Handshake), "ws://a/", "close: ", "later"),
            (closed(Origin::Remote, 1009, Cause::Handshake), "ws://a/", "close: ", "what was sent"),
            (closed(Origin::Abnormal, 1006, truncated), "ws://a/", "read: ", "Close frame (1006)"),
            (closed(Origin::Abnormal, 1006, truncated), "tcp://a:1", "read: ", "(1006); try"),
            (closed(Origin::Abnormal, 1006, Timeout::WriteStall.into()), "ws://a/", "write: ", "network"),
            (closed(Origin::Abnormal, 1006, Timeout::Close.into()), "ws://a/", "close: ", "in time"),
        ] {
            let text = of(&Outcome::Closed(closed), name);
            assert!(text.starts_with(when) && text.contains(hint), "{text}");
        }
    }

    #[test]
    fn what_did_not_open_says_when_and_what_to_try() {
        let tls = |error: TlsError| DialError::Open(error.into());
        let handshake = |error: HandshakeError| DialError::Open(error.into());
        for (error, name, begin, hint) in [
            (DialError::Lookup, "ws://a/", "lookup: ", "ws://a/"),
            (DialError::Connect, "unix:/x", "connect: ", "nobody listens at unix:/x"),
            (DialError::TimedOut, "ws://a/", "connect: ", "--open-timeout"),
            (tls(TlsError::UnknownAuthority), "wss://a/", "TLS: ", "--ca FILE"),
            (tls(TlsError::NotTls), "wss://a:81/x", "TLS: ", "try ws://a:81/x"),
            (tls(TlsError::NotTls), "tls://a:81", "TLS: ", "try tcp://a:81"),
            (tls(TlsError::Expired), "wss://a/", "TLS: ", "expired"),
            (tls(TlsError::WrongName { presented: vec!["b".into()] }), "wss://a/", "TLS: ", "\"b\""),
            (handshake(HandshakeError::Tls), "ws://a/", "handshake: ", "try wss://a/"),
            (handshake(HandshakeError::TimedOut), "ws://a/", "handshake: ", "--open-timeout"),
        ] {
            let text = of(&Outcome::NotOpened(error), name);
            assert!(text.starts_with(begin) && text.contains(hint), "{text}");
        }
        let proxy = Place { proxy: Some("p:3".into()), ..place("ws://a/") };
        let text = Outcome::NotOpened(DialError::Connect).complaint(&proxy).unwrap();
        assert!(text.contains("the proxy p:3") && text.contains("--no-proxy"), "{text}");
    }
}
