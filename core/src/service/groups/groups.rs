//! The groups of a service.

use super::delivery::{Counts, Delivery, is_open};
use super::lag::{Lags, Standing};
use super::membership::{Membership, check_name};
use super::{Config, Fate, Left, MemberStats, Sent, Stats, SubscribeError};
use crate::base::Instant;
use crate::link::{ConnId, Context};
use crate::ws::Prepared;
use alloc::vec::Vec;

/// Groups of connections, for a service to embed.
///
/// Groups are there from their first member to their last, and are told by name; members and groups are gone through in the
/// order of their ids and names. Messages reach a connection in the order of the calls, whichever groups they are for;
/// what the service sends by itself overtakes what waits, what it sends by [`send`](Self::send) does not.
///
/// ```
/// use wharf::base::{Closed, Kind, Message};
/// use wharf::link::{ConnId, Context, Service};
/// use wharf::service::groups::{Config, Groups, To};
/// use wharf::ws::Prepared;
///
/// /// What one says all others hear.
/// struct Party {
///     groups: Groups,
/// }
///
/// impl Service for Party {
///     type Job = ();
///     type Done = ();
///     type Command = ();
///
///     fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
///         let _ = self.groups.subscribe(cx, conn, "kitchen");
///     }
///     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
///         if let Ok(prepared) = Prepared::new(message.kind(), message.into_bytes()) {
///             self.groups.broadcast(cx, To::Group("kitchen"), Some(conn), &prepared);
///         }
///     }
///     fn drained(&mut self, cx: &mut Context<'_>, conn: ConnId) {
///         self.groups.handle_drained(cx, conn);
///     }
///     fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Closed) {
///         self.groups.leave_all(conn);
///     }
///     fn poll_timeout(&self) -> Option<wharf::base::Instant> {
///         self.groups.poll_timeout()
///     }
///     fn timeout(&mut self, cx: &mut Context<'_>) {
///         self.groups.handle_timeout(cx);
///     }
/// }
///
/// let party = Party { groups: Groups::new(Config::default()) };
/// assert_eq!(party.groups.stats().members, 0);
/// ```
#[derive(Debug)]
pub struct Groups {
    membership: Membership<ConnId>,
    delivery: Delivery,
    /// Whom a message is for that is for several groups; empty between calls, of at most [`KEPT`] then.
    chosen: Vec<ConnId>,
}

/// Room that is kept for the next message to several groups.
const KEPT: usize = 1 << 14;

/// Whom a broadcast is for. Each connection gets it once, in however many of them it is.
///
/// ```
/// use wharf::service::groups::To;
///
/// assert_ne!(To::Groups(&["news", "sports"]), To::Members);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum To<'a> {
    /// The members of one group. One that does not exist has none.
    Group(&'a str),
    /// The members of any of these groups.
    Groups(&'a [&'a str]),
    /// The members of any group at all.
    Members,
    /// All open connections, members or not.
    Everyone,
}

impl Groups {
    /// No groups.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self {
            membership: Membership::new(),
            delivery: Delivery { config, lags: Lags::new(), counts: Counts::new(), going: Vec::new() },
            chosen: Vec::new(),
        }
    }

    /// Makes an open connection a member of `group`, which need not exist before. Whether it was none before.
    ///
    /// # Errors
    /// [`SubscribeError`], counted.
    pub fn subscribe<J>(
        &mut self,
        cx: &Context<'_, J>,
        conn: ConnId,
        group: &str,
    ) -> Result<bool, SubscribeError> {
        // One whose end was told would stay for ever.
        let joined = if is_open(cx, conn) && self.delivery.lags.standing(conn) != Standing::Gone {
            self.membership.join(&self.delivery.config, conn, group)
        } else {
            Err(SubscribeError::NotOpen)
        };
        self.delivery.counts.refused += u64::from(joined.is_err());
        joined
    }

    /// Whether a group may be called so.
    ///
    /// # Errors
    /// [`SubscribeError::BadName`].
    pub fn check_name(&self, group: &str) -> Result<(), SubscribeError> {
        check_name(&self.delivery.config, group)
    }

    /// Ends a membership. Whether it was one. What waits for the connection still reaches it.
    pub fn unsubscribe(&mut self, conn: ConnId, group: &str) -> bool {
        self.membership.leave(conn, group)
    }

    /// Takes a connection out of all groups and forgets it: to be called from
    /// [`closed`](crate::link::Service::closed) for every connection, member or not. What waits for it is given up.
    pub fn leave_all(&mut self, conn: ConnId) -> Left {
        if self.delivery.lags.standing(conn) != Standing::Gone {
            self.give_up(conn);
        }
        self.delivery.lags.forget(conn)
    }

    /// Sends a message to all that it is for, but not to `except`: at once, or behind what waits.
    pub fn broadcast<J>(
        &mut self,
        cx: &mut Context<'_, J>,
        to: To<'_>,
        except: Option<ConnId>,
        message: &Prepared,
    ) -> Sent {
        let mut sent = Sent::default();
        let Self { membership, delivery, chosen } = self;
        let mut all = |cx: &mut Context<'_, J>, conns: &mut dyn Iterator<Item = ConnId>| {
            for conn in conns.filter(|conn| Some(*conn) != except) {
                sent.count(delivery.deliver(cx, conn, message));
            }
        };
        match to {
            To::Group(group) => all(cx, &mut membership.members_of(group)),
            To::Members => all(cx, &mut membership.members()),
            To::Groups(groups) => {
                chosen.extend(groups.iter().flat_map(|group| membership.members_of(group)));
                chosen.sort_unstable();
                chosen.dedup();
                all(cx, &mut chosen.drain(..));
            }
            To::Everyone => {
                chosen.extend(cx.connections());
                all(cx, &mut chosen.drain(..));
            }
        }
        chosen.shrink_to(KEPT);
        self.expel();
        sent
    }

    /// Sends a message to one connection, member or not, behind what waits for it.
    pub fn send<J>(&mut self, cx: &mut Context<'_, J>, conn: ConnId, message: &Prepared) -> Fate {
        let fate = self.delivery.deliver(cx, conn, message);
        self.expel();
        fate
    }

    /// A connection has drained: it gets what waits for it, as far as there is room. To be called from
    /// [`drained`](crate::link::Service::drained).
    pub fn handle_drained<J>(&mut self, cx: &mut Context<'_, J>, conn: ConnId) {
        self.delivery.flush(cx, conn);
        self.expel();
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.delivery.lags.next_due()
    }

    /// Disconnects those for whom something has waited for too long, and tries those again to whom
    /// [`Overload`](crate::base::SendError::Overload) kept it from being sent. An early or spurious call does nothing.
    pub fn handle_timeout<J>(&mut self, cx: &mut Context<'_, J>) {
        while let Some(conn) = self.delivery.lags.pop_due(cx.now()) {
            self.delivery.disconnect(cx, conn, 0);
        }
        // They have left what is starved, too.
        self.expel();
        self.delivery.retry(cx);
        self.expel();
    }

    /// The groups by name, with how many members are in each.
    pub fn groups(&self) -> impl Iterator<Item = (&str, usize)> {
        self.membership.groups()
    }

    /// The members of a group.
    pub fn members_of(&self, group: &str) -> impl Iterator<Item = ConnId> + '_ {
        self.membership.members_of(group)
    }

    /// The groups that a connection is in.
    pub fn groups_of(&self, conn: ConnId) -> impl Iterator<Item = &str> {
        self.membership.groups_of(conn)
    }

    /// The counters of a connection; `None` for one that is no member and for which nothing was counted.
    #[must_use]
    pub fn member(&self, conn: ConnId) -> Option<MemberStats> {
        let lag = self.delivery.lags.get(conn);
        lag.or_else(|| self.membership.is_member(conn).then(MemberStats::default))
    }

    /// The connections that are behind or did not get something, with their counters.
    pub fn slow(&self) -> impl Iterator<Item = (ConnId, MemberStats)> + '_ {
        self.delivery.lags.iter()
    }

    /// The counters so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (groups, members, subscriptions) = self.membership.sizes();
        let (behind, behind_messages, behind_bytes) = self.delivery.lags.sizes();
        let Counts { sent, dropped, unsent, unsendable, disconnected, refused } = self.delivery.counts;
        Stats {
            groups,
            members,
            subscriptions,
            behind,
            behind_messages,
            behind_bytes,
            sent,
            dropped,
            unsent,
            unsendable,
            disconnected,
            refused,
        }
    }

    /// Takes those that go out of their groups. A connection that is neither a member nor behind is nobody's to remember.
    fn expel(&mut self) {
        while let Some(going) = self.delivery.going.pop() {
            let conn = going.conn;
            if self.member(conn).is_some() {
                self.give_up(conn);
                self.delivery.lags.note(conn, false, |stats| {
                    stats.unsent += going.unsent;
                    stats.is_disconnected |= going.is_disconnected;
                });
            }
        }
    }

    fn give_up(&mut self, conn: ConnId) {
        let groups = self.membership.leave_all(conn);
        self.delivery.counts.unsent += self.delivery.lags.give_up(conn, groups);
    }
}
