use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

/// A timer that fires when the test says so, whatever the time.
#[derive(Clone, Default)]
struct Manual(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    polls: usize,
    has_fired: bool,
    waker: Option<Waker>,
}

impl Manual {
    fn polls(&self) -> usize {
        self.0.lock().unwrap().polls
    }

    fn wake(&self) {
        let waker = self.0.lock().unwrap().waker.take();
        waker.expect("nobody waits for the timer").wake();
    }

    fn fire(&self) {
        self.0.lock().unwrap().has_fired = true;
        self.wake();
    }
}

impl Timer for Manual {
    fn set(&mut self, _: std::time::Instant) {
        *self.0.lock().unwrap() = State { polls: self.polls(), ..State::default() };
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().unwrap();
        state.polls += 1;
        state.waker = Some(cx.waker().clone());
        if state.has_fired { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Somebody who polls, and how often he was woken.
#[derive(Default)]
struct Poller(AtomicUsize);

impl Wake for Poller {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Poller {
    fn wakes(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

const NEXT: Instant = Instant::from_nanos(60_000_000_000);

fn poll(alarm: &mut Alarm<Manual>, poller: &Arc<Poller>, next: Instant) -> bool {
    let waker = Waker::from(poller.clone());
    alarm.poll(&mut Context::from_waker(&waker), Instant::ORIGIN, next, Clock::still(Instant::ORIGIN))
}

fn start() -> (Alarm<Manual>, Manual, [Arc<Poller>; 2]) {
    let timer = Manual::default();
    (Alarm::new(timer.clone()), timer, Default::default())
}

#[test]
fn who_polled_last_is_woken_and_the_timer_is_asked_once() {
    let (mut alarm, timer, [first, second]) = start();
    for poller in [&first, &first, &second, &first, &second] {
        assert!(!poll(&mut alarm, poller, NEXT));
    }
    alarm.poll(&mut Context::from_waker(Waker::noop()), Instant::ORIGIN, NEXT, Clock::still(Instant::ORIGIN));
    assert!(!poll(&mut alarm, &second, NEXT));
    assert_eq!(timer.polls(), 1);
    timer.fire();
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
}

/// The one before was woken and may never come back: who polls in its place must not wait for a timer that has fired.
#[test]
fn who_comes_after_the_timer_has_woken_another_is_told() {
    let (mut alarm, timer, [first, second]) = start();
    assert!(!poll(&mut alarm, &first, NEXT));
    timer.fire();
    assert_eq!(first.wakes(), 1);
    assert!(poll(&mut alarm, &second, NEXT));
    // It is set anew for what comes next.
    assert!(!poll(&mut alarm, &second, NEXT));
    timer.fire();
    assert_eq!((first.wakes(), second.wakes()), (1, 1));
}

#[test]
fn a_timer_that_woke_for_nothing_is_waited_for_again() {
    let (mut alarm, timer, [first, second]) = start();
    assert!(!poll(&mut alarm, &first, NEXT));
    timer.wake();
    assert!(!poll(&mut alarm, &second, NEXT));
    timer.fire();
    assert_eq!((first.wakes(), second.wakes()), (1, 1));
}

#[test]
fn an_earlier_deadline_sets_it_and_a_later_one_does_not() {
    let (mut alarm, timer, [first, _]) = start();
    for (next, polls) in [(NEXT, 1), (NEXT + EARLY, 1), (Instant::from_nanos(50_000_000_000), 2)] {
        assert!(!poll(&mut alarm, &first, next));
        assert_eq!(timer.polls(), polls);
    }
    assert_eq!(alarm.at(), Some(Instant::from_nanos(50_000_000_000)));
}
