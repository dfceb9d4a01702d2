//! The time of a turn: the clock is asked once in a poll of a handler, not once a message.

use crate::Clock;
use std::cell::Cell;
use std::task::Context;
use wharf::base::Instant;

/// How often the time of a turn is used for reads before the clock is asked again: a handler that always finds something to
/// do may not end its poll for long.
const USES: u8 = 64;

thread_local! {
    static TURN: Turn = const { Turn { task: Cell::new(Task::NONE), told: Cell::new(None), left: Cell::new(0) } };
}

/// The poll that this thread is in.
struct Turn {
    task: Cell<Task>,
    /// What the clock said, and which; nothing outside of a turn.
    told: Cell<Option<(Clock, Instant)>>,
    left: Cell<u8>,
}

/// Which task is polled: by the parts of its waker. A runtime that runs inside of a poll, whatever that takes, has another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Task(usize, usize);

impl Task {
    /// There is none.
    pub(crate) const NONE: Self = Self(0, 0);

    pub(crate) fn of(cx: &Context<'_>) -> Self {
        let waker = cx.waker();
        Self(waker.data() as usize, std::ptr::from_ref(waker.vtable()) as usize)
    }
}

/// The end of a turn, when it is dropped.
pub(crate) struct End(Task);

impl Drop for End {
    fn drop(&mut self) {
        TURN.with(|turn| {
            turn.task.set(self.0);
            turn.told.set(None);
        });
    }
}

/// A turn begins. It lasts until what is returned is dropped, before its poll ends.
pub(crate) fn begin(cx: &Context<'_>) -> End {
    TURN.with(|turn| {
        turn.told.set(None);
        End(turn.task.replace(Task::of(cx)))
    })
}

/// The time, for one who is polled: that of the turn, if it is that of the same task.
pub(crate) fn now(clock: Clock, cx: &Context<'_>) -> Instant {
    let told = TURN.with(|turn| {
        let (left, told) = (turn.left.get(), last(clock)?);
        turn.left.set(left.checked_sub(1)?);
        (turn.task.get() == Task::of(cx)).then_some(told)
    });
    told.unwrap_or_else(|| fresh(clock))
}

/// The time, as the clock says.
pub(crate) fn fresh(clock: Clock) -> Instant {
    let now = clock.now();
    TURN.with(|turn| {
        if turn.task.get() != Task::NONE {
            turn.told.set(Some((clock, now)));
            turn.left.set(USES);
        }
    });
    now
}

/// The time that was told last in this turn, which may be long ago where a runtime runs inside of it.
pub(crate) fn last(clock: Clock) -> Option<Instant> {
    let (whose, now) = TURN.with(|turn| turn.told.get())?;
    (whose == clock).then_some(now)
}

/// Somebody else asks the clock: what is told from here on must not be earlier.
pub(crate) fn forget() {
    TURN.with(|turn| turn.told.set(None));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::task::{Wake, Waker};
    use std::time::Duration;

    const HOUR: Duration = Duration::from_secs(3600);

    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    /// Later than `earlier`, as clocks of operating systems are after a while.
    fn later(clock: Clock, earlier: Instant) -> Instant {
        loop {
            let now = clock.now();
            if now > earlier {
                return now;
            }
        }
    }

    #[test]
    fn the_clock_is_asked_once_a_turn_and_by_each_who_is_none() {
        let (ours, theirs) = (Waker::from(Arc::new(Nobody)), Waker::from(Arc::new(Nobody)));
        let (ours, theirs) = (Context::from_waker(&ours), Context::from_waker(&theirs));
        let (clock, other) = (Clock::new(), Clock::since(std::time::Instant::now() - HOUR));
        let before = now(clock, &ours);
        assert!(later(clock, before) <= now(clock, &ours), "there is no turn yet");
        assert_eq!(last(clock), None);
        let turn = begin(&ours);
        let told = now(clock, &ours);
        let real = later(clock, told);
        assert_eq!((now(clock, &ours), last(clock)), (told, Some(told)));
        assert_eq!(last(other), None);
        assert!(now(clock, &theirs) >= real, "another task, inside of this turn");
        let told = now(clock, &ours);
        later(clock, told);
        for _ in 1..USES {
            assert_eq!(now(clock, &ours), told);
        }
        assert!(now(clock, &ours) > told, "a turn without end");
        assert!(now(other, &ours) > Instant::ORIGIN + HOUR);
        let told = fresh(clock);
        assert_eq!(now(clock, &ours), told);
        later(clock, told);
        forget();
        assert!(now(clock, &ours) > told);
        drop(turn);
        assert_eq!(last(clock), None);
    }
}
