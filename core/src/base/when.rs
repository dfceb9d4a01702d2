//! In which part of a connection's life something failed.

/// When something failed, for errors of any kind, in the order of a connection's life.
///
/// ```
/// use wharf::base::{Cause, Classifier, CloseCode, Closed, End, Origin, When};
///
/// let cause = Cause::Transport(End::Reset);
/// let closed = Closed::new(Origin::Abnormal, CloseCode::ABNORMAL, "", cause, Classifier::default());
/// assert_eq!(closed.when(), When::Read);
/// assert_eq!(When::Read.to_string(), "read");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub enum When {
    /// Before anything was asked of anybody.
    Request,
    /// While the name was looked up.
    Lookup,
    /// While its addresses were connected to.
    Connect,
    /// While a proxy was asked for a way out.
    Proxy,
    /// In the TLS handshake.
    Tls,
    /// In the opening handshake.
    Handshake,
    /// Open, while reading: a violation, a lost transport, a silent peer.
    Read,
    /// Open, while writing or taking something to be written.
    Write,
    /// While closing, or by it.
    Close,
}

impl core::fmt::Display for When {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Lookup => "lookup",
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Tls => "TLS",
            Self::Handshake => "handshake",
            Self::Read => "read",
            Self::Write => "write",
            Self::Close => "close",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_order_of_a_life_by_name() {
        let all = [
            (When::Request, "request"),
            (When::Lookup, "lookup"),
            (When::Connect, "connect"),
            (When::Proxy, "proxy"),
            (When::Tls, "TLS"),
            (When::Handshake, "handshake"),
            (When::Read, "read"),
            (When::Write, "write"),
            (When::Close, "close"),
        ];
        assert!(all.is_sorted_by_key(|(when, _)| *when));
        assert!(all.iter().all(|(when, name)| when.to_string() == *name));
    }
}
