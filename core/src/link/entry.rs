//! What a hub keeps of each connection, and of all together.

use super::deadlines::DeadlineHeap;
use super::{Address, Admission, Config, ConnId, DialId, HubStats, Link, Place, Target};
use crate::base::{Clock, CloseCode, Closed, End, Entropy, Instant, Scratch, WallClock};
use crate::ws::handshake::Redirects;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;
use slotmap::{DefaultKey, SlotMap};

/// One connection. Boxed where it is kept, so that a table with room to grow costs little.
pub(super) struct Entry {
    pub(super) link: Link,
    pub(super) peer: Address,
    pub(super) held: Option<Box<Held>>,
    pub(super) dial: Option<DialId>,
    pub(super) told: Option<Box<Told>>,
    /// `opened` was called, so `closed` is owed.
    pub(super) opened: bool,
    /// The last event was told.
    pub(super) over: bool,
    /// Its stream is closed: it goes once its last event was told.
    pub(super) released: bool,
    /// It stands in the dirty list, in the list of those to pump.
    pub(super) dirty: bool,
    pub(super) pumped: bool,
    /// Nothing is read from it: so the service wants it, so its rate wants it.
    pub(super) paused: bool,
    pub(super) throttled: bool,
    /// The service wants to know when the transport takes something.
    pub(super) tells_written: bool,
    /// Its begin and its end are told in a log.
    pub(super) is_logged: bool,
    pub(super) place: Place,
    /// What waits to be written there, as it is counted.
    pub(super) pages: u32,
    /// Its deadline in the heap that counts.
    pub(super) due: Instant,
}

/// Input that came while the link did not want it; there is none that is empty.
pub(super) struct Held {
    /// At most what one read brought.
    pub(super) bytes: Vec<u8>,
    /// An end of stream that stands behind them.
    pub(super) end: Option<End>,
}

/// What is there for the asking, and mostly is not.
#[derive(Default)]
pub(super) struct Told {
    pub(super) subprotocol: Option<String>,
    /// Where it comes from, if that is not the peer.
    pub(super) client: Option<IpAddr>,
    /// How it ended, for the adapter's log.
    pub(super) report: Option<Box<Closed>>,
}

impl Entry {
    pub(super) fn new(link: Link, peer: Address, dial: Option<DialId>, place: Place) -> Box<Self> {
        Box::new(Self {
            link,
            peer,
            held: None,
            dial,
            told: None,
            opened: false,
            over: false,
            released: false,
            dirty: false,
            pumped: false,
            paused: false,
            throttled: false,
            tells_written: false,
            is_logged: true,
            place,
            pages: 0,
            due: Instant::NEVER,
        })
    }

    /// What there is to be told, to be added to.
    pub(super) fn told(&mut self) -> &mut Told {
        self.told.get_or_insert_default()
    }

    /// Where it comes from.
    pub(super) fn client(&self) -> Option<IpAddr> {
        let told = self.told.as_ref().and_then(|told| told.client);
        told.or_else(|| self.link.client_address()).or_else(|| self.peer.ip())
    }

    /// Whether output that leaves, or more of it, brings about nothing but that.
    pub(super) fn is_quiet(&self) -> bool {
        self.held.is_none() && !self.tells_written && self.link.is_quiet()
    }
}

/// A dial in flight, until what it made is open.
pub(super) struct Dialing {
    pub(super) target: Target,
    /// What it speaks and how long it may take, if that is not what the hub's configuration says.
    pub(super) config: Option<Arc<Config>>,
    pub(super) redirects: Redirects,
    /// When it must be open.
    pub(super) deadline: Instant,
    /// The connection was made.
    pub(super) connected: bool,
}

/// All that a hub owns but the service, so that a service's context can borrow it.
pub(super) struct Core<J> {
    pub(super) config: Arc<Config>,
    pub(super) clock: Clock,
    pub(super) wall: WallClock,
    pub(super) entropy: Entropy,
    pub(super) scratch: Scratch,
    /// What a read amounts to once it is decrypted; empty between turns.
    pub(super) plain: Vec<u8>,
    /// Who has the scratch: the connection that was fed last, so that it is written from there without a copy.
    pub(super) lent: Option<ConnId>,
    /// One write did not take all that is in it, so it may have grown to any size.
    pub(super) overflowed: bool,
    pub(super) links: SlotMap<DefaultKey, Box<Entry>>,
    pub(super) admission: Admission,
    /// What waits to be written on all of them.
    pub(super) queued_pages: usize,
    /// Messages are refused until it is less.
    pub(super) is_overloaded: bool,
    pub(super) deadlines: DeadlineHeap,
    /// Whose events are being taken, and so need nobody to be told of.
    pub(super) fed: Option<ConnId>,
    /// Those whose output or wants changed by a call for somebody else; each at most once.
    pub(super) dirty: VecDeque<ConnId>,
    /// Those that may have events of their own; each at most once.
    pub(super) to_pump: VecDeque<ConnId>,
    /// Jobs in flight; those that have not left stand in `jobs_out`.
    pub(super) jobs: SlotMap<DefaultKey, ()>,
    pub(super) jobs_out: VecDeque<(DefaultKey, J)>,
    /// Dials in flight, until they are open; those that have not left stand in `dials_out`.
    pub(super) dials: SlotMap<DefaultKey, Dialing>,
    pub(super) dials_out: VecDeque<DialId>,
    /// Until when a drain may take.
    pub(super) drain_by: Option<Instant>,
    /// It took longer than that.
    pub(super) is_drain_late: bool,
    /// What it closes with.
    pub(super) drain_code: CloseCode,
    pub(super) stats: HubStats,
    /// Whose call of the service is running; still there at the next call of the hub if that one panicked.
    pub(super) turn: Option<Turn>,
}

/// For whom the service is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Connection(ConnId),
    /// It is over, and this is how it is told.
    Ended(ConnId),
    Other,
}

impl<J> Core<J> {
    pub(super) fn stats(&self) -> HubStats {
        HubStats { admission: self.admission.stats(), ..self.stats }
    }

    #[inline]
    pub(super) fn entry(&mut self, conn: ConnId) -> Option<&mut Entry> {
        self.links.get_mut(conn.0).map(|entry| &mut **entry)
    }

    /// Lends the scratch to a connection, after taking it back from the one that has it.
    pub(super) fn lend(&mut self, conn: ConnId) {
        if self.lent != Some(conn) {
            self.reclaim();
            if let Some(entry) = self.links.get_mut(conn.0) {
                entry.link.lend(&mut self.scratch);
                self.lent = Some(conn);
                self.overflowed = false;
            }
        }
    }

    /// Takes the scratch back.
    pub(super) fn reclaim(&mut self) {
        if let Some(conn) = self.lent {
            self.take_back(conn);
        }
    }

    /// Takes all buffers of a turn from a connection, the scratch or what it made for itself.
    pub(super) fn take_back(&mut self, conn: ConnId) {
        self.lent.take_if(|lent| *lent == conn);
        if let Some(entry) = self.links.get_mut(conn.0) {
            entry.link.reclaim(&mut self.scratch);
        }
    }

    /// A connection was acted upon: it may have output, events and another deadline. The one that is fed has its
    /// events taken and its deadline looked at anyway, and is looked at by whoever feeds it.
    #[inline]
    pub(super) fn touch(&mut self, conn: ConnId) {
        if self.fed == Some(conn) {
            return;
        }
        self.mark(conn);
        let Some(entry) = self.entry(conn) else { return };
        if !core::mem::replace(&mut entry.pumped, true) {
            self.to_pump.push_back(conn);
        }
    }

    /// Output was queued for a connection. From one that was quiet no event comes of it.
    pub(super) fn settle_sent(&mut self, conn: ConnId, was_quiet: bool) {
        if !was_quiet {
            self.touch(conn);
        } else if self.fed != Some(conn) {
            self.mark(conn);
            self.reschedule(conn);
        }
        if self.fed != Some(conn) {
            self.recount_queue(self.clock.last(), conn);
        }
    }

    /// The adapter must look at a connection.
    pub(super) fn mark(&mut self, conn: ConnId) {
        let Some(entry) = self.entry(conn) else { return };
        if !core::mem::replace(&mut entry.dirty, true) {
            self.dirty.push_back(conn);
        }
    }

    /// Puts the connection's deadline into the heap if it is earlier than the one that counts; a later one is found
    /// when that fires.
    #[inline]
    pub(super) fn reschedule(&mut self, conn: ConnId) {
        let Some(entry) = self.entry(conn) else { return };
        if let Some(at) = entry.link.poll_timeout().filter(|at| *at < entry.due) {
            entry.due = at;
            self.schedule(at, conn);
        }
    }

    #[cold]
    fn schedule(&mut self, at: Instant, conn: ConnId) {
        self.deadlines.push(at, conn);
        let links = &self.links;
        self.deadlines.prune(links.len(), |at, conn| links.get(conn.0).is_some_and(|e| e.due == at));
    }
}
