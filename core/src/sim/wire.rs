//! What lies between two ends.

use super::Faults;
use super::pipe::Pipe;
use crate::base::Instant;

/// A wire of two directions; each side writes into the pipe of its own number.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pipes: [Pipe; 2],
    /// What keeps it from carrying anything, of which nobody is told: that a side's server is isolated, that it is
    /// [`PARTED`].
    held: [bool; 3],
    /// Which sides have closed their socket, or vanished.
    gone: [bool; 2],
}

/// The side that connected.
pub(super) const CALLER: usize = 0;
/// The side that accepted.
pub(super) const CALLED: usize = 1;
/// Not a side: the wire itself is parted.
pub(super) const PARTED: usize = 2;

impl Wire {
    /// Nothing comes through.
    pub(super) fn is_parted(&self) -> bool {
        self.held.contains(&true)
    }

    /// It is held back for one more reason, or for one less: a side's server, or [`PARTED`].
    pub(super) fn hold(&mut self, reason: usize, holds: bool) {
        self.held[reason] = holds;
    }

    /// Nothing holds it back any more.
    pub(super) fn free(&mut self) {
        self.held = [false; 3];
    }

    /// Where a side writes.
    pub(super) fn outward(&mut self, side: usize) -> &mut Pipe {
        &mut self.pipes[side]
    }

    /// Where a side reads.
    pub(super) fn inward(&mut self, side: usize) -> &mut Pipe {
        &mut self.pipes[1 - side]
    }

    /// How much a write of this side can place.
    pub(super) fn room(&self, side: usize, faults: Faults) -> usize {
        self.pipes[side].room(faults)
    }

    /// When a read of this side brings something next.
    pub(super) fn next(&self, side: usize) -> Option<Instant> {
        if self.is_parted() { None } else { self.pipes[1 - side].next() }
    }

    /// The wire breaks: both sides learn of it.
    pub(super) fn reset(&mut self, now: Instant) {
        self.pipes.iter_mut().for_each(|pipe| pipe.reset(now));
    }

    /// A side closes its socket: with unread input, or by an abort, that resets the wire.
    pub(super) fn close(&mut self, side: usize, now: Instant, aborts: bool) {
        if aborts || self.inward(side).is_unread() {
            self.outward(side).reset(now);
        } else {
            self.outward(side).finish(now, crate::base::End::Eof);
        }
        self.inward(side).drop_reader();
        self.leave(side);
    }

    /// A side is gone, whether that is told or not.
    pub(super) fn leave(&mut self, side: usize) {
        self.gone[side] = true;
    }

    /// Nobody is left at it.
    pub(super) fn is_abandoned(&self) -> bool {
        self.gone == [true; 2]
    }
}
