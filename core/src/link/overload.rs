//! What waits to be written on all connections together.

use super::entry::Core;
use super::{ConnId, Hub, Service};
use crate::base::{Cause, Instant, SendError};

/// What a hub does when more than [`Config::max_queued`](super::Config::max_queued) waits to be written on all its connections
/// together. Reading is not paused: that would make a few who take nothing the affair of all.
///
/// ```
/// use wharf::link::{Config, Overload};
///
/// assert_eq!(Config::default().overload, Overload::Disconnect);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overload {
    /// Resets the connection with the most, until it is less: whoever takes least pays for it. Its report says
    /// [`Cause::Overload`].
    #[default]
    Disconnect,
    /// Refuses messages with [`SendError::Overload`](crate::base::SendError) until it is less. What was taken before is written;
    /// the write deadline ends those who take nothing.
    Refuse,
}

/// Queues are counted in steps of so many bytes, so that the small ones that come and go with every message cost
/// nothing.
const PAGE: usize = 4096;

impl<S: Service> Hub<S> {
    /// Bytes of messages that wait to be written on all connections together, those of each rounded down to 4 KiB.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.core.queued_pages * PAGE
    }
}

impl<J> Core<J> {
    /// A connection's queue has grown or shrunk.
    #[inline]
    pub(super) fn recount_queue(&mut self, now: Instant, conn: ConnId) {
        if let Some(entry) = self.links.get(conn.0) {
            let pages = entry.link.queued() / PAGE;
            if pages != entry.pages as usize {
                self.count_queue(now, conn, pages);
            }
        }
    }

    #[cold]
    fn count_queue(&mut self, now: Instant, conn: ConnId, pages: usize) {
        let Some(entry) = self.entry(conn) else { return };
        let pages = u32::try_from(pages).unwrap_or(u32::MAX);
        let before = core::mem::replace(&mut entry.pages, pages);
        self.queued_pages += pages as usize;
        self.uncount_queue(before);
        if self.queued_pages > self.most_pages() {
            self.handle_overload(now);
        }
    }

    pub(super) fn uncount_queue(&mut self, pages: u32) {
        self.queued_pages -= pages as usize;
        self.is_overloaded &= self.queued_pages > self.most_pages();
    }

    #[cold]
    pub(super) fn refuse_send(&mut self) -> SendError {
        self.stats.sends_refused += 1;
        SendError::Overload
    }

    fn most_pages(&self) -> usize {
        self.config.max_queued / PAGE
    }

    fn handle_overload(&mut self, now: Instant) {
        match self.config.overload {
            Overload::Refuse => self.is_overloaded = true,
            Overload::Disconnect => {
                while self.queued_pages > self.most_pages() {
                    // The last of those with the most, so the same one wherever the same is run again.
                    let largest = self.links.iter().max_by_key(|(_, entry)| entry.pages);
                    let Some((key, _)) = largest.filter(|(_, entry)| entry.pages > 0) else { return };
                    self.shed(now, ConnId(key));
                }
            }
        }
    }

    fn shed(&mut self, now: Instant, conn: ConnId) {
        let Some(entry) = self.entry(conn) else { return };
        let pages = core::mem::take(&mut entry.pages);
        entry.link.abandon(now, Cause::Overload);
        self.uncount_queue(pages);
        self.stats.shed += 1;
        self.touch(conn);
    }
}
