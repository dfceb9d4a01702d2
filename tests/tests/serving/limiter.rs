//! The limiter against a list of all that ever arrived, and what it holds of a million addresses.
//!
//! `WHARF_ARRIVALS` says how many arrivals are tried: 1,000,000 by default.

use allocation_counter::measure;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use wharf::base::Instant;
use wharf::service::limiter::{Config, Limiter, Why};
use wharf::sim::Dice;

fn arrivals() -> usize {
    let text = std::env::var("WHARF_ARRIVALS").unwrap_or_else(|_| "1000000".into());
    text.parse().expect("WHARF_ARRIVALS is a number")
}

/// All that arrived from one address.
#[derive(Default)]
struct Naive {
    admitted: Vec<Instant>,
    blocked_until: Option<Instant>,
}

impl Naive {
    fn admit(&mut self, now: Instant, config: &Config) -> Option<Why> {
        if self.blocked_until.is_some_and(|until| now < until) {
            return Some(Why::Blocked);
        }
        let in_window = |time: &&Instant| now - **time < config.window;
        if self.admitted.iter().rev().take_while(in_window).count() < config.limit {
            self.admitted.push(now);
            return None;
        }
        self.blocked_until = Some(now + config.block);
        Some(Why::Rate)
    }
}

/// One of 300 addresses, in one of the many ways to write it, and which one it is; some come much more often than others.
fn address(dice: &mut Dice<'_>) -> (IpAddr, usize) {
    let n = if dice.below(4) == 0 { dice.below(300) } else { dice.below(20) };
    let (v4, host) = (Ipv4Addr::from_bits(0xc000_0200 + n as u32), dice.below(1 << 16) as u128);
    let address = match n % 3 {
        0 => v4.into(),
        1 if host.is_multiple_of(2) => v4.to_ipv6_mapped().into(),
        1 => v4.into(),
        _ => Ipv6Addr::from_bits((0x2001_0db8_0000_0000 + n as u128) << 64 | host << 32 | host).into(),
    };
    (address, n)
}

#[test]
fn no_arrival_is_judged_otherwise_than_by_a_list_of_all_of_them() {
    let phases = [
        (10, Duration::from_secs(60), Duration::from_secs(300)),
        (3, Duration::from_secs(10), Duration::from_secs(2)),
        (25, Duration::from_millis(1), Duration::ZERO),
        (1, Duration::from_secs(60), Duration::from_secs(60)),
    ];
    for (seed, (limit, window, block)) in phases.into_iter().enumerate() {
        let mut config = Config::default();
        (config.limit, config.window, config.block, config.sweep) = (limit, window, block, window);
        let mut limiter = Limiter::new(config.clone());
        let (mut dice, mut now) = (Dice::seeded(seed as u64), Instant::ORIGIN);
        let (mut naive, mut refused) = (BTreeMap::<usize, Naive>::new(), 0);
        // Mostly at the rate at which the busiest addresses are about at their limit; now and then all is silent.
        let pace = window.as_nanos() as usize / limit / 30;
        for _ in 0..arrivals() / phases.len() {
            let step = if dice.below(5000) == 0 { window.as_nanos() as usize } else { dice.below(pace * 2) };
            now += Duration::from_nanos(step as u64);
            while let Some(due) = limiter.poll_timeout().filter(|due| *due <= now) {
                limiter.handle_timeout(due);
                assert!(limiter.poll_timeout().is_none_or(|next| next > due));
            }
            let (address, n) = address(&mut dice);
            let judged = limiter.admit(now, address).err().map(|refusal| refusal.why);
            assert_eq!(judged, naive.entry(n).or_default().admit(now, &config), "{address} at {now:?}");
            refused += usize::from(judged.is_some());
        }
        assert!((arrivals() / 100..arrivals() / 4).contains(&refused), "{refused}: it is about the limit");
        for Naive { admitted, .. } in naive.values() {
            assert!(admitted.windows(limit + 1).all(|some| some[limit] - some[0] >= window), "any phase");
        }
        assert_eq!((limiter.stats().forgotten, limiter.stats().refused_full), (0, 0));
    }
}

/// What the documentation of the configuration says that an address takes.
#[test]
fn a_million_addresses_stay_in_a_table_that_is_bounded_in_bytes_too() {
    let most = 65_536;
    let mut limiter = None;
    let info = measure(|| {
        let limiter = limiter.insert(Limiter::new(Config::default()));
        for n in 0..1_000_000 {
            // The first ones are busy, and so are kept; all others come once.
            for _ in 0..if n < most - 1 { 10 } else { 1 } {
                let _ = limiter.admit(Instant::ORIGIN, Ipv4Addr::from_bits(n).into());
            }
        }
    });
    let stats = limiter.expect("it was made").stats();
    assert_eq!((stats.addresses, stats.forgotten), (most as usize, 1_000_000 - u64::from(most)));
    let each = info.bytes_max / u64::from(most);
    println!("{each} bytes an address with 10 connections at the most");
    assert!(each <= 176 + 80, "{each}");
}
