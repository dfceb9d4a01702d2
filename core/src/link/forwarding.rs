//! Whose word about a client's address is believed.

use super::Address;
use crate::base::Cidr;
use crate::http::{ForwardedField, Headers, forwarded_from};
use crate::proxy::ProxyHeader;
use alloc::vec::Vec;
use core::net::IpAddr;

/// The proxies in front of a server, and how they tell whom they stand for. What anybody else says about addresses is
/// not believed.
///
/// What it comes to is [`Info::client`](super::Info::client). Where hops tell it by fields of requests it may be another one with each
/// request of a connection, since proxies send those of several clients over one.
///
/// ```
/// use std::sync::Arc;
/// use wharf::link::{Config, Forwarding};
///
/// let mut config = Config::default();
/// config.forwarding = Some(Arc::new(Forwarding::trusting(["10.0.0.0/8".parse().unwrap()])));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forwarding {
    /// The addresses of the hops that are believed. Of a chain the walk is from the nearest on, for as long as each is one of
    /// these. Default none.
    pub trusted: Vec<Cidr>,
    /// Whether peers of Unix sockets are as well. Default no.
    pub trust_unix: bool,
    /// The fields by which hops tell it. Default [`ForwardedBy::Either`].
    pub fields: ForwardedBy,
    /// Whether connections of trusted hops begin with a PROXY header, of version 1 or 2, before TLS. One without it is ended
    /// and counted; peers that are not trusted have none, and what they send is taken for what it is. Default no.
    pub proxy_protocol: bool,
}

/// The fields of a request by which hops tell whom they had it from.
///
/// ```
/// use wharf::base::{Input, Instant, Wall};
/// use wharf::link::{Address, Config, ForwardedBy, Forwarding, Link};
///
/// let (now, mut config) = (Instant::ORIGIN, Config::default());
/// let mut forwarding = Forwarding::trusting(["10.0.0.0/8".parse().unwrap()]);
/// forwarding.fields = ForwardedBy::XForwardedFor;
/// config.forwarding = Some(forwarding.into());
/// let hop: Address = "10.0.0.1:5000".parse().unwrap();
/// let mut link = Link::accepted(now, Wall::default(), &config.into(), &hop);
/// let mut bytes = *b"GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=192.0.2.9\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n";
/// link.receive(now, &mut Input::new(&mut bytes));
/// assert_eq!(link.client_address(), Some("192.0.2.7".parse().unwrap()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForwardedBy {
    /// Whichever is there. A hop that writes the one may hand the other through as the client said it, so where both are there and do
    /// not agree neither is believed, and it is the hop itself that counts. A client can bring that about: name the field where the
    /// hop's own address is judged otherwise than its clients' are, such as by a list of those that are always admitted.
    #[default]
    Either,
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// None.
    Nothing,
}

impl Forwarding {
    /// The hops of these addresses are believed, by fields of requests.
    #[must_use]
    pub fn trusting(hops: impl IntoIterator<Item = Cidr>) -> Self {
        Self { trusted: hops.into_iter().collect(), ..Self::default() }
    }

    /// Whether a peer is believed.
    #[must_use]
    pub fn trusts(&self, peer: &Address) -> bool {
        peer.ip().map_or(self.trust_unix, |ip| self.trusts_ip(ip))
    }

    /// Whether a connection of this peer begins with a PROXY header.
    pub(super) fn has_header(&self, peer: &Address) -> bool {
        self.proxy_protocol && self.trusts(peer)
    }

    /// Whom the fields of a request name that came from `peer`, if that is a trusted hop.
    pub(super) fn client(&self, peer: &Address, headers: &Headers) -> Option<IpAddr> {
        let mut provenance = Provenance::of(peer, self);
        provenance.handle_request(headers, self);
        provenance.client
    }

    fn trusts_ip(&self, ip: IpAddr) -> bool {
        self.trusted.iter().any(|block| block.contains(ip))
    }

    /// Where a request comes from that a trusted hop sent; `hop` is its address, if it has one.
    fn walk(&self, hop: Option<IpAddr>, headers: &Headers) -> Option<IpAddr> {
        let by = |field| forwarded_from(headers, field, hop, |ip| self.trusts_ip(ip));
        let has = |field: ForwardedField| headers.count(field.name()) > 0;
        match self.fields {
            ForwardedBy::Nothing => hop,
            ForwardedBy::XForwardedFor => by(ForwardedField::XForwardedFor),
            ForwardedBy::Forwarded => by(ForwardedField::Forwarded),
            ForwardedBy::Either if !has(ForwardedField::Forwarded) => by(ForwardedField::XForwardedFor),
            ForwardedBy::Either if !has(ForwardedField::XForwardedFor) => by(ForwardedField::Forwarded),
            ForwardedBy::Either => {
                let found = by(ForwardedField::Forwarded);
                if found == by(ForwardedField::XForwardedFor) { found } else { hop }
            }
        }
    }
}

/// Where a connection comes from, as far as is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Provenance {
    /// The next hop's address, or the client's own.
    nearest: Option<IpAddr>,
    /// It is a hop whose fields are believed.
    is_trusted: bool,
    /// What others than the peer said of the last request, or of the connection.
    pub(super) client: Option<IpAddr>,
}

impl Provenance {
    pub(super) fn of(peer: &Address, forwarding: &Forwarding) -> Self {
        Self { nearest: peer.ip(), is_trusted: forwarding.trusts(peer), client: None }
    }

    /// The peer is a trusted hop and began with this header.
    pub(super) fn handle_header(&mut self, header: &ProxyHeader, forwarding: &Forwarding) {
        match header {
            // It speaks for itself.
            ProxyHeader::Local => {}
            ProxyHeader::Proxied { source, .. } => {
                let source = source.ip().to_canonical();
                self.is_trusted = forwarding.trusts_ip(source);
                (self.nearest, self.client) = (Some(source), Some(source));
            }
            // Whoever it is, his own fields are not those of a hop.
            _ => self.is_trusted = false,
        }
    }

    /// A request came.
    pub(super) fn handle_request(&mut self, headers: &Headers, forwarding: &Forwarding) {
        if self.is_trusted {
            self.client = forwarding.walk(self.nearest, headers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Request;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn forwarding(fields: ForwardedBy) -> Forwarding {
        Forwarding { fields, ..Forwarding::trusting(["10.0.0.0/8".parse().unwrap()]) }
    }

    fn client(provenance: &mut Provenance, forwarding: &Forwarding, fields: &str) -> Option<IpAddr> {
        let head = std::format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        provenance.handle_request(Request::parse(head.as_bytes()).unwrap().headers(), forwarding);
        provenance.client
    }

    const X: &str = "X-Forwarded-For: 192.0.2.1\r\n";
    const F: &str = "Forwarded: for=192.0.2.2\r\n";
    const SAME: &str = "Forwarded: for=192.0.2.1\r\n";

    #[test]
    fn only_a_trusted_hop_is_believed() {
        let forwarding = forwarding(ForwardedBy::Either);
        let mut hop = Provenance::of(&(ip("10.0.0.1"), 1).into(), &forwarding);
        assert_eq!(client(&mut hop, &forwarding, X), Some(ip("192.0.2.1")));
        assert_eq!(client(&mut hop, &forwarding, F), Some(ip("192.0.2.2")), "each request for itself");
        assert_eq!(client(&mut hop, &forwarding, ""), Some(ip("10.0.0.1")));
        let mut other = Provenance::of(&(ip("192.0.2.9"), 1).into(), &forwarding);
        assert_eq!(client(&mut other, &forwarding, X), None, "it is the peer");
        let mut unix = Provenance::of(&Address::Unix("".into()), &forwarding);
        assert_eq!(client(&mut unix, &forwarding, X), None);
        let forwarding = Forwarding { trust_unix: true, ..forwarding };
        let mut unix = Provenance::of(&Address::Unix("".into()), &forwarding);
        assert_eq!(client(&mut unix, &forwarding, X), Some(ip("192.0.2.1")));
        assert_eq!(client(&mut unix, &forwarding, ""), None);
    }

    /// One of them may be what the client said and the hop handed through.
    #[test]
    fn two_fields_that_do_not_agree_are_not_believed() {
        let hop = Provenance::of(&(ip("10.0.0.1"), 1).into(), &forwarding(ForwardedBy::Either));
        let (both, agreed) = ([X, F].concat(), [X, SAME].concat());
        for (fields, head, expected) in [
            (ForwardedBy::Either, &both, "10.0.0.1"),
            (ForwardedBy::Either, &agreed, "192.0.2.1"),
            (ForwardedBy::XForwardedFor, &both, "192.0.2.1"),
            (ForwardedBy::Forwarded, &both, "192.0.2.2"),
            (ForwardedBy::Nothing, &both, "10.0.0.1"),
        ] {
            assert_eq!(client(&mut hop.clone(), &forwarding(fields), head), Some(ip(expected)), "{fields:?}");
        }
    }

    #[test]
    fn a_proxy_header_names_the_next_one() {
        let forwarding = forwarding(ForwardedBy::Either);
        let hop = Provenance::of(&(ip("10.0.0.1"), 1).into(), &forwarding);
        let proxied = |source: &str| ProxyHeader::Proxied {
            source: (ip(source), 1).into(),
            destination: (ip("10.0.0.1"), 1).into(),
        };
        for (header, expected) in [
            (proxied("203.0.113.7"), Some("203.0.113.7")),
            (proxied("::ffff:203.0.113.7"), Some("203.0.113.7")),
            (proxied("10.0.0.2"), Some("192.0.2.1")),
            (ProxyHeader::Local, Some("192.0.2.1")),
            (ProxyHeader::Unknown, None),
        ] {
            let mut hop = hop;
            hop.handle_header(&header, &forwarding);
            assert_eq!(client(&mut hop, &forwarding, X), expected.map(ip), "{header:?}");
        }
    }
}
