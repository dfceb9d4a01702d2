//! What goes wrong in a world: of the network and the clocks, until they heal, and of single clients for good.

use crate::dice::Dice;
use std::time::Duration;

/// What may go wrong with wires and timers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Reads bring any piece of what came.
    pub split: bool,
    /// Pieces that follow each other come as one.
    pub coalesce: bool,
    /// Bytes take their time.
    pub delay: bool,
    /// A direction stands still for a while.
    pub stall: bool,
    /// Writes take any part of what is offered, and little of it is on its way at a time.
    pub partial: bool,
    /// Timers fire late.
    pub late: bool,
    /// Timers fire unasked.
    pub spurious: bool,
    /// Some calls are told a time that is over.
    pub backward: bool,
    /// Some reads are made though nobody wants them.
    pub eager: bool,
}

impl Faults {
    /// Any of them.
    #[must_use]
    pub fn any(dice: &mut Dice<'_>) -> Self {
        let mut some = || dice.percent(40);
        Self {
            split: some(),
            coalesce: some(),
            delay: some(),
            stall: some(),
            partial: some(),
            late: some(),
            spurious: some(),
            backward: some(),
            eager: some(),
        }
    }

    /// How long bytes take now.
    pub fn latency(&self, dice: &mut Dice<'_>) -> Duration {
        Duration::from_micros(if self.delay { dice.between(100, 60_000) } else { 100 } as u64)
    }

    /// How much can be on its way in one direction.
    #[must_use]
    pub fn capacity(&self) -> usize {
        if self.partial { 3000 } else { 1 << 16 }
    }
}

/// How a client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Asks, waits for all answers, closes.
    Good,
    /// Its wire is reset at some moment.
    Reset,
    /// Somebody on the way ends both directions at some moment, at any byte.
    Cut,
    /// Ends its writing side at some moment, without a goodbye.
    HalfClose,
    /// Stops doing anything at some moment; nobody learns that it is gone.
    Vanish,
    /// Stops reading at some moment, and goes on writing.
    Deaf,
    /// Never sends a byte.
    Mute,
}

impl Habit {
    /// Any, good ones more often.
    pub fn any(dice: &mut Dice<'_>) -> Self {
        dice.pick(&[
            Self::Good,
            Self::Good,
            Self::Good,
            Self::Good,
            Self::Reset,
            Self::Cut,
            Self::HalfClose,
            Self::Vanish,
            Self::Deaf,
            Self::Mute,
        ])
    }
}
