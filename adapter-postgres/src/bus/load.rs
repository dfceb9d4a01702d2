//! How much there is of a service, and how much a node takes.

use super::failing::Failing;
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::Row;
use wharf::service::bus::{Name, NodeLimits, NodeRoom};

/// How much there is of a service, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) owner: Option<i16>,
    pub(crate) claim: i64,
    pub(crate) pending: u64,
    pub(crate) pending_bytes: u64,
    /// Messages that are not taken.
    pub(crate) waiting: u64,
    pub(crate) dead: u64,
    pub(crate) dead_bytes: u64,
    /// It is not in the database.
    pub(crate) is_new: bool,
}

impl Default for Load {
    /// That of a service which nobody knows.
    fn default() -> Self {
        let (owner, claim) = (None, 0);
        Self { owner, claim, pending: 0, pending_bytes: 0, waiting: 0, dead: 0, dead_bytes: 0, is_new: true }
    }
}

impl Load {
    /// That in a row `name, owner, claim, pending, pending_bytes, waiting, dead, dead_bytes`.
    pub(crate) fn of(row: &Row) -> Result<Self, Failing> {
        let number = |at| row.try_get::<_, i64>(at).map(i64::cast_unsigned);
        Ok(Self {
            owner: row.try_get(1)?,
            claim: row.try_get(2)?,
            pending: number(3)?,
            pending_bytes: number(4)?,
            waiting: number(5)?,
            dead: number(6)?,
            dead_bytes: number(7)?,
            is_new: false,
        })
    }

    /// Whether there is room for a message.
    pub(crate) const fn has_room(&self, size: u64, limits: &NodeLimits) -> bool {
        self.dead < limits.max_dead
            && self.dead_bytes <= limits.max_dead_bytes
            && self.has_place(size, limits)
    }

    /// The same, of one that is dead and is to live again.
    pub(crate) const fn has_place(&self, size: u64, limits: &NodeLimits) -> bool {
        self.pending < limits.max_pending
            && size <= limits.max_pending_bytes.saturating_sub(self.pending_bytes)
    }

    pub(crate) const fn put(&mut self, size: u64) {
        self.pending += 1;
        self.pending_bytes += size;
    }

    pub(crate) const fn remove(&mut self, size: u64) {
        self.pending = self.pending.saturating_sub(1);
        self.pending_bytes = self.pending_bytes.saturating_sub(size);
    }

    pub(crate) const fn bury(&mut self, size: u64) {
        self.remove(size);
        self.dead += 1;
        self.dead_bytes += size;
    }

    pub(crate) const fn purge(&mut self, size: u64) {
        self.dead = self.dead.saturating_sub(1);
        self.dead_bytes = self.dead_bytes.saturating_sub(size);
    }
}

/// What a node takes, in the room that it has.
#[derive(Debug)]
pub(crate) struct Taking<'a> {
    room: &'a NodeRoom,
    rows: u32,
    bytes: u64,
    of: BTreeMap<Name, u32>,
    full: BTreeSet<Name>,
    /// There was no room for the bytes of one.
    is_over: bool,
}

impl<'a> Taking<'a> {
    pub(crate) const fn new(room: &'a NodeRoom) -> Self {
        Self { room, rows: 0, bytes: 0, of: BTreeMap::new(), full: BTreeSet::new(), is_over: false }
    }

    /// Messages for which there may be room.
    pub(crate) const fn rows_left(&self) -> u32 {
        self.room.rows.saturating_sub(self.rows)
    }

    /// Whether nothing more can be taken.
    pub(crate) const fn is_over(&self) -> bool {
        self.is_over || self.rows_left() == 0
    }

    /// Whether there is room for one more; where there was none for one of a service there is none for those behind it, and where it was
    /// its bytes there is none for any.
    pub(crate) fn take(&mut self, name: &Name, size: u64) -> bool {
        let room = self.room;
        let of = self.of.entry(name.clone()).or_default();
        let fits = !self.is_over
            && !self.full.contains(name)
            && room.except.binary_search(name).is_err()
            && self.rows < room.rows
            && *of < room.each;
        let is_light = self.rows == 0 || self.bytes.saturating_add(size) <= room.bytes;
        self.is_over |= fits && !is_light;
        let fits = fits && is_light;
        if fits {
            (self.rows, self.bytes, *of) = (self.rows + 1, self.bytes.saturating_add(size), *of + 1);
        } else {
            self.full.insert(name.clone());
        }
        fits
    }
}
