//! The limiter, and what it must never do.

mod limited;

use super::{Config, Full, Limiter, LimiterStats, Refusal, Why};
use crate::base::Instant;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use proptest::prelude::*;

const MINUTE: Duration = Duration::from_secs(60);
const BLOCK: Duration = Duration::from_secs(300);

fn at(seconds: u64) -> Instant {
    Instant::ORIGIN + Duration::from_secs(seconds)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The `n`-th of many addresses.
fn nth(n: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + n).into()
}

fn limiter(change: impl FnOnce(&mut Config)) -> Limiter {
    let mut config = Config::default();
    change(&mut config);
    Limiter::new(config)
}

/// How many of `n` attempts are admitted.
fn admitted(limiter: &mut Limiter, now: Instant, address: IpAddr, n: usize) -> usize {
    (0..n).filter(|_| limiter.admit(now, address).is_ok()).count()
}

fn why(limiter: &mut Limiter, now: Instant, address: IpAddr) -> Option<Why> {
    limiter.admit(now, address).err().map(|refusal| refusal.why)
}

/// A window that is reset by the clock lets twice the limit through around its edge, and a bucket that is refilled nearly
/// so: 19 within 60 s at 10 a minute.
#[test]
fn no_burst_at_the_edge_of_a_window() {
    let mut limiter = limiter(|config| config.block = Duration::ZERO);
    let a = ip("192.0.2.1");
    assert_eq!(admitted(&mut limiter, at(59), a, 10), 10);
    assert_eq!(admitted(&mut limiter, at(60), a, 10), 0, "a new minute by the clock");
    let seen = (60..119).map(|s| admitted(&mut limiter, at(s), a, 1)).sum::<usize>();
    assert_eq!(seen, 0, "nothing trickles in");
    assert_eq!(admitted(&mut limiter, at(119), a, 20), 10);
}

/// There is one call, which judges and counts: attempts of the same moment see each other.
#[test]
fn check_and_update_do_not_race() {
    let mut limiter = limiter(|_| {});
    assert_eq!(admitted(&mut limiter, at(0), ip("192.0.2.1"), 100), 10);
    assert_eq!(limiter.stats().admitted, 10);
}

#[test]
fn each_address_counts_for_itself() {
    let mut limiter = limiter(|_| {});
    assert_eq!(admitted(&mut limiter, at(0), ip("192.0.2.1"), 11), 10);
    assert_eq!(admitted(&mut limiter, at(0), ip("192.0.2.2"), 11), 10);
    assert_eq!(limiter.stats().blocked, 2);
}

#[test]
fn a_block_is_five_minutes_and_is_not_prolonged() {
    let mut limiter = limiter(|_| {});
    let a = ip("192.0.2.1");
    assert_eq!(admitted(&mut limiter, at(0), a, 10), 10);
    assert_eq!(limiter.admit(at(30), a), Err(Refusal { why: Why::Rate, retry_after: Some(BLOCK) }));
    for s in 31..330 {
        let left = Duration::from_secs(330 - s);
        assert_eq!(
            limiter.admit(at(s), a),
            Err(Refusal { why: Why::Blocked, retry_after: Some(left) }),
            "{s}"
        );
        assert_eq!(limiter.blocked_for(at(s), a), Some(left));
    }
    assert_eq!(limiter.blocked_for(at(330), a), None);
    assert_eq!(admitted(&mut limiter, at(330), a, 11), 10, "afresh");
    let stats = limiter.stats();
    assert_eq!((stats.refused_by_rate, stats.refused_by_block, stats.admitted), (2, 299, 20));
}

/// Where the block is shorter than the window, its end alone makes no room.
#[test]
fn who_comes_again_when_told_is_admitted() {
    for seconds in [0, 10, 59, 60, 300] {
        let block = Duration::from_secs(seconds);
        let mut limiter = limiter(|config| (config.limit, config.block) = (1, block));
        let (a, mut now) = (ip("192.0.2.1"), at(0));
        assert!(limiter.admit(now, a).is_ok());
        for _ in 0..2 {
            now += Duration::from_secs(1);
            let wait = limiter.admit(now, a).unwrap_err().retry_after.unwrap();
            assert!(wait >= MINUTE - (now - at(0)) && wait <= MINUTE.max(block), "{seconds}: {wait:?}");
        }
        let wait = limiter.admit(now, a).unwrap_err().retry_after.unwrap();
        assert!(limiter.admit(now + wait, a).is_ok(), "{seconds}");
    }
}

#[test]
fn the_2_to_64_addresses_of_a_host_of_ipv6_count_as_one() {
    let mut limiter = limiter(|_| {});
    for host in 0..10 {
        assert!(limiter.admit(at(0), ip(&std::format!("2001:db8:0:1::{host:x}"))).is_ok());
    }
    assert_eq!(why(&mut limiter, at(0), ip("2001:db8:0:1:ffff:ffff:ffff:ffff")), Some(Why::Rate));
    assert!(limiter.admit(at(0), ip("2001:db8:0:2::1")).is_ok(), "another network");
    assert_eq!(limiter.stats().addresses, 2);
}

#[test]
fn a_mapped_address_is_the_one_it_maps() {
    let mut limiter = limiter(|config| config.limit = 2);
    assert!(limiter.admit(at(0), ip("192.0.2.1")).is_ok());
    assert!(limiter.admit(at(0), ip("::ffff:192.0.2.1")).is_ok());
    assert_eq!(why(&mut limiter, at(0), ip("::ffff:192.0.2.1")), Some(Why::Rate));
    assert!(limiter.admit(at(0), ip("::ffff:192.0.2.2")).is_ok(), "no /64 of its own");
}

#[test]
fn lists_come_first_and_to_be_denied_before_all() {
    let mut limiter = limiter(|config| {
        config.allow = [ip("127.0.0.1").into(), "10.0.0.0/8".parse().unwrap()].into();
        config.deny = ["10.6.0.0/16".parse().unwrap()].into();
    });
    assert_eq!(admitted(&mut limiter, at(0), ip("127.0.0.1"), 100), 100);
    assert_eq!(admitted(&mut limiter, at(0), ip("::ffff:10.0.0.1"), 100), 100);
    let refusal = limiter.admit(at(0), ip("10.6.0.1")).unwrap_err();
    assert_eq!(refusal, Refusal { why: Why::Denied, retry_after: None });
    assert_eq!(refusal.response().status(), 403);
    let stats = limiter.stats();
    assert_eq!((stats.allowed, stats.denied, stats.admitted, stats.addresses), (200, 1, 0, 0));
}

#[test]
fn what_is_no_longer_needed_is_swept() {
    let mut limiter = limiter(|_| {});
    assert_eq!(limiter.poll_timeout(), None);
    assert_eq!(admitted(&mut limiter, at(0), nth(0), 11), 10);
    assert!(limiter.admit(at(1), nth(1)).is_ok());
    assert_eq!(limiter.poll_timeout(), Some(at(60)));
    limiter.handle_timeout(at(59));
    limiter.handle_timeout(at(60));
    assert_eq!((limiter.stats().addresses, limiter.poll_timeout()), (2, Some(at(120))));
    limiter.handle_timeout(at(120));
    assert_eq!((limiter.stats().addresses, limiter.stats().blocked), (1, 1));
    assert_eq!(why(&mut limiter, at(299), nth(0)), Some(Why::Blocked));
    limiter.handle_timeout(at(300));
    assert_eq!((limiter.stats().addresses, limiter.poll_timeout()), (0, None));
    assert_eq!(limiter.stats().forgotten, 0);
}

#[test]
fn a_million_addresses_do_not_make_an_unbounded_table() {
    let mut limiter = limiter(|config| config.max_addresses = 1000);
    assert_eq!(admitted(&mut limiter, at(0), ip("192.0.2.1"), 11), 10);
    assert_eq!(admitted(&mut limiter, at(0), ip("192.0.2.2"), 9), 9);
    for n in 0..1_000_000 {
        assert!(limiter.admit(at(0), nth(n)).is_ok());
    }
    let stats = limiter.stats();
    assert_eq!((stats.addresses, stats.blocked, stats.blocks_forgotten), (1000, 1, 0));
    assert_eq!(stats.forgotten, 1_000_000 - 998);
    assert_eq!(why(&mut limiter, at(1), ip("192.0.2.1")), Some(Why::Blocked), "a block is kept");
    assert_eq!(admitted(&mut limiter, at(1), ip("192.0.2.2"), 5), 1, "and who comes near to one");
}

#[test]
fn a_block_goes_before_its_time_only_among_blocks() {
    let mut limiter = limiter(|config| (config.limit, config.max_addresses) = (1, 3));
    for (n, s) in [(2, 0), (1, 1), (3, 2)] {
        assert_eq!(admitted(&mut limiter, at(s), nth(n), 2), 1);
    }
    assert!(limiter.admit(at(3), nth(4)).is_ok());
    assert_eq!(limiter.blocked_for(at(3), nth(2)), None, "the one with the least time left");
    assert!(limiter.blocked_for(at(3), nth(1)).is_some() && limiter.blocked_for(at(3), nth(3)).is_some());
    assert!(limiter.admit(at(3), nth(5)).is_ok());
    let stats = limiter.stats();
    assert_eq!((stats.forgotten, stats.blocks_forgotten, stats.blocked), (2, 1, 2));
}

#[test]
fn what_is_over_goes_first() {
    let mut limiter = limiter(|config| config.max_addresses = 2);
    assert_eq!(admitted(&mut limiter, at(0), nth(0), 10), 10);
    assert!(limiter.admit(at(59), nth(1)).is_ok());
    assert!(limiter.admit(at(60), nth(2)).is_ok());
    assert_eq!(limiter.stats().forgotten, 0);
    assert!(limiter.forget(nth(1)) && !limiter.forget(nth(0)));
}

#[test]
fn no_place_may_mean_no_entry() {
    let mut limiter = limiter(|config| (config.max_addresses, config.full) = (2, Full::Refuse));
    assert!(limiter.admit(at(0), nth(0)).is_ok() && limiter.admit(at(10), nth(1)).is_ok());
    let refusal = limiter.admit(at(20), nth(2)).unwrap_err();
    assert_eq!(refusal, Refusal { why: Why::Full, retry_after: Some(Duration::from_secs(40)) });
    assert!(limiter.admit(at(20), nth(1)).is_ok(), "one that is known");
    assert!(limiter.admit(at(60), nth(2)).is_ok());
    assert_eq!((limiter.stats().refused_full, limiter.stats().forgotten), (1, 0));
}

#[test]
fn limits_of_nothing_and_of_much() {
    let mut none = limiter(|config| (config.limit, config.max_addresses) = (0, 0));
    assert_eq!(admitted(&mut none, at(0), nth(0), 3), 1);
    assert_eq!(admitted(&mut none, at(0), nth(1), 3), 1);
    assert_eq!(none.stats().addresses, 1);
    let mut much = limiter(|config| (config.limit, config.max_addresses) = (10_000, usize::MAX));
    assert_eq!(admitted(&mut much, at(0), nth(0), 20_000), 10_000);
    let mut never = limiter(|config| (config.window, config.block) = (Duration::MAX, Duration::MAX));
    assert_eq!(admitted(&mut never, at(1 << 30), nth(0), 20), 10);
    let mut free = limiter(|config| config.window = Duration::ZERO);
    assert_eq!(admitted(&mut free, at(0), nth(0), 100), 100);
}

/// All that ever arrived, and what was said to it.
#[derive(Default)]
struct Naive {
    admitted: Vec<(Instant, IpAddr)>,
    blocked: Vec<(IpAddr, Instant)>,
}

impl Naive {
    fn admit(&mut self, now: Instant, address: IpAddr, config: &Config) -> Option<Why> {
        if self.blocked.iter().any(|(other, until)| *other == address && *until > now) {
            return Some(Why::Blocked);
        }
        let seen =
            self.admitted.iter().filter(|(time, other)| *other == address && *time + config.window > now);
        if seen.count() < config.limit {
            self.admitted.push((now, address));
            return None;
        }
        self.blocked.push((address, now + config.block));
        Some(Why::Rate)
    }
}

proptest! {
    #[test]
    fn as_a_list_of_all_arrivals(
        limit in 1..12usize,
        block in prop_oneof![Just(0u64), Just(1), Just(59), Just(60), Just(300)],
        arrivals in prop::collection::vec((0..4u32, 0..9_000u64, any::<bool>()), 1..300),
    ) {
        let mut limiter = limiter(|config| (config.limit, config.block) = (limit, Duration::from_secs(block)));
        let (config, mut naive, mut now) = (limiter.config().clone(), Naive::default(), at(0));
        for (n, millis, sweeps) in arrivals {
            now += Duration::from_millis(millis);
            if sweeps {
                limiter.handle_timeout(now);
                prop_assert!(limiter.poll_timeout().is_none_or(|at| at > now));
            }
            prop_assert_eq!(why(&mut limiter, now, nth(n)), naive.admit(now, nth(n), &config));
        }
    }

    /// At any phase of any window, with blocks or without, whatever is swept and whoever else comes.
    #[test]
    fn never_more_than_the_limit_in_any_window(
        limit in 1..20usize,
        block in 0..100u64,
        arrivals in prop::collection::vec((0..3u32, 0..20_000u64), 1..400),
    ) {
        let mut limiter = limiter(|config| (config.limit, config.block) = (limit, Duration::from_secs(block)));
        let (mut times, mut now) = ([const { Vec::new() }; 3], at(0));
        for (n, millis) in arrivals {
            now += Duration::from_millis(millis);
            limiter.handle_timeout(now);
            if limiter.admit(now, nth(n)).is_ok() {
                times[n as usize].push(now);
            }
        }
        for times in times {
            prop_assert!(times.windows(limit + 1).all(|some| some[limit] - some[0] >= MINUTE));
        }
    }

    #[test]
    fn never_more_than_there_is_place_for(
        most in 1..20usize,
        refuse: bool,
        arrivals in prop::collection::vec((0..60u32, 0..20_000u64), 1..400),
    ) {
        let mut limiter = limiter(|config| {
            (config.max_addresses, config.limit) = (most, 2);
            config.full = if refuse { Full::Refuse } else { Full::Forget };
        });
        let (mut now, mut judged) = (at(0), 0);
        for (n, millis) in arrivals {
            now += Duration::from_millis(millis);
            let _ = limiter.admit(now, nth(n));
            judged += 1;
            let LimiterStats { admitted, refused_by_rate, refused_by_block, refused_full, addresses, blocked, .. } =
                limiter.stats();
            prop_assert!(addresses <= most && blocked <= addresses);
            prop_assert_eq!(admitted + refused_by_rate + refused_by_block + refused_full, judged);
        }
    }
}
