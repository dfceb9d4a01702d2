//! The token bucket against that of `governor`: the same verdict and the same wait for each of many takes.
#![forbid(unsafe_code)]

use governor::clock::{Clock, FakeRelativeClock};
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::time::Duration;
use wharf::base::Instant;
use wharf::service::limiter::{Bucket, Rate};
use wharf::sim::Dice;

#[test]
fn the_same_verdict_as_governors() {
    // Rates that divide a second: governor rounds the time of one down, and this bucket that of many up.
    for (seed, (per_second, burst)) in
        [(1, 1), (20, 40), (1000, 3), (50, 500), (8, 1)].into_iter().enumerate()
    {
        let (nonzero, clock) = (|n| NonZeroU32::new(n).expect("not zero"), FakeRelativeClock::default());
        let quota = Quota::per_second(nonzero(per_second)).allow_burst(nonzero(burst));
        let theirs = RateLimiter::direct_with_clock(quota, clock.clone());
        let (rate, mut ours) = (Rate { per_second, burst }, Bucket::new(Instant::ORIGIN));
        let (mut dice, mut now, mut taken) = (Dice::seeded(seed as u64), Instant::ORIGIN, 0);
        for _ in 0..100_000 {
            let step = Duration::from_nanos(dice.below(2_000_000_000 / per_second as usize) as u64);
            let step = if dice.below(100) == 0 { step * burst } else { step };
            clock.advance(step);
            now += step;
            let n = if dice.below(3) == 0 { 1 + dice.below(burst as usize) as u32 } else { 1 };
            let verdict = theirs.check_n(nonzero(n)).expect("no more than the burst");
            let verdict = verdict.map_err(|not_until| not_until.wait_time_from(clock.now()));
            assert_eq!(ours.take_many(now, rate, n as usize), verdict, "{n} at {now:?}, {rate:?}");
            taken += usize::from(verdict.is_ok());
        }
        assert!((5_000..95_000).contains(&taken), "{taken} of 100,000");
    }
}
