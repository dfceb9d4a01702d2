//! The time of a turn: the clock is asked once in a poll of a handler, not once a message.

use crate::Clock;
use std::cell::Cell;
use std::task::Context;
use wharf::base::Instant;

/// How often the time of a turn is used for reads before the clock is asked again: a handler that always finds something to
/// do may not end its poll for long.
const USES: u8 = 64;

thread_local! {
    static TURN: Cell<Option<Turn>> = const { Cell::new(None) };
}

/// The poll that this thread is in.
#[derive(Clone, Copy)]
struct Turn {
    task: Task,
    /// What the clock said, and which.
    told: Option<(Clock, Instant)>,
    left: u8,
}

/// Which task is polled: by the parts of its waker. A runtime that runs inside of a poll, whatever that takes, has another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Task(usize, usize);

impl Task {
    fn of(cx: &Context<'_>) -> Self {
        let waker = cx.waker();
        Self(waker.data() as usize, std::ptr::from_ref(waker.vtable()) as usize)
    }
}

/// The end of a turn, when it is dropped.
pub(crate) struct End(Option<Turn>);

impl Drop for End {
    fn drop(&mut self) {
        TURN.set(self.0);
    }
}

/// A turn begins. It lasts until what is returned is dropped, before its poll ends.
pub(crate) fn begin(cx: &Context<'_>) -> End {
    End(TURN.replace(Some(Turn { task: Task::of(cx), told: None, left: 0 })))
}

/// The time, for one who is polled: that of the turn, if it is that of the same task.
pub(crate) fn now(clock: Clock, cx: &Context<'_>) -> Instant {
    match TURN.get() {
        Some(turn @ Turn { told: Some((whose, now)), left: 1.., .. })
            if whose == clock && turn.task == Task::of(cx) =>
        {
            TURN.set(Some(Turn { left: turn.left - 1, ..turn }));
            now
        }
        _ => fresh(clock),
    }
}

/// The time, as the clock says.
pub(crate) fn fresh(clock: Clock) -> Instant {
    let now = clock.now();
    if let Some(turn) = TURN.get() {
        TURN.set(Some(Turn { told: Some((clock, now)), left: USES, ..turn }));
    }
    now
}

/// The time that was told last in this turn, which may be long ago where a runtime runs inside of it.
pub(crate) fn last(clock: Clock) -> Option<Instant> {
    let (whose, now) = TURN.get()?.told?;
    (whose == clock).then_some(now)
}

/// Somebody else asks the clock: what is told from here on must not be earlier.
pub(crate) fn forget() {
    if let Some(turn) = TURN.get() {
        TURN.set(Some(Turn { told: None, ..turn }));
    }
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
