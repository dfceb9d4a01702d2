//! What a service is told of a connection when it asks.

use super::{Address, DialId};
use crate::ws::Role;
use core::net::IpAddr;

/// What is known of a connection.
///
/// ```
/// use wharf::base::Message;
/// use wharf::link::{ConnId, Context, Service};
///
/// /// Tells everybody where they come from, if they keep up with what they are told.
/// struct Mirror;
/// impl Service for Mirror {
///     type Job = ();
///     type Done = ();
///     type Command = ();
///     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, _: Message<'_>) {
///         let Some(info) = cx.info(conn).filter(|info| info.queued < 1024) else { return };
///         let text = info.client.map_or_else(|| info.peer.to_string(), |client| client.to_string());
///         let _ = cx.send(conn, Message::text(text));
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info<'a> {
    /// Where the peer is.
    pub peer: &'a Address,
    /// The address that it comes from: what a trusted hop told ([`Config::forwarding`](super::Config)) of it, or of its last
    /// request while it speaks HTTP; else the peer's, if that has one.
    pub client: Option<IpAddr>,
    /// Our side.
    pub role: Role,
    /// The subprotocol that was agreed on.
    pub subprotocol: Option<&'a str>,
    /// The dial that made it.
    pub dial: Option<DialId>,
    /// Whether messages can be sent.
    pub is_open: bool,
    /// Bytes of output that the transport has not taken.
    pub queued: usize,
}
