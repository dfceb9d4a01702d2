//! How it ended, in one line.

use wharf::base::{Cause, CloseCode, Closed, Origin};
use wharf::link::{DialError, OpenError};
use wharf::ws::handshake::HandshakeError;

/// How a client's connection ended.
///
/// ```
/// use wharf_cli::connect::Outcome;
///
/// assert!(Outcome::Interrupted.complaint("ws://a").is_some());
/// assert_eq!(Outcome::OutputClosed.complaint("ws://a"), None);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It was open and has ended.
    Closed(Closed),
    /// It was never open.
    NotOpened(DialError),
    /// Stdout was closed: whoever read it has enough.
    OutputClosed,
    /// Ended by a signal before it was open.
    Interrupted,
}

impl Outcome {
    /// What to say of it, when it failed, and what to try; `None` for a close with 1000. Control characters that a
    /// server sent are replaced.
    #[must_use]
    pub fn complaint(&self, url: &str) -> Option<String> {
        let text = match self {
            Self::OutputClosed => return None,
            Self::Closed(closed) if closed.code == CloseCode::NORMAL => return None,
            Self::Closed(closed) => of_closed(closed),
            Self::NotOpened(error) => of_dial(error, url),
            Self::Interrupted => "interrupted before the connection was open".to_owned(),
        };
        Some(text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect())
    }
}

fn of_closed(closed: &Closed) -> String {
    let reason = if closed.reason.is_empty() { String::new() } else { format!(" ({})", closed.reason) };
    match (closed.origin, closed.cause) {
        (Origin::Abnormal, Cause::Violation(violation)) => {
            format!("read: the server broke the protocol: {violation}; report it to whoever runs it")
        }
        (Origin::Abnormal, Cause::Timeout(timeout)) => {
            format!("{timeout}; try again when the network is well")
        }
        (Origin::Abnormal, cause) => format!("read: {cause} without a Close frame (1006); try again"),
        (_, _) => format!("close: the server closed with {}{reason}", closed.code),
    }
}

fn of_dial(error: &DialError, url: &str) -> String {
    match error {
        DialError::Lookup => format!("lookup: the host of {url} has no address; check its name"),
        DialError::Connect => format!("connect: {url} refused or did not answer; is the server running?"),
        DialError::TimedOut => format!("connect: {url} did not answer in time; see --open-timeout"),
        DialError::Open(OpenError::Handshake(HandshakeError::Refused(refused))) => {
            let body = String::from_utf8_lossy(&refused.body[..refused.body.len().min(200)]);
            let body = body.lines().next().unwrap_or_default();
            format!(
                "handshake: the server answered with status {} {body}; check the path and the headers",
                refused.status
            )
        }
        DialError::Open(e @ OpenError::Handshake(_)) => format!("{e}; is it a WebSocket server?"),
        DialError::Open(e @ OpenError::Proxy(_)) => {
            format!("{e}; see http_proxy, https_proxy, all_proxy and no_proxy")
        }
        e => e.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf::base::Classifier;

    #[test]
    fn control_characters_of_a_server_are_replaced() {
        let closed = Closed::new(
            Origin::Remote,
            CloseCode::from(4000),
            "a\x1b[2Jb",
            Cause::Handshake,
            Classifier::OnlyNormal,
        );
        let text = Outcome::Closed(closed).complaint("ws://a").unwrap();
        assert_eq!(text, "close: the server closed with 4000 (a\u{fffd}[2Jb)");
    }

    #[test]
    fn only_1000_is_silent() {
        for (code, silent) in [(1000, true), (1001, false), (1005, false), (1006, false)] {
            let closed = Closed::new(
                Origin::Local,
                CloseCode::from(code),
                "",
                Cause::Handshake,
                Classifier::OnlyNormal,
            );
            assert_eq!(Outcome::Closed(closed).complaint("ws://a").is_none(), silent);
        }
    }
}
