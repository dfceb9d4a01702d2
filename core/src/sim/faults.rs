//! What goes wrong in a world: of the network and the clocks, until they heal, and of single clients for good.

use super::Dice;
use core::time::Duration;

/// What may go wrong with wires, timers and calls, and how slow the outside is. By default nothing, and all is done at once.
///
/// ```
/// use wharf::sim::{Dice, Faults};
///
/// let mut faults = Faults::default();
/// faults.split = true;
/// assert!(faults.any_at_all() && !faults.healed().any_at_all());
/// // A random subset, another one a seed.
/// assert_eq!(Faults::any(&mut Dice::seeded(3)), Faults::any(&mut Dice::seeded(3)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Faults {
    /// How long bytes take at least. It stays when all is healed.
    pub latency: Duration,
    /// How long a job takes at most. It stays when all is healed.
    pub job_time: Duration,
    /// Reads bring any piece of what came.
    pub split: bool,
    /// Pieces that have come are read as one.
    pub coalesce: bool,
    /// Bytes take their time: up to 60 ms more, and so does a dial.
    pub delay: bool,
    /// A direction stands still for a while: up to 1.5 s.
    pub stall: bool,
    /// Writes take any part of what is offered, and little of it is on its way at a time.
    pub partial: bool,
    /// Timers fire late: up to 40 ms.
    pub late: bool,
    /// Timers fire unasked.
    pub spurious: bool,
    /// Some calls are told a time that is over, up to 17 ms ago.
    pub backward: bool,
    /// Some reads are made though nobody wants them.
    pub eager: bool,
    /// The calendar's time is set anew, up to a day forth or back.
    pub wall_steps: bool,
}

impl Faults {
    /// Any of them.
    #[must_use]
    pub fn any(dice: &mut Dice<'_>) -> Self {
        let mut some = || dice.percent(40);
        Self {
            latency: Duration::from_micros(100),
            job_time: Duration::from_millis(500),
            split: some(),
            coalesce: some(),
            delay: some(),
            stall: some(),
            partial: some(),
            late: some(),
            spurious: some(),
            backward: some(),
            eager: some(),
            wall_steps: some(),
        }
    }

    /// The same outside with nothing that goes wrong.
    #[must_use]
    pub fn healed(self) -> Self {
        Self { latency: self.latency, job_time: self.job_time, ..Self::default() }
    }

    /// Whether anything may go wrong.
    #[must_use]
    pub fn any_at_all(self) -> bool {
        self != self.healed()
    }

    /// How long bytes take now.
    pub(super) fn latency(&self, dice: &mut Dice<'_>) -> Duration {
        let more = if self.delay { dice.between(0, 60_000) } else { 0 };
        self.latency + Duration::from_micros(more as u64)
    }

    /// How much can be on its way in one direction.
    pub(super) fn capacity(&self) -> usize {
        if self.partial { 3000 } else { 1 << 16 }
    }
}

/// How a client behaves, for good: no healing changes it.
///
/// ```
/// use wharf::sim::{Dice, Habit};
///
/// let mut dice = Dice::seeded(1);
/// assert!((0..50).any(|_| Habit::any(&mut dice) != Habit::Good));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Habit {
    /// Does what its script says.
    #[default]
    Good,
    /// Its wire is reset at some moment, in the middle of whatever is on its way.
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
        let bad = [Self::Reset, Self::Cut, Self::HalfClose, Self::Vanish, Self::Deaf, Self::Mute];
        if dice.percent(40) { Self::Good } else { dice.pick(&bad) }
    }
}
